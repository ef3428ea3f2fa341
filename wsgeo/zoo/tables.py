"""Members and exclusions of a zoo as tables."""

from __future__ import annotations

from typing import Any

import polars as pl

from wsgeo.zoo.checkpoints import Checkpoint, Zoo

_MODELS: dict[str, Any] = {
    "id": pl.String,
    "path": pl.String,
    "revision": pl.String,  # commit of a hub snapshot
    "content_hash": pl.String,  # SHA-256, hexadecimal
    "duplicate_of": pl.String,  # id of an earlier member
    "model_class": pl.String,
    "n_parameters": pl.Int64,  # tied tensors once
    "dtype": pl.String,  # as stored; several joined by "+"
    "base": pl.String,
    "base_source": pl.String,
    "task": pl.String,
    "task_source": pl.String,
    "labels": pl.List(pl.String),  # in the checkpoint's own order
    "method": pl.String,  # full, lora, ...
    "seed": pl.Int64,
    "step": pl.Int64,
    "trajectory": pl.String,  # the training run of which it is one step
    "learning_rate": pl.Float64,
    "data": pl.String,
    "tokenizer_hash": pl.String,
    "geometry_group": pl.String,
    "loss_group": pl.String,
}
MODELS = pl.Schema(_MODELS)

EXCLUSIONS = pl.Schema(
    {
        "id": pl.String,
        "fate": pl.String,  # "set aside" or "rejected"
        "code": pl.String,
        "file": pl.String,
        "cause": pl.String,
        "remedy": pl.String,
    }
)


def models_table(zoo: Zoo) -> pl.DataFrame:
    """Return one row per member, in the order of the ids.

    Parameters
    ----------
    zoo : Zoo
        The zoo.

    Returns
    -------
    DataFrame
        With the schema `MODELS`.
    """
    return pl.DataFrame([_model_row(member) for member in zoo.members], schema=MODELS)


def exclusions_table(zoo: Zoo) -> pl.DataFrame:
    """Return one row per entry that is no member.

    Parameters
    ----------
    zoo : Zoo
        The zoo.

    Returns
    -------
    DataFrame
        With the schema `EXCLUSIONS`.
    """
    rows = [{name: getattr(row, name) for name in EXCLUSIONS} for row in zoo.excluded]
    return pl.DataFrame(rows, schema=EXCLUSIONS)


def _model_row(member: Checkpoint) -> dict[str, Any]:
    return {
        "id": member.id,
        "path": _encodable(str(member.folder)),
        "revision": member.revision,
        "content_hash": member.content_hash,
        "duplicate_of": member.duplicate_of,
        "model_class": member.model_class,
        "n_parameters": member.layout.n_parameters,
        "dtype": "+".join(sorted({ref.dtype for ref in member.tensors.values()})),
        "base": _text(member, "base"),
        "base_source": _source(member, "base"),
        "task": _text(member, "task"),
        "task_source": _source(member, "task"),
        "labels": list(member.labels),
        "method": _text(member, "method"),
        "seed": _whole(member, "seed"),
        "step": _whole(member, "step"),
        "trajectory": _text(member, "trajectory"),
        "learning_rate": _number(member, "learning_rate"),
        "data": _text(member, "data"),
        "tokenizer_hash": member.tokenizer_hash,
        "geometry_group": member.geometry_group,
        "loss_group": member.loss_group,
    }


def _value(member: Checkpoint, name: str) -> str | int | float | None:
    fact = member.facts.get(name)
    return None if fact is None else fact.value


def _text(member: Checkpoint, name: str) -> str | None:
    value = _value(member, name)
    return None if value is None else str(value)


def _source(member: Checkpoint, name: str) -> str | None:
    return member.facts[name].source if name in member.facts else None


def _number(member: Checkpoint, name: str) -> float | None:
    value = _value(member, name)
    return float(value) if isinstance(value, int | float) else None


def _whole(member: Checkpoint, name: str) -> int | None:
    """Return a whole number that the column can hold; a file may claim any other thing."""
    value = _value(member, name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and abs(value) < 2**63 else None


def _encodable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
