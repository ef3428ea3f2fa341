"""Words for devices."""

from __future__ import annotations

import pytest

from wsgeo.errors import WsgeoError
from wsgeo.evaluation import devices
from wsgeo.evaluation.devices import device_of


@pytest.fixture
def gpus(monkeypatch):
    """Return a function that sets how many GPUs torch sees."""
    import torch

    def see(n):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: n > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: n)
        monkeypatch.setattr(devices, "_may_have_a_gpu", lambda: n > 0)

    return see


@pytest.mark.parametrize(
    ("name", "n", "expected"),
    [("cpu", 2, "cpu"), ("auto", 0, "cpu"), ("auto", 1, "cuda:0"), ("cuda", 1, "cuda:0"),
     ("cuda:1", 2, "cuda:1")],
)  # fmt: skip
def test_words(gpus, name, n, expected):
    """A word names a device that is there."""
    gpus(n)

    assert device_of(name) == expected


@pytest.mark.parametrize(
    ("name", "n", "message"),
    [("cuda", 0, "no GPU"), ("cuda:2", 2, "2 GPUs"), ("gpu", 1, "--device"), ("cuda:x", 1, "--device")],
)  # fmt: skip
def test_what_is_not_there_is_one_line(gpus, name, n, message):
    """A device that is not there, or no word for one, is an error of one line."""
    gpus(n)

    with pytest.raises(WsgeoError, match=message) as caught:
        device_of(name)

    assert "\n" not in str(caught.value)
