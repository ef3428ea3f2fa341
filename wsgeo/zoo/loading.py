"""Weights and empty models of a checkpoint, at the moment they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Never, TypeVar

import numpy as np

from wsgeo.errors import EntryError
from wsgeo.weights.headers import read_header
from wsgeo.weights.layout import Layout, Weights
from wsgeo.weights.lowrank import LowRankUpdate, merge_adapter
from wsgeo.weights.tensors import FileDigest, stream_tensors
from wsgeo.zoo.checkpoints import Checkpoint, TensorRef
from wsgeo.zoo.hashing import Array, check_finite
from wsgeo.zoo.scalings import scaled

if TYPE_CHECKING:
    import torch

_FactorKey = tuple[Path, str]
_Key = TypeVar("_Key", bound=object)


def load_weights(checkpoint: Checkpoint) -> Weights:
    """Read the weights of a checkpoint: float32, canonical names, adapters merged.

    The rows of the head are put into the label order of the loss group. The files are hashed while
    they are read, so that what comes back is what was checked.

    Parameters
    ----------
    checkpoint : Checkpoint
        A member of a zoo.

    Returns
    -------
    Weights
        In the checkpoint's layout.

    Raises
    ------
    EntryError
        If a file changed since the zoo was read (``file_changed``), is refused, or is not finite.
    """
    vector = np.empty(checkpoint.layout.n_parameters, np.float32)
    weights = Weights(checkpoint.layout, vector)
    factors = _read_into(checkpoint, weights)
    for name, update in _updates(checkpoint, factors).items():
        pair, tensor = checkpoint.lora[name], weights.tensor(name)
        tensor[...] = merge_adapter(tensor, update, fan_in_fan_out=pair.transposed)
        check_finite(tensor, name, pair.a.file)
    for name, scaling in checkpoint.scalings.items():
        tensor = weights.tensor(name)
        tensor[...] = scaled(tensor, scaling, factors[_key(scaling.factors)])
        check_finite(tensor, name, scaling.factors.file)
    _order_labels(checkpoint, {name: weights.tensor(name) for name in checkpoint.label_rows})
    return weights


def load_adapter_parts(
    checkpoint: Checkpoint,
) -> tuple[dict[str, LowRankUpdate], dict[str, Array]]:
    """Read the files of an adapter alone, and not its base.

    Parameters
    ----------
    checkpoint : Checkpoint
        A member of a zoo.

    Returns
    -------
    updates : dict of str to LowRankUpdate
        What is added to tensors of the base, by canonical name; empty for a full model.
    whole : dict of str to ndarray of float32
        The tensors that the adapter holds whole, label rows in the order of the loss group.

    Raises
    ------
    EntryError
        As `load_weights`.
    """
    refs = _factor_refs(checkpoint)
    files = {ref.file for ref in refs.values()}
    refs.update({name: ref for name, ref in checkpoint.tensors.items() if ref.file in files})
    found = dict(read_verified(refs, checkpoint.file_hashes))
    # Copies, because two names may stand for one tensor of the file.
    whole = {key: values.copy() for key, values in found.items() if isinstance(key, str)}
    _order_labels(checkpoint, whole)
    arrays = {key: values for key, values in found.items() if not isinstance(key, str)}
    return _updates(checkpoint, arrays), whole


def load_base(checkpoint: Checkpoint) -> Weights | None:
    """Read the base of a checkpoint, over the tensors of the body that it has.

    Parameters
    ----------
    checkpoint : Checkpoint
        A member of a zoo.

    Returns
    -------
    Weights or None
        By the member's names; None where no base was found.

    Raises
    ------
    EntryError
        As `load_weights`.
    """
    base = checkpoint.base
    if base is None:
        return None
    names = tuple(sorted(base.tensors))
    layout = Layout(names, tuple(base.tensors[name].shape for name in names))
    weights = Weights(layout, np.empty(layout.n_parameters, np.float32))
    for name, values in read_verified(base.tensors, base.file_hashes):
        weights.tensor(name)[...] = values
    return weights


def head_names(checkpoint: Checkpoint) -> frozenset[str]:
    """Return the canonical names of the tensors outside the body.

    Parameters
    ----------
    checkpoint : Checkpoint
        A member of a zoo.

    Returns
    -------
    frozenset of str
        Such as the classifier's.
    """
    return checkpoint.head


def build_model(checkpoint: Checkpoint) -> torch.nn.Module:
    """Return an empty model of a checkpoint's class, to be filled with weights.

    Parameters
    ----------
    checkpoint : Checkpoint
        A member of a zoo.

    Returns
    -------
    torch.nn.Module
        On the CPU, float32, in evaluation mode, with scaled-dot-product attention where the class has
        it. Every parameter is NaN, so that one that is never filled cannot pass for a model; buffers
        are as the class computes them.
    """
    import torch

    from wsgeo.zoo.architectures import empty_model

    n_labels = len(checkpoint.labels)
    model = empty_model(checkpoint.model_class, checkpoint.config, n_labels)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(float("nan"))
            parameter.requires_grad_(False)
    return model


def _read_into(checkpoint: Checkpoint, weights: Weights) -> dict[_FactorKey, Array]:
    """Fill the flat vector; return the factors of an adapter."""
    refs = _factor_refs(checkpoint)
    refs.update(checkpoint.tensors)
    factors: dict[_FactorKey, Array] = {}
    for key, values in read_verified(refs, checkpoint.file_hashes):
        if isinstance(key, str):
            weights.tensor(key)[...] = values
        else:
            factors[key] = values
    return factors


def _order_labels(checkpoint: Checkpoint, tensors: Mapping[str, Array]) -> None:
    """Put the label rows of some tensors into the order of the loss group."""
    order = list(checkpoint.label_order)
    for name in checkpoint.label_rows & tensors.keys() if order else ():
        tensors[name][...] = tensors[name][order]


def _factor_refs(checkpoint: Checkpoint) -> dict[str | _FactorKey, TensorRef]:
    pairs = (ref for pair in checkpoint.lora.values() for ref in (pair.a, pair.b))
    vectors = (scaling.factors for scaling in checkpoint.scalings.values())
    return {_key(ref): ref for ref in (*pairs, *vectors)}


def _updates(
    checkpoint: Checkpoint, factors: Mapping[_FactorKey, Array]
) -> dict[str, LowRankUpdate]:
    return {
        name: LowRankUpdate(factors[_key(pair.a)], factors[_key(pair.b)], pair.scaling)
        for name, pair in checkpoint.lora.items()
    }


def _key(ref: TensorRef) -> _FactorKey:
    return ref.file, ref.stored_name


def read_verified(
    refs: Mapping[_Key, TensorRef], hashes: Mapping[Path, str]
) -> Iterator[tuple[_Key, Array]]:
    """Give every tensor, then compare the hash of each file's bytes as they were read.

    Parameters
    ----------
    refs : mapping to TensorRef
        Where the tensors lie.
    hashes : mapping of Path to str
        Hash of each file when the zoo was read.

    Yields
    ------
    key : object
        A key of ``refs``.
    values : ndarray of float32
        Its tensor.

    Raises
    ------
    EntryError
        If a file changed since the zoo was read, or is new.
    """
    by_file: dict[Path, dict[str, list[_Key]]] = {}
    for key, ref in refs.items():
        by_file.setdefault(ref.file, {}).setdefault(ref.stored_name, []).append(key)
    for path, keys in by_file.items():
        digest = FileDigest()
        header = read_header(path)
        if not set(keys) <= set(header.weights):
            refuse_changed(path)
        for stored, values in stream_tensors(path, keys, header=header, digest=digest):
            for key in keys[stored]:
                if values.shape != refs[key].shape:
                    refuse_changed(path)
                yield key, values
        if digest.hexdigest() != hashes.get(path):
            refuse_changed(path)


def refuse_changed(path: Path) -> Never:
    """Refuse a file or folder that is not what was read before."""
    raise EntryError(
        "file_changed",
        "the file changed since the zoo was read",
        where=str(path),
        remedy="Wait until nothing writes to it, then run the command again.",
    )
