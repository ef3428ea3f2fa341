"""The p-value of the best split against every null."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from wsgeo.graph.nulls import NULLS, Draw, common_gap
from wsgeo.graph.partitions import Matrix

MAX_ENTRIES = 2_000_000
"""Entries of a stack that is searched at once: 16 MB, which keeps the search in the cache."""


@final
@dataclass(frozen=True)
class NullTest:
    """Statistics of the null draws beside the measured ones.

    Parameters
    ----------
    measured : ndarray of float64, shape (n_methods,)
        Best silhouette of each method on the measured matrix.
    draws : mapping of str to ndarray of float64, shape (n_methods, n_draws)
        The same on the draws of each null.
    """

    measured: Matrix
    draws: Mapping[str, Matrix]

    @property
    def p_by_null(self) -> dict[str, float]:
        """The p-value of the best of all methods against each null, in (0, 1]."""
        best = self.measured.max()
        return {name: _p_value(draws.max(axis=0), best) for name, draws in self.draws.items()}

    @property
    def p_value(self) -> float:
        """The largest of the p-values against each null."""
        return max(self.p_by_null.values())

    @property
    def p_values(self) -> tuple[float, ...]:
        """The p-value of each method alone, its own settings paid for."""
        return tuple(
            max(_p_value(draws[i], best) for draws in self.draws.values())
            for i, best in enumerate(self.measured)
        )


def _p_value(draws: Matrix, measured: float) -> float:
    return float((1 + (draws >= measured).sum()) / (1 + len(draws)))


def null_test(
    values: Matrix,
    statistic: Callable[[Matrix], Matrix],
    *,
    rng: np.random.Generator,
    n_draws: int = 200,
    errors: Matrix | None = None,
    give_up: int | None = None,
) -> NullTest:
    """Return the statistic of the measured matrix beside those of draws from every null.

    Parameters
    ----------
    values : ndarray of float64, shape (n_members, n_members)
        Guarded distances, at least four members.
    statistic : callable
        From a stack, shape (n_matrices, n_members, n_members), to the statistics of each of
        several methods, shape (n_methods, n_matrices); larger is more clustered.
    rng : numpy.random.Generator
        Source of the draws; each null gets its own stream.
    n_draws : int, default 200
        Draws from each null: the smallest p-value is 1 / (n_draws + 1).
    errors : ndarray of float64, shape (n_members, n_members), optional
        Standard errors of the distances; adds the null of a common gap.
    give_up : int, optional
        Stop all draws once this many draws of one null reach the measured statistic: the p-value
        can then only be large. It is (1 + hits) / (1 + draws made); nulls not drawn yet are
        missing.

    Returns
    -------
    NullTest
        Statistics per null.
    """
    nulls: dict[str, Draw] = dict(NULLS)
    if errors is not None and np.any(errors[np.triu_indices(len(values), 1)] > 0):
        nulls["errors"] = functools.partial(common_gap, errors)
    streams = dict(zip(nulls, rng.spawn(len(nulls)), strict=True))
    measured = statistic(values[None])[:, 0]
    draws: dict[str, list[Matrix]] = {name: [] for name in nulls}
    size = max(1, min(n_draws, MAX_ENTRIES // values.size))
    size = size if give_up is None else min(size, 2 * give_up)
    for start in range(0, n_draws, size):
        for name, draw in nulls.items():
            stack = draw(values, min(size, n_draws - start), streams[name])
            draws[name].append(statistic(stack))
            if give_up and _hits(draws[name], measured) >= give_up:
                return NullTest(measured, _joined(draws))
    return NullTest(measured, _joined(draws))


def _joined(draws: Mapping[str, list[Matrix]]) -> dict[str, Matrix]:
    return {name: np.concatenate(parts, axis=1) for name, parts in draws.items() if parts}


def _hits(parts: list[Matrix], measured: Matrix) -> int:
    return sum(int((part.max(axis=0) >= measured.max()).sum()) for part in parts)
