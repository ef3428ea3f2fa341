"""Centroids as folders that `from_pretrained` loads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from wsgeo.errors import WsgeoError
from wsgeo.escapes import shown
from wsgeo.files import atomic_file
from wsgeo.regions.accounts import Account, Measure
from wsgeo.regions.cards import TORCH_NAMES, Origin
from wsgeo.regions.staging import staged_folder, write_json
from wsgeo.regions.tables import Evidence
from wsgeo.weights.files import open_regular
from wsgeo.weights.headers import read_header
from wsgeo.weights.layout import Weights
from wsgeo.weights.precision import StoredType
from wsgeo.weights.tensors import write_safetensors
from wsgeo.zoo.checkpoints import Checkpoint

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "bpe.codes",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "spm.model",
)
"""The only files that are copied from a tokenizer's folder."""

_VOCABULARIES = frozenset(TOKENIZER_FILES) - {
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
}
_CONFIG_BYTES = 10 << 20
_CHUNK = 1 << 20

# Settings that name code, a place on somebody's disk, or the type that the new file replaces.
_LEFT_OUT = re.compile(
    r"auto_map|custom_pipelines|trust_remote_code|_name_or_path|name_or_path|_commit_hash"
    r"|\w*attn_implementation\w*|\w*experts_implementation\w*|(torch_)?dtype|quantization_config"
    r"|compression_config|transformers_version"
)


@final
@dataclass(frozen=True)
class ModelTemplate:
    """What a folder needs beside the weights.

    Parameters
    ----------
    config : mapping
        The parsed ``config.json`` of a member.
    model_class : str
        The class in transformers, such as ``BertForSequenceClassification``.
    labels : tuple of str
        Label names in the order of the head's rows; empty for language models.
    tokenizer_folder : Path
        Where the tokenizer is copied from.
    """

    config: Mapping[str, object]
    model_class: str
    labels: tuple[str, ...]
    tokenizer_folder: Path

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> ModelTemplate:
        """Return the template of a member, with its labels in the order of its loss group.

        Parameters
        ----------
        checkpoint : Checkpoint
            The member.

        Returns
        -------
        ModelTemplate
            Fits the weights that `wsgeo.zoo.load_weights` returns.
        """
        order = checkpoint.label_order or range(len(checkpoint.labels))
        labels = tuple(checkpoint.labels[i] for i in order)
        return cls(checkpoint.config, checkpoint.model_class, labels, checkpoint.tokenizer_folder)


def write_model_folder(
    folder: Path | str,
    weights: Weights,
    template: ModelTemplate,
    origin: Origin,
    *,
    dtype: StoredType = "F32",
    measure: Measure | None = None,
) -> Evidence:
    """Write a model as a Hugging Face folder: weights, config, tokenizer, card, recipe, provenance.

    Tied tensors stand in the file once, under their canonical name, as transformers writes them.

    Parameters
    ----------
    folder : Path or str
        The folder; it appears when it is whole. An older centroid in its place is replaced.
    weights : Weights
        The weights, by the canonical names of ``template.model_class``.
    template : ModelTemplate
        Config, labels and tokenizer.
    origin : Origin
        For the card, the recipe and the provenance.
    dtype : {"F32", "F16", "BF16"}, default "F32"
        The type of the weights in the file.
    measure : callable (Path) -> Evidence, optional
        Told where the model stands before it gets its name, so that what is measured is what is
        written: rounded to ``dtype``, and read back.

    Returns
    -------
    Evidence
        What ``measure`` found, else that of ``origin``.

    Raises
    ------
    WsgeoError
        If the folder holds something else or cannot be written, there is no tokenizer, or a weight
        is beyond the range of ``dtype``.
    """
    layout = weights.layout
    with staged_folder(Path(folder)) as staging:
        file = staging / "model.safetensors"
        write_safetensors(
            file,
            ((name, weights.tensor(name)) for name in layout.names),
            shapes=dict(zip(layout.names, layout.shapes, strict=True)),
            dtype=dtype,
            metadata={"format": "pt"},
        )
        read_header(file)
        write_json(staging / "config.json", model_config(template, dtype))
        copy_tokenizer(template.tokenizer_folder, staging)
        account = Account(template.model_class, dtype, template.labels)
        return account.write(staging, origin, measure)


def model_config(template: ModelTemplate, dtype: StoredType = "F32") -> dict[str, object]:
    """Return the config of a written model: a member's, without code, in the labels' order.

    Parameters
    ----------
    template : ModelTemplate
        Config, class and labels.
    dtype : {"F32", "F16", "BF16"}, default "F32"
        The type of the weights.

    Returns
    -------
    dict
        Ready for ``config.json``.

    Examples
    --------
    >>> template = ModelTemplate({"auto_map": {}, "hidden_size": 8}, "M", ("no", "yes"), Path())
    >>> config = model_config(template)
    >>> config["id2label"], config["dtype"], "auto_map" in config
    ({'0': 'no', '1': 'yes'}, 'float32', False)
    """
    config = _without_code(template.config)
    assert isinstance(config, dict)
    if template.labels:
        config["id2label"] = {str(i): label for i, label in enumerate(template.labels)}
        config["label2id"] = {label: i for i, label in enumerate(template.labels)}
        config.pop("num_labels", None)
    # The second name is that of releases before transformers 4.56.
    name = TORCH_NAMES[dtype]
    return {**config, "architectures": [template.model_class], "dtype": name, "torch_dtype": name}


def _without_code(value: object) -> object:
    if isinstance(value, Mapping):
        kept = {key: inner for key, inner in value.items() if not _LEFT_OUT.fullmatch(str(key))}
        return {str(key): _without_code(inner) for key, inner in kept.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_code(inner) for inner in value]
    return value


def copy_tokenizer(source: Path, target: Path) -> tuple[str, ...]:
    """Copy the known files of a tokenizer; settings that name code are left out.

    Parameters
    ----------
    source, target : Path
        The two folders.

    Returns
    -------
    tuple of str
        Names of the files copied.

    Raises
    ------
    EntryError
        If one of them is no regular file, or cannot be read.
    WsgeoError
        If there is no vocabulary, or the settings are malformed.
    """
    copied = tuple(name for name in TOKENIZER_FILES if _is_there(source / name))
    if not _VOCABULARIES.intersection(copied):
        raise WsgeoError(
            "the folder holds no tokenizer",
            where=str(source),
            remedy="Put the tokenizer's files beside the model.",
        )
    for name in copied:
        if name == "tokenizer_config.json":
            write_json(target / name, _tokenizer_settings(source / name))
        else:
            _copy(source / name, target / name)
    return copied


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _copy(source: Path, target: Path) -> None:
    with open_regular(source) as reader, atomic_file(target) as writer:
        while chunk := reader.read(_CHUNK):
            writer.write(chunk)


def _tokenizer_settings(path: Path) -> dict[str, object]:
    with open_regular(path) as file:
        raw = file.read(_CONFIG_BYTES + 1)
    try:
        if len(raw) > _CONFIG_BYTES:
            raise ValueError(f"it has more than {_CONFIG_BYTES} bytes")
        settings = _without_code(json.loads(raw))
        if not isinstance(settings, dict):
            raise ValueError("it is not a JSON object")
        # A chat template is a program; nothing here needs one.
        settings.pop("chat_template", None)
        json.dumps(settings, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise WsgeoError(
            f"the tokenizer's settings cannot be read ({shown(str(error), 120)})",
            where=str(path),
            remedy="Save the tokenizer again.",
        ) from error
    return settings
