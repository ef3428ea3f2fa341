"""The search for basins: every method at every setting, and the best silhouette of all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from wsgeo.graph import components, density, louvain, spectral
from wsgeo.graph.null_tests import NullTest, null_test
from wsgeo.graph.partitions import (
    Labels,
    Matrix,
    Partitions,
    compact,
    in_units_of_largest,
    rand_index,
    silhouettes,
)

_PARTITIONS: dict[str, Callable[[Matrix], list[Partitions]]] = {
    components.METHOD: components.partitions,
    density.METHOD: density.partitions,
    spectral.METHOD: spectral.partitions,
    louvain.METHOD: louvain.partitions,
}
METHODS = tuple(_PARTITIONS)
"""Names of the methods, in the order in which they are tried; the first of equals is kept."""

MIN_MEMBERS = 4
"""Fewest members for which a partition is searched."""


@final
@dataclass(frozen=True)
class Clustering:
    """One partition of the members, and how much it is worth.

    Parameters
    ----------
    method : str
        Name of the method.
    parameters : mapping of str to int, float or str
        Its setting.
    labels : ndarray of int64, shape (n_members,)
        Labels from 0, largest cluster first; -1 is noise.
    silhouette : float or None
        Mean silhouette in [-1, 1]; None with fewer than two clusters.
    p_value : float or None
        Of the best setting of its method, the search over settings paid for; None for others.
    stability : float or None
        Median adjusted Rand index over resampled matrices.
    """

    method: str
    parameters: Mapping[str, int | float | str]
    labels: Labels
    silhouette: float | None = None
    p_value: float | None = None
    stability: float | None = None

    @property
    def n_clusters(self) -> int:
        """Number of clusters, noise not counted."""
        return int(self.labels.max(initial=-1)) + 1

    @property
    def n_noise(self) -> int:
        """Number of members left as noise."""
        return int((self.labels < 0).sum())

    @property
    def sizes(self) -> tuple[int, ...]:
        """Members of each cluster, largest first."""
        return tuple(np.bincount(self.labels[self.labels >= 0]).tolist())

    @property
    def setting(self) -> str:
        """The parameters as JSON."""
        return json.dumps(dict(self.parameters))


@final
@dataclass(frozen=True)
class Search:
    """All candidates, the best of each method, and the test of the best of all.

    Parameters
    ----------
    candidates : tuple of Clustering
        Every method at every setting.
    best : int
        Index of the candidate with the best silhouette.
    best_of : mapping of str to int
        Index of each method's best candidate; a method that splits nothing is missing.
    test : NullTest
        Null draws of the best-of-all silhouette.
    """

    candidates: tuple[Clustering, ...]
    best: int
    best_of: Mapping[str, int]
    test: NullTest


def find_partitions(stack: Matrix) -> list[Partitions]:
    """Return the labels of every method at every setting, for each matrix of a stack.

    Parameters
    ----------
    stack : ndarray of float64, shape (n_matrices, n_members, n_members)
        Guarded distances, at least four members.

    Returns
    -------
    list of Partitions
        In the order of `METHODS`.
    """
    return [found for method in _PARTITIONS.values() for found in method(stack)]


def best_silhouettes(stack: Matrix) -> Matrix:
    """Return each method's best silhouette, for each matrix of a stack.

    Parameters
    ----------
    stack : ndarray of float64, shape (n_matrices, n_members, n_members)
        Guarded distances, at least four members.

    Returns
    -------
    ndarray of float64, shape (n_methods, n_matrices)
        Rows in the order of `METHODS`; minus infinity where a method splits nothing.
    """
    best = np.full((len(METHODS), len(stack)), -np.inf)
    for found in find_partitions(stack):
        row = METHODS.index(found.method)
        best[row] = np.maximum(best[row], silhouettes(stack, found.labels))
    return best


def find_basins(
    values: Matrix,
    *,
    rng: np.random.Generator,
    n_draws: int = 200,
    errors: Matrix | None = None,
    give_up: int | None = None,
) -> Search:
    """Return the candidates for basins and the null test of the best of them.

    Parameters
    ----------
    values : ndarray of float64, shape (n_members, n_members)
        Guarded distances in canonical order, at least four members.
    rng : numpy.random.Generator
        Source of the null draws.
    n_draws : int, default 200
        Draws from each null.
    errors : ndarray of float64, shape (n_members, n_members), optional
        Standard errors of the distances.
    give_up : int, optional
        Stop once this many draws of one null reach the measured silhouette.

    Returns
    -------
    Search
        Candidates, best ones, and test.
    """
    stack = in_units_of_largest(values[None])
    found = find_partitions(stack)
    scores = np.array([silhouettes(stack, one.labels)[0] for one in found])
    best_of = {}
    for method in METHODS:
        tried = [i for i, one in enumerate(found) if one.method == method]
        best = max(tried, key=lambda i: scores[i], default=None)
        if best is not None and np.isfinite(scores[best]):
            best_of[method] = best
    test = null_test(
        stack[0],
        best_silhouettes,
        rng=rng,
        n_draws=n_draws,
        errors=None if errors is None else errors / max(values.max(), 1e-300),
        give_up=give_up,
    )
    p_values = {i: test.p_values[METHODS.index(method)] for method, i in best_of.items()}
    candidates = tuple(
        Clustering(
            one.method,
            one.parameters,
            compact(one.labels[0]),
            float(score) if np.isfinite(score) else None,
            p_values.get(i),
        )
        for i, (one, score) in enumerate(zip(found, scores, strict=True))
    )
    return Search(candidates, int(scores.argmax()), best_of, test)


def agreement(search: Search) -> dict[tuple[str, str], float]:
    """Return the adjusted Rand index between the best partitions of each two methods.

    Parameters
    ----------
    search : Search
        A finished search.

    Returns
    -------
    dict of (str, str) to float
        One entry per unordered pair of methods that split the members.
    """
    best = [(method, search.candidates[i].labels) for method, i in search.best_of.items()]
    return {
        (first, second): rand_index(one, other)
        for k, (first, one) in enumerate(best)
        for second, other in best[k + 1 :]
    }
