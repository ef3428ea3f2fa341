"""Durations and sizes as people write them."""

import pytest

from wsgeo.errors import WsgeoError
from wsgeo.workflows.resources import Resources, bytes_of, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1.5h", 5400), ("2d", 172800)]
)
def test_durations(text, seconds):
    """A number and a unit make seconds."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [("64K", 64 << 10), ("800M", 800 << 20), ("8GB", 8 << 30), ("1.5gib", 3 << 29)],
)
def test_sizes(text, size):
    """A number and a unit make bytes."""
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "30", "m", "-5m", "0h", "nan", "5 weeks"])
def test_no_duration(text):
    """Anything else is refused by the name of its option."""
    with pytest.raises(WsgeoError, match="--budget"):
        seconds_of(text)


@pytest.mark.parametrize("text", ["", "GB", "-1G", "0", "8XB", "1e9", "512", "8iB"])
def test_no_size(text):
    """Anything else is refused by the name of its option."""
    with pytest.raises(WsgeoError, match="--memory"):
        bytes_of(text)


def test_processes_share_the_memory():
    """Memory is that of all processes together; without a word each has 1 GiB."""
    assert Resources(memory=8 << 30).cache_bytes(4) == 2 << 30
    assert Resources(memory=8 << 30).cache_bytes(0) == 8 << 30
    assert Resources().cache_bytes(4) == 1 << 30
