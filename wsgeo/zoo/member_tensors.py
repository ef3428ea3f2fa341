"""One tensor of many members at a time: where it lies, and what adapters make of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wsgeo.weights.geometry import Matrix, gram
from wsgeo.weights.layout import Vector
from wsgeo.weights.lowrank import LowRankUpdate, inner_products
from wsgeo.weights.precision import Tensor
from wsgeo.weights.slices import SliceReader, TensorSlices
from wsgeo.zoo.checkpoints import Checkpoint, LoraPair, Scaling, TensorRef
from wsgeo.zoo.hashing import check_finite, scan_file
from wsgeo.zoo.loading import refuse_changed


def tensor_gram(members: Sequence[Checkpoint], name: str, slices: TensorSlices) -> Matrix:
    """Return the inner products of one tensor of members, seen from their base.

    Where all members are adapters of one file that leave this tensor or add a product of two
    factors to it, the factors are enough; else the tensor is read, and changed, slice by slice.

    Parameters
    ----------
    members : sequence of Checkpoint
        Members of one geometry group, with one base or none.
    name : str
        Canonical name of a tensor that all of them have, and their base.
    slices : TensorSlices
        Reads their files.

    Returns
    -------
    ndarray of float64, shape (n, n)
        The Gram matrix; without a base it is seen from the first member, or what it was made from.

    Raises
    ------
    EntryError
        If a file changed since the zoo was read, or a changed tensor is not finite.
    """
    shape, base = members[0].layout.shape(name), members[0].base
    refs = [member.tensors[name] for member in members]
    origin = [] if base is None else [base.tensors[name]]
    _check_shapes([*refs, *origin], shape, slices)
    pairs = [member.lora.get(name) for member in members]
    if _is_one([*refs, *origin]) and not any(name in member.scalings for member in members):
        ranks = [0 if pair is None else pair.a.shape[0] for pair in pairs]
        if not any(ranks):
            return np.zeros((len(members),) * 2)
        if _are_cheap(ranks, shape):
            return inner_products([_update(pair, shape, slices) for pair in pairs])
    fills = [member_reader(member, name, slices) for member in members]
    fills += [slices.reader(ref.file, ref.stored_name) for ref in origin]

    def read(i: int, columns: slice, out: Vector) -> None:
        fills[i](columns, out)

    return gram(read, len(members), math.prod(shape), len(members) if origin else 0)


def member_reader(member: Checkpoint, name: str, slices: TensorSlices) -> SliceReader:
    """Return what reads a member's tensor with its adapter merged into it.

    Parameters
    ----------
    member : Checkpoint
        A full model or an adapter.
    name : str
        Canonical name of one of its tensors; label rows come in the order of its file.
    slices : TensorSlices
        Reads its files.

    Returns
    -------
    callable (slice, ndarray of float32) -> None
        Writes a slice of the flattened tensor. Raises an EntryError if a file changed, or a changed
        tensor is not finite.
    """
    ref = member.tensors[name]
    steps = [slices.reader(ref.file, ref.stored_name)]
    shape, where = member.layout.shape(name), member.adapter or member.folder
    if name in member.lora:
        steps.append(_adder(_update(member.lora[name], shape, slices)))
    if name in member.scalings:
        steps.append(_scaler(member.scalings[name], shape, slices))
    if len(steps) == 1:
        return steps[0]

    def fill(columns: slice, out: Vector) -> None:
        for step in steps:
            step(columns, out)
        check_finite(out, name, where)

    return fill


def verify(members: Sequence[Checkpoint], slices: TensorSlices) -> None:
    """Refuse files that changed since the zoo was read.

    Parameters
    ----------
    members : sequence of Checkpoint
        Members whose files were read, and whose base.
    slices : TensorSlices
        What read them.

    Raises
    ------
    EntryError
        If a file changed (``file_changed``).
    """
    hashes: dict[Path, str] = {}
    for member in members:
        hashes |= member.file_hashes
        hashes |= {} if member.base is None else member.base.file_hashes
    slices.verify(lambda path, header: scan_file(header, ()).digest == hashes.get(path))


def _are_cheap(ranks: Sequence[int], shape: tuple[int, ...]) -> bool:
    """Return whether factors take fewer multiplications; those of dense matrices count half."""
    # From some 16 ranks of 200 members on 768 x 768, the factors are wider than the matrix itself.
    total, n = sum(ranks), len(ranks)
    return total**2 * sum(shape) <= (n**2 / 2 + 2 * total) * math.prod(shape)


def _is_one(refs: Sequence[TensorRef]) -> bool:
    return len({(ref.file, ref.stored_name) for ref in refs}) == 1


def _check_shapes(refs: Sequence[TensorRef], shape: tuple[int, ...], slices: TensorSlices) -> None:
    for path, name in dict.fromkeys((ref.file, ref.stored_name) for ref in refs):
        if slices.shape(path, name) != shape:
            refuse_changed(path)


def _update(pair: LoraPair | None, shape: tuple[int, ...], slices: TensorSlices) -> LowRankUpdate:
    """Return what an adapter adds to a tensor; a product of rank 0 where it adds nothing."""
    if pair is None:
        return LowRankUpdate(np.zeros((0, shape[1]), "f4"), np.zeros((shape[0], 0), "f4"))
    a, b = (_whole(ref, slices) for ref in (pair.a, pair.b))
    # Turned to the way in which the tensor is stored, so that all updates of it fit together.
    return LowRankUpdate(*((b.T, a.T) if pair.transposed else (a, b)), pair.scaling)


def _whole(ref: TensorRef, slices: TensorSlices) -> Tensor:
    _check_shapes([ref], ref.shape, slices)
    return slices.tensor(ref.file, ref.stored_name)


def _adder(update: LowRankUpdate) -> SliceReader:
    left, right = update.b.astype(np.float64) * update.scaling, update.a.astype(np.float64)

    def add(columns: slice, out: Vector) -> None:
        first, width = columns.start // right.shape[1], right.shape[1]
        rows = left[first : -(-columns.stop // width)] @ right
        change = rows.reshape(-1)[columns.start - first * width :][: out.size]
        np.add(out, change, out=out, casting="same_kind")  # in float64, rounded once

    return add


def _scaler(scaling: Scaling, shape: tuple[int, ...], slices: TensorSlices) -> SliceReader:
    factors = _whole(scaling.factors, slices).reshape(-1)
    step = math.prod(shape[scaling.axis + 1 :])

    def scale(columns: slice, out: Vector) -> None:
        out *= factors[np.arange(columns.start, columns.stop) // step % factors.size]

    return scale
