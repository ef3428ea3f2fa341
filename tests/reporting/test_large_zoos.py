"""What a page keeps of a zoo that is too large to be shown in full."""

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
    assert set(pairs.RANKED) <= set(whole["pairs"])


def test_the_main_quantities_of_every_pair_stay(large, whole):
    """Each pair keeps its gap, its barrier and its status; the page says that more is left out."""
    kept = set(large["pairs"]) & set(pairs.RANKED)

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
