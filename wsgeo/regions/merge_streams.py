"""The tensors of members that are merged, read side by side from their files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import WsgeoError
from wsgeo.escapes import shown
from wsgeo.progress import Progress
from wsgeo.weights.blocks import blocks
from wsgeo.weights.geometry import Matrix
from wsgeo.weights.layers import layers_of
from wsgeo.weights.layout import Layout, Vector
from wsgeo.weights.slices import SliceReader, TensorSlices
from wsgeo.zoo import Base, Checkpoint, head_names
from wsgeo.zoo.member_tensors import member_reader, tensor_gram, verify

Values: TypeAlias = NDArray[np.float64]

# Values of all members that are held at a time: 8 MB in float32. At least and at most this many of
# one member: shorter reads cost more than they bring, and longer ones leave the cache.
_ENTRIES: Final = 1 << 21
_LEAST: Final = 1 << 12
_MOST: Final = 1 << 18


@final
@dataclass(frozen=True, eq=False)
class MemberStream:
    """Reads the same tensors of members and of their base.

    Parameters
    ----------
    members : tuple of Checkpoint
        Their base is ``base``.
    base : Base or None
        Where task vectors start.
    layout : Layout
        The tensors that are merged.
    slices : TensorSlices
        Reads the files.
    progress : Progress, optional
        Told how many tensors are done.
    """

    members: tuple[Checkpoint, ...]
    base: Base | None
    layout: Layout
    slices: TensorSlices
    progress: Progress | None = None

    def __len__(self) -> int:
        """Return the number of members."""
        return len(self.members)

    @cached_property
    def body(self) -> tuple[str, ...]:
        """The tensors outside the heads, and in the base where there is one, layer by layer."""
        heads = frozenset[str]().union(*(head_names(member) for member in self.members))
        names = [n for n in self.layout.names if n not in heads]
        return tuple(layers_of(n for n in names if self.base is None or self.is_in_base(n)))

    def is_in_base(self, name: str) -> bool:
        """Return whether the base has a tensor, in the same shape."""
        ref = None if self.base is None else self.base.tensors.get(name)
        return ref is not None and ref.shape == self.layout.shape(name)

    def size(self, name: str) -> int:
        """Return the number of values of a tensor."""
        return math.prod(self.layout.shape(name))

    def member(self, i: int, name: str) -> SliceReader:
        """Return what reads a tensor of one member, label rows in the order of the loss group."""
        member = self.members[i]
        read = member_reader(member, name, self.slices)
        if name not in member.label_rows or not member.label_order:
            return read
        rows = np.empty(self.layout.shape(name), np.float32)
        read(slice(0, rows.size), rows.reshape(-1))
        ordered = rows[list(member.label_order)].reshape(-1)

        def read_ordered(columns: slice, out: Vector) -> None:
            out[:] = ordered[columns]

        return read_ordered

    def origin(self, name: str) -> SliceReader:
        """Return what reads a tensor of the base."""
        if self.base is None:
            raise ValueError("There is no base to read.")
        ref = self.base.tensors[name]
        return self.slices.reader(ref.file, ref.stored_name)

    def blocks(self, name: str, n_rows: int) -> Iterator[slice]:
        """Give the parts in which a tensor is read, shorter where many rows are held at a time."""
        return blocks(self.size(name), min(_MOST, max(_LEAST, _ENTRIES // n_rows)))

    def grams(self) -> Iterator[tuple[str, str, Matrix]]:
        """Give layer, name and Gram matrix of each tensor of the body, seen from the base."""
        for done, (name, layer) in enumerate(layers_of(self.body).items(), start=1):
            yield layer, name, tensor_gram(self.members, name, self.slices)
            if self.progress is not None:
                self.progress(done, len(self.body), "weight geometry")

    @cached_property
    def layer_grams(self) -> Mapping[str, Matrix]:
        """The Gram matrix of each layer of the body, in the order of the model."""
        return sum_by_layer((layer, gram) for layer, _, gram in self.grams())

    def gram(self) -> Matrix:
        """Return the Gram matrix of the body."""
        return sum(self.layer_grams.values(), np.zeros((len(self),) * 2))

    def verify(self) -> None:
        """Refuse files that changed since the zoo was read."""
        verify(self.members, self.slices)


def open_stream(
    members: Sequence[Checkpoint],
    base: Base | None,
    names: Sequence[str] | None,
    slices: TensorSlices,
    progress: Progress | None = None,
) -> MemberStream:
    """Check that members can be merged, and return what reads them.

    Parameters
    ----------
    members : sequence of Checkpoint
        Members of one geometry group.
    base : Base or None
        Their base; None leaves it unread.
    names : sequence of str or None
        The tensors that are merged; all that the first member has by default.
    slices : TensorSlices
        Reads the files.
    progress : Progress, optional
        Told how many tensors are done.

    Returns
    -------
    MemberStream
        Over the tensors asked for.

    Raises
    ------
    ValueError
        If there are no members.
    WsgeoError
        If members have other bases or shapes, or the heads of several tasks would be merged.
    """
    if not members:
        raise ValueError("A merge needs at least one member.")
    first = members[0].layout
    chosen = tuple(sorted(first.names if names is None else names))
    _check_bases(members, base)
    for member in members:
        _check_tensors(member, members[0], chosen)
    _check_heads(members, chosen)
    layout = Layout(chosen, tuple(first.shape(name) for name in chosen))
    # Grams are seen from the base that was given, also where a member does not know its own.
    based = tuple(replace(member, base=base) for member in members)
    return MemberStream(based, base, layout, slices, progress)


def sum_by_layer(grams: Iterable[tuple[str, Matrix]]) -> dict[str, Matrix]:
    """Return the sum of the Gram matrices of each layer.

    Parameters
    ----------
    grams : iterable of (str, ndarray)
        Layer and matrix of each tensor.

    Returns
    -------
    dict of str to ndarray of float64, shape (n, n)
        In the order in which layers come.
    """
    total: dict[str, Matrix] = {}
    for layer, gram in grams:
        total[layer] = total[layer] + gram if layer in total else gram
    return total


def _check_bases(members: Sequence[Checkpoint], base: Base | None) -> None:
    """Refuse members of several geometry groups or bases, naming one."""
    known = [each for each in (base, *(member.base for member in members)) if each is not None]
    first = members[0]
    for member in members:
        what = ""
        if member.geometry_group != first.geometry_group:
            groups = f"{member.geometry_group or 'none'}, and {shown(first.id)}"
            what = f"its geometry group is {groups} is of {first.geometry_group or 'none'}"
        elif member.base is not None and member.base.content_hash != known[0].content_hash:
            what = f"its base is {shown(member.base.id)}, not {shown(known[0].id)}"
        if what:
            remedy = "Merge the members of one geometry group, which have one base."
            raise WsgeoError(what, where=member.id, remedy=remedy)


def _check_tensors(member: Checkpoint, first: Checkpoint, names: Sequence[str]) -> None:
    have = dict(zip(member.layout.names, member.layout.shapes, strict=True))
    broken = next((n for n in names if have.get(n) != first.layout.shape(n)), None)
    if broken is not None:
        raise WsgeoError(
            f"tensor {shown(broken)} is {have.get(broken, 'missing')}, and "
            f"{first.layout.shape(broken)} in {shown(first.id)}",
            where=member.id,
            remedy="Merge members of one task, or the tensors that they share with their base.",
        )


def _check_heads(members: Sequence[Checkpoint], names: Sequence[str]) -> None:
    rows = frozenset[str]().union(*(member.label_rows for member in members)) & set(names)
    groups = sorted({member.loss_group for member in members})
    if rows and len(groups) > 1:
        raise WsgeoError(
            f"the heads of members of {len(groups)} loss groups have other meanings, such as "
            f"{shown(min(rows))} in {groups[0]} and {groups[1]}",
            remedy="Merge members of one task, or the tensors that they share with their base.",
        )
