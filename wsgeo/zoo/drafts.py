"""An entry between its files and its place in the zoo: headers are read, weights are not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Never, final

from wsgeo.errors import EntryError
from wsgeo.weights.files import shown
from wsgeo.weights.headers import Header, read_header
from wsgeo.zoo.architectures import Architecture, architecture_of
from wsgeo.zoo.checkpoints import Fact, LoraPair, TensorRef
from wsgeo.zoo.configs import ModelConfig, check_against_shapes, check_config
from wsgeo.zoo.discovery import CONFIG, PICKLED_WEIGHTS, WEIGHTS, WEIGHTS_INDEX, Found
from wsgeo.zoo.documents import INDEX_BYTES, Roots, read_json
from wsgeo.zoo.keys import resolve_keys
from wsgeo.zoo.pickles import convert_pickle, refuse_pickle
from wsgeo.zoo.tokenizer_files import TokenizerFiles

MAX_SHARDS = 1000

_SHARD = re.compile(r"[^/\\]+\.safetensors")


@final
@dataclass
class Draft:
    """What is known of an entry before its weights are read.

    Parameters
    ----------
    id : str
        Name shown to people.
    folder : Path
        Its folder.
    config : ModelConfig
        Of the model, or of an adapter's base.
    model_class : str
        The class that is built.
    architecture : Architecture
        The tensors it has.
    tensors : dict of str to TensorRef
        Canonical name -> place.
    headers : dict of Path to Header
        Every file that holds weights, checked.
    labels : tuple of str
        Label names in the order of the head.
    labels_named : bool
        False for the default names.
    copies : tuple of (str, TensorRef)
        Second copies of tied tensors.
    lora : mapping of str to LoraPair
        Factors to add.
    facts : dict of str to Fact
        What side files say.
    tokenizer : TokenizerFiles or None
        Its own tokenizer, if any.
    adapter : Path or None
        Folder of the adapter.
    base : BaseFiles or None
        The base, where it was found.
    revision : str or None
        Commit of a hub snapshot.
    """

    id: str
    folder: Path
    config: ModelConfig
    model_class: str
    architecture: Architecture
    tensors: dict[str, TensorRef]
    headers: dict[Path, Header]
    labels: tuple[str, ...] = ()
    labels_named: bool = True
    copies: tuple[tuple[str, TensorRef], ...] = ()
    lora: Mapping[str, LoraPair] = field(default_factory=dict)
    facts: dict[str, Fact] = field(default_factory=dict)
    tokenizer: TokenizerFiles | None = None
    adapter: Path | None = None
    base: BaseFiles | None = None
    revision: str | None = None


@final
@dataclass(frozen=True)
class ModelFiles:
    """A model folder's checked config and headers.

    Parameters
    ----------
    config : ModelConfig
        Its config.
    headers : mapping of Path to Header
        Its files.
    stored : tuple of TensorRef
        All tensors in them.
    """

    config: ModelConfig
    headers: Mapping[Path, Header]
    stored: tuple[TensorRef, ...]


@final
@dataclass(frozen=True)
class BaseFiles:
    """The folder of a base, read as far as its headers.

    Parameters
    ----------
    id : str
        As shown.
    folder : Path
        Its folder.
    files : ModelFiles
        Config and headers.
    tensors : mapping of str to TensorRef
        Its tensors by the names of its own class, or by stored names for another class.
    tokenizer : TokenizerFiles or None
        Its tokenizer.
    """

    id: str
    folder: Path
    files: ModelFiles
    tensors: Mapping[str, TensorRef]
    tokenizer: TokenizerFiles | None


def read_model_files(
    folder: Path, roots: Roots, *, as_base: bool = False, allow_pickle: bool = False
) -> ModelFiles:
    """Read a model folder as far as its headers.

    Parameters
    ----------
    folder : Path
        The model.
    roots : Roots
        Where its files may lie.
    as_base : bool, default False
        Whether a class without one of our heads is welcome.
    allow_pickle : bool, default False
        Whether pickled weights are converted.

    Returns
    -------
    ModelFiles
        Checked config and headers.

    Raises
    ------
    EntryError
        If a file is refused, or config and headers disagree.
    """
    where = folder / CONFIG
    if not where.is_symlink() and not where.exists():
        raise EntryError(
            "no_config",
            "the folder holds weights but no config.json",
            where=str(folder),
            remedy="Put the model's config.json beside them.",
            malformed=False,
        )
    config = check_config(read_json(where, roots), str(where), as_base=as_base)
    headers = {path: read_header(path) for path in _weight_files(folder, roots, allow_pickle)}
    stored = tuple(references(headers))
    check_against_shapes(config, [ref.shape for ref in stored], str(where))
    return ModelFiles(config, headers, stored)


def references(headers: Mapping[Path, Header]) -> list[TensorRef]:
    """Return the place of every tensor in some files, buffers included.

    Parameters
    ----------
    headers : mapping of Path to Header
        The files.

    Returns
    -------
    list of TensorRef
        In the order of the files and bytes.
    """
    return [
        TensorRef(path, name, entry.dtype, entry.shape)
        for path, header in headers.items()
        for name, entry in header.tensors.items()
    ]


def draft_model(found: Found, roots: Roots, *, allow_pickle: bool = False) -> Draft:
    """Read a model folder as an entry.

    Parameters
    ----------
    found : Found
        The entry.
    roots : Roots
        Where its files may lie.
    allow_pickle : bool, default False
        Whether pickled weights are converted.

    Returns
    -------
    Draft
        With the exact keys and shapes of its class.

    Raises
    ------
    EntryError
        If anything in it is refused.
    """
    files = read_model_files(found.folder, roots, allow_pickle=allow_pickle)
    config, where = files.config, str(found.folder)
    assert config.model_class is not None
    architecture = architecture_of(config, str(found.folder / CONFIG))
    resolved = resolve_keys(architecture, files.stored, where)
    refuse_buffers(resolved.tensors, where)
    return Draft(
        found.id,
        found.folder,
        config,
        config.model_class,
        architecture,
        dict(resolved.tensors),
        dict(files.headers),
        labels=config.labels,
        labels_named=config.labels_named,
        copies=resolved.copies,
        revision=found.revision,
    )


def refuse_buffers(tensors: Mapping[str, TensorRef], where: str) -> None:
    """Refuse a weight that is stored as integers.

    Parameters
    ----------
    tensors : mapping of str to TensorRef
        Canonical name -> place.
    where : str
        The entry, for messages.

    Raises
    ------
    EntryError
        If one is.
    """
    for name, ref in tensors.items():
        if ref.dtype not in ("F64", "F32", "F16", "BF16"):
            raise EntryError(
                "unsupported_dtype",
                f"tensor {shown(name)} has dtype {ref.dtype}",
                where=where,
                remedy="Save the model in F32, F16 or BF16.",
            )


def _weight_files(folder: Path, roots: Roots, allow_pickle: bool) -> list[Path]:
    """Return the real paths of the weights: one file, the shards of an index, or converted ones."""
    if _is_there(folder / WEIGHTS):
        return [roots.regular_file(folder / WEIGHTS)]
    if _is_there(folder / WEIGHTS_INDEX):
        names = _shard_names(folder / WEIGHTS_INDEX, roots)
        return [roots.regular_file(folder / name) for name in names]
    pickled = sorted(p for p in folder.iterdir() if PICKLED_WEIGHTS.fullmatch(p.name))
    if pickled and allow_pickle:
        return [convert_pickle(path, roots) for path in pickled]
    if pickled:
        refuse_pickle(pickled[0])
    raise EntryError(
        "no_weights",
        f"neither {WEIGHTS} nor its index is there",
        where=str(folder),
        remedy="Put the weights beside the config, under that name.",
    )


def _shard_names(index: Path, roots: Roots) -> list[str]:
    """Return the shards that an index names; a name with a folder in it would lead elsewhere."""
    weight_map = read_json(index, roots, limit=INDEX_BYTES).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        _refuse_index(f"weight_map is {shown(weight_map)}", index)
    names: set[str] = set()
    for name in weight_map.values():
        if not isinstance(name, str) or not _SHARD.fullmatch(name) or "\0" in name:
            _refuse_index(f"the shard name {shown(name)} is not a file beside it", index)
        names.add(name)
    if len(names) > MAX_SHARDS:
        _refuse_index(f"it names {len(names)} shards", index)
    return sorted(names)


def _refuse_index(what: str, index: Path) -> Never:
    raise EntryError(
        "malformed_index",
        what,
        where=str(index),
        remedy="Save the model again.",
    )


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()
