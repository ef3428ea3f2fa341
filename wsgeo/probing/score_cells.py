"""Cells of a file of scores: which are numbers, in which unit, and which stand for nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, final

import polars as pl

from wsgeo.errors import DataError
from wsgeo.escapes import shown
from wsgeo.probing.set_files import EVERYTHING
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


MOST: Final = 100.0
"""Largest score, in percent."""

_ROUNDING: Final = 1e-9  # what a fraction of 1 may be above it
_PATTERN: Final = re.compile(r"\^.*\$|\*", re.DOTALL)  # names that polars takes for several columns


def read_texts(path: str | Path) -> tuple[pl.DataFrame, tuple[tuple[str, str], ...]]:
    """Read a table, every cell as text and a cell that stands for nothing as null.

    Parameters
    ----------
    path : str or Path
        CSV, TSV, Parquet or JSON lines.

    Returns
    -------
    texts : DataFrame
        Strings only.
    set_aside : tuple of (str, str)
        Columns of lists, bytes, durations or values of several kinds, which are left out, and why.

    Raises
    ------
    DataError
        If the file cannot be read as a table, a column has a name that cannot be used, or a cell
        holds a NUL character.
    """
    table = read_table(path)
    _check_names(table.columns, path)
    plain = [c for c, kind in table.schema.items() if _is_plain(kind)]
    if not plain:
        raise DataError(
            f"no column holds texts or numbers (columns: {', '.join(map(shown, table.columns[:12]))})",
            where=f"{path}: header", remedy="Give a table of plain texts and numbers.",
        )  # fmt: skip
    texts = table.select(pl.col(plain).cast(pl.String).str.strip_chars())
    _check_texts(texts, path)
    absent = pl.all().str.to_lowercase().is_in(MISSING)
    why = "lists, bytes, durations or values of several kinds"
    set_aside = tuple((f"column {shown(c)}", why) for c in table.columns if c not in plain)
    return texts.with_columns(pl.when(~absent).then(pl.all())), set_aside


def _is_plain(kind: pl.DataType) -> bool:
    """Tell whether every value of a column can be written as a text."""
    return not kind.is_nested() and kind not in (pl.Object, pl.Binary, pl.Duration)


def _check_names(columns: Sequence[str], path: str | Path) -> None:
    """Refuse names of columns that mean several columns, or hold what names the reader's own."""
    for name in columns:
        if "\0" in name or _PATTERN.fullmatch(name):
            raise DataError(
                f"a column is called {shown(name)}", where=f"{path}: header",
                remedy="Give it a name of letters, digits and blanks.",
            )  # fmt: skip


def _check_texts(texts: pl.DataFrame, path: str | Path) -> None:
    """Refuse NUL characters: numpy takes texts that differ by one at the end for the same."""
    for column in texts.iter_columns():
        if len(rows := column.str.contains("\0", literal=True).arg_true()):
            row = int(rows[0])
            raise cell_error(
                path, row + 1, column.name, f"is {shown(column[row])}, with a NUL character",
                "Write the file anew as plain text.",
            )  # fmt: skip


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


def own_score(cells: pl.DataFrame, in_domain: str) -> tuple[str, str] | None:
    """Return set and slice of the models' score on their own task, if one model has it.

    Parameters
    ----------
    cells : DataFrame
        With ``set``, ``slice`` and ``value``.
    in_domain : str
        The set that is the models' own task.

    Returns
    -------
    (str, str) or None
        None where no model has a value there.
    """
    key = in_domain, EVERYTHING
    there = cells.filter(
        pl.col("set") == key[0], pl.col("slice") == key[1], pl.col("value").is_not_null()
    )
    return key if there.height else None


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
    _refuse(cells.filter(value.is_nan() | ~value.is_between(0, MOST)), path, "no score")
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
