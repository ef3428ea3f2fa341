"""The middle of a region: the member that is nearest to all, and the guard against barriers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wsgeo.counting import counted
from wsgeo.errors import WsgeoError
from wsgeo.escapes import shown


def medoid(distance: ArrayLike, members: Sequence[int] | None = None) -> int:
    """Return the member whose summed distance to the others is least.

    Unlike the mean, it is a model that somebody trained.

    Parameters
    ----------
    distance : array_like, shape (n, n)
        Distances or convexity gaps.
    members : sequence of int, optional
        Rows to choose from; all by default.

    Returns
    -------
    int
        A row of ``distance``; the first of ``members`` among equals.

    Raises
    ------
    ValueError
        If there are no members, or a distance between them is not finite.

    Examples
    --------
    >>> medoid([[0, 1, 5], [1, 0, 2], [5, 2, 0]])
    1
    """
    matrix = np.asarray(distance, np.float64)
    rows = np.arange(len(matrix)) if members is None else np.asarray(members, np.intp)
    inside = matrix[np.ix_(rows, rows)]
    if not rows.size or not np.isfinite(inside).all():
        raise ValueError("A medoid needs members with finite distances between all of them.")
    return int(rows[np.argmin(inside.sum(axis=1))])


def largest_gap(gaps: ArrayLike) -> float:
    """Return the largest convexity gap between two members.

    Parameters
    ----------
    gaps : array_like, shape (n, n)
        Convexity gaps in nats per example; NaN for a pair that was not measured.

    Returns
    -------
    float
        The largest measured one; 0 for a single member, NaN where nothing was measured.

    Examples
    --------
    >>> largest_gap([[0, 0.2], [0.2, 0]])
    0.2
    """
    above = _pairs(np.asarray(gaps, np.float64))
    if not above.size:
        return 0.0
    measured = above[np.isfinite(above)]
    return float(measured.max()) if measured.size else float("nan")


def refuse_across_barrier(
    gaps: ArrayLike,
    members: Sequence[str],
    tau: float,
    *,
    lower: ArrayLike | None = None,
    several: bool = True,
) -> float:
    """Refuse to average members that a barrier separates.

    The mean of models from two basins lies on the ridge between them. A pair whose interval holds
    tau is undecided and not refused.

    Parameters
    ----------
    gaps : array_like, shape (n, n)
        Convexity gaps between the members, in nats per example; NaN for a pair that was not
        measured.
    members : sequence of str, length n
        Their ids.
    tau : float
        The threshold above which two members are separated, in nats per example.
    lower : array_like, shape (n, n), optional
        Lower limits of the gaps; where there is none, the gap itself is judged.
    several : bool, default True
        Whether there are several basins, so that one at a time is a remedy.

    Returns
    -------
    float
        The largest gap inside.

    Raises
    ------
    ValueError
        If the shapes do not match.
    WsgeoError
        If a pair is separated, naming the worst, or was not measured.

    Examples
    --------
    >>> refuse_across_barrier([[0, 0.01], [0.01, 0]], ["a", "b"], tau=0.05)
    0.01
    """
    matrix = np.asarray(gaps, np.float64)
    n = len(members)
    if matrix.shape != (n, n):
        raise ValueError(f"{n} members need gaps of shape ({n}, {n}), not {matrix.shape}.")
    limits = matrix if lower is None else np.asarray(lower, np.float64)
    apart = np.triu(np.where(np.isnan(limits), matrix, limits) > tau, 1)
    if apart.any():
        worst = float(matrix[apart].max())
        pair = _names(np.argwhere(apart & (matrix == worst))[0], members)
        first = "Average one basin at a time" if several else "Scan a subset of connected members"
        raise WsgeoError(
            f"a barrier of {worst:.4g} nats per example lies between {pair} "
            f"({int(apart.sum())} of {counted(n * (n - 1) // 2, 'pair')} are separated at "
            f"tau = {tau:.4g})",
            remedy=f"{first}, or pass --force.",
        )
    unmeasured = np.argwhere(~np.isfinite(np.triu(matrix, 1)))
    if len(unmeasured):
        raise WsgeoError(
            f"{len(unmeasured)} of {n * (n - 1) // 2} pairs of members were not measured, "
            f"such as {_names(unmeasured[0], members)}",
            remedy="Scan with --mode exact and without --skip-joined or --budget, or pass --force.",
        )
    return largest_gap(matrix)


def _pairs(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entries above the diagonal."""
    return matrix[np.triu_indices(len(matrix), 1)]


def _names(pair: NDArray[np.intp], members: Sequence[str]) -> str:
    return f"{shown(members[pair[0]])} and {shown(members[pair[1]])}"
