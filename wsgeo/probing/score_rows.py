"""Tables with a row per score."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from wsgeo.errors import DataError
from wsgeo.escapes import shown
from wsgeo.probing.score_cells import (
    IDS,
    ScoreCells,
    cell_error,
    column_named,
    in_fractions,
    numbers,
    own_score,
)
from wsgeo.probing.slice_names import IN_DOMAIN
from wsgeo.probing.tables import MEASURES
from wsgeo.suggestions import suggestion

_METRICS: Final = ("metric", "score", "accuracy")
_MOST_EXAMPLES: Final = 2**53  # counts are read as floats, which are exact up to here


def is_of_rows(table: pl.DataFrame) -> bool:
    """Tell whether a table has a row per score: columns ``slice`` and ``metric``.

    Parameters
    ----------
    table : DataFrame
        Any table.

    Returns
    -------
    bool
        True also for ``score`` and ``accuracy`` in place of ``metric``.
    """
    return bool(column_named(table, ("slice",)) and column_named(table, _METRICS))


def read_rows(table: pl.DataFrame, path: Path) -> ScoreCells:
    """Read a table with a row per score.

    Parameters
    ----------
    table : DataFrame of String
        ``id``, ``slice``, ``metric``, and if known ``set`` (else the name of the file),
        ``n_examples`` and ``measure``; null where nothing is given.
    path : Path
        File, for messages.

    Returns
    -------
    ScoreCells
        The set ``in_domain`` is the models' own task.

    Raises
    ------
    DataError
        If a score has no model or slice, is given twice, or is no score.
    """
    names = {
        "id": column_named(table, IDS),
        "set": column_named(table, ("set",)),
        "slice": column_named(table, ("slice",)),
        "text": column_named(table, _METRICS),
        "n": column_named(table, ("n_examples",)),
        "measure": column_named(table, ("measure",)),
    }
    if names["id"] is None:
        raise DataError(
            f"no column names the model (columns: {', '.join(table.columns[:12])})",
            where=f"{path}: header", remedy=f"Call it {IDS[0]!r}, {IDS[1]!r} or {IDS[2]!r}.",
        )  # fmt: skip
    given = table.select(
        pl.int_range(1, pl.len() + 1).alias("row"),
        *(
            pl.lit(None, pl.String).alias(k) if c is None else pl.col(c).alias(k)
            for k, c in names.items()
        ),
    ).filter(~pl.all_horizontal(pl.exclude("row").is_null()))
    given = given.with_columns(pl.col("set").fill_null(path.stem))
    for column in ("id", "slice"):
        _refuse_absent(given, column, names[column] or column, path)
    cells, unit = in_fractions(
        given.with_columns(column=pl.col("set") + ": " + pl.col("slice")), path
    )
    _refuse_twice(cells, path)
    _check_measures(cells, path)
    cells = cells.with_columns(_counts(cells, str(names["n"]), path))
    return ScoreCells(cells, f"scores by row, in {unit}", own_score(cells, IN_DOMAIN))


def _refuse_absent(given: pl.DataFrame, column: str, name: str, path: Path) -> None:
    """Refuse a score that belongs to no model or no slice."""
    if given[column].null_count():
        row = int(given.filter(pl.col(column).is_null())["row"][0])
        raise cell_error(path, row, name, "is empty", "Give each score its model and its slice.")


def _refuse_twice(cells: pl.DataFrame, path: Path) -> None:
    """Refuse two scores of one model on one slice."""
    key = ["id", "set", "slice"]
    twice = cells.filter(~pl.struct(key).is_first_distinct())
    if twice.height:
        cell = twice.row(0, named=True)
        raise cell_error(
            path, cell["row"], cell["column"],
            f"is {shown(cell['text'])}, a second score of {shown(cell['id'])}",
            "Give each model its own id, and each slice once.",
        )  # fmt: skip


def _counts(cells: pl.DataFrame, name: str, path: Path) -> pl.Series:
    """Return the number of examples behind each score, null where it is not known."""
    counts = cells.select(numbers(pl.col("n")).alias("n_examples")).to_series()
    whole = counts.is_between(1, _MOST_EXAMPLES) & (counts == counts.floor())
    wrong = cells["n"].is_not_null() & ~whole.fill_null(value=False)
    if wrong.any():
        cell = cells.filter(wrong).row(0, named=True)
        raise cell_error(
            path, cell["row"], name, f"is {shown(cell['n'])}, no number of examples",
            "Write a whole number, or leave the cell empty.",
        )  # fmt: skip
    return counts.cast(pl.Int64)


def _check_measures(cells: pl.DataFrame, path: Path) -> None:
    """Refuse a measure that is not known."""
    known = MEASURES.categories.to_list()
    wrong = cells.filter(pl.col("measure").is_not_null() & ~pl.col("measure").is_in(known))
    if wrong.height:
        cell = wrong.row(0, named=True)
        raise cell_error(
            path, cell["row"], "measure", f"is {shown(cell['measure'])}",
            suggestion(cell["measure"], known),
        )  # fmt: skip
