"""An entry between its files and its place in the zoo: headers are read, weights are not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Never, final

from wsgeo.errors import EntryError
from wsgeo.escapes import shown
from wsgeo.weights.headers import Header, read_header
from wsgeo.zoo.architectures import Architecture, architecture_of
from wsgeo.zoo.checkpoints import Fact, LoraPair, Scaling, TensorRef
from wsgeo.zoo.configs import ModelConfig, check_against_shapes, check_config
from wsgeo.zoo.discovery import CONFIG, Found
from wsgeo.zoo.documents import Roots, read_json
from wsgeo.zoo.keys import resolve_keys
from wsgeo.zoo.tokenizer_files import TokenizerFiles
from wsgeo.zoo.weight_files import weight_files


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
    scalings : mapping of str to Scaling
        Factors to multiply by.
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
    scalings: Mapping[str, Scaling] = field(default_factory=dict)
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
    if not os.path.lexists(where):
        _refuse_missing_config(folder)
    config = check_config(read_json(where, roots), str(where), as_base=as_base)
    headers = {path: read_header(path) for path in weight_files(folder, roots, allow_pickle)}
    stored = tuple(references(headers))
    check_against_shapes(config, [ref.shape for ref in stored], str(where))
    return ModelFiles(config, headers, stored)


def _refuse_missing_config(folder: Path) -> Never:
    has_weights = any(path.suffix in (".safetensors", ".bin") for path in folder.iterdir())
    raise EntryError(
        "no_config",
        "the folder holds weights but no config.json" if has_weights else "the folder is no model",
        where=str(folder),
        remedy="Put the model's config.json beside them."
        if has_weights
        else "Name the folder that holds config.json and the weights.",
        malformed=False,
    )


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
