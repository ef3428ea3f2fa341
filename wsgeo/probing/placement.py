"""Placement of a model among the basins of others, by its gaps to a few of their members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

WITHIN: Final = 95.0
"""Percentile of the gaps within a basin up to which a model counts as near to its members."""

SURE: Final = 97.5
"""Percentile of resamples that is the upper end of a 95 % interval."""

_BETWEEN: Final = 0.75
"""Of the smallest gap between two basins, what a model must come below to lie between them."""

NO_BASINS: Final = "no basins were found among the members"


@final
@dataclass(frozen=True)
class Placement:
    """Where a model lies.

    Parameters
    ----------
    basin : int or None
        The basin; None for none.
    nearest : int or None
        Row of the member with the smallest gap; None where no line was measured.
    gap, next_gap : float or None
        Median gap to the members of the nearest and of the second nearest basin, nats per example.
    n_lines : int
        Gaps that were measured.
    reason : str or None
        Why no basin.
    caution : str or None, default None
        What speaks against the basin all the same.
    """

    basin: int | None
    nearest: int | None
    gap: float | None
    next_gap: float | None
    n_lines: int
    reason: str | None
    caution: str | None = None


def representatives(gaps: ArrayLike, labels: ArrayLike, n_per_basin: int) -> dict[int, list[int]]:
    """Choose the members of each basin that a new model is joined with by lines.

    First the medoid, which stands for the middle; then again and again the member that is farthest
    from those chosen. That covers the basin: every member is about as near to a chosen one as with
    any choice of so many, so a model at its edge is not taken for one outside. Members drawn at
    random would stand close together where the basin is dense.

    Parameters
    ----------
    gaps : array_like, shape (n_members, n_members)
        Gaps between members, in nats per example; NaN where not measured, which is chosen last.
    labels : array_like of int, shape (n_members,)
        Basin of each member; those with -1 are never chosen.
    n_per_basin : int
        Most members of each basin.

    Returns
    -------
    dict of int to list of int
        Rows by basin, in the order in which they were chosen.

    Raises
    ------
    ValueError
        If ``n_per_basin`` is below 1, or the shapes do not match.

    Examples
    --------
    >>> line = np.array([0.0, 1.0, 2.0, 7.0])
    >>> representatives(np.abs(line[:, None] - line), [0, 0, 0, 0], 2)
    {0: [1, 3]}
    """
    values, basin = _aligned(gaps, labels)
    if n_per_basin < 1:
        raise ValueError(f"{n_per_basin} members of each basin are none to look at.")
    return {
        int(label): _spread(values, np.flatnonzero(basin == label), n_per_basin)
        for label in np.unique(basin[basin >= 0])
    }


def reaches(gaps: ArrayLike, labels: ArrayLike, tau: float | None) -> dict[int, float]:
    """Return how far from the members of each basin a model may be and still lie in it.

    Beside other basins: the 95th percentile of the gaps among its own members, and at least tau. A
    model that is no farther from members than these are from one another cannot be told from them;
    and since a median is compared, one of three gaps may be larger. A single basin has no other to
    be told from, so it ends at tau, the gap that counts as a barrier.

    Parameters
    ----------
    gaps : array_like, shape (n_members, n_members)
        Gaps between members, in nats per example; NaN where not measured.
    labels : array_like of int, shape (n_members,)
        Basin of each member; -1 for none.
    tau : float or None
        Gap up to which two members count as connected; None where nothing sets it.

    Returns
    -------
    dict of int to float
        By basin, in nats per example; NaN where neither tau nor a gap is known.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Notes
    -----
    Simulated gaps of three basins of six members, log-normal (sigma 0.5, and members' own effects)
    with medians of 0.05 nats within and 0.2 between: by three lines to each basin 96 % of members
    that are held out come to their own and under 1 % to another. Of models from a basin that is not
    among those known, 19 % are taken for members: the reach is no test of kinship where gaps
    overlap. With medians of 0.01 and 0.4 the figures are 100 %, 0 and 1 %. Without tau as the least
    reach 92 and 93 % come to their own, and strangers are kept out no better.

    Examples
    --------
    >>> reaches([[0, 0.2, 1], [0.2, 0, 1], [1, 1, 0]], [0, 0, 1], tau=0.1)
    {0: 0.2, 1: 0.1}
    """
    values, basin = _aligned(gaps, labels)
    there = np.unique(basin[basin >= 0])
    least = np.nan if tau is None else float(tau)
    if len(there) == 1 and tau is not None:
        return {int(there[0]): least}
    return {int(label): _reach(values, basin == label, least) for label in there}


def placed(
    gaps: ArrayLike,
    labels: ArrayLike,
    reach: Mapping[int, float],
    *,
    resampled: ArrayLike | None = None,
) -> Placement:
    """Return the basin of a model, or why it lies in none.

    It is the basin with the smallest median gap to the members looked at, if that gap is within the
    reach of the basin and smaller than that of every other. With resamples of the examples, the
    first must hold at the upper end of the median's 95 % interval, and the second in at least
    97.5 % of them: all gaps of a resample are of the same examples, so what makes these hard drops
    out of the comparison.

    Parameters
    ----------
    gaps : array_like, shape (n_members,)
        Gaps from the model to members, in nats per example; NaN where not looked at.
    labels : array_like of int, shape (n_members,)
        Basin of each member; all -1 where none were found.
    reach : mapping of int to float
        From `reaches`.
    resampled : array_like, shape (n_resamples, n_members), optional
        The gaps of resampled examples.

    Returns
    -------
    Placement
        With a reason where there is no basin.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> placed([0.01, np.nan, 0.9], [0, 0, 1], {0: 0.1, 1: 0.1}).basin
    0
    """
    values, basin = np.asarray(gaps, np.float64), np.asarray(labels, np.int64)
    if values.shape != basin.shape or values.ndim != 1:
        raise ValueError(f"Gaps of shape {values.shape} for labels of shape {basin.shape}.")
    known = np.isfinite(values)
    n_lines = int(known.sum())
    if not n_lines:
        return Placement(None, None, None, None, 0, "none of its lines could be measured")
    nearest = int(np.nanargmin(np.where(known, values, np.nan)))
    seen = known & (basin >= 0)
    medians = {
        int(b): float(np.median(values[seen & (basin == b)])) for b in np.unique(basin[seen])
    }
    if not medians:
        return Placement(None, nearest, None, None, n_lines, NO_BASINS)
    order = sorted(medians, key=lambda b: (medians[b], b))
    draws = None if resampled is None else _medians(resampled, basin, seen, order)
    reason = _refusal(order, medians, reach, draws)
    next_gap = medians[order[1]] if len(order) > 1 else None
    return Placement(
        None if reason else order[0], nearest, medians[order[0]], next_gap, n_lines, reason
    )


def cautioned(found: Placement, gaps: ArrayLike, among: ArrayLike, labels: ArrayLike) -> Placement:
    """Say of a model that it lies between basins, if it does: nearer to another than members are.

    Parameters
    ----------
    found : Placement
        From `placed`.
    gaps : array_like, shape (n_members,)
        Gaps from the model to members; NaN where not looked at.
    among : array_like, shape (n_members, n_members)
        Gaps between members; NaN where not measured.
    labels : array_like of int, shape (n_members,)
        Basin of each member; -1 for none.

    Returns
    -------
    Placement
        With a caution where the median gap to another basin is below three quarters of the smallest
        gap between members of the two: its scores may lie between theirs.

    Examples
    --------
    >>> among = [[0, 0.1, 0.8], [0.1, 0, 0.9], [0.8, 0.9, 0]]
    >>> model = Placement(0, 0, 0.05, 0.3, 2, None)
    >>> cautioned(model, [0.05, np.nan, 0.3], among, [0, 0, 1]).caution
    '0.3 nats from basin 1, nearer than any member of its own (0.8): its scores may lie between'
    """
    values, basin = np.asarray(gaps, np.float64), np.asarray(labels, np.int64)
    own, square = basin == found.basin, np.asarray(among, np.float64)
    for other in [] if found.basin is None else np.unique(basin[(basin >= 0) & ~own]).tolist():
        theirs = values[(basin == other) & np.isfinite(values)]
        across = square[np.ix_(own, basin == other)]
        least = np.nanmin(across) if np.isfinite(across).any() else 0.0
        if len(theirs) and (gap := float(np.median(theirs))) < _BETWEEN * least:
            said = f"{gap:.3g} nats from basin {other}, nearer than any member of its own ({least:.3g})"
            return replace(found, caution=f"{said}: its scores may lie between")
    return found


def _aligned(gaps: ArrayLike, labels: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    values, basin = np.asarray(gaps, np.float64), np.asarray(labels, np.int64)
    if values.shape != (len(basin), len(basin)):
        raise ValueError(f"{len(basin)} labels need square gaps, not {values.shape}.")
    return values, basin


def _spread(values: Floats, rows: NDArray[np.intp], n: int) -> list[int]:
    """Return the medoid of some rows, then the farthest from those chosen; all if they are few."""
    inside = values[np.ix_(rows, rows)]
    known = np.isfinite(inside)
    np.fill_diagonal(known, False)
    sums, counts = np.where(known, inside, 0.0).sum(axis=1), known.sum(axis=1)
    means = np.divide(sums, counts, out=np.full(len(rows), np.inf), where=counts > 0)
    chosen = [int(means.argmin())]
    # A gap that is not known says nothing of distance: such members come last.
    distance = np.where(known, inside, -1.0)
    while len(chosen) < min(n, len(rows)):
        least = distance[chosen].min(axis=0)
        least[chosen] = -np.inf
        chosen.append(int(least.argmax()))
    return [int(row) for row in rows[chosen]]


def _reach(values: Floats, inside: NDArray[np.bool_], least: float) -> float:
    rows = np.flatnonzero(inside)
    own = values[np.ix_(rows, rows)][np.triu_indices(len(rows), 1)]
    own = own[np.isfinite(own)]
    return float(np.fmax(least, np.percentile(own, WITHIN) if len(own) else np.nan))


def _medians(
    resampled: ArrayLike, basin: NDArray[np.int64], seen: NDArray[np.bool_], order: list[int]
) -> Floats:
    """Return the median gap to each basin in each resample, shape (n_resamples, n_basins)."""
    draws = np.asarray(resampled, np.float64)
    if draws.ndim != 2 or draws.shape[1:] != basin.shape:
        raise ValueError(f"Resamples of shape {draws.shape} for {len(basin)} members.")
    return np.stack([np.median(draws[:, seen & (basin == b)], axis=1) for b in order], axis=1)


def _refusal(
    order: list[int], medians: Mapping[int, float], reach: Mapping[int, float], draws: Floats | None
) -> str | None:
    """Return why the nearest basin is not that of the model, if it is not."""
    first = order[0]
    gap, limit = medians[first], reach.get(first, np.nan)
    upper = gap if draws is None or not len(draws) else float(np.percentile(draws[:, 0], SURE))
    if not upper <= limit:
        at_most = f"{limit:.3g} nats" if np.isfinite(limit) else "an unknown gap"
        near = f"basin {first} is nearest, at a median gap of {gap:.3g} nats"
        near += f" (up to {upper:.3g})" if upper > gap else ""
        return f"{near}; its own reach is {at_most}"
    if len(order) > 1:
        second = order[1]
        nearer = gap < medians[second]
        if draws is not None and len(draws):
            nearer &= bool(100 * (draws[:, 0] < draws[:, 1:].min(axis=1)).mean() >= SURE)
        if not nearer:
            return (
                f"basins {first} and {second} are about as near "
                f"(median gaps {gap:.3g} and {medians[second]:.3g} nats)"
            )
    return None
