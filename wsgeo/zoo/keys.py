"""Canonical tensor names for what files call by older, other or tied names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Never, final

from wsgeo.errors import EntryError
from wsgeo.escapes import shown
from wsgeo.zoo.architectures import Architecture
from wsgeo.zoo.checkpoints import TensorRef

_LEGACY = (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias"))


@final
@dataclass(frozen=True)
class Resolved:
    """A file's tensors under their canonical names.

    Parameters
    ----------
    tensors : mapping of str to TensorRef
        Canonical name -> place.
    copies : tuple of (str, TensorRef)
        Canonical names of tied tensors with the place of a second copy, which must be equal.
    """

    tensors: Mapping[str, TensorRef]
    copies: tuple[tuple[str, TensorRef], ...] = ()


def resolve_keys(architecture: Architecture, stored: Iterable[TensorRef], where: str) -> Resolved:
    """Give every stored tensor its canonical name; refuse what does not fit exactly.

    Parameters
    ----------
    architecture : Architecture
        What is asked for.
    stored : iterable of TensorRef
        What the files hold.
    where : str
        The entry, for messages.

    Returns
    -------
    Resolved
        Every canonical name once.

    Raises
    ------
    EntryError
        If a tensor is missing (``missing_head``, ``missing_keys``), extra (``extra_keys``), stored
        twice, or of another shape (``other_shapes``).
    """
    tensors, copies = _merge_ties(architecture, _rename(architecture, stored, where))
    kept = check_keys(architecture, tensors, where)
    for name, ref in copies:
        _check_shape(name, ref, architecture.shapes[name], where)
    return Resolved(kept, tuple(copies))


def check_keys(
    architecture: Architecture, tensors: Mapping[str, TensorRef], where: str
) -> dict[str, TensorRef]:
    """Refuse tensors that are not exactly those of an architecture.

    Parameters
    ----------
    architecture : Architecture
        What is asked for.
    tensors : mapping of str to TensorRef
        Canonical name -> place.
    where : str
        The entry, for messages.

    Returns
    -------
    dict of str to TensorRef
        The same, without what the class is known to ignore.

    Raises
    ------
    EntryError
        As `resolve_keys`.
    """
    shapes = architecture.shapes
    extra = sorted(name for name in tensors if name not in shapes)
    extra = [name for name in extra if not _is_ignored(architecture, name)]
    missing = [name for name in shapes if name not in tensors]
    if missing:
        _refuse_missing(architecture, missing, extra, where)
    if extra:
        what = f"the files hold tensors that the class does not have: {_listed(extra)}"
        _refuse("extra_keys", what, where)
    for name, shape in shapes.items():
        _check_shape(name, tensors[name], shape, where)
    return {name: tensors[name] for name in shapes}


def resolve_body(
    architecture: Architecture, stored: Iterable[TensorRef], where: str
) -> dict[str, TensorRef]:
    """Give the tensors of a base the canonical names of a member's architecture.

    Parameters
    ----------
    architecture : Architecture
        The member's.
    stored : iterable of TensorRef
        What the base's files hold; a head of its own does no harm.
    where : str
        The base, for messages.

    Returns
    -------
    dict of str to TensorRef
        The tensors of the body that the base has.

    Raises
    ------
    EntryError
        If the base has another shape somewhere, or less than half of the body.
    """
    tensors, _ = _merge_ties(architecture, _rename(architecture, stored, where))
    shapes = architecture.shapes
    body = [name for name in shapes if name not in architecture.head]
    found = {name: tensors[name] for name in body if name in tensors}
    for name, ref in found.items():
        if ref.shape != shapes[name]:
            what = f"{shown(name)} has shape {ref.shape}, the member's is {shapes[name]}"
            _refuse("base_mismatch", what, where, "Name the base that the member came from.")
    if 2 * len(found) < len(body):
        what = f"only {len(found)} of {len(body)} tensors of the body are there"
        _refuse("base_mismatch", what, where, "Name the base that the member came from.")
    return found


def own_tensors(
    architecture: Architecture, stored: Iterable[TensorRef], where: str
) -> dict[str, TensorRef]:
    """Give the tensors of a base the names of its own class; those it lacks or adds do no harm.

    Parameters
    ----------
    architecture : Architecture
        The base's.
    stored : iterable of TensorRef
        What its files hold.
    where : str
        The base, for messages.

    Returns
    -------
    dict of str to TensorRef
        Canonical name -> place, where the shape is right.
    """
    tensors, _ = _merge_ties(architecture, _rename(architecture, stored, where))
    shapes = architecture.shapes
    return {name: ref for name, ref in tensors.items() if shapes.get(name) == ref.shape}


def _check_shape(name: str, ref: TensorRef, shape: tuple[int, ...], where: str) -> None:
    if ref.shape != shape:
        what = f"{shown(name)} has shape {ref.shape}, the config asks for {shape}"
        _refuse("other_shapes", what, where)


def _rename(
    architecture: Architecture, stored: Iterable[TensorRef], where: str
) -> dict[str, TensorRef]:
    """Mend legacy names and a missing body prefix, and drop what the class computes itself."""
    refs = list(stored)
    known = {*architecture.layout.names, *architecture.aliases, *architecture.optional}
    bare = not any(ref.stored_name.startswith(architecture.prefix) for ref in refs)
    named: dict[str, TensorRef] = {}
    for ref in refs:
        name = ref.stored_name
        for old, new in _LEGACY:
            if name.endswith(old):
                name = name.removesuffix(old) + new
        if bare and name not in known and architecture.prefix + name in known:
            name = architecture.prefix + name
        if name in architecture.optional:
            continue
        if name in named:
            _refuse("duplicate_name", f"two tensors are stored for {shown(name)}", where)
        named[name] = ref
    return named


def _merge_ties(
    architecture: Architecture, named: Mapping[str, TensorRef]
) -> tuple[dict[str, TensorRef], list[tuple[str, TensorRef]]]:
    tensors = {name: ref for name, ref in named.items() if name not in architecture.aliases}
    copies: list[tuple[str, TensorRef]] = []
    for name, ref in named.items():
        source = architecture.aliases.get(name)
        if source is None:
            continue
        if source in tensors:
            copies.append((source, ref))
        else:
            tensors[source] = ref
    return tensors, copies


def _is_ignored(architecture: Architecture, name: str) -> bool:
    return any(re.search(pattern, name) for pattern in architecture.ignored)


def _refuse_missing(
    architecture: Architecture, missing: list[str], extra: list[str], where: str
) -> Never:
    if all(name in architecture.head for name in missing):
        what = f"the head is missing: {_listed(missing)}"
        remedy = "Save the fine-tuned model with its head; one drawn at random would mean nothing."
        _refuse("missing_head", what, where, remedy)
    also = f"; not known: {_listed(extra)}" if extra else ""
    _refuse("missing_keys", f"tensors are missing: {_listed(missing)}{also}", where)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(shown(name) for name in names[:3]) + more


def _refuse(code: str, what: str, where: str, remedy: str = "Save the model again.") -> Never:
    raise EntryError(code, what, where=where, remedy=remedy)
