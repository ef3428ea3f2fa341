"""From which models the members of a zoo come, by their weights alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.progress import Progress
from wsgeo.regions.lineage import Relation, relations
from wsgeo.regions.rounding import rounding_of, roundings
from wsgeo.weights.geometry import Matrix, TensorReader, distances, gram
from wsgeo.weights.layout import Vector
from wsgeo.weights.slices import SliceReader, TensorSlices
from wsgeo.zoo import Base, Checkpoint, Zoo, head_names
from wsgeo.zoo.member_tensors import member_reader, verify

LARGEST_ROUNDING: Final = 0.03
"""Relative distance beyond which two models are no roundings of each other: 8 bits leave 0.01."""

_LEAST: Final = 1 << 12  # values of the matrix in which roundings are looked for

Opener: TypeAlias = Callable[[str, TensorSlices], SliceReader]


@final
@dataclass(frozen=True)
class _Node:
    """A member or a base: what it is called, its matrices, and what reads one of them."""

    id: str
    shapes: Mapping[str, tuple[int, ...]]
    open: Opener


def read_lineage(zoo: Zoo, progress: Progress | None = None) -> list[dict[str, Any]]:
    """Tell of each member, by its weights, of what it is a copy, or from what it was tuned.

    Members of one class and shape are compared, whatever base they state, over the matrices of
    their bodies; the files are read slice by slice.

    Parameters
    ----------
    zoo : Zoo
        The zoo.
    progress : callable, optional
        Is told of tensors read.

    Returns
    -------
    list of dict
        Fields of `wsgeo.regions.lineage.Relation`.

    Raises
    ------
    EntryError
        If a file changed since the zoo was read.
    """
    kinds: dict[object, list[Checkpoint]] = {}
    for member in zoo.members:
        shapes = tuple(sorted(_matrices(member).items()))
        kinds.setdefault((member.model_class, shapes), []).append(member)
    return [row._asdict() for alike in kinds.values() for row in _of_kind(alike, progress)]


def _of_kind(members: Sequence[Checkpoint], progress: Progress | None) -> list[Relation]:
    at = {member.folder: member.id for member in members if member.adapter is None}
    bases = {member.base.folder: member.base for member in members if member.base is not None}
    # The base comes first: of two that are alike the first is the original.
    nodes = [_base_node(base) for folder, base in bases.items() if folder not in at]
    nodes += [_member_node(member) for member in members]
    declared = {
        member.id: at.get(member.base.folder, member.base.id)
        for member in members
        if member.base is not None and member.folder != member.base.folder
    }
    names = [
        name
        for name, shape in _matrices(members[0]).items()
        if all(node.shapes.get(name) == shape for node in nodes)
    ]
    if len(nodes) < 2 or not names:
        return []
    with TensorSlices() as slices:
        relative = _relative_distances(nodes, names, slices, progress)
        rounded = dict(_rounded(nodes, names, relative, slices))
        verify(members, slices)
    contents = {base.id: base.content_hash for base in bases.values()}
    contents |= {member.id: member.content_hash for member in members}
    return relations([node.id for node in nodes], relative, declared, rounded, contents)


def _matrices(member: Checkpoint) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a body's matrices: vectors are alike in unrelated models."""
    heads, layout = head_names(member), member.layout
    shapes = {name: layout.shape(name) for name in layout.names if name not in heads}
    return {name: shape for name, shape in shapes.items() if len(shape) > 1}


def _member_node(member: Checkpoint) -> _Node:
    def opened(name: str, slices: TensorSlices) -> SliceReader:
        return member_reader(member, name, slices)

    return _Node(member.id, _matrices(member), opened)


def _base_node(base: Base) -> _Node:
    def opened(name: str, slices: TensorSlices) -> SliceReader:
        return slices.reader(base.tensors[name].file, base.tensors[name].stored_name)

    return _Node(base.id, {name: ref.shape for name, ref in base.tensors.items()}, opened)


def _relative_distances(
    nodes: Sequence[_Node],
    names: Sequence[str],
    slices: TensorSlices,
    progress: Progress | None,
) -> Matrix:
    """Return distances over the root mean square of norms; a model of zeros gives the norms."""
    n = len(nodes)
    total = np.zeros((n + 1, n + 1))
    for done, name in enumerate(names):
        readers = [node.open(name, slices) for node in nodes]
        total += gram(_reader([*readers, _zeros]), n + 1, math.prod(nodes[0].shapes[name]))
        if progress is not None:
            progress(done + 1, len(names), "lineage")
    found = distances(total)
    squares = found[-1, :-1] ** 2
    scale = np.sqrt((squares[:, None] + squares[None, :]) / 2)
    return np.asarray(found[:-1, :-1] / np.where(scale > 0, scale, 1.0), np.float64)


def _reader(readers: Sequence[SliceReader]) -> TensorReader:
    def read(i: int, columns: slice, out: Vector) -> None:
        readers[i](columns, out)

    return read


def _zeros(_: slice, out: Vector) -> None:
    out.fill(0)


def _rounded(
    nodes: Sequence[_Node], names: Sequence[str], relative: Matrix, slices: TensorSlices
) -> Iterator[tuple[tuple[str, str], str]]:
    """Give the pairs of which one is the other rounded, and to what."""
    name = _one_matrix(nodes[0], names)
    shape = nodes[0].shapes[name]

    def matrix(k: int) -> NDArray[np.float32]:
        out = np.empty(math.prod(shape), np.float32)
        nodes[k].open(name, slices)(slice(0, out.size), out)
        return out.reshape(shape[0], -1)

    pairs = np.argwhere((relative > 0) & (relative < LARGEST_ROUNDING)).tolist()
    kinds = {k: roundings(matrix(k)) for k in {k for pair in pairs for k in pair}}
    for i, j in pairs:
        kind = rounding_of(matrix(i), matrix(j)) if kinds[j] - kinds[i] else None
        if kind is not None:
            yield (nodes[i].id, nodes[j].id), kind


def _one_matrix(node: _Node, names: Sequence[str]) -> str:
    """Return the smallest matrix that is large enough to be no rounding by chance."""
    sizes = {name: math.prod(node.shapes[name]) for name in names}
    return min(sizes, key=lambda name: (sizes[name] < _LEAST, sizes[name]))
