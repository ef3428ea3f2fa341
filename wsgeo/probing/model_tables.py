"""Tables with a row per model and a column per slice."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from wsgeo.counting import counted
from wsgeo.errors import DataError
from wsgeo.escapes import shown
from wsgeo.probing.score_cells import (
    GROUPS,
    IDS,
    ScoreCells,
    cell_error,
    column_named,
    in_fractions,
    numbers,
    own_score,
)
from wsgeo.probing.slice_names import Key, slice_keys
from wsgeo.probing.summary_rows import summary_rows

_SETTINGS: Final = (
    "seed", "step", "steps", "epoch", "epochs", "lr", "learning_rate", "loss", "n", "n_examples",
)  # fmt: skip
_ROW: Final = "\0row"  # no real column has such a name


def read_models(table: pl.DataFrame, path: Path) -> ScoreCells:
    """Read a table with a row per model and a column per slice.

    Parameters
    ----------
    table : DataFrame of String
        Null where nothing is given.
    path : Path
        File, for messages and as name of the set.

    Returns
    -------
    ScoreCells
        Set aside are rows that sum up the others, empty rows, and columns that hold no scores.

    Raises
    ------
    DataError
        If no column holds scores, two models have one name, two columns are one slice, or a cell is
        no score.
    """
    aside: list[tuple[str, str]] = []
    table, empty = _without_empty_rows(table.with_row_index(_ROW, offset=1))
    name = _id_column(table, path)
    columns = _score_columns(table, name, path, aside)
    summaries, others = summary_rows(table[name].to_list(), table.select(columns))
    rows = table[_ROW].to_list()
    for i, kind in summaries.items():
        aside.append((f"row {rows[i]} {shown(table[name][i])}", f"the {kind} of the other rows"))
    aside += empty
    notes = [
        f"Row {rows[i]} {shown(table[name][i])} is read as a model: it is not the {kind} of the others."
        for i, kind in others.items()
    ]
    models = table.filter(~pl.int_range(pl.len()).is_in(list(summaries)))
    _check_ids(models, name, path)
    cells = models.unpivot(
        columns, index=[_ROW, name], variable_name="\0column", value_name="\0text"
    ).select(
        pl.col(_ROW).cast(pl.Int64).alias("row"), pl.col(name).alias("id"),
        pl.col("\0column").alias("column"), pl.col("\0text").alias("text"),
    )  # fmt: skip
    cells, unit = in_fractions(cells, path)
    keys, in_domain = slice_keys(columns, path.stem)
    _check_keys(keys, path)
    cells = cells.with_columns(
        pl.col("column").replace_strict({c: k[place] for c, k in keys.items()}, return_dtype=pl.String)
        .alias(part) for place, part in enumerate(("set", "slice"))
    )  # fmt: skip
    own = own_score(cells, in_domain) if in_domain else None
    return ScoreCells(cells, f"scores by model, in {unit}", own, tuple(aside), tuple(notes))


def _without_empty_rows(table: pl.DataFrame) -> tuple[pl.DataFrame, list[tuple[str, str]]]:
    """Return the rows that say something, and where the others are."""
    empty = table.select(pl.all_horizontal(pl.exclude(_ROW).is_null())).to_series()
    if not empty.any():
        return table, []
    where = f"{counted(int(empty.sum()), 'row')} from row {table.filter(empty)[_ROW][0]} on"
    return table.filter(~empty), [(where, "empty")]


def _id_column(table: pl.DataFrame, path: Path) -> str:
    """Return the column that names the model: the first that parts the rows, of those so called."""
    called = [c for one in IDS if (c := column_named(table, (one,)))]
    if distinct := [c for c in called if table[c].n_unique() == table.height]:
        return distinct[0]
    first = next(column for column in table.columns if column != _ROW)
    values = table.select(numbers(pl.col(first)).alias("v")).to_series()
    if not called and not values.null_count() and (values != values.floor()).any():
        raise cell_error(
            path, 1, first, f"is {shown(table[first][0])}, which names no model",
            f"Let the first column, or one called {IDS[0]!r}, name the model.",
        )  # fmt: skip
    return called[0] if called else first


def _score_columns(
    table: pl.DataFrame, name: str, path: Path, aside: list[tuple[str, str]]
) -> list[str]:
    """Return the columns of scores; the others are set aside with a reason."""
    columns = [c for c in table.columns if c not in (_ROW, name)]
    known = [table[c].len() - table[c].null_count() for c in columns]
    told = [table.select(numbers(pl.col(c)).is_not_null().sum()).item() for c in columns]
    kept = []
    for column, n, n_numbers in zip(columns, known, told, strict=True):
        plain = column.strip().casefold()
        why = (
            "names the model too" if plain in IDS
            else "groups of models: give the file with --clusters to compare them" if plain in GROUPS
            else "a setting or a count, not a score" if plain in _SETTINGS
            else "empty" if not n
            else "text" if 2 * n_numbers < n
            else None
        )  # fmt: skip
        if why is None:
            kept.append(column)
        else:
            aside.append((f"column {shown(column)}", why))
    if not kept:
        raise DataError(
            f"no column holds scores (columns: {', '.join(map(shown, table.columns[1:13]))})",
            where=f"{path}: header",
            remedy="Give a column of numbers per slice, or 'slice' and 'metric', or 'gold' and a "
            "column of predictions per model.",
        )
    return kept


def _check_ids(models: pl.DataFrame, name: str, path: Path) -> None:
    """Refuse rows without a name, and two rows with one name."""
    odd = models.filter(pl.col(name).is_null() | ~pl.col(name).is_first_distinct())
    if odd.height:
        row, value = odd[_ROW][0], odd[name][0]
        what = "is empty" if value is None else f"is {shown(value)}, as in a row before"
        raise cell_error(path, row, name, what, "Give each model its own id.")


def _check_keys(keys: dict[str, Key], path: Path) -> None:
    """Refuse two columns that are one slice."""
    seen: dict[Key, str] = {}
    for column, key in keys.items():
        if key in seen:
            raise DataError(
                f"columns {shown(seen[key])} and {shown(column)} are both {key[1]!r} of {key[0]!r}",
                where=f"{path}: header", remedy="Name each slice once.",
            )  # fmt: skip
        seen[key] = column
