"""How far from its centroid a point of a region lies, from the members' distances alone."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wsgeo.regions.sampling import SPARSITY

_MIXED: Final = {"pair": 2, "triple": 3}
_ROUNDING = 1e-9  # how far a sum of shares may be from 1


def members_radius(l2: ArrayLike) -> float:
    r"""Return the root mean square distance of members from their mean.

    .. math:: R^2 = \frac{1}{2 n^2} \sum_{i, j} \lVert x_i - x_j \rVert^2

    Parameters
    ----------
    l2 : array_like, shape (n_members, n_members)
        Euclidean distances between them.

    Returns
    -------
    float
        In the units of ``l2``; 0 for a single member.

    Raises
    ------
    ValueError
        If the distances are no square matrix of finite numbers.

    Examples
    --------
    >>> members_radius([[0, 2], [2, 0]])
    1.0
    """
    squared = _squared(l2)
    return math.sqrt(squared.sum() / 2) / len(squared)


def relative_radii(coefficients: ArrayLike, l2: ArrayLike) -> NDArray[np.float64]:
    r"""Return how far affine mixes of members lie from the centroid, in units of the members'.

    With :math:`d` the shares less those of the centroid, which sum to 0,

    .. math:: r^2 = -\tfrac{1}{2} d^T D d \,/\, R^2, \qquad D_{ij} = \lVert x_i - x_j \rVert^2

    where :math:`R` is the `members_radius`: no weights are read.

    Parameters
    ----------
    coefficients : array_like, shape (n_points, n_members)
        Shares of the members in each point, summing to 1; beyond the hull some are negative.
    l2 : array_like, shape (n_members, n_members)
        Euclidean distances between the members.

    Returns
    -------
    ndarray of float64, shape (n_points,)
        0 for the centroid; of the members themselves the root mean square is 1.

    Raises
    ------
    ValueError
        If the shapes do not match, a distance is not finite, shares do not sum to 1, or all members
        are equal, which leaves no unit.

    References
    ----------
    [gueta2023]_

    Examples
    --------
    >>> relative_radii([[1, 0], [0.5, 0.5], [0.75, 0.25]], [[0, 2], [2, 0]])
    array([1. , 0. , 0.5])
    """
    squared, shares = _squared(l2), np.asarray(coefficients, np.float64)
    n, unit = len(squared), members_radius(l2)
    if shares.ndim != 2 or shares.shape[1] != n:
        raise ValueError(f"Shares of {n} members have shape (n_points, {n}), not {shares.shape}.")
    if not (np.abs(shares.sum(axis=1) - 1) <= _ROUNDING * np.abs(shares).sum(axis=1)).all():
        raise ValueError("The shares of a point do not sum to 1.")
    if unit == 0:
        raise ValueError("All members are equal, so that no radius can be in units of theirs.")
    off = shares - 1 / n
    radii: NDArray[np.float64] = np.sqrt(np.maximum(-((off @ squared) * off).sum(axis=1) / 2, 0.0))
    return radii / unit


def expected_radius(kind: str, n_members: int) -> float | None:
    r"""Return the root mean square relative radius of points of a kind.

    Every kind treats members alike, so that the covariance of its shares is a multiple of
    :math:`I - 11^T / n`. Then the mean of :math:`r^2` is the same wherever the members lie,

    .. math:: E[r^2] = \frac{n E[\sum_i c_i^2] - 1}{n - 1}

    which for shares from Dirichlet(a) is 1 / (n a + 1). Uniform samples of 20 members therefore lie
    at 0.22 of the members' radius.

    Parameters
    ----------
    kind : str
        Of points, as in the table of region points.
    n_members : int
        Number of members, 2 or more.

    Returns
    -------
    float or None
        None for points outside the hull, and for kinds that need more members.

    References
    ----------
    [gueta2023]_

    Examples
    --------
    >>> [round(expected_radius("uniform", n), 2) for n in (5, 20)]
    [0.41, 0.22]
    """
    squares = _expected_squares(kind, n_members)
    if squares is None or n_members < _MIXED.get(kind, 2):
        return None
    return math.sqrt(max(0.0, (n_members * squares - 1) / (n_members - 1)))


def _expected_squares(kind: str, n: int) -> float | None:
    """Return the mean sum of squared shares, or None where it is unknown."""
    if kind == "member":
        return 1.0
    if kind == "centroid":
        return 1 / n
    if kind == "leave_one_out":
        return 1 / (n - 1) if n > 2 else None
    if kind == "sparse":
        return _dirichlet_squares(SPARSITY, n)
    size = n if kind == "uniform" else _MIXED.get(kind)
    return None if size is None else _dirichlet_squares(1.0, size)


def _dirichlet_squares(concentration: float, n: int) -> float:
    return (concentration + 1) / (n * concentration + 1)


def _squared(l2: ArrayLike) -> NDArray[np.float64]:
    distances = np.asarray(l2, np.float64)
    if distances.ndim != 2 or len(distances) != distances.shape[1] or not len(distances):
        raise ValueError(f"Distances are a square matrix, not of shape {distances.shape}.")
    if not np.isfinite(distances).all():
        raise ValueError("A distance between members is not finite.")
    squared: NDArray[np.float64] = distances**2
    return squared
