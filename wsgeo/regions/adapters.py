"""Centroids of low-rank adapters, as folders that PEFT loads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, final

import numpy as np

from wsgeo.errors import WsgeoError
from wsgeo.escapes import shown
from wsgeo.files import write_text
from wsgeo.regions.cards import Origin, model_card, provenance
from wsgeo.regions.folders import copy_tokenizer
from wsgeo.regions.staging import MARKER, staged_folder, write_json
from wsgeo.weights.arithmetic import mean
from wsgeo.weights.headers import read_header
from wsgeo.weights.lowrank import LowRankUpdate, mean_of_factors, product_mean
from wsgeo.weights.precision import StoredType, Tensor
from wsgeo.weights.tensors import write_safetensors

AdapterVariant: TypeAlias = Literal["mean of products", "mean of factors"]

_PREFIX = "base_model.model."
_TASKS = (
    ("ForSequenceClassification", "SEQ_CLS"),
    ("ForTokenClassification", "TOKEN_CLS"),
    ("ForCausalLM", "CAUSAL_LM"),
    ("LMHeadModel", "CAUSAL_LM"),
    ("ForConditionalGeneration", "SEQ_2_SEQ_LM"),
)


@final
@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter: what it adds to matrices of the base, and what it replaces.

    Parameters
    ----------
    updates : mapping of str to LowRankUpdate
        By module, such as ``bert.encoder.layer.0.attention.self.query``.
    whole : mapping of str to ndarray of float32
        Tensors that the adapter holds whole, such as ``classifier.weight``, with label rows in the
        order of the loss group.
    embeddings : frozenset of str
        Those modules of ``updates`` that are embeddings.
    transposed : bool, default False
        Whether the base stores the adapted matrices input first (PEFT's ``fan_in_fan_out``).
    """

    updates: Mapping[str, LowRankUpdate]
    whole: Mapping[str, Tensor] = field(default_factory=dict)
    embeddings: frozenset[str] = frozenset()
    transposed: bool = False


def mean_adapter(
    load: Callable[[int], Adapter],
    n: int,
    variant: AdapterVariant = "mean of products",
    *,
    rank: int | None = None,
    weights: Sequence[float] | None = None,
) -> tuple[Adapter, float]:
    """Return the centroid of ``n`` adapters of one base.

    Parameters
    ----------
    load : callable (int) -> Adapter
        Returns one member.
    n : int
        Number of members.
    variant : {"mean of products", "mean of factors"}
        Whether the changes of the weights are averaged, and factored anew, or the factors
        themselves: the second is what averaging files does, and not what the adapters do.
    rank : int, optional
        Rank of the result, for the mean of products; by default the largest sum of ranks that a
        module needs, which loses nothing.
    weights : sequence of float, optional
        One weight per member; equal by default.

    Returns
    -------
    adapter : Adapter
        The centroid, of one rank throughout and scaling 1.
    error : float
        Norm of what the rank leaves out of the products, relative to the whole, in [0, 1]; 0 for
        the mean of factors, which leaves out nothing but is another point.

    Raises
    ------
    ValueError
        If there are no members, or the weights do not match.
    WsgeoError
        If the members do not change the same matrices, or a rank stands against the variant.
    """
    members = [load(i) for i in range(n)]
    _check_same_parts(members)
    share = weights or [1.0] * n
    first = members[0]
    whole = {
        name: _mean_tensor([member.whole[name] for member in members], share)
        for name in first.whole
    }
    grouped = {module: [m.updates[module] for m in members] for module in first.updates}
    if variant == "mean of factors":
        updates, error = _factor_means(grouped, rank, share), 0.0
    else:
        updates, error = _product_means(grouped, rank, share)
    return Adapter(updates, whole, first.embeddings, first.transposed), error


def _check_same_parts(members: Sequence[Adapter]) -> None:
    if not members:
        raise ValueError("There are no adapters.")
    first = members[0]
    for i, member in enumerate(members):
        parts = [(_shapes(m), m.embeddings, m.transposed) for m in (member, first)]
        if parts[0] != parts[1]:
            odd = sorted(set(_shapes(member).items()) ^ set(_shapes(first).items()))
            example = f", such as {shown(odd[0][0])}" if odd else ""
            raise WsgeoError(
                f"adapter {i} changes other matrices than adapter 0{example}",
                remedy="Average adapters with the same target modules, or merge them first.",
            )


def _shapes(adapter: Adapter) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {name: t.shape for name, t in adapter.whole.items()}
    shapes.update((f"{name} (update)", u.shape) for name, u in adapter.updates.items())
    return shapes


def _mean_tensor(tensors: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    return mean([tensor.reshape(-1) for tensor in tensors], weights).reshape(tensors[0].shape)


def _factor_means(
    grouped: Mapping[str, Sequence[LowRankUpdate]], rank: int | None, weights: Sequence[float]
) -> dict[str, LowRankUpdate]:
    ranks = {update.rank for updates in grouped.values() for update in updates}
    if len(ranks) > 1 or (rank is not None and ranks != {rank}):
        raise WsgeoError(
            f"factors of ranks {sorted(ranks)} have no mean of rank {rank or 'their own'}",
            remedy="Take the mean of products, or leave out the rank.",
        )
    return {module: mean_of_factors(updates, weights) for module, updates in grouped.items()}


def _product_means(
    grouped: Mapping[str, Sequence[LowRankUpdate]], rank: int | None, weights: Sequence[float]
) -> tuple[dict[str, LowRankUpdate], float]:
    if rank is None:
        needed = [min(sum(u.rank for u in us), *us[0].shape) for us in grouped.values()]
        rank = max(needed, default=1)
    updates: dict[str, LowRankUpdate] = {}
    lost = kept = 0.0
    for module, members in grouped.items():
        updates[module], error = product_mean(members, rank, weights)
        # The kept part is orthogonal to the lost one: |lost| = error |mean|, |kept|^2 = the rest.
        square = float(np.square(_core_norm(updates[module])))
        kept += square
        lost += square * error**2 / (1 - error**2) if error < 1 else 0.0
    return updates, math.sqrt(lost / (lost + kept)) if lost else 0.0


def _core_norm(update: LowRankUpdate) -> float:
    """Return the Frobenius norm of the product without making it."""
    a, b = update.a.astype(np.float64), update.b.astype(np.float64)
    return math.sqrt(max(0.0, float(((b.T @ b) * (a @ a.T)).sum())))


def write_adapter_folder(
    folder: Path | str,
    adapter: Adapter,
    origin: Origin,
    *,
    model_class: str,
    labels: tuple[str, ...] = (),
    tokenizer_folder: Path | None = None,
    dtype: StoredType = "F32",
) -> Path:
    """Write an adapter as a PEFT folder: weights, config, tokenizer, card and provenance.

    Parameters
    ----------
    folder : Path or str
        The folder; it appears when it is whole. An older centroid in its place is replaced.
    adapter : Adapter
        All updates of one rank, as `mean_adapter` returns them.
    origin : Origin
        For the card and the provenance; its ``base`` is what PEFT loads the adapter onto.
    model_class : str
        The class of the adapted model in transformers.
    labels : tuple of str
        Label names in the order of the head's rows.
    tokenizer_folder : Path, optional
        Where a tokenizer is copied from.
    dtype : {"F32", "F16", "BF16"}, default "F32"
        The type of the weights in the file.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ValueError
        If the updates have several ranks, or there is none.
    WsgeoError
        If the folder holds something else or cannot be written.
    """
    folder = Path(folder)
    config = adapter_config(adapter, origin.base, model_class)
    with staged_folder(folder) as staging:
        file = staging / "adapter_model.safetensors"
        write_safetensors(file, _stored(adapter), dtype=dtype, metadata={"format": "pt"})
        read_header(file)
        write_json(staging / "adapter_config.json", config)
        if tokenizer_folder is not None:
            copy_tokenizer(tokenizer_folder, staging)
        write_text(staging / "README.md", model_card(origin, model_class, dtype, "peft"))
        write_json(staging / MARKER, provenance(origin, labels, dtype))
    return folder


def adapter_config(adapter: Adapter, base: str | None, model_class: str) -> dict[str, object]:
    """Return the PEFT config of an adapter whose scaling is in its factors.

    Parameters
    ----------
    adapter : Adapter
        All updates of one rank.
    base : str or None
        Folder or hub id of the base.
    model_class : str
        The class of the adapted model.

    Returns
    -------
    dict
        Ready for ``adapter_config.json``.

    Raises
    ------
    ValueError
        If the updates have several ranks, or there is none.
    """
    ranks = {update.rank for update in adapter.updates.values()}
    if len(ranks) != 1:
        raise ValueError(f"A written adapter has one rank, not {sorted(ranks)}.")
    rank = ranks.pop()
    task = next((task for end, task in _TASKS if model_class.endswith(end)), None)
    saved = sorted({name.rpartition(".")[0] or name for name in adapter.whole})
    return {
        "peft_type": "LORA",
        "task_type": task,
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "use_rslora": False,
        "bias": "none",
        "fan_in_fan_out": adapter.transposed,
        "inference_mode": True,
        "init_lora_weights": True,
        "target_modules": sorted(adapter.updates),
        "modules_to_save": saved or None,
    }


def _stored(adapter: Adapter) -> dict[str, Tensor]:
    """Return the tensors by the names that PEFT gives them, factors with the scaling in ``b``."""
    stored: dict[str, Tensor] = {}
    for module, update in sorted(adapter.updates.items()):
        kind, end = ("lora_embedding", "") if module in adapter.embeddings else ("lora", ".weight")
        stored[f"{_PREFIX}{module}.{kind}_A{end}"] = update.a
        stored[f"{_PREFIX}{module}.{kind}_B{end}"] = update.b * np.float32(update.scaling)
    return stored | {f"{_PREFIX}{name}": adapter.whole[name] for name in sorted(adapter.whole)}
