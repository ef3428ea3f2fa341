"""Distances and task-vector cosines of the members of a geometry group, whole and by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.progress import Progress
from wsgeo.store.tables import DISTANCES, LAYERS, NORMS
from wsgeo.weights.geometry import Matrix, cosines, distances
from wsgeo.weights.layers import layers_of
from wsgeo.weights.slices import TensorSlices
from wsgeo.zoo import Base, Checkpoint, head_names
from wsgeo.zoo.member_tensors import tensor_gram, verify


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
    norms : ndarray of float64, shape (n,), or None
        Norms of the task vectors; None without a base.
    layers : mapping of str to Geometry
        The same of the tensors of each layer, in the order of the model.
    """

    ids: tuple[str, ...]
    l2: Matrix
    cosine: Matrix | None
    norms: NDArray[np.float64] | None = None
    layers: Mapping[str, Geometry] = field(default_factory=dict)

    def of(self, ids: Sequence[str]) -> Geometry:
        """Return the geometry of some of the members, in their order."""
        places = [self.ids.index(name) for name in ids]
        rows = np.ix_(places, places)
        layers = {name: layer.of(ids) for name, layer in self.layers.items()}
        cosine = None if self.cosine is None else self.cosine[rows]
        norms = None if self.norms is None else self.norms[places]
        return Geometry(tuple(ids), self.l2[rows], cosine, norms, layers)

    def as_table(self) -> pl.DataFrame:
        """Return one row per pair ``a < b``; `DISTANCES` gives the columns."""
        ids = np.array(self.ids, dtype=object)
        order = np.argsort(ids, kind="stable")
        i, j = (order[places] for places in np.triu_indices(len(ids), 1))
        # A member that equals its base has no direction.
        cosine = np.full(len(i), np.nan) if self.cosine is None else self.cosine[i, j]
        columns = {"a": ids[i], "b": ids[j], "l2": self.l2[i, j], "cosine": cosine}
        found = pl.DataFrame(columns, schema=DISTANCES)
        return found.with_columns(pl.col("cosine").fill_nan(None))

    def norms_table(self) -> pl.DataFrame:
        """Return one row per member; `NORMS` gives the columns."""
        norms = [None] * len(self.ids) if self.norms is None else self.norms.tolist()
        return pl.DataFrame({"id": list(self.ids), "task_vector_norm": norms}, schema=NORMS)

    def layers_table(self) -> pl.DataFrame:
        """Return one row per layer and pair ``a < b``; `LAYERS` gives the columns."""
        frames = [
            layer.as_table().with_columns(layer=pl.lit(name), position=pl.lit(k, pl.Int64))
            for k, (name, layer) in enumerate(self.layers.items())
        ]
        return pl.concat([pl.DataFrame(schema=LAYERS), *(f.select(list(LAYERS)) for f in frames)])


def measure_geometry(members: Sequence[Checkpoint], progress: Progress | None = None) -> Geometry:
    """Measure the geometry of one geometry group.

    The files are read tensor by tensor, a few megabytes at a time, and once but for tensors in which
    members are closer to each other than to the reference.

    Parameters
    ----------
    members : sequence of Checkpoint
        Members of one geometry group.
    progress : Progress, optional
        Told how many tensors are done.

    Returns
    -------
    Geometry
        Over the tensors that every member's body has (and the base, where there is one).

    Raises
    ------
    EntryError
        If a file changed since the zoo was read, or an adapter makes a tensor that is not finite.
    """
    ids, base = tuple(member.id for member in members), members[0].base
    heads = frozenset[str]().union(*(head_names(member) for member in members))
    layout = members[0].layout
    shared = [name for name in layout.names if name not in heads and _in(base, members[0], name)]
    if not shared:
        return Geometry(ids, np.zeros((len(members),) * 2), None)
    grams: dict[str, Matrix] = {}
    with TensorSlices() as slices:
        for done, (name, layer) in enumerate(layers_of(shared).items()):
            part = tensor_gram(members, name, slices)
            grams[layer] = grams[layer] + part if layer in grams else part
            if progress is not None:
                progress(done + 1, len(shared), "weight geometry")
        verify(members, slices)
    layers = {layer: _geometry(ids, found, base) for layer, found in grams.items()}
    return _geometry(ids, sum(grams.values(), np.zeros((len(ids),) * 2)), base, layers)


def _geometry(
    ids: tuple[str, ...],
    gram: Matrix,
    base: Base | None,
    layers: Mapping[str, Geometry] | None = None,
) -> Geometry:
    if base is None:
        return Geometry(ids, distances(gram), None, None, layers or {})
    return Geometry(ids, distances(gram), cosines(gram), np.sqrt(np.diag(gram)), layers or {})


def _in(base: Base | None, member: Checkpoint, name: str) -> bool:
    if base is None:
        return True
    return name in base.tensors and base.tensors[name].shape == member.layout.shape(name)
