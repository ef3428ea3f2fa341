"""Whether two groups differ: permutation test, effect size, correction for many questions."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_EXACT = 20_000
"""Up to so many permutations every one is counted."""

N_RANDOM = 9_999
"""Permutations that are drawn where there are too many to count."""

_ENTRIES = 1_000_000  # of a block of permutations times members: 8 MB


@final
@dataclass(frozen=True)
class PermutationTest:
    """Outcome of a two-sided permutation test on the difference of means.

    Parameters
    ----------
    p_value : float
        Share of permutations whose difference is at least as large; never 0.
    exact : bool
        Whether every permutation was counted.
    smallest : float
        Smallest p-value that groups of these sizes can give.
    """

    p_value: float
    exact: bool
    smallest: float


@final
@dataclass(frozen=True, eq=False)
class PermutationTests:
    """Outcome of permutation tests of many columns that share their permutations.

    Parameters
    ----------
    p_values : ndarray of float64, shape (n_columns,)
        Share of permutations that part the groups at least as far; never 0.
    exact : bool
        Whether every permutation was counted.
    smallest : float
        Smallest p-value that groups of these sizes can give.
    """

    p_values: NDArray[np.float64]
    exact: bool
    smallest: float


def permutation_tests(
    values: ArrayLike, groups: ArrayLike, *, rng: np.random.Generator
) -> PermutationTests:
    r"""Test for each column whether two or more groups have the same mean, by dealing rows anew.

    What is compared is the sum of squares between the groups,

    .. math:: \sum_g n_g (\bar x_g - \bar x)^2,

    which for two groups orders the permutations as the size of the difference of means does. All
    columns are dealt alike, so their p-values go together as the columns do.

    Parameters
    ----------
    values : array_like, shape (n_members, n_columns)
        Values, such as one column per slice.
    groups : array_like of int, shape (n_members,)
        Group of each row.
    rng : numpy.random.Generator
        Draws permutations if there are more than 20,000.

    Returns
    -------
    PermutationTests
        A p-value per column, and how they were found.

    Raises
    ------
    ValueError
        If there are fewer than two groups or a value is not finite.

    Examples
    --------
    >>> values = [[1, 5], [2, 1], [3, 3], [7, 2], [8, 4], [9, 3]]
    >>> permutation_tests(values, [0, 0, 0, 1, 1, 1], rng=np.random.default_rng(0)).p_values
    array([0.1, 1. ])
    """
    values = np.asarray(values, dtype=np.float64)
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(sizes) < 2 or not np.isfinite(values).all():
        raise ValueError("Two groups or more need values, all of them finite.")
    exact = _n_ways(sizes) <= MAX_EXACT
    apart = _between(values, place[None], sizes)
    # Sums in another order differ in the last bits; equal divisions must count as equal.
    least = apart - 1e-10 * np.linalg.norm(values, axis=0)
    blocks = [_every_dealing(sizes)] if exact else _random_dealings(place, rng)
    n_reached = sum((_between(values, dealt, sizes) >= least).sum(axis=0) for dealt in blocks)
    p_values = n_reached / _n_ways(sizes) if exact else (1 + n_reached) / (1 + N_RANDOM)
    return PermutationTests(np.asarray(p_values), exact, smallest_p(sizes.tolist()))


def permutation_test(a: ArrayLike, b: ArrayLike, *, rng: np.random.Generator) -> PermutationTest:
    """Test whether two groups have the same mean, by dealing their values anew.

    Parameters
    ----------
    a, b : array_like, shape (n_a,) and (n_b,)
        Values of the groups.
    rng : numpy.random.Generator
        Draws permutations if there are more than 20,000.

    Returns
    -------
    PermutationTest
        The p-value and how it was found.

    Raises
    ------
    ValueError
        If a group is empty or a value is not finite.

    Examples
    --------
    >>> permutation_test([1, 2, 3], [7, 8, 9], rng=np.random.default_rng(0))
    PermutationTest(p_value=0.1, exact=True, smallest=0.1)
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    pooled = np.concatenate([a, b])
    if not (len(a) and len(b)) or not np.isfinite(pooled).all():
        raise ValueError("Both groups need values, all of them finite.")
    found = permutation_tests(pooled[:, None], np.repeat([0, 1], [len(a), len(b)]), rng=rng)
    return PermutationTest(float(found.p_values[0]), found.exact, found.smallest)


def smallest_p(sizes: Sequence[int]) -> float:
    """Return the smallest p-value that a permutation test of groups of these sizes can give.

    Groups of equal size may change places without any change of what is compared.

    Parameters
    ----------
    sizes : sequence of int
        Members of each group.

    Returns
    -------
    float
        Where permutations are drawn, one over their number.

    Examples
    --------
    >>> smallest_p([3, 3]), smallest_p([3, 2]), smallest_p([12, 88])
    (0.1, 0.1, 0.0001)
    """
    if _n_ways(sizes) > MAX_EXACT:
        return 1 / (1 + N_RANDOM)
    return math.prod(map(math.factorial, Counter(sizes).values())) / _n_ways(sizes)


def cliffs_delta(a: ArrayLike, b: ArrayLike) -> float:
    """Return how often a value of ``a`` exceeds one of ``b``, minus how often it falls below.

    Unlike a difference in standard deviations it is defined for groups without spread.

    Parameters
    ----------
    a, b : array_like, shape (n_a,) and (n_b,)
        Values of the groups.

    Returns
    -------
    float
        In [-1, 1]; 1 if every value of ``a`` is above every value of ``b``.

    Examples
    --------
    >>> cliffs_delta([3, 4], [1, 2]), cliffs_delta([1, 2], [1, 2])
    (1.0, 0.0)
    """
    return float(np.sign(np.subtract.outer(np.asarray(a), np.asarray(b))).mean())


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values corrected for the rate of false discoveries.

    Parameters
    ----------
    p_values : array_like, shape (n,)
        P-values in [0, 1].

    Returns
    -------
    ndarray of float64, shape (n,)
        Adjusted p-values, in the same order, at least as large.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.04, 0.04]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1].clip(max=1.0)
    return adjusted


def _n_ways(sizes: Iterable[int]) -> int:
    """Return the number of ways to deal members into groups of these sizes."""
    sizes = [int(size) for size in sizes]
    return math.factorial(sum(sizes)) // math.prod(map(math.factorial, sizes))


def _between(
    values: NDArray[np.float64], dealt: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the root of the sum of squares between groups, shape (n_dealings, n_columns)."""
    centred = values - values.mean(axis=0)
    squares = np.zeros((len(dealt), values.shape[1]))
    for group, size in enumerate(sizes):
        squares += ((dealt == group).astype(np.float64) @ centred) ** 2 / size
    return np.sqrt(squares)


def _every_dealing(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return every way to deal members into groups, one a row, shape (n_ways, n_members)."""
    n = int(sizes.sum())
    dealt, free = np.full((1, n), len(sizes) - 1), np.arange(n)[None]
    for group, size in enumerate(sizes[:-1]):
        left = free.shape[1]
        chosen = np.array(list(itertools.combinations(range(left), size)))
        # Complements of combinations are combinations in the opposite order.
        others = np.array(list(itertools.combinations(range(left), left - size))[::-1])
        dealt = np.repeat(dealt, len(chosen), axis=0)
        np.put_along_axis(dealt, free[:, chosen].reshape(-1, size), group, axis=1)
        free = free[:, others].reshape(-1, left - size)
    return dealt


def _random_dealings(
    place: NDArray[np.int64], rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Yield random dealings in blocks that memory has room for."""
    block = max(1, _ENTRIES // len(place))
    for start in range(0, N_RANDOM, block):
        n_rows = min(block, N_RANDOM - start)
        yield rng.permuted(np.tile(place, (n_rows, 1)), axis=1)
