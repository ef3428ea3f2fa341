"""What is known of one checkpoint, and from where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from wsgeo.weights.layout import Layout


@final
@dataclass(frozen=True)
class Fact:
    """A value and the place it was read from.

    Parameters
    ----------
    value : str, int, float, or None
        What is known.
    source : str
        Where it was read: ``zoo.toml``, ``wsgeo.json``, ``config.json``, ``adapter_config.json``,
        ``README.md``, ``trainer_state.json``, ``folder name``, ``weights``, or ``unknown``.
    """

    value: str | int | float | None
    source: str


UNKNOWN = Fact(None, "unknown")


@final
@dataclass(frozen=True)
class TensorRef:
    """Where one tensor's bytes lie.

    Parameters
    ----------
    file : Path
        The safetensors file.
    stored_name : str
        Its name in that file (before legacy names are mended).
    dtype : str
        The safetensors dtype code, such as ``F32`` or ``BF16``.
    shape : tuple of int
        Its shape.
    """

    file: Path
    stored_name: str
    dtype: str
    shape: tuple[int, ...]


@final
@dataclass(frozen=True)
class LoraPair:
    """Two factors whose scaled product is added to one tensor of the base.

    Parameters
    ----------
    a : TensorRef
        Shape (rank, n_inputs).
    b : TensorRef
        Shape (n_outputs, rank).
    scaling : float
        Factor of the product ``b @ a``.
    transposed : bool
        Whether the base stores this tensor as (n_inputs, n_outputs).
    """

    a: TensorRef
    b: TensorRef
    scaling: float
    transposed: bool


@final
@dataclass(frozen=True)
class Scaling:
    """Factors by which one tensor of the base is multiplied along an axis.

    Parameters
    ----------
    factors : TensorRef
        As many numbers as the axis is long.
    axis : int
        Axis of the base's tensor.
    """

    factors: TensorRef
    axis: int


@final
@dataclass(frozen=True)
class Base:
    """The pre-trained model that members came from.

    Parameters
    ----------
    id : str
        Its path, or ``org/name@revision``.
    folder : Path
        Its folder.
    content_hash : str
        As `Checkpoint.content_hash`.
    tensors : mapping of str to TensorRef
        The tensors of the member's body that the base has, by the member's names.
    file_hashes : mapping of Path to str
        Hash of each file (`wsgeo.weights.tensors.FileDigest`); `wsgeo.zoo.load_base` checks it.
    """

    id: str
    folder: Path
    content_hash: str
    tensors: Mapping[str, TensorRef]
    file_hashes: Mapping[Path, str] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class Checkpoint:
    """One accepted member of a zoo; weights are loaded on demand by `wsgeo.zoo.load_weights`.

    Parameters
    ----------
    id : str
        Name shown to people: the path below the zoo, ``org/name@revision``, or ``base+adapter``.
    folder : Path
        Folder of the model or adapter.
    content_hash : str
        SHA-256 (hex) over canonical names, shapes and float32 values, model class, computing settings
        and label names: the key of everything stored.
    config : mapping
        The parsed ``config.json`` of the model (of the base, for an adapter).
    model_class : str
        Class built into transformers, such as ``BertForSequenceClassification``.
    tensors : mapping of str to TensorRef
        Canonical tensor name to its place; for an adapter, the base's tensors and those that the
        adapter replaces whole.
    layout : Layout
        Canonical names and shapes, head included.
    labels : tuple of str
        Label names in this checkpoint's own order; empty for language models.
    labels_named : bool
        False where the names are the defaults (``LABEL_0``, ...).
    tokenizer_folder : Path
        Folder from which the group's tokenizer is read.
    tokenizer_hash : str
        SHA-256 of the tokenizer's canonical content.
    geometry_group, loss_group : str
        Short names of the groups (``g0``, ``g0.l0``): distances are taken within the first,
        barriers within the second.
    label_order : tuple of int
        Position in this checkpoint's own order of each label of the loss group's order: row ``i`` of
        the head that `load_weights` returns is row ``label_order[i]`` of the file. Named labels of a
        group are sorted, so that no new member changes their order; empty means as in the file.
    facts : mapping of str to Fact
        ``base``, ``task``, ``method``, ``seed``, ``step``, ``learning_rate``, ``data`` and others.
    duplicate_of : str or None
        Id of an earlier member with the same content hash.
    adapter : Path or None
        Folder of the LoRA or IA3 adapter that is merged on loading.
    file_hashes : mapping of Path to str
        Hash of each file that holds weights (`wsgeo.weights.tensors.FileDigest`), checked again when
        they are loaded.
    label_rows : frozenset of str
        Tensors with one row per label, which `load_weights` puts into the group's order.
    head : frozenset of str
        Tensors outside the body.
    lora : mapping of str to LoraPair
        Canonical name -> factors to add on loading.
    scalings : mapping of str to Scaling
        Canonical name -> factors to multiply by on loading.
    base : Base or None
        The pre-trained model, where it was found.
    revision : str or None
        Commit of a hub snapshot.
    computing_hash : str
        SHA-256 over the settings that take part in computing.
    """

    id: str
    folder: Path
    content_hash: str
    config: Mapping[str, object]
    model_class: str
    tensors: Mapping[str, TensorRef]
    layout: Layout
    labels: tuple[str, ...]
    labels_named: bool
    tokenizer_folder: Path
    tokenizer_hash: str
    geometry_group: str = ""
    loss_group: str = ""
    label_order: tuple[int, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    duplicate_of: str | None = None
    adapter: Path | None = None
    file_hashes: Mapping[Path, str] = field(default_factory=dict)
    label_rows: frozenset[str] = frozenset()
    head: frozenset[str] = frozenset()
    lora: Mapping[str, LoraPair] = field(default_factory=dict)
    scalings: Mapping[str, Scaling] = field(default_factory=dict)
    base: Base | None = None
    revision: str | None = None
    computing_hash: str = ""

    @property
    def group_labels(self) -> tuple[str, ...]:
        """Label names in the order of the loss group, which is that of the loaded head."""
        return tuple(self.labels[i] for i in self.label_order) or self.labels


@final
@dataclass(frozen=True)
class Exclusion:
    """An entry that is not a member, and why.

    Parameters
    ----------
    id : str
        Name of the entry.
    fate : str
        ``set aside`` (sound, but unsupported or not comparable) or ``rejected`` (malformed,
        hostile, or unable to do its task).
    code : str
        Stable name of the finding.
    file, cause, remedy : str
        Where, what, and what to do.
    """

    id: str
    fate: str
    code: str
    file: str
    cause: str
    remedy: str


@final
@dataclass(frozen=True)
class Zoo:
    """The members of a zoo, in the order of their ids, and the entries left out.

    Every (n,) and (n, n) array in wsgeo is aligned to ``ids`` of the group it describes.

    Parameters
    ----------
    name : str
        Name of the folder.
    root : Path
        The folder itself.
    members : tuple of Checkpoint
        Accepted checkpoints, sorted by id.
    excluded : tuple of Exclusion
        The others, each with its reason.
    alerts : tuple of str
        Sentences about what was guessed or looks odd.
    """

    name: str
    root: Path
    members: tuple[Checkpoint, ...]
    excluded: tuple[Exclusion, ...] = ()
    alerts: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the members, in order."""
        return tuple(member.id for member in self.members)

    def loss_group(self, name: str) -> tuple[Checkpoint, ...]:
        """Return the members of one loss group, in order."""
        return tuple(m for m in self.members if m.loss_group == name)

    def geometry_group(self, name: str) -> tuple[Checkpoint, ...]:
        """Return the members of one geometry group, in order."""
        return tuple(m for m in self.members if m.geometry_group == name)
