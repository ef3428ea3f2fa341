"""Low-rank adapters: what their files may say, and which tensors of the base they change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Never, final

from wsgeo.errors import EntryError
from wsgeo.escapes import shown
from wsgeo.weights.lowrank import adapter_scaling
from wsgeo.zoo.architectures import Architecture
from wsgeo.zoo.checkpoints import LoraPair, TensorRef
from wsgeo.zoo.discovery import ADAPTER_CONFIG
from wsgeo.zoo.documents import Roots, read_json

_OBJECTIVES = {
    "SEQ_CLS": "classification",
    "CAUSAL_LM": "causal_lm",
    "SEQ_2_SEQ_LM": "seq2seq",
}
# Settings that leave the merged weights alone, or that this module handles; any other that is set
# asks for arithmetic that is not plain LoRA.
_UNDERSTOOD = re.compile(
    "peft_type|task_type|base_model_name_or_path|revision|inference_mode|r|lora_alpha|lora_dropout"
    "|fan_in_fan_out|bias|use_rslora|modules_to_save|init_lora_weights|layers_to_transform"
    "|layers_pattern|rank_pattern|alpha_pattern|target_modules|exclude_modules|peft_version"
    "|megatron_core|runtime_config|qalora_group_size|ensure_weight_tying|eva_config"
)
# These start from a changed base, which the adapter's file does not hold.
_BASE_CHANGING = ("pissa", "olora", "corda", "loftq", "lora_ga")
_MAX_RANK = 65_536
_PREFIX = "base_model.model."
_FACTOR = re.compile(
    r"(?P<module>.+)\.lora_(?P<embedding>embedding_)?(?P<factor>[AB])(\.default)?(\.weight)?"
)
_LITERAL = re.compile(r"[\w.]+")


@final
@dataclass(frozen=True)
class AdapterConfig:
    """A checked ``adapter_config.json`` of a plain LoRA adapter.

    Parameters
    ----------
    objective : str or None
        What the adapted model does; None for the base's own.
    rank : int
        Default rank.
    alpha : float
        Default numerator of the scaling.
    ranks, alphas : mapping of str to number
        By module name (a suffix).
    rank_stabilised : bool
        Whether the scaling divides by the root of the rank.
    """

    objective: str | None
    rank: int
    alpha: float
    ranks: Mapping[str, float]
    alphas: Mapping[str, float]
    rank_stabilised: bool

    def scaling(self, module: str, rank: int) -> float:
        """Return the factor of a module's product.

        Parameters
        ----------
        module : str
            Its name.
        rank : int
            Rank of its factors.

        Returns
        -------
        float
            ``alpha / rank``, or ``alpha / sqrt(rank)`` when rank-stabilised.
        """
        alpha = _by_suffix(self.alphas, module, self.alpha)
        return adapter_scaling(alpha, rank, rank_stabilised=self.rank_stabilised)

    def rank_of(self, module: str) -> float:
        """Return the rank that the config gives to a module.

        Parameters
        ----------
        module : str
            Its name.

        Returns
        -------
        float
            A whole number.
        """
        return _by_suffix(self.ranks, module, self.rank)


def read_adapter_config(folder: Path, roots: Roots) -> AdapterConfig:
    """Read and check the config of an adapter.

    Parameters
    ----------
    folder : Path
        The adapter.
    roots : Roots
        Where its files may lie.

    Returns
    -------
    AdapterConfig
        Of a plain LoRA adapter.

    Raises
    ------
    EntryError
        If the file is malformed, names code, or asks for another method.
    """
    path = folder / ADAPTER_CONFIG
    raw, where = read_json(path, roots), str(path)
    if raw.get("auto_mapping"):
        _set_aside("it names classes of its own (auto_mapping)", where)
    if raw.get("peft_type") != "LORA":
        _set_aside(f"its method is {shown(raw.get('peft_type'))}", where)
    for key, value in raw.items():
        if not _UNDERSTOOD.fullmatch(key) and value not in (None, False, 0, [], {}, ""):
            _set_aside(f"{shown(key)} is {shown(value)}", where)
    start = raw.get("init_lora_weights")
    if isinstance(start, str) and start.lower().startswith(_BASE_CHANGING):
        _set_aside(f"init_lora_weights is {shown(start)}, which changes the base", where)
    if raw.get("bias", "none") != "none":
        _set_aside(f"bias is {shown(raw['bias'])}", where)
    _check_targets(raw.get("target_modules"), where)
    task = raw.get("task_type")
    if task is not None and task not in _OBJECTIVES:
        _set_aside(f"task_type is {shown(task)}", where)
    return AdapterConfig(
        objective=None if task is None else _OBJECTIVES[str(task)],
        rank=int(_number(raw, "r", 8, where)),
        alpha=_number(raw, "lora_alpha", 8, where),
        ranks=_pattern(raw, "rank_pattern", where),
        alphas=_pattern(raw, "alpha_pattern", where),
        rank_stabilised=raw.get("use_rslora") is True,
    )


def whole_tensors(stored: Iterable[TensorRef]) -> dict[str, TensorRef]:
    """Return the tensors of an adapter that are no factors, by the names of the model.

    Parameters
    ----------
    stored : iterable of TensorRef
        What its file holds.

    Returns
    -------
    dict of str to TensorRef
        Such as the classifier's.
    """
    whole = {}
    for ref in stored:
        name = ref.stored_name.removeprefix(_PREFIX)
        if not _FACTOR.fullmatch(name):
            whole[re.sub(r"\.modules_to_save(\.default)?\.", ".", name)] = ref
    return whole


def lora_pairs(
    config: AdapterConfig, architecture: Architecture, stored: Iterable[TensorRef], where: str
) -> dict[str, LoraPair]:
    """Match the factors of an adapter with the tensors of the base; check ranks and shapes.

    Parameters
    ----------
    config : AdapterConfig
        The adapter's.
    architecture : Architecture
        The adapted model's.
    stored : iterable of TensorRef
        What the adapter's file holds.
    where : str
        The file, for messages.

    Returns
    -------
    dict of str to LoraPair
        By canonical name.

    Raises
    ------
    EntryError
        If a factor has no partner, no tensor to change, or another shape or rank.
    """
    factors: dict[str, dict[str, TensorRef]] = {}
    embeddings: set[str] = set()
    for ref in stored:
        match = _FACTOR.fullmatch(ref.stored_name.removeprefix(_PREFIX))
        if match:
            factors.setdefault(match["module"], {})[match["factor"]] = ref
            if match["embedding"]:
                embeddings.add(match["module"])
    if not factors:
        _refuse("the file holds no LoRA factors", where)
    pairs: dict[str, LoraPair] = {}
    for module, both in factors.items():
        name = f"{module}.weight"
        name = architecture.aliases.get(name, name)
        transposed = name in architecture.transposed or module in embeddings
        pairs[name] = _pair(config, module, both, architecture.shapes.get(name), transposed, where)
    return pairs


def _pair(
    config: AdapterConfig,
    module: str,
    both: Mapping[str, TensorRef],
    shape: tuple[int, ...] | None,
    transposed: bool,
    where: str,
) -> LoraPair:
    if set(both) != {"A", "B"}:
        _refuse(f"module {shown(module)} has only one factor", where)
    if shape is None:
        _refuse(f"the base has no tensor for module {shown(module)}", where)
    a, b = both["A"], both["B"]
    rank = a.shape[0] if a.shape else 0
    outer = (*b.shape[:1], *a.shape[1:])
    if transposed:
        outer = outer[::-1]
    if len(a.shape) != 2 or b.shape[1:] != (rank,) or outer != shape:
        what = f"module {shown(module)}: factors {a.shape} and {b.shape} do not give {shape}"
        _refuse(what, where)
    if rank != config.rank_of(module):
        _refuse(f"module {shown(module)} has rank {rank}, not {config.rank_of(module)}", where)
    return LoraPair(a, b, config.scaling(module, rank), transposed)


def _check_targets(targets: object, where: str) -> None:
    """Accept a list of names; a string would be a regular expression."""
    if targets is None or (isinstance(targets, str) and _LITERAL.fullmatch(targets)):
        return
    if isinstance(targets, list) and all(isinstance(target, str) for target in targets):
        return
    _set_aside(f"target_modules is {shown(targets)}, not a list", where)


def _number(raw: Mapping[str, object], key: str, default: float, where: str) -> float:
    value = raw.get(key, default)
    if type(value) not in (int, float) or not 0 < value <= _MAX_RANK:  # type: ignore[operator]
        _refuse(f"{key} is {shown(value)}", where)
    return value  # type: ignore[return-value]


def _pattern(raw: Mapping[str, object], key: str, where: str) -> dict[str, float]:
    value = raw.get(key) or {}
    if not isinstance(value, dict):
        _refuse(f"{key} is {shown(value)}", where)
    for name in value:
        # PEFT reads such a name as a regular expression; a plain one means itself.
        if not _LITERAL.fullmatch(name):
            _set_aside(f"{key} holds the pattern {shown(name)}", where)
    return {name: _number(value, name, 0, where) for name in value}


def _by_suffix(values: Mapping[str, float], module: str, default: float) -> float:
    for name, value in values.items():
        if module == name or module.endswith(f".{name}"):
            return value
    return default


def _refuse(what: str, where: str) -> Never:
    remedy = "Save the adapter again from the model that was trained."
    raise EntryError("malformed_adapter", what, where=where, remedy=remedy)


def _set_aside(why: str, where: str) -> Never:
    raise EntryError(
        "unsupported_adapter",
        f"the adapter is not plain LoRA: {why}",
        where=where,
        remedy="Merge it into its base with PEFT and save the full model.",
        malformed=False,
    )
