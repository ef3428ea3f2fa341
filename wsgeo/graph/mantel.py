"""Whether gaps go with a setting: comparisons of pairs, tested by permuting members.

Pairs that share a member are not independent, so neither pairs nor gaps are ever permuted or drawn:
members are (Mantel 1967).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from wsgeo.graph.contingency import N_DRAWS
from wsgeo.graph.partitions import Labels, Matrix

N_RESAMPLES = 999
"""Bootstrap draws of members behind an interval."""

_ENTRIES = 500_000  # of a block of draws times pairs: 4 MB, which caches hold


@final
@dataclass(frozen=True)
class GapContrast:
    """Gaps between members with one value of a setting, and between members with two.

    Parameters
    ----------
    within, between : float or None
        Mean gap of pairs with equal and with different values, in the unit of the gaps; None
        where there is no such pair.
    difference : float or None
        ``between - within``.
    low, high : float or None
        Ends of its 95 % interval over members; None where draws of members often lack a kind of
        pair.
    p_value : float or None
        Share of the ways to deal the values to the members that part the means at least as far.
    """

    within: float | None = None
    between: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None


def gap_contrast(values: Labels, gaps: Matrix, *, rng: np.random.Generator) -> GapContrast:
    """Compare the gaps within and between the values of a setting.

    Parameters
    ----------
    values : ndarray of int64, shape (n_members,)
        Value of each member as a number.
    gaps : ndarray of float64, shape (n_members, n_members)
        Symmetric; NaN where no pair was measured.
    rng : numpy.random.Generator
        Deals the values, and draws members for the interval.

    Returns
    -------
    GapContrast
        Means, difference, interval and p-value.
    """
    a, b = _measured(gaps)
    heights, same = gaps[a, b], values[a] == values[b]
    within = float(heights[same].mean()) if same.any() else None
    between = float(heights[~same].mean()) if not same.all() else None
    if within is None or between is None:
        return GapContrast(within, between)
    sums = np.stack([heights, np.ones_like(heights)], axis=1)
    inside = [
        (values[d][:, a] == values[d][:, b]).astype(np.float64) @ sums
        for d in _blocks(_dealt(len(values), rng), len(a))
    ]
    spread = _difference(np.concatenate(inside), sums.sum(axis=0))
    observed = between - within
    # A dealing that leaves one kind without a pair is NaN and counts as reaching.
    reached = ~(np.abs(spread) < abs(observed) - 1e-9 * np.abs(heights).max())
    low, high = _interval(same, heights, (a, b), len(values), rng)
    p_value = float((1 + reached.sum()) / (1 + N_DRAWS))
    return GapContrast(within, between, observed, low, high, p_value)


def rank_correlation(
    numbers: Matrix, gaps: Matrix, *, rng: np.random.Generator
) -> tuple[float, float] | None:
    """Return how gaps go with the difference of a number: Spearman's rho, and its p-value.

    Parameters
    ----------
    numbers : ndarray of float64, shape (n_members,)
        A number of each member.
    gaps : ndarray of float64, shape (n_members, n_members)
        Symmetric; NaN where no pair was measured.
    rng : numpy.random.Generator
        Deals the numbers to the members.

    Returns
    -------
    tuple of (float, float) or None
        Rho in [-1, 1] and the two-sided p-value; None where all differences or all gaps are equal.
    """
    a, b = _measured(gaps)
    if not len(a):
        return None
    upper = np.triu_indices(len(numbers), 1)
    far = np.zeros_like(gaps)
    far[upper] = _ranks(np.abs(numbers[upper[0]] - numbers[upper[1]]))
    far += far.T
    heights = _standard(_ranks(gaps[a, b])[None])
    if not heights.any() or not _standard(far[a, b][None]).any():
        return None
    rho = float(_standard(far[a, b][None])[0] @ heights[0])
    spread = np.concatenate(
        [
            _standard(far.ravel()[d[:, a] * len(numbers) + d[:, b]]) @ heights[0]
            for d in _blocks(_dealt(len(numbers), rng), len(a))
        ]
    )
    reached = np.abs(spread) >= abs(rho) - 1e-9
    return rho, float((1 + reached.sum()) / (1 + N_DRAWS))


def smallest_p(values: Labels) -> float:
    """Return the smallest p-value that members with these values can give.

    Parameters
    ----------
    values : ndarray of int64, shape (n_members,)
        Value of each member.

    Returns
    -------
    float
        One over the number of ways to part the members into groups of these sizes.

    Examples
    --------
    >>> smallest_p(np.array([0, 0, 1, 1]))
    0.333...
    """
    sizes = np.unique(values, return_counts=True)[1]
    alike = np.unique(sizes, return_counts=True)[1]
    ways = math.lgamma(len(values) + 1)
    ways -= sum(math.lgamma(size + 1) for size in [*sizes.tolist(), *alike.tolist()])
    return math.exp(-ways)


def _measured(gaps: Matrix) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs that have a gap."""
    a, b = np.triu_indices(len(gaps), 1)
    known = np.isfinite(gaps[a, b])
    return a[known], b[known]


def _dealt(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.permuted(np.tile(np.arange(n), (N_DRAWS, 1)), axis=1)


def _blocks(draws: NDArray[np.int64], n_pairs: int) -> Iterator[NDArray[np.int64]]:
    size = max(1, _ENTRIES // max(n_pairs, 1))
    for start in range(0, len(draws), size):
        yield draws[start : start + size]


def _difference(inside: Matrix, everything: Matrix) -> Matrix:
    """Return the mean between minus that within, from sums of gaps and of weights (last axis)."""
    outside = everything - inside
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(outside[..., 0] / outside[..., 1] - inside[..., 0] / inside[..., 1])


def _interval(
    same: NDArray[np.bool_],
    heights: Matrix,
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    n: int,
    rng: np.random.Generator,
) -> tuple[float | None, float | None]:
    """Return the 95 % interval of the difference over draws of members with replacement."""
    # A pair counts as often as both its members were drawn; two copies of one member are no pair.
    times = rng.multinomial(n, np.full(n, 1 / n), size=N_RESAMPLES)
    sums = np.stack([heights * same, same, heights, np.ones_like(heights)], axis=1)
    weighted = np.concatenate(
        [
            (drawn[:, pairs[0]] * drawn[:, pairs[1]]).astype(np.float64) @ sums
            for drawn in _blocks(times, len(heights))
        ]
    )
    found = _difference(weighted[:, :2], weighted[:, 2:])
    sound = found[np.isfinite(found)]
    if len(sound) < 0.9 * N_RESAMPLES:
        return None, None
    low, high = np.quantile(sound, [0.025, 0.975])
    return float(low), float(high)


def _ranks(values: Matrix) -> Matrix:
    """Return ranks from 1, ties sharing their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[place])


def _standard(rows: Matrix) -> Matrix:
    """Return rows of mean 0 and length 1; constant ones are 0."""
    centred = rows - rows.mean(axis=-1, keepdims=True)
    length = np.sqrt(np.einsum("ij,ij->i", centred, centred))[:, None]
    return np.asarray(np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-9))
