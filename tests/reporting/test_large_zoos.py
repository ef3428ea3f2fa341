"""What a page keeps of a zoo that is too large to be shown in full."""

from itertools import chain

import numpy as np
import pytest
import report_cases as cases

from wsgeo.reporting import pairs
from wsgeo.reporting.summary import summarize


@pytest.fixture
def tight(monkeypatch):
    """Give room for two numbers a pair and twenty curves of twelve members."""
    monkeypatch.setattr(pairs, "NUMBER_LIMIT", 132)
    monkeypatch.setattr(pairs, "POINT_LIMIT", 300)
    monkeypatch.setattr(pairs, "FEW_CURVES", 24)


@pytest.fixture
def large(tight):
    return summarize(cases.tables(12), cases.run())


@pytest.fixture(scope="module")
def whole():
    return summarize(cases.tables(12), cases.run())


def test_a_small_zoo_is_whole(whole):
    """Nothing of a small zoo is left out, and the page does not say so."""
    assert not whole["abridged"]
    assert whole["curves"]["left_out"] == 0
    assert set(chain(*pairs.RANKED)) <= set(whole["pairs"])


def test_the_main_quantities_of_every_pair_stay(large, whole):
    """Each pair keeps its gap, its barrier and its status; the page says that more is left out."""
    kept = set(large["pairs"]) & set(chain(*pairs.RANKED))

    assert large["abridged"]
    assert kept == {"convexity_gap", "barrier_height"}
    for name in (*kept, "a", "b", "status"):
        assert large["pairs"][name] == whole["pairs"][name]


def test_the_curves_that_tell_most_stay(large, whole):
    """The pairs with the extreme gaps and those nearest the threshold keep their curves."""
    gaps = whole["pairs"]["convexity_gap"]
    drawn = [k for k in whole["curves"]["pair"] if gaps[k] is not None]
    ranked = sorted(drawn, key=gaps.__getitem__)
    near = sorted(drawn, key=lambda k: abs(gaps[k] - cases.TAU))

    assert {*ranked[:3], *ranked[-3:], *near[:6]} <= set(large["curves"]["pair"])
    assert len(large["curves"]["pair"]) == len(set(large["curves"]["pair"])) == 24
    assert large["curves"]["left_out"] == len(whole["curves"]["pair"]) - 24


def test_a_curve_is_that_of_its_pair(large, whole):
    """What is left of the curves belongs to the same pairs as before."""
    full = dict(zip(whole["curves"]["pair"], whole["curves"]["loss"], strict=True))

    for pair, loss in zip(large["curves"]["pair"], large["curves"]["loss"], strict=True):
        assert np.array_equal(loss, full[pair])


def test_bands_count_every_curve(large, whole):
    """The bands are those of all curves, not of the ones that are kept."""
    assert large["bands"] == whole["bands"]


@pytest.mark.parametrize("n_pairs", range(1, 60_000, 500))
def test_an_interval_keeps_both_its_ends_or_none(n_pairs):
    """Whatever the number of pairs, an interval is never shown with one end."""
    left_out = pairs.dropped(set(chain(*pairs.RANKED)), n_pairs)

    for name in ("convexity_gap", "barrier_height"):
        assert (f"{name}_lo" in left_out) == (f"{name}_hi" in left_out)
    n_kept = sum(map(len, pairs.RANKED)) - len(left_out)
    assert 1 <= n_kept <= max(1, pairs.NUMBER_LIMIT // n_pairs)


@pytest.mark.parametrize("n_points", [2, 11, 201, 40_000])
def test_few_long_curves_are_bounded_too(n_points):
    """The points of the curves that stay are never more than the page has room for."""
    n_curves = pairs.POINT_LIMIT // n_points + 9
    found = {
        "pair": list(range(n_curves)),
        "grids": [[0.0] * n_points],
        "grid": [0] * n_curves,
        "loss": [[0.0] * n_points] * n_curves,
        "metric": [[]] * n_curves,
    }

    kept = pairs.bounded(found, {"convexity_gap": [0.1] * n_curves}, 0.1)

    assert 0 < sum(map(len, kept["loss"])) <= pairs.POINT_LIMIT
    assert len(kept["pair"]) + kept["left_out"] == n_curves


def test_without_a_threshold_the_extremes_stay(tight, whole):
    """A page without a threshold keeps the highest and lowest gaps and a sample of the others."""
    packed, tables = whole["pairs"], cases.tables(12)
    place = {name: k for k, name in enumerate(whole["members"]["id"])}
    found = pairs.curves(tables["profiles"], packed, place)

    kept = pairs.bounded(found, packed, None)["pair"]

    ranked = sorted(found["pair"], key=packed["convexity_gap"].__getitem__)
    assert {*ranked[:3], *ranked[-3:]} <= set(kept)
    assert len(kept) == len(set(kept)) == 24
