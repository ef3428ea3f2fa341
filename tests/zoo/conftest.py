"""A zoo on disk for the tests of reading and loading."""

import pytest
from zoo_cases import make_zoo


@pytest.fixture
def root(tmp_path):
    """Make a zoo of one member."""
    return make_zoo(tmp_path / "zoo", n_members=1)
