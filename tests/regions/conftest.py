"""A base and three members of it, on disk, for the tests of merges."""

import pytest
from merge_cases import moved, tensors, write_base, write_members


@pytest.fixture
def start():
    """Give the values of a base."""
    return tensors(0)


@pytest.fixture
def models(start):
    """Give the values of three members of it."""
    return moved(start, 3)


@pytest.fixture
def base(tmp_path, start):
    """Give the base on disk."""
    return write_base(tmp_path, start)


@pytest.fixture
def members(tmp_path, base, models):
    """Give the members on disk."""
    return write_members(tmp_path, base, models)
