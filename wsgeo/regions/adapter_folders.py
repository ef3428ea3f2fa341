"""Centroids of low-rank adapters, as folders that PEFT loads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wsgeo.regions.accounts import Account, Measure
from wsgeo.regions.adapters import PREFIX, Adapter
from wsgeo.regions.cards import Origin
from wsgeo.regions.folders import copy_tokenizer
from wsgeo.regions.staging import staged_folder, write_json
from wsgeo.regions.tables import Evidence
from wsgeo.weights.headers import read_header
from wsgeo.weights.precision import StoredType, Tensor
from wsgeo.weights.tensors import write_safetensors

_TASKS = (
    ("ForSequenceClassification", "SEQ_CLS"),
    ("ForTokenClassification", "TOKEN_CLS"),
    ("ForCausalLM", "CAUSAL_LM"),
    ("LMHeadModel", "CAUSAL_LM"),
    ("ForConditionalGeneration", "SEQ_2_SEQ_LM"),
)


def write_adapter_folder(
    folder: Path | str,
    adapter: Adapter,
    origin: Origin,
    *,
    model_class: str,
    labels: tuple[str, ...] = (),
    tokenizer_folder: Path | None = None,
    base: str | None = None,
    dtype: StoredType = "F32",
    measure: Measure | None = None,
) -> Evidence:
    """Write an adapter as a PEFT folder: weights, config, tokenizer, card and provenance.

    Parameters
    ----------
    folder : Path or str
        The folder; it appears when it is whole. An older centroid in its place is replaced.
    adapter : Adapter
        All updates of one rank, as `mean_adapter` returns them.
    origin : Origin
        For the card and the provenance.
    model_class : str
        The class of the adapted model in transformers.
    labels : tuple of str
        Label names in the order of the head's rows.
    tokenizer_folder : Path, optional
        Where a tokenizer is copied from.
    base : str, optional
        What PEFT loads the adapter onto, a folder or hub id; that of ``origin`` by default.
    dtype : {"F32", "F16", "BF16"}, default "F32"
        The type of the weights in the file.
    measure : callable (Path) -> Evidence, optional
        Told where the adapter stands before it gets its name.

    Returns
    -------
    Evidence
        What ``measure`` found, else that of ``origin``.

    Raises
    ------
    ValueError
        If the updates have several ranks, or there is none.
    WsgeoError
        If the folder holds something else or cannot be written.
    """
    config = adapter_config(adapter, base or origin.base, model_class)
    with staged_folder(Path(folder)) as staging:
        file = staging / "adapter_model.safetensors"
        write_safetensors(file, _stored(adapter), dtype=dtype, metadata={"format": "pt"})
        read_header(file)
        write_json(staging / "adapter_config.json", config)
        if tokenizer_folder is not None:
            copy_tokenizer(tokenizer_folder, staging)
        account = Account(model_class, dtype, labels, "peft")
        return account.write(staging, origin, measure)


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
        stored[f"{PREFIX}{module}.{kind}_A{end}"] = update.a
        stored[f"{PREFIX}{module}.{kind}_B{end}"] = update.b * np.float32(update.scaling)
    return stored | {f"{PREFIX}{name}": adapter.whole[name] for name in sorted(adapter.whole)}
