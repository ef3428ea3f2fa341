"""A greedy soup starts with the best member and never gets worse."""

from __future__ import annotations

import json

import numpy as np
import pytest
from merge_cases import moved, tensors, write_members

from wsgeo.regions.affine_merges import Weighted
from wsgeo.regions.greedy_soups import GreedySoup, SoupTrial, greedy_soup
from wsgeo.regions.merging import merge


def squared_mean(points):
    """Return the loss of a mean of points: its squared length."""
    return lambda members: float(np.square(np.mean(points[list(members)], axis=0)).sum())


def test_is_the_plain_loop(rng):
    """On random points the soup is that of the definition, and its kept losses never rise."""
    for _ in range(50):
        points = rng.normal(size=(6, 3))
        loss = squared_mean(points)
        losses = [loss((i,)) for i in range(6)]
        chosen = []
        for i in np.argsort(losses, kind="stable").tolist():
            if not chosen or loss((*chosen, i)) <= loss(tuple(chosen)):
                chosen.append(i)

        soup = greedy_soup(losses, loss)

        assert soup.chosen == tuple(chosen)
        kept = [trial.loss for trial in soup.trials if trial.is_kept]
        assert kept == sorted(kept, reverse=True)
        assert kept[-1] <= min(losses)


def test_ties_are_kept():
    """A member that changes nothing is added, in the order given among equals."""
    soup = greedy_soup([0.5, 0.5, 0.5], lambda _: 0.5)

    assert soup.chosen == (0, 1, 2)
    assert soup.coefficients == (1 / 3,) * 3


def test_what_was_not_measured_is_not_added():
    """A member without a loss is not tried, and a failed mean is not kept."""
    soup = greedy_soup([0.3, np.nan, 0.2, 0.4], lambda m: np.nan if m == (2, 0) else 0.1)

    assert soup.chosen == (2, 3)
    assert soup.coefficients == (0, 0, 0.5, 0.5)
    assert [trial.members for trial in soup.trials] == [(2,), (2, 0), (2, 3)]
    assert json.loads(json.dumps(soup.parameters, allow_nan=False))["trials"][1]["loss"] is None


def test_nobody_is_no_soup():
    """A search in which nothing could be measured is an error, as are members that are not there."""
    for losses in ([], [np.nan], [0.1]):
        with pytest.raises(ValueError, match="choose none"):
            greedy_soup(losses, lambda _: np.nan)
    with pytest.raises(ValueError, match="choose none of 1"):
        GreedySoup(1, (SoupTrial((3,), 0.1, is_kept=True),))


def test_is_merged_as_the_mean_of_the_chosen(tmp_path):
    """The model is the plain mean of the chosen, and fits only the members it was chosen from."""
    members = write_members(tmp_path, None, moved(tensors(0), 3))
    soup = greedy_soup([0.2, 0.9, 0.1], lambda chosen: 0.1 if 1 not in chosen else 0.5)

    found, plain = (merge(method, members) for method in (soup, Weighted((1, 0, 1))))

    assert found.coefficients == plain.coefficients == (0.5, 0, 0.5)
    np.testing.assert_array_equal(found.weights.vector, plain.weights.vector)
    with pytest.raises(ValueError, match="chosen from 3 members, not 2"):
        merge(soup, members[:2])
