"""The trained zoo, made once."""

import pytest
from scan_cases import trained


@pytest.fixture(scope="session")
def zoo_with_run(tmp_path_factory):
    """Give a trained zoo of six members, its data, and a finished run. Do not change them."""
    return trained(tmp_path_factory.getbasetemp())


@pytest.fixture
def out(zoo_with_run, tmp_path):
    """Give a copy of the finished run."""
    return zoo_with_run.copy_run(tmp_path / "run")
