"""What is told of a placed model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from wsgeo.counting import counted
from wsgeo.probing.predictions import inside
from wsgeo.workflows.new_models import NewModel

SHOWN: Final = 3
"""Most slices that are told of a model; the table of predictions has all."""


def sentences_of(
    row: Mapping[str, Any], model: NewModel, predictions: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return where a model lies, and what its basin tells of it.

    Parameters
    ----------
    row : mapping
        Its row of `wsgeo.probing.tables.PLACEMENTS`.
    model : NewModel
        The model.
    predictions : sequence of mapping
        Rows of `wsgeo.probing.tables.PREDICTIONS`, of this and other models.

    Returns
    -------
    list of str
        Where it lies; then the slices on which its basin differs most from everyone.
    """
    told = [one for one in predictions if one["id"] == row["id"] and one["predicted"] is not None]
    told.sort(key=lambda one: -abs(one["predicted"] - one["everyone"]))
    lines = [_place(row, model), *(_slice(one) for one in told[:SHOWN])]
    checked = [one for one in told if one["actual"] is not None and one["lo"] is not None]
    if checked:
        lines.append(_coverage(checked))
    return lines


def _coverage(checked: Sequence[Mapping[str, Any]]) -> str:
    """Say how many measured scores lie in their intervals."""
    ends = pl.DataFrame({name: [one[name] for one in checked] for name in ("actual", "lo", "hi")})
    n = ends.select(inside(pl.col("actual"), pl.col("lo"), pl.col("hi")).sum()).item()
    return (
        f"Measured, {n} of {counted(len(checked), 'slice score')} "
        f"{'is' if n == 1 else 'are'} within the predicted interval."
    )


def _place(row: Mapping[str, Any], model: NewModel) -> str:
    name = row["id"]
    if model.duplicate_of is not None:
        where = "in no basin" if row["basin"] is None else f"in basin {row['basin']}"
        return f"{name} is an exact duplicate of {model.duplicate_of}, which lies {where}."
    if row["basin"] is not None:
        lines = counted(row["n_lines"], "member")
        beyond = ""
        if row["next_gap"] is not None:
            beyond = f", {_gap(row['next_gap'])} to the next basin"
        return (
            f"{name} lies in basin {row['basin']} (median gap {_gap(row['gap'])} nats{beyond}; "
            f"{lines} looked at)." + (f" Caution: {row['reason']}." if row["reason"] else "")
        )
    if row["group"] is None or not row["n_lines"]:
        return f"{name} is not placed: {row['reason']}."
    return f"{name} lies in no basin: {row['reason']}. The nearest member is {row['nearest']}."


def _gap(value: float) -> str:
    """Return a gap; below a millionth of a nat it is the rounding of a mean of float32 losses."""
    return "0" if value < 1e-6 else f"{value:.3g}"


def _slice(one: Mapping[str, Any]) -> str:
    limits = ""
    if one["lo"] is not None:
        limits = f" ({one['lo']:.2f} to {one['hi']:.2f})"
    actual = "" if one["actual"] is None else f"; measured {one['actual']:.2f}"
    return (
        f"Predicted on {one['set']}, {one['slice']}: {one['predicted']:.2f}{limits}"
        f", all members {one['everyone']:.2f}{actual}."
    )
