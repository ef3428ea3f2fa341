"""``adapter_config.json``, checked: only what can be merged into a base passes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Never, final

from wsgeo.errors import EntryError
from wsgeo.escapes import shown
from wsgeo.weights.lowrank import adapter_scaling
from wsgeo.zoo.discovery import ADAPTER_CONFIG
from wsgeo.zoo.documents import Roots, read_json

_OBJECTIVES = {
    "SEQ_CLS": "classification",
    "CAUSAL_LM": "causal_lm",
    "SEQ_2_SEQ_LM": "seq2seq",
}
# Settings that leave the merged weights alone, or that this module handles; any other that is set
# asks for arithmetic that is neither plain LoRA nor IA3.
_UNDERSTOOD = re.compile(
    "peft_type|task_type|base_model_name_or_path|revision|inference_mode|r|lora_alpha|lora_dropout"
    "|fan_in_fan_out|bias|use_rslora|modules_to_save|init_lora_weights|layers_to_transform"
    "|layers_pattern|rank_pattern|alpha_pattern|target_modules|exclude_modules|peft_version"
    "|megatron_core|runtime_config|qalora_group_size|ensure_weight_tying|eva_config"
    "|feedforward_modules|init_ia3_weights"
)
# These start from a changed base, which the adapter's file does not hold.
_BASE_CHANGING = ("pissa", "olora", "corda", "loftq", "lora_ga")
# These put vectors before the text: no weight of the base is another for it.
_PROMPTS = ("PREFIX_TUNING", "PROMPT_TUNING", "P_TUNING", "MULTITASK_PROMPT_TUNING", "CARTRIDGE")
_MAX_RANK = 65_536
PREFIX = "base_model.model."
"""How the names of an adapter's tensors begin."""

_LITERAL = re.compile(r"[\w.]+")


@final
@dataclass(frozen=True)
class AdapterConfig:
    """A checked ``adapter_config.json`` of a plain LoRA or IA3 adapter.

    Parameters
    ----------
    objective : str or None
        What the adapted model does; None for the base's own.
    method : str
        ``lora`` or ``ia3``; the settings below are those of the first.
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
    method: str
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
        Of an adapter that can be merged into its base.

    Raises
    ------
    EntryError
        If the file is malformed, names code, or asks for another method.
    """
    path = folder / ADAPTER_CONFIG
    raw, where = read_json(path, roots), str(path)
    if raw.get("auto_mapping"):
        _set_aside("it names classes of its own (auto_mapping)", where)
    method = raw.get("peft_type")
    if method in _PROMPTS:
        _set_prompts_aside(method, where)
    if method not in ("LORA", "IA3"):
        _set_aside(f"its method is {shown(method)}", where)
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
        method=str(method).lower(),
        rank=int(_number(raw, "r", 8, where)),
        alpha=_number(raw, "lora_alpha", 8, where),
        ranks=_pattern(raw, "rank_pattern", where),
        alphas=_pattern(raw, "alpha_pattern", where),
        rank_stabilised=raw.get("use_rslora") is True,
    )


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
        refuse(f"{key} is {shown(value)}", where)
    return value  # type: ignore[return-value]


def _pattern(raw: Mapping[str, object], key: str, where: str) -> dict[str, float]:
    value = raw.get(key) or {}
    if not isinstance(value, dict):
        refuse(f"{key} is {shown(value)}", where)
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


def refuse(what: str, where: str) -> Never:
    """Refuse an adapter whose file is not what it says.

    Parameters
    ----------
    what : str
        What is wrong.
    where : str
        The file.

    Raises
    ------
    EntryError
        Always.
    """
    remedy = "Save the adapter again from the model that was trained."
    raise EntryError("malformed_adapter", what, where=where, remedy=remedy)


def _set_aside(why: str, where: str) -> Never:
    raise EntryError(
        "unsupported_adapter",
        f"the adapter is neither plain LoRA nor IA3: {why}",
        where=where,
        remedy="Merge it into its base with PEFT and save the full model.",
        malformed=False,
    )


def _set_prompts_aside(method: object, where: str) -> Never:
    raise EntryError(
        "unsupported_adapter",
        f"its method is {shown(method)}: a prompt cannot be written as weights of the base",
        where=where,
        remedy="Leave it out; only models that differ in weights can be interpolated.",
        malformed=False,
    )
