"""Distances and task-vector cosines of the members of a geometry group."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.store.tables import DISTANCES
from wsgeo.weights.geometry import task_vector_geometry
from wsgeo.weights.layout import Vector, Weights
from wsgeo.zoo import Checkpoint, head_names, load_base, load_weights

Square = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Geometry:
    """Pairwise geometry of the bodies (heads left out) of members.

    Parameters
    ----------
    ids : tuple of str
        Ids of the members; rows of the matrices.
    l2 : ndarray of float64, shape (n, n)
        Euclidean distances of the weights.
    cosine : ndarray of float64, shape (n, n), or None
        Cosines of the task vectors; None without a base.
    """

    ids: tuple[str, ...]
    l2: Square
    cosine: Square | None

    def of(self, ids: Sequence[str]) -> Geometry:
        """Return the geometry of some of the members, in their order."""
        places = [self.ids.index(name) for name in ids]
        rows = np.ix_(places, places)
        return Geometry(
            tuple(ids), self.l2[rows], None if self.cosine is None else self.cosine[rows]
        )

    def as_table(self) -> pl.DataFrame:
        """Return one row per pair ``a < b``; `DISTANCES` gives the columns."""
        rows = [
            {
                "a": self.ids[i],
                "b": self.ids[j],
                "l2": float(self.l2[i, j]),
                "cosine": None if self.cosine is None else _number(self.cosine[i, j]),
            }
            for i, j in itertools.permutations(range(len(self.ids)), 2)
            if self.ids[i] < self.ids[j]
        ]
        return pl.DataFrame(rows, schema=DISTANCES).sort("a", "b")


def measure_geometry(members: Sequence[Checkpoint]) -> Geometry:
    """Measure the geometry of one geometry group.

    Parameters
    ----------
    members : sequence of Checkpoint
        Members of one geometry group.

    Returns
    -------
    Geometry
        Over the tensors that every member's body has (and the base, where there is one).
    """
    first, base = members[0], load_base(members[0])
    heads = frozenset[str]().union(*(head_names(member) for member in members))
    shared = [name for name in first.layout.names if name not in heads and _in(base, first, name)]
    if not shared:
        return Geometry(tuple(m.id for m in members), np.zeros((len(members),) * 2), None)

    def body(weights: Weights) -> Vector:
        return np.concatenate([weights.tensor(name).ravel() for name in shared])

    found = task_vector_geometry(
        lambda i: body(load_weights(members[i])), len(members), body(base) if base else None
    )
    return Geometry(tuple(m.id for m in members), found.l2, found.cosine if base else None)


def _number(value: float) -> float | None:
    # A member that equals its base has no direction.
    return float(value) if np.isfinite(value) else None


def _in(base: Weights | None, member: Checkpoint, name: str) -> bool:
    if base is None:
        return True
    return name in base.layout.names and base.layout.shape(name) == member.layout.shape(name)
