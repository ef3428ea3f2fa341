"""Fixtures and options that every test may use; `zoo_cases` and the like are importable by name."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

# Helpers beside the tests (zoo_cases, reference) are imported by their plain names.
sys.path.insert(0, str(Path(__file__).parent))


def pytest_addoption(parser):
    parser.addoption("--data-root", default=None, help="Folder of real data sets.")
    parser.addoption("--weights-root", default=None, help="Folder of real pre-trained models.")


@pytest.fixture(scope="session", autouse=True)
def _one_kernel():
    """Let every run of this process have one kernel: which is fastest depends on its neighbours.

    Two runs by two kernels differ in the eighth digit, and tests hold runs against each other.
    """
    from wsgeo.evaluation import backends, kernels

    def settled(width, wide, *, precision="fp32"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kernels, "_seconds", lambda _: 1.0)
            return kernels.fastest(width, wide, precision=precision)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backends, "fastest", settled)
        yield


@pytest.fixture
def rng():
    """Give a seeded generator."""
    return np.random.default_rng(0)


@pytest.fixture
def data_root(request):
    """Give the folder of real data sets, or skip and say how to have the test run."""
    return _folder(request, "--data-root", "real data sets")


@pytest.fixture
def weights_root(request):
    """Give the folder of real models, or skip and say how to have the test run."""
    return _folder(request, "--weights-root", "real pre-trained models")


def _folder(request, option, what):
    value = request.config.getoption(option)
    if value is None:
        pytest.skip(f"NOT CHECKED ON {what.upper()}: give {option} FOLDER")
    return Path(value)


@pytest.fixture(scope="session")
def tiny_zoo_folder(tmp_path_factory):
    """Give a sound zoo on disk, made once: a base, four members, one task. Do not change it."""
    from zoo_cases import make_zoo

    return make_zoo(tmp_path_factory.mktemp("zoos") / "tiny")


@pytest.fixture(scope="session")
def tiny_zoo(tiny_zoo_folder):
    """Give the same zoo, read."""
    from wsgeo.zoo import read_zoo

    return read_zoo(tiny_zoo_folder)
