"""The geometric median from distances is the one that minimising over the space finds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from wsgeo.errors import WsgeoError
from wsgeo.weights import medians
from wsgeo.weights.medians import median_shares


def distances(points):
    return np.linalg.norm(points[:, None] - points[None], axis=2)


def total(points, x):
    return np.linalg.norm(points - x, axis=1).sum()


def plain_median(points):
    """Return the least summed distance that a search without derivatives finds."""
    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 20_000, "maxfev": 20_000}
    starts = [points.mean(axis=0), *points]
    found = [
        minimize(lambda x: total(points, x), s, method="Nelder-Mead", options=options)
        for s in starts
    ]
    return min(each.fun for each in found)


@pytest.mark.parametrize("n", [3, 4, 7, 20])
@pytest.mark.parametrize("spread", [1, 100])
def test_agrees_with_a_numerical_search(rng, n, spread):
    """On random points, with an outlier too, no point of the space is nearer to all."""
    points = rng.normal(size=(n, 3))
    points[0] *= spread

    shares = median_shares(distances(points))

    assert shares.min() >= 0
    assert shares.sum() == pytest.approx(1)
    assert total(points, shares @ points) == pytest.approx(plain_median(points), rel=1e-8)


def test_of_few_points():
    """One point is its own median; of two, and of equal ones, the mean is taken."""
    np.testing.assert_array_equal(median_shares([[0]]), [1])
    np.testing.assert_allclose(median_shares([[0, 5], [5, 0]]), [0.5, 0.5])
    np.testing.assert_allclose(median_shares(np.zeros((3, 3))), [1 / 3] * 3)


def test_a_point_that_is_the_median_is_met_exactly(rng):
    """A point with others all around it is the median to the bit, not almost."""
    points = np.vstack([np.zeros(2), [[3, 0], [-1, 2], [-2, -5]]])

    np.testing.assert_array_equal(median_shares(distances(points)), [1, 0, 0, 0])


@pytest.mark.parametrize("beyond", [-1e-3, -1e-6, -1e-8, 0, 1e-8, 1e-6, 1e-3])
def test_a_corner_of_nearly_120_degrees(beyond):
    """On either side of the angle at which a corner becomes the median, the sum is least."""
    half = np.pi / 3 + beyond
    points = np.array([[0, 0], [np.cos(half), np.sin(half)], [2 * np.cos(half), -2 * np.sin(half)]])

    shares = median_shares(distances(points))

    assert total(points, shares @ points) == pytest.approx(plain_median(points), rel=1e-9)


def test_symmetric_points_count_alike():
    """Of the corners of a simplex, the median is the mean."""
    apart = np.ones((6, 6)) - np.eye(6)

    np.testing.assert_allclose(median_shares(apart), np.full(6, 1 / 6))


def test_copies_count(rng):
    """A point that is there several times pulls as often, and half of all are the median."""
    points = rng.normal(size=(3, 4))
    doubled = np.vstack([points, points[2]])

    shares = median_shares(distances(doubled))

    assert total(doubled, shares @ doubled) == pytest.approx(plain_median(doubled), rel=1e-8)
    several = median_shares(distances(np.vstack([points, points[2], points[2], points[2]])))
    assert (several[2:].sum(), several[:2].sum()) == (1, 0)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_unit_does_not_matter(rng, factor):
    """Distances in another unit have the same median."""
    apart = distances(rng.normal(size=(5, 3)))

    np.testing.assert_allclose(median_shares(factor * apart), median_shares(apart), atol=1e-5)


def test_an_outlier_moves_it_little(rng):
    """However far one of many points is, the median stays among the others."""
    points = rng.normal(size=(9, 3))
    points[0] += 1e6

    shares = median_shares(distances(points))

    assert np.linalg.norm(shares @ points - points[1:].mean(axis=0)) < 2


def test_refusals(rng, monkeypatch):
    """Unknown distances are refused, and a search that does not end says so."""
    for broken in ([], [[0, np.nan], [np.nan, 0]], [[0, 1]]):
        with pytest.raises(ValueError, match="finite distances"):
            median_shares(broken)
    monkeypatch.setattr(medians, "_MOST_STEPS", 2)
    with pytest.raises(WsgeoError, match="not found to 1e-09 in 2 steps"):
        median_shares(distances(rng.normal(size=(5, 3))), 1e-9)
