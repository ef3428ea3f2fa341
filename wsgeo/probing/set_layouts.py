"""Which columns of a file of diagnostic examples say what, one example per row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import polars as pl

from wsgeo.errors import DataError
from wsgeo.probing.pairs import better_label
from wsgeo.suggestions import suggestion
from wsgeo.tasks.columns import FIELDS, find_columns
from wsgeo.tasks.declarations import Kind
from wsgeo.tasks.labels import is_unnamed
from wsgeo.tasks.readers import check_column, row_error
from wsgeo.tasks.task import Objective

GROUP = "group"
"""A column of pairs, if no row of a pair is labelled otherwise: the word has other meanings too."""

_TWO_TEXTS = {
    Kind.MINIMAL_PAIRS: {"good": "sentence_good", "bad": "sentence_bad"},
    Kind.INVARIANCE: {"original": "original", "perturbed": "perturbed"},
}
_PAIRS = ("pair", "pair_id", GROUP)
_SLICES = ("slice", "heuristic", "variant")
_SLICES_OF_PAIRS = ("slice", "uid", "field", "term")
_WORSE_AND_BETTER = ("unacceptable", "acceptable")
_NO_LABEL = "\0label"  # no real column has such a name

ColumnNames = Mapping[str, str | list[str]]


@final
@dataclass(frozen=True, eq=False)
class Layout:
    """A table with an example per row, and what its columns are.

    Parameters
    ----------
    table : DataFrame
        The rows.
    fields : dict of str to str
        Columns by field of a task.
    labelled : bool
        Whether there are labels; else all rows have label 0.
    slices : str or list of str or None
        Column of the slice, or one column of 0 and 1 per slice.
    subcase, pair : str or None
        Columns of the subcase and of what belongs together.
    labels : tuple of str or None
        Labels in their order, where they are declared or follow from the layout.
    kind : Kind or None
        What is judged, where the names of the columns alone say it.
    told_by : tuple of str
        The columns that do.
    """

    table: pl.DataFrame
    fields: dict[str, str]
    labelled: bool
    slices: str | list[str] | None
    subcase: str | None
    pair: str | None
    labels: tuple[str, ...] | None = None
    kind: Kind | None = None
    told_by: tuple[str, ...] = ()


def layout_of(
    table: pl.DataFrame, columns: ColumnNames, labels: tuple[str, ...] | None, path: Path
) -> Layout:
    """Find out what the columns of a table are.

    Parameters
    ----------
    table : DataFrame
        The rows of the file.
    columns : mapping of str to str or list of str
        Columns by field, where they are said.
    labels : tuple of str or None
        Labels, where they are said.
    path : Path
        The file, for messages.

    Returns
    -------
    Layout
        The table with an example per row; a row of two texts has become two.

    Raises
    ------
    DataError
        If a column is missing, or more than one reading is possible.
    """
    _check(columns, table.columns, path)
    kind, told_by = _two_texts(columns, table)
    if kind is Kind.MINIMAL_PAIRS:
        labels = labels or _WORSE_AND_BETTER
        columns = {**columns, "label": "label"}
    if kind is not None:
        table = _text_per_row(table, told_by, labels if kind is Kind.MINIMAL_PAIRS else None, path)
        columns = {**columns, "text_a": "text_a", "pair": "pair"}
    fields = {field: str(name) for field, name in columns.items() if field in FIELDS}
    table = _without_integers_as_names(table, fields, path)
    found = find_columns(table.columns, Objective.CLASSIFICATION, fields, where=str(path))
    pair = _column("pair", _PAIRS, columns, table)
    labelled = bool(found.label or found.label_name) or pair is None
    if not labelled:
        table, fields = (
            table.with_columns(pl.lit(0).alias(_NO_LABEL)),
            fields | {"label": _NO_LABEL},
        )
    usual = _SLICES_OF_PAIRS if kind is Kind.MINIMAL_PAIRS else _SLICES
    slices = columns.get("slice") or _column("slice", usual, {}, table)
    subcase = _column("subcase", ("subcase",), columns, table)
    return Layout(table, fields, labelled, slices, subcase, pair, labels, kind, told_by)


def _two_texts(columns: ColumnNames, table: pl.DataFrame) -> tuple[Kind | None, tuple[str, ...]]:
    """Return what a row with two texts of one pair holds, and their columns; None if there are none."""
    for kind, usual in _TWO_TEXTS.items():
        both = tuple(str(columns.get(field, name)) for field, name in usual.items())
        if set(both) <= set(table.columns):
            return kind, both
    return None, ()


def _text_per_row(
    table: pl.DataFrame, both: Sequence[str], labels: tuple[str, ...] | None, path: Path
) -> pl.DataFrame:
    """Make two examples of each row, the better first if there are labels of the two texts."""
    for name in both:
        check_column(table[name], path)
        blank = (table[name].cast(pl.String).str.strip_chars().fill_null("") == "").arg_true()
        if len(blank):
            raise row_error(path, int(blank[0]) + 1, name, "is empty", "Give the row both texts.")
    rows, second = np.divmod(np.arange(2 * table.height), 2)
    text = pl.when(pl.Series(second == 1)).then(pl.col(both[1])).otherwise(pl.col(both[0]))
    pair = pl.Series("pair", (rows + 1).astype(str))
    table = table[rows].with_columns(text.alias("text_a"), pair)
    if labels is None:
        return table
    better_first = sorted(labels, key=lambda label: label != better_label(labels))
    table = table.drop("label_name", "label_text", strict=False)
    return table.with_columns(label=pl.Series(np.array(better_first)[second]))


def _column(
    field: str, usual: Sequence[str], columns: ColumnNames, table: pl.DataFrame
) -> str | None:
    """Return the column that is said, or the first of the usual ones that is there."""
    if field in columns:
        return str(columns[field])
    return next((name for name in usual if name in table.columns), None)


def _without_integers_as_names(
    table: pl.DataFrame, fields: Mapping[str, str], path: Path
) -> pl.DataFrame:
    """Leave out names of labels that only repeat their integers, so that others can name them."""
    if "label_name" in fields:
        return table
    found = find_columns(table.columns, Objective.CLASSIFICATION, fields, where=str(path))
    if found.label is None or found.label_name is None:
        return table
    names = table[found.label_name]
    check_column(names, path)
    if names.dtype.is_nested():
        return table
    unnamed = is_unnamed(names.drop_nulls().cast(pl.String).unique().to_list())
    return table.drop(found.label_name) if unnamed else table


def _check(columns: ColumnNames, there: Sequence[str], path: Path) -> None:
    """Refuse unknown fields, and columns that are not there."""
    two = [field for usual in _TWO_TEXTS.values() for field in usual]
    allowed = (*FIELDS, "slice", "subcase", "pair", *two)
    for field, given in columns.items():
        if field not in allowed:
            raise DataError(
                f"columns.{field} is no field", where=str(path), remedy=suggestion(field, allowed)
            )
        for name in [given] if isinstance(given, str) else given:
            if name not in there:
                raise DataError(
                    f"there is no column {name!r}", where=str(path), remedy=suggestion(name, there)
                )
