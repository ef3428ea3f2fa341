"""What the tests of paths share."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def rng():
    """Return a seeded generator."""
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def reference():
    """Return the plain formulas of tests/reference.py; tests/ is no package."""
    spec = importlib.util.spec_from_file_location(
        "plain_reference", Path(__file__).parents[1] / "reference.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def zoo():
    """Return four checkpoints whose names and hashes are ordered differently."""
    from pair_cases import checkpoint

    return [checkpoint(name) for name in ("m/d", "m/a", "m/c", "m/b")]
