"""What a model's ``config.json`` may say: numbers within limits, built-in classes, no code."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Never, final

from wsgeo.errors import EntryError
from wsgeo.escapes import shown
from wsgeo.processes import WorkFailure, remedy_of, remembered, run_apart
from wsgeo.zoo.labels import read_labels
from wsgeo.zoo.model_classes import class_named, model_type_of, objective_of

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

MAX_LAYERS = 512
MAX_WIDTH = 65_536
MAX_NUMBER = 2**31
CONFIG_SECONDS = 60.0

_WIDTHS = frozenset({"hidden_size", "d_model", "n_embd", "dim", "emb_dim", "embedding_size"})
_LAYERS = re.compile(r"(n|num|encoder|decoder)\w*_layers?|n_layer|layers|depth")
_LIMITS: tuple[tuple[re.Pattern[str], int], ...] = (
    (_LAYERS, MAX_LAYERS),
    (re.compile("|".join(_WIDTHS)), MAX_WIDTH),
    (re.compile(r"intermediate_size|d_ff|n_inner|\w*ffn_dim|hidden_dim|d_inner"), 4_194_304),
    (re.compile(r"head_dim|d_kv|\w*_heads|n_head|\w*_head|num_\w*experts"), 4096),
    (re.compile(r"vocab_size"), 4_194_304),
    (re.compile(r"type_vocab_size"), MAX_WIDTH),
)
# Positions without a table in the file are computed, in some models by building the table first.
_POSITIONS = re.compile(r"max_position_embeddings|n_positions|n_ctx|max_seq_len")
_MAX_COMPUTED_POSITIONS, _MAX_ROTARY_POSITIONS = 131_072, 16_777_216
_ROTARY = frozenset({"rope_theta", "rope_scaling", "rope_parameters", "rotary_pct", "rotary_dim"})

_IMPLEMENTATION = re.compile(r"_.*|.*implementation|.*kernel_config|use_kernels|(torch_)?dtype")
_QUANTISED = ("quantization_config", "compression_config")

_NOT_COMPUTING = re.compile(
    r"_.*|architectures|transformers_version|name_or_path|(torch_)?dtype|id2label|label2id"
    r"|num_labels|problem_type|finetuning_task|task_specific_params|initializer.*|init_std|use_cache"
    r"|output_.*|return_dict|gradient_checkpointing|chunk_size_feed_forward|tie_word_embeddings"
    r"|.*dropout.*|.*_pdrop|.*layerdrop|drop_path.*|tokenizer_class|prefix|embd_pdrop"
    r"|model_max_length|max_length|min_length|num_beams|num_return_sequences|early_stopping"
    r"|length_penalty|no_repeat_ngram_size|forced_.*|temperature|top_k|top_p|repetition_penalty"
    r"|is_local|local_files_only|backend|mask_.*_(prob|length|min_masks)"
)


@final
@dataclass(frozen=True)
class ModelConfig:
    """A checked configuration.

    Parameters
    ----------
    raw : mapping
        The parsed file, without what could choose an implementation.
    model_type : str
        Such as ``bert``.
    model_class : str or None
        The built-in class; None for a class without one of our heads, good as a base only.
    labels : tuple of str
        Label names in order; empty for language models.
    labels_named : bool
        False for the default names.
    computing_hash : str
        SHA-256 over everything that takes part in computing.
    """

    raw: Mapping[str, Any]
    model_type: str
    model_class: str | None
    labels: tuple[str, ...]
    labels_named: bool
    computing_hash: str


def check_config(raw: Mapping[str, object], where: str, *, as_base: bool = False) -> ModelConfig:
    """Check a parsed ``config.json``.

    Parameters
    ----------
    raw : mapping
        The parsed file.
    where : str
        The file, for messages.
    as_base : bool, default False
        Whether a class without one of our heads is welcome.

    Returns
    -------
    ModelConfig
        What the rest of the package may rely on.

    Raises
    ------
    EntryError
        If the config names code or a quantisation, its numbers are out of bounds, or its class is
        not built into the installed transformers.
    """
    _refuse_code(raw, where)
    _check_numbers(raw, where)
    model_type = model_type_of(raw, where)
    model_class = class_named(raw, model_type, where, as_base=as_base)
    is_classifier = model_class is not None and objective_of(model_class) == "classification"
    labels, named = read_labels(raw, where) if is_classifier else ((), True)
    kept = _without_implementation(raw)
    digest = _computing_hash(kept, where)
    return ModelConfig(kept, model_type, model_class, labels, named, digest)


def check_against_shapes(
    config: ModelConfig, shapes: Collection[tuple[int, ...]], where: str
) -> None:
    """Compare the sizes that a config claims with those of the tensors that are there.

    Done before any module is made: an absurd layer count hangs the library for a minute.

    Parameters
    ----------
    config : ModelConfig
        The checked configuration.
    shapes : collection of tuple of int
        Shapes of all tensors of the entry.
    where : str
        The file, for messages.

    Raises
    ------
    EntryError
        If a size has no tensor to match it.
    """
    extents = {extent for shape in shapes for extent in shape}
    largest = max(extents, default=0)
    rotary = any(key in config.raw for key in _ROTARY)
    for key, value in config.raw.items():
        if not isinstance(value, int) or isinstance(value, bool):
            continue
        if _LAYERS.fullmatch(key) and value > len(shapes):
            _refuse_size(key, value, f"the files hold {len(shapes)} tensors", where)
        if (key in _WIDTHS or key == "vocab_size") and value not in extents:
            _refuse_size(key, value, "no tensor has this extent", where)
        if _POSITIONS.fullmatch(key):
            computed = _MAX_ROTARY_POSITIONS if rotary else _MAX_COMPUTED_POSITIONS
            if value > max(largest, computed):
                _refuse_size(key, value, "no tensor has this extent", where)


def transformers_config(config: ModelConfig | Mapping[str, object]) -> PreTrainedConfig:
    """Return the library's configuration object for a checked config.

    Parameters
    ----------
    config : ModelConfig or mapping
        A checked configuration, or its ``raw`` mapping.

    Returns
    -------
    PreTrainedConfig
        Of the built-in class for the model type.
    """
    from transformers import CONFIG_MAPPING

    raw = config.raw if isinstance(config, ModelConfig) else config
    clean = _without_implementation(raw)
    # The file's type is another spelling of the class; its attribute is fixed.
    return CONFIG_MAPPING[str(clean.pop("model_type"))].from_dict(clean)


def _refuse_code(value: object, where: str) -> None:
    """Refuse references to code and quantisation anywhere in the document."""
    if isinstance(value, list):
        for item in value:
            _refuse_code(item, where)
    if not isinstance(value, dict | Mapping):
        return
    if value.get("auto_map") or value.get("custom_pipelines") or value.get("trust_remote_code"):
        raise EntryError(
            "remote_code",
            "the config asks for code of its own (auto_map)",
            where=where,
            remedy="Convert the model to a class built into transformers and drop auto_map.",
        )
    for key in _QUANTISED:
        if value.get(key):
            raise EntryError(
                "quantised",
                f"the weights are quantised ({key})",
                where=where,
                remedy="Use the model's float weights.",
                malformed=False,
            )
    for item in value.values():
        _refuse_code(item, where)


def _check_numbers(value: object, where: str, key: str = "") -> None:
    if isinstance(value, dict | Mapping):
        for name, item in value.items():
            _check_numbers(item, where, name)
    elif isinstance(value, list):
        for item in value:
            _check_numbers(item, where, key)
    elif limit := _limit_of(key):
        if value is not None and (type(value) is not int or not 0 <= value <= limit):
            _refuse_size(key, value, f"a whole number from 0 to {limit} is expected", where)
    elif type(value) is int and abs(value) > MAX_NUMBER:
        _refuse_size(key, value, f"{MAX_NUMBER} is the limit", where)


def _limit_of(key: str) -> int | None:
    return next((limit for pattern, limit in _LIMITS if pattern.fullmatch(key)), None)


def _refuse_size(key: str, value: object, why: str, where: str) -> Never:
    raise EntryError(
        "config_size",
        f"{key} is {shown(value)}, but {why}",
        where=where,
        remedy="Restore the config that belongs to the weights.",
    )


def _without_implementation(raw: Mapping[str, object]) -> dict[str, Any]:
    """Drop what chooses kernels or types: wsgeo sets them."""

    def clean(value: object) -> object:
        if isinstance(value, dict):
            return {k: clean(v) for k, v in value.items() if not _IMPLEMENTATION.fullmatch(k)}
        return [clean(item) for item in value] if isinstance(value, list) else value

    return {k: clean(v) for k, v in raw.items() if not _IMPLEMENTATION.fullmatch(k)}


def _computing_hash(raw: Mapping[str, object], where: str) -> str:
    settings = {key: value for key, value in raw.items() if not _NOT_COMPUTING.fullmatch(key)}
    answer = _hash_apart(json.dumps([settings, sorted(raw)], sort_keys=True))
    if isinstance(answer, WorkFailure):
        raise EntryError(
            "config_invalid",
            f"the installed transformers cannot read the config ({shown(answer.reason, 160)})",
            where=where,
            remedy=remedy_of(answer, "Restore the config that belongs to the weights."),
        )
    return answer


@remembered
def _hash_apart(document: str) -> str | WorkFailure:
    return run_apart(_hash_settings, document, seconds=CONFIG_SECONDS)


def _hash_settings(document: str) -> str:
    """Hash the fields that differ from the class's defaults, so that new defaults change nothing."""
    raw, names = json.loads(document)
    _refuse_methods(raw["model_type"], names)
    config = transformers_config(raw)
    default = type(config)().to_dict()
    parts = {
        key: value
        for key, value in config.to_dict().items()
        if not _NOT_COMPUTING.fullmatch(key) and (key not in default or value != default[key])
    }
    parts["model_type"] = raw["model_type"]
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse_methods(model_type: str, names: Collection[str]) -> None:
    from transformers import CONFIG_MAPPING

    kind = CONFIG_MAPPING[model_type]
    for name in names:
        if callable(getattr(kind, name, None)):
            raise ValueError(f"{name} is the name of a method")
