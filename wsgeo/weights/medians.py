"""The geometric median of points that are known by their distances alone."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wsgeo.errors import WsgeoError
from wsgeo.weights.geometry import Matrix

_MOST_STEPS: Final = 100_000  # 0.3 s for ten points

# A median that lies closer to a point than this part of the spread is taken for the point: its
# squared distance would be lost in rounding.
_ROUNDING: Final = 1e-6


def median_shares(distance: ArrayLike, tolerance: float = 1e-6) -> NDArray[np.float64]:
    r"""Return the geometric median as a mean of the points.

    .. math:: \arg\min_x \sum_i \lVert x - w_i \rVert

    It lies in the convex hull, so that distances are enough to find it: Weiszfeld's steps start
    beside the best of the points, below which no point is met again [vardi2000]_.

    Parameters
    ----------
    distance : array_like, shape (n, n)
        Euclidean distances.
    tolerance : float, default 1e-6
        Length of the mean of the unit vectors from the median to the points at which the search
        stops.

    Returns
    -------
    ndarray of float64, shape (n,)
        Shares of the points, at least 0 and summing to 1. Equal ones where the mean is a median, as
        for two points.

    Raises
    ------
    ValueError
        If there are no points, or a distance is not finite.
    WsgeoError
        If the search does not get to the tolerance.

    Examples
    --------
    >>> median_shares([[0, 1, 9], [1, 0, 8], [9, 8, 0]])  # of three on a line: the middle one
    array([0., 1., 0.])
    """
    squared = np.square(np.asarray(distance, np.float64))
    n = len(squared)
    if not n or squared.shape != (n, n) or not np.isfinite(squared).all():
        raise ValueError("A median needs points with finite distances between all of them.")
    equal = np.full(n, 1 / n)
    if _is_median(squared, equal, tolerance):
        return equal
    scale = squared.max()
    start, pull, weight = _best_point(squared / scale)
    if pull <= weight * (1 + _ROUNDING):
        only: NDArray[np.float64] = np.eye(n)[start]
        return only
    return _descend(squared / scale, _leave(squared / scale, start, weight / pull), tolerance)


def _is_median(squared: Matrix, shares: NDArray[np.float64], tolerance: float) -> bool:
    if not squared.any():
        return True
    reach = _reach(squared, shares)
    return bool(reach.min() > 0) and _slope(squared, shares, reach) <= tolerance


def _reach(squared: Matrix, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances of all points from a mean of them."""
    to_points = squared @ shares
    reach: NDArray[np.float64] = np.sqrt(np.maximum(to_points - shares @ to_points / 2, 0))
    return reach


def _slope(squared: Matrix, shares: NDArray[np.float64], reach: NDArray[np.float64]) -> float:
    """Return the length of the mean of the unit vectors from a mean to the points."""
    inverse = 1 / reach
    change = inverse - inverse.sum() * shares
    return float(np.sqrt(max(0.0, -change @ squared @ change / 2))) / len(shares)


def _best_point(squared: Matrix) -> tuple[int, float, int]:
    """Return the point nearest to all, the pull of the others on it, and how many lie on it."""
    start = int(np.sqrt(squared).sum(axis=1).argmin())
    reach = np.sqrt(squared[start])
    apart = reach > 0
    change = np.divide(1, reach, out=np.zeros_like(reach), where=apart)
    change[start] = -change.sum()
    pull = float(np.sqrt(max(0.0, -change @ squared @ change / 2)))
    return start, pull, int((~apart).sum())


def _leave(squared: Matrix, start: int, stay: float) -> NDArray[np.float64]:
    """Return a mean that is better than the best point: a step from it towards the others."""
    reach = np.sqrt(squared[start])
    shares: NDArray[np.float64] = np.divide(1, reach, out=np.zeros_like(reach), where=reach > 0)
    shares *= (1 - stay) / shares.sum()
    shares[start] = stay
    return shares


def _descend(squared: Matrix, shares: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:
    for _ in range(_MOST_STEPS):
        reach = _reach(squared, shares)
        if _slope(squared, shares, reach) <= tolerance:
            return shares
        shares = 1 / reach
        shares /= shares.sum()
    raise WsgeoError(
        f"the geometric median was not found to {tolerance:g} in {_MOST_STEPS} steps",
        remedy="Take --method medoid or mean.",
    )
