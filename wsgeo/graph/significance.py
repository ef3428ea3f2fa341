"""Whether two groups differ: permutation test, effect size, correction for many questions."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_EXACT = 20_000
"""Up to so many permutations every one is counted."""

N_RANDOM = 9_999
"""Permutations that are drawn where there are too many to count."""


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
    n_ways = math.comb(len(pooled), len(a))
    smallest = (2 if len(a) == len(b) else 1) / n_ways
    exact = n_ways <= MAX_EXACT
    sums = _all_sums(pooled, len(a)) if exact else _random_sums(pooled, len(a), rng)
    differences = np.abs(sums / len(a) - (pooled.sum() - sums) / len(b))
    # Sums in another order differ in the last bits; equal divisions must count as equal.
    reached = differences >= abs(a.mean() - b.mean()) - 1e-12 * (1 + np.abs(pooled).max())
    count = int(reached.sum())
    return PermutationTest(
        count / n_ways if exact else (1 + count) / (1 + N_RANDOM),
        exact,
        smallest if exact else 1 / (1 + N_RANDOM),
    )


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


def _all_sums(pooled: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the sum of every subset of one size."""
    subsets = itertools.combinations(range(len(pooled)), size)
    return np.array([pooled[list(chosen)].sum() for chosen in subsets])


def _random_sums(
    pooled: NDArray[np.float64], size: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the sums of random subsets of one size."""
    dealt = rng.permuted(np.tile(pooled, (N_RANDOM, 1)), axis=1)
    return np.asarray(dealt[:, :size].sum(axis=1))
