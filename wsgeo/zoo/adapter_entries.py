"""An adapter as an entry: a base, factors to add, and tensors to replace."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Never

from wsgeo.errors import EntryError
from wsgeo.escapes import shown
from wsgeo.weights.headers import read_header
from wsgeo.zoo.adapter_configs import PREFIX, AdapterConfig, read_adapter_config
from wsgeo.zoo.adapters import lora_pairs, whole_tensors
from wsgeo.zoo.architectures import Architecture, architecture_of
from wsgeo.zoo.bases import BaseFinder
from wsgeo.zoo.checkpoints import Fact, TensorRef
from wsgeo.zoo.discovery import ADAPTER_CONFIG, ADAPTER_WEIGHTS, Found
from wsgeo.zoo.documents import Roots
from wsgeo.zoo.drafts import BaseFiles, Draft, references, refuse_buffers
from wsgeo.zoo.keys import check_keys, resolve_body
from wsgeo.zoo.model_classes import class_for, objective_of
from wsgeo.zoo.pickles import convert_pickle, refuse_pickle
from wsgeo.zoo.scalings import VECTOR, scalings


def draft_adapter(
    found: Found,
    roots: Roots,
    base: BaseFiles | None,
    *,
    allow_pickle: bool = False,
) -> Draft:
    """Read an adapter folder as an entry, on a base that is already read.

    Parameters
    ----------
    found : Found
        The entry.
    roots : Roots
        Where its files may lie.
    base : BaseFiles or None
        Its base; None where it was not found.
    allow_pickle : bool, default False
        Whether pickled weights are converted.

    Returns
    -------
    Draft
        Its tensors are those of the base, overridden by those that the adapter holds whole.

    Raises
    ------
    EntryError
        If anything is refused, or there is no base.
    """
    config = read_adapter_config(found.folder, roots)
    file = _adapter_file(found.folder, roots, allow_pickle)
    header = read_header(file)
    stored = references({file: header})
    if base is None:
        _refuse_missing_base(found)
    where = str(file)
    vectors = _vectors(config, stored)
    whole = whole_tensors(ref for ref in stored if ref not in vectors)
    model_class, architecture = _adapted_class(config, base, whole, where)
    combined = _combined(architecture, base, whole, model_class)
    tensors = check_keys(architecture, combined, where)
    refuse_buffers(tensors, where)
    if config.method == "ia3":
        pairs, factors = {}, scalings(architecture, vectors, where)
    else:
        pairs, factors = lora_pairs(config, architecture, stored, where), {}
    labels, named = base.files.config.labels, base.files.config.labels_named
    n_labels = _n_labels(architecture)
    if len(labels) != n_labels:
        labels, named = tuple(f"LABEL_{i}" for i in range(n_labels)), False
    return Draft(
        found.id,
        found.folder,
        base.files.config,
        model_class,
        architecture,
        tensors,
        {**base.files.headers, file: header},
        labels=labels,
        labels_named=named,
        lora=pairs,
        scalings=factors,
        adapter=found.folder,
        base=base,
        revision=found.revision,
    )


def adapter_base(found: Found, facts: Mapping[str, Fact], finder: BaseFinder) -> BaseFiles | None:
    """Return the base of an entry: the user's word, then what its files say.

    Parameters
    ----------
    found : Found
        The entry.
    facts : mapping of str to Fact
        Its facts.
    finder : BaseFinder
        Of the zoo.

    Returns
    -------
    BaseFiles or None
        None where none is named or found.
    """
    named = found.base or finder.from_user
    if named:
        return finder.named_by_user(named)
    fact = facts.get("base")
    if fact is None or not isinstance(fact.value, str):
        return None
    return finder.named_by_file(fact.value, found.folder)


def _adapter_file(folder: Path, roots: Roots, allow_pickle: bool) -> Path:
    path, pickled = folder / ADAPTER_WEIGHTS, folder / "adapter_model.bin"
    if os.path.lexists(path):
        return roots.regular_file(path)
    if pickled.exists():
        if not allow_pickle:
            refuse_pickle(pickled)
        return convert_pickle(pickled, roots)
    raise EntryError(
        "no_weights",
        f"{ADAPTER_WEIGHTS} is not there",
        where=str(folder),
        remedy="Put the adapter's weights beside its config.",
    )


def _refuse_missing_base(found: Found) -> Never:
    raise EntryError(
        "base_not_found",
        "the adapter's base is neither inside the zoo nor in the local cache",
        where=str(found.folder / ADAPTER_CONFIG),
        remedy="Name it with --base PATH.",
        malformed=False,
    )


def _adapted_class(
    config: AdapterConfig, base: BaseFiles, whole: Mapping[str, TensorRef], where: str
) -> tuple[str, Architecture]:
    """Return the class of the adapted model; its labels are the rows of the head it brings."""
    own = base.files.config
    name = own.model_class
    if config.objective is not None and (name is None or objective_of(name) != config.objective):
        name = class_for(own.model_type, config.objective, where)
    if name is None:
        what = "neither the adapter nor its base says what the model does"
        remedy = "Set task_type in adapter_config.json."
        raise EntryError("unsupported_class", what, where=where, remedy=remedy, malformed=False)
    if objective_of(name) != "classification":
        return name, architecture_of(own, where, model_class=name, n_labels=0)
    probe = architecture_of(own, where, model_class=name, n_labels=2)
    rows = {whole[label].shape[:1] for label in probe.label_rows if label in whole}
    if not rows and own.model_class == name:
        return name, architecture_of(own, where)
    if len(rows) != 1 or not 1 <= (n_labels := next(iter(rows))[0]) <= 10_000:
        what = f"the adapter brings no head (of {', '.join(map(shown, sorted(probe.label_rows)))})"
        remedy = "Train it with task_type SEQ_CLS or modules_to_save, and save it again."
        raise EntryError("missing_head", what, where=where, remedy=remedy)
    return name, architecture_of(own, where, model_class=name, n_labels=n_labels)


def _combined(
    architecture: Architecture, base: BaseFiles, whole: Mapping[str, TensorRef], model_class: str
) -> dict[str, TensorRef]:
    """Return the base's tensors under the member's names, overridden by those the adapter holds."""
    tensors = resolve_body(architecture, base.files.stored, str(base.folder))
    if base.files.config.model_class == model_class:
        shapes = architecture.shapes
        own = base.tensors.items()
        tensors |= {name: ref for name, ref in own if shapes.get(name) == ref.shape}
    return tensors | {architecture.aliases.get(name, name): ref for name, ref in whole.items()}


def _vectors(config: AdapterConfig, stored: Sequence[TensorRef]) -> list[TensorRef]:
    """Return the vectors of an IA3 adapter; in another they are tensors that fit nowhere."""
    if config.method != "ia3":
        return []
    return [ref for ref in stored if VECTOR.fullmatch(ref.stored_name.removeprefix(PREFIX))]


def _n_labels(architecture: Architecture) -> int:
    shapes = architecture.shapes
    return max((shapes[name][0] for name in architecture.label_rows), default=0)
