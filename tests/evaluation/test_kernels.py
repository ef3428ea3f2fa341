"""Which kernel multiplies, and that the choice is the same again."""

import pytest

from wsgeo.evaluation import kernels
from wsgeo.evaluation.kernels import fastest


def timed(monkeypatch, seconds):
    """Let products take these seconds, by kernel."""
    monkeypatch.setattr(kernels, "_is_exact", lambda *_: True)
    monkeypatch.setattr(kernels, "_seconds_of", lambda name, *_: seconds[name])


@pytest.mark.parametrize(
    ("ratio", "expected"), [(0.5, "onednn"), (1.0, "onednn"), (1.4, "onednn"), (1.6, "plain")]
)
def test_a_kernel_is_left_for_one_that_is_faster_by_half(monkeypatch, ratio, expected):
    """Neighbours on the machine move a time by less, and so leave the choice as it is."""
    timed(monkeypatch, {"onednn": ratio, "plain": 1.0})

    assert fastest(32, 128) == expected


def test_what_errs_is_not_chosen(monkeypatch):
    """However fast it is."""
    timed(monkeypatch, {"onednn": 0.1, "plain": 1.0})
    monkeypatch.setattr(kernels, "_is_exact", lambda *_: False)

    assert fastest(32, 128) == "plain"


def test_short_calls_are_timed_more_often():
    """A call of no time is timed until some time has passed, a long one a few times."""
    calls = []
    kernels._seconds(lambda: calls.append(1))
    assert len(calls) > 1_000

    calls.clear()
    kernels._seconds(lambda: calls.append(sum(range(3_000_000))))
    assert len(calls) == 1 + kernels._REPEATS
