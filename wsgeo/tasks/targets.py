"""Class indices and label names from the label columns of a table."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from wsgeo.errors import DataError
from wsgeo.suggestions import suggestion
from wsgeo.tasks.columns import Columns
from wsgeo.tasks.labels import canonical
from wsgeo.tasks.readers import row_error

MAX_CLASSES = 10_000
"""Largest number of classes: a larger integer is an id or a score, not a class."""

_NO_GOLD = ("-", "-1")


def read_targets(
    table: pl.DataFrame, columns: Columns, labels: Sequence[str] | None, path: str
) -> tuple[pl.Series, tuple[str, ...]]:
    """Return the class index of each row and the label names.

    Labels are ordered as ``labels`` says, else by their integers, else by name. Integers without
    names are their own names ("0", "1", ...), up to the largest.

    Parameters
    ----------
    table : DataFrame
        The rows.
    columns : Columns
        Where the label and its name are; at least one is given.
    labels : sequence of str, optional
        Label names in order. Where the table has integers only, they are indices into it.
    path : str
        File, for messages.

    Returns
    -------
    targets : Series of Int64, length n_rows
        Class index; null where the annotators agreed on none (gold label "-" or -1).
    labels : tuple of str
        Label names.

    Raises
    ------
    DataError
        If a label is null, unknown, no class, or named in two ways; the row is named.
    """
    codes = names = None
    if columns.label is not None:
        values = _values(table, columns.label, path)
        codes = _integers(values, columns.label, path)
        names = values if codes is None else None
    if columns.label_name is not None:
        names = _values(table, columns.label_name, path)
        if codes is not None:
            names = _unless_dropped(names, codes)
    if names is None:
        assert codes is not None
        return _by_code(codes, labels, columns.label or "", path)
    field = columns.label_name or columns.label or ""
    if labels is not None:
        return _by_name(names, tuple(labels), field, path)
    order = _order(names, codes, field, path)
    return _by_name(names, order, field, path)


def _values(table: pl.DataFrame, field: str, path: str) -> pl.Series:
    """Return a label column as strings, null where there is no gold label."""
    column = table[field]
    if column.dtype.is_nested():
        raise row_error(path, 1, field, f"holds {column.dtype}, not one label")
    if column.dtype.is_float():
        graded = (column != column.floor()).fill_null(value=False).arg_true()
        if len(graded):
            row = int(graded[0])
            raise row_error(path, row + 1, field, f"is {column[row]}, a score and not a class")
        column = column.cast(pl.Int64)
    if column.dtype == pl.Boolean:
        column = column.cast(pl.Int64)
    values = column.cast(pl.String).str.strip_chars()
    bad = (values.is_null() | (values == "")).arg_true()
    if len(bad):
        raise row_error(path, int(bad[0]) + 1, field, "is empty", "Give every row a label.")
    return values.set(values.is_in(_NO_GOLD), None)


def _integers(values: pl.Series, field: str, path: str) -> pl.Series | None:
    """Return labels that are all integers as such; None if they are names."""
    if values.null_count() == len(values):
        raise DataError(f"field {field!r} holds no label at all", where=path)
    if not values.drop_nulls().str.contains(r"^-?\d{1,18}$").all():
        return None
    codes = values.cast(pl.Int64)
    outside = ((codes < 0) | (codes >= MAX_CLASSES)).fill_null(value=False).arg_true()
    if len(outside):
        row = int(outside[0])
        raise row_error(path, row + 1, field, f"is {codes[row]}, which is no class")
    return codes


def _unless_dropped(names: pl.Series, codes: pl.Series) -> pl.Series:
    """Drop the names of rows whose integer says that there is no gold label."""
    return names.set(codes.is_null(), None)


def _by_code(
    codes: pl.Series, labels: Sequence[str] | None, field: str, path: str
) -> tuple[pl.Series, tuple[str, ...]]:
    """Read integers as indices into ``labels``, or as their own names."""
    largest = codes.max()
    assert isinstance(largest, int)
    names = tuple(labels) if labels is not None else tuple(map(str, range(largest + 1)))
    outside = (codes >= len(names)).fill_null(value=False).arg_true()
    if len(outside):
        row = int(outside[0])
        raise row_error(
            path,
            row + 1,
            field,
            f"is {codes[row]}, but only {len(names)} labels are given",
            f"Labels: {', '.join(names)}.",
        )
    return codes, names


def _by_name(
    names: pl.Series, labels: tuple[str, ...], field: str, path: str
) -> tuple[pl.Series, tuple[str, ...]]:
    """Read names as indices into ``labels``; spelling variants of a label are that label."""
    index = {name: labels.index(name) for name in labels}
    keys = {canonical(name): i for i, name in enumerate(labels)}
    table: dict[str, int] = {}
    for name in names.drop_nulls().unique(maintain_order=True):
        found = index.get(name, keys.get(canonical(name)))
        if found is None:
            row = int((names == name).fill_null(value=False).arg_true()[0]) + 1
            remedy = suggestion(name, labels)
            raise row_error(path, row, field, f"is {name!r}, an unknown label", remedy)
        table[name] = found
    return names.replace_strict(table, return_dtype=pl.Int64), labels


def _order(names: pl.Series, codes: pl.Series | None, field: str, path: str) -> tuple[str, ...]:
    """Return the distinct names, by integer where there are integers, else sorted."""
    if codes is None:
        distinct = names.drop_nulls().unique().to_list()
        _check_distinct(distinct, field, path)
        return tuple(sorted(distinct))
    code_of: dict[str, int] = {}
    name_of: dict[int, str] = {}
    for row, (name, code) in enumerate(zip(names, codes, strict=True), start=1):
        if name is None:
            continue
        if name_of.setdefault(code, name) != name or code_of.setdefault(name, code) != code:
            what = f"is {name!r} for label {code}; an earlier row says otherwise"
            raise row_error(path, row, field, what)
    return tuple(name_of[code] for code in sorted(name_of))


def _check_distinct(names: Sequence[str], field: str, path: str) -> None:
    """Refuse two spellings of one label: they would be scored as two classes."""
    spelt: dict[str, list[str]] = {}
    for name in sorted(names):
        spelt.setdefault(canonical(name), []).append(name)
    for spellings in spelt.values():
        if len(spellings) > 1:
            raise DataError(
                f"field {field!r} spells one label in two ways: {', '.join(spellings)}",
                where=path,
                remedy="Spell it in one way, or give labels=...",
            )
