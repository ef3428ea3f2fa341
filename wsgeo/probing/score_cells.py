"""Cells of a file of scores: which are numbers, in which unit, and which stand for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, final

import polars as pl

from wsgeo.errors import DataError
from wsgeo.escapes import shown
from wsgeo.tasks.readers import read_table

Unit = Literal["fractions", "percent"]

MISSING: Final = ("", "na", "n/a", "nan", "null", "none", "-")
"""Cells, without case, that stand for no value."""

IDS: Final = ("id", "model", "run", "name", "checkpoint")
"""Columns, without case, that name the model."""

GROUPS: Final = ("label", "cluster", "basin", "group")
"""Columns, without case, that say in which group a model lies."""

CELLS: Final = pl.Schema(
    {"row": pl.Int64, "id": pl.String, "column": pl.String, "text": pl.String}
)  # fmt: skip
"""One row per cell: data row from 1, model, column, and what stands there."""


@final
@dataclass(frozen=True)
class ScoreCells:
    """The scores of a table, one row each.

    Parameters
    ----------
    cells : DataFrame
        Schema `CELLS`, with ``set``, ``slice`` and ``value`` (a fraction in [0, 1], null where there
        is no score); ``n_examples`` and ``measure`` where they are known.
    layout : str
        What the table was taken for, with its unit.
    in_domain : (str, str) or None
        Set and slice of the models' score on their own task.
    set_aside : tuple of (str, str)
        Rows and columns that are no scores of a model, and why.
    notes : tuple of str
        What must be known to read the scores.
    """

    cells: pl.DataFrame
    layout: str
    in_domain: tuple[str, str] | None = None
    set_aside: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


_ROUNDING: Final = 1e-9  # what a fraction of 1 may be above it


def read_texts(path: str | Path) -> pl.DataFrame:
    """Read a table, every cell as text and a cell that stands for nothing as null.

    Parameters
    ----------
    path : str or Path
        CSV, TSV, Parquet or JSON lines.

    Returns
    -------
    DataFrame
        Strings only; columns that hold lists or the like are left out.

    Raises
    ------
    DataError
        If the file cannot be read as a table.
    """
    table = read_table(path)
    plain = [c for c, kind in table.schema.items() if not kind.is_nested() and kind != pl.Object]
    texts = table.select(pl.col(plain).cast(pl.String).str.strip_chars())
    absent = pl.all().str.to_lowercase().is_in(MISSING)
    return texts.with_columns(pl.when(~absent).then(pl.all()))


def numbers(texts: pl.Expr) -> pl.Expr:
    """Return texts as numbers, null where a text is none; a percent sign may follow.

    Parameters
    ----------
    texts : Expr
        Of type String.

    Returns
    -------
    Expr
        Of type Float64.
    """
    return texts.str.strip_suffix("%").str.strip_chars().cast(pl.Float64, strict=False)


def column_named(table: pl.DataFrame, names: tuple[str, ...]) -> str | None:
    """Return the column with the first of some names that there is, without case.

    Parameters
    ----------
    table : DataFrame
        Any table.
    names : tuple of str
        Lower-case names, the most wanted first.

    Returns
    -------
    str or None
        Its own spelling.
    """
    plain = {column.strip().casefold(): column for column in reversed(table.columns)}
    return next((plain[name] for name in names if name in plain), None)


def cell_error(path: str | Path, row: int, column: str, what: str, remedy: str) -> DataError:
    """Return the error of one cell: file, row (counted from 1), column, fault."""
    return DataError(f"column {shown(column)} {what}", where=f"{path}: row {row}", remedy=remedy)


def in_fractions(cells: pl.DataFrame, path: Path) -> tuple[pl.DataFrame, Unit]:
    """Return the scores as fractions, and the unit in which they were written.

    Parameters
    ----------
    cells : DataFrame
        Schema `CELLS`, and any other columns.
    path : Path
        File, for messages.

    Returns
    -------
    cells : DataFrame
        With ``value``, a fraction in [0, 1], null where there is no score.
    unit : "fractions" or "percent"
        Percent where a value is above 1 or has a percent sign.

    Raises
    ------
    DataError
        If a cell is no number or no score, or one model or column is in fractions while the
        largest value is in percent.
    """
    cells = cells.with_columns(
        value=numbers(pl.col("text")), signed=pl.col("text").str.ends_with("%")
    )
    value = pl.col("value")
    _refuse(cells.filter(pl.col("text").is_not_null() & value.is_null()), path, "no number")
    _refuse(cells.filter(value.is_nan() | ~value.is_between(0, 100)), path, "no score")
    if not cells.filter((value > 1 + _ROUNDING) | pl.col("signed")).height:
        return cells.with_columns(value.abs().clip(0, 1)), "fractions"
    _refuse_two_units(cells, path)
    return cells.with_columns(value.abs() / 100), "percent"


def _refuse(faulty: pl.DataFrame, path: Path, what: str) -> None:
    if faulty.height:
        cell = faulty.row(0, named=True)
        raise cell_error(
            path, cell["row"], cell["column"], f"is {shown(cell['text'])}, {what}",
            "Write accuracies from 0 to 1, or all in percent, with a decimal point; leave a cell "
            "without a score empty.",
        )  # fmt: skip


def _refuse_two_units(cells: pl.DataFrame, path: Path) -> None:
    """Refuse a table of percentages in which one column, or one model, reads as fractions."""
    top = cells.sort("value", descending=True, nulls_last=True, maintain_order=True).row(
        0, named=True
    )
    for axis in ("column", "id"):
        largest = cells.group_by(axis, maintain_order=True).agg(
            pl.col("value").max(), pl.col("signed").any()
        )
        odd = largest.filter(~pl.col("signed") & (pl.col("value") > 0) & (pl.col("value") <= 1))
        if odd.height:
            raise _two_units(cells.filter(pl.col(axis) == odd[axis][0]), axis, top, path)


def _two_units(odd: pl.DataFrame, axis: str, top: dict[str, Any], path: Path) -> DataError:
    cell = odd.sort("value", descending=True, nulls_last=True, maintain_order=True).row(
        0, named=True
    )
    whose = f"no score of {'this column' if axis == 'column' else shown(cell['id'])} is above 1"
    return cell_error(
        path, cell["row"], cell["column"],
        f"is {shown(cell['text'])} and {whose}, but column {shown(top['column'])} has "
        f"{shown(top['text'])} in row {top['row']}: two units",
        "Write all scores as fractions from 0 to 1.",
    )  # fmt: skip
