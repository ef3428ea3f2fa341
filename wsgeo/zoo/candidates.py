"""An entry whose weights have been read once: hashed, found finite, sampled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import EntryError
from wsgeo.weights.lowrank import LowRankUpdate, merge_adapter
from wsgeo.weights.tensors import read_tensors
from wsgeo.zoo.checkpoints import Base, LoraPair, TensorRef
from wsgeo.zoo.drafts import BaseFiles, Draft
from wsgeo.zoo.hashing import FileScan, check_finite, content_hash, sample, tensor_digest
from wsgeo.zoo.keys import resolve_body
from wsgeo.zoo.scalings import scaled

Array = NDArray[np.float32]


@final
@dataclass(frozen=True, eq=False)
class Candidate:
    """A draft with what its weights say.

    Parameters
    ----------
    draft : Draft
        The entry.
    content_hash : str
        See `Checkpoint`.
    file_hashes : mapping of Path to str
        Hash of each file.
    samples : mapping of str to ndarray of float32
        A few values of each matrix of the body, by canonical name.
    base : Base or None
        The base, hashed.
    base_samples : mapping of str to ndarray of float32
        The same values of the base.
    """

    draft: Draft
    content_hash: str
    file_hashes: Mapping[Path, str]
    samples: Mapping[str, Array]
    base: Base | None = None
    base_samples: Mapping[str, Array] = field(default_factory=dict)


def files_to_scan(drafts: list[Draft]) -> dict[Path, set[str]]:
    """Return the stored names that matter, by file; a base shared by many is read once.

    Parameters
    ----------
    drafts : list of Draft
        The entries.

    Returns
    -------
    dict of Path to set of str
        In the order in which the files are named first.
    """
    files: dict[Path, set[str]] = {}
    for draft in drafts:
        refs = _own_refs(draft)
        if draft.base is not None:
            refs += draft.base.tensors.values()
            refs += _body(draft, draft.base).values()
        for ref in refs:
            files.setdefault(ref.file, set()).add(ref.stored_name)
    return files


def measure(draft: Draft, scans: Mapping[Path, FileScan | EntryError]) -> Candidate:
    """Combine a draft with the scans of its files.

    Parameters
    ----------
    draft : Draft
        The entry.
    scans : mapping of Path to FileScan or EntryError
        One per file.

    Returns
    -------
    Candidate
        Hashed and sampled.

    Raises
    ------
    EntryError
        If one of its files was refused, or two copies of a tied tensor differ.
    """
    own = _sound(scans, _own_refs(draft))
    digests = {name: _digest(own, ref) for name, ref in draft.tensors.items()}
    _check_copies(draft, own, digests)
    samples = {
        name: s for name, ref in draft.tensors.items() if (s := _sample(own, ref)) is not None
    }
    for name, pair in draft.lora.items():
        merged = merged_tensor(draft.tensors[name], pair)
        check_finite(merged, name, pair.a.file)
        digests[name], samples[name] = tensor_digest(merged), sample(merged)
    for name, scaling in draft.scalings.items():
        merged = scaled(_read(draft.tensors[name]), scaling, _read(scaling.factors))
        check_finite(merged, name, scaling.factors.file)
        digests[name], samples[name] = tensor_digest(merged), sample(merged)
    shapes = {name: ref.shape for name, ref in draft.tensors.items()}
    function = (draft.model_class, draft.config.computing_hash, *draft.labels)
    base, base_samples = _measure_base(draft, scans)
    head = draft.architecture.head
    return Candidate(
        draft,
        content_hash(shapes, digests, function),
        {path: scan.digest for path, scan in own.items()},
        {name: values for name, values in samples.items() if name not in head},
        base,
        base_samples,
    )


def merged_tensor(ref: TensorRef, pair: LoraPair) -> Array:
    """Return a tensor of a base with its factors added.

    Parameters
    ----------
    ref : TensorRef
        The base's tensor.
    pair : LoraPair
        The factors.

    Returns
    -------
    ndarray of float32
        The merged tensor.
    """
    base, a, b = (_read(part) for part in (ref, pair.a, pair.b))
    return merge_adapter(base, LowRankUpdate(a, b, pair.scaling), fan_in_fan_out=pair.transposed)


def _read(ref: TensorRef) -> Array:
    return read_tensors(ref.file, [ref.stored_name])[ref.stored_name]


def _own_refs(draft: Draft) -> list[TensorRef]:
    factors = (ref for pair in draft.lora.values() for ref in (pair.a, pair.b))
    vectors = (scaling.factors for scaling in draft.scalings.values())
    return [*draft.tensors.values(), *(ref for _, ref in draft.copies), *factors, *vectors]


def _sound(
    scans: Mapping[Path, FileScan | EntryError], refs: Iterable[TensorRef]
) -> dict[Path, FileScan]:
    """Return the scans of the files that hold some tensors; raise what one of them was refused for."""
    sound: dict[Path, FileScan] = {}
    for path in dict.fromkeys(ref.file for ref in refs):
        scan = scans[path]
        if isinstance(scan, EntryError):
            raise scan
        sound[path] = scan
    return sound


def _digest(scans: Mapping[Path, FileScan], ref: TensorRef) -> str:
    return scans[ref.file].digests[ref.stored_name]


def _sample(scans: Mapping[Path, FileScan], ref: TensorRef) -> Array | None:
    return scans[ref.file].samples.get(ref.stored_name)


def _check_copies(draft: Draft, scans: Mapping[Path, FileScan], digests: Mapping[str, str]) -> None:
    for name, ref in draft.copies:
        if _digest(scans, ref) != digests[name]:
            raise EntryError(
                "tied_tensors_differ",
                f"the config ties {name} and {ref.stored_name}, but their values differ",
                where=str(ref.file),
                remedy="Set tie_word_embeddings to false, or save the model again.",
            )


def _body(draft: Draft, base: BaseFiles) -> dict[str, TensorRef]:
    return resolve_body(draft.architecture, base.files.stored, str(base.folder))


def _measure_base(
    draft: Draft, scans: Mapping[Path, FileScan | EntryError]
) -> tuple[Base | None, dict[str, Array]]:
    files = draft.base
    if files is None:
        return None, {}
    body = _body(draft, files)
    kept = _sound(scans, [*files.tensors.values(), *body.values()])
    config = files.files.config
    shapes = {name: ref.shape for name, ref in files.tensors.items()}
    digests = {name: _digest(kept, ref) for name, ref in files.tensors.items()}
    function = (config.model_class or "", config.computing_hash, *config.labels)
    whole = content_hash(shapes, digests, function)
    samples = {name: s for name, ref in body.items() if (s := _sample(kept, ref)) is not None}
    hashes = {path: scan.digest for path, scan in kept.items()}
    return Base(files.id, files.folder, whole, body, hashes), samples
