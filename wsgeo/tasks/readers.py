"""Tables from the files that data sets come in.

Text formats are parsed row by row by the standard library, not by polars: its errors name no row,
it fills short rows with nulls, and a quote that never closes swallows the rest of the file.
Parquet is read by polars. A row number counts data rows from 1; a header is not counted.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from wsgeo.errors import DataError

MAX_BYTES = 2 * 1024**3
"""Largest file, unpacked, that is read: more is a corpus, not an evaluation set."""

MAX_ROWS = 20_000_000
"""Largest number of rows that is read."""

_KINDS = (".parquet", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt")


def read_table(path: str | Path) -> pl.DataFrame:
    """Read a Parquet, JSONL, CSV, TSV or text file.

    CSV fields may be quoted by ``"``; a quote in TSV is a character like any other. Columns of CSV
    and TSV are strings. A text file has one column, ``text``, with a row per line that is not
    blank. All but Parquet may be packed by gzip (``.gz``).

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    DataFrame
        At least one row; distinct, non-empty column names.

    Raises
    ------
    DataError
        If the file is missing, empty, too large, of another kind, or faulty; the message names the
        row and the field.
    """
    path = Path(path)
    kind = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if kind.lower() not in _KINDS:
        raise DataError(
            f"files of kind {kind or 'without a suffix'!r} cannot be read",
            where=str(path),
            remedy=f"Use one of {', '.join(_KINDS)}.",
        )
    table = _read_parquet(path) if kind.lower() == ".parquet" else _read_text(path, kind.lower())
    if not table.height:
        raise DataError("the file holds no rows", where=str(path))
    return table


def row_error(path: str | Path, row: int, field: str, what: str, remedy: str = "") -> DataError:
    """Return the error of one field: file, row (counted from 1), field, fault."""
    return DataError(f"field {field!r} {what}", where=f"{path}: row {row}", remedy=remedy or None)


def check_column(column: pl.Series, path: str | Path) -> None:
    """Refuse a column that a task needs and whose values are not of one type.

    A data set may carry other columns of any content; they are not checked.

    Parameters
    ----------
    column : Series
        The column.
    path : str or Path
        File, for messages.

    Raises
    ------
    DataError
        If a value is of another type than those before, or is nothing that a table can hold.
    """
    if column.dtype != pl.Object:
        return
    row, what = _fault(column)
    raise DataError(f"field {column.name!r} {what}", where=f"{path}: row {row}")


def _fault(column: pl.Series) -> tuple[int, str]:
    """Return the first row that keeps a column from having one type, and why."""
    first: tuple[int, type] | None = None
    for row, value in enumerate(column, start=1):
        if _is_broken(value):
            return row, "holds what no table column can"
        if value is None or (first and {first[1], type(value)} <= {int, float}):
            continue
        first = first or (row, type(value))
        if type(value) is not first[1]:
            was = f"in row {first[0]} it is {first[1].__name__}"
            return row, f"is of type {type(value).__name__}; {was}"
    return 1, "holds lists of more than one type"


def _read_parquet(path: Path) -> pl.DataFrame:
    _check_size(path)
    try:
        n_rows = pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
        if n_rows > MAX_ROWS:
            raise DataError(
                f"the file holds {n_rows} rows; {MAX_ROWS} is the limit", where=str(path)
            )
        return pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        # A damaged page makes polars panic, which is not even an Exception.
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"the Parquet file cannot be read: {first}", where=str(path)) from error


def _read_text(path: Path, kind: str) -> pl.DataFrame:
    """Read a text format through one decoded string."""
    text = _decode(_unpack(path), path)
    readers: Mapping[str, Callable[[], pl.DataFrame]] = {
        ".csv": lambda: _read_delimited(text, ",", path),
        ".tsv": lambda: _read_delimited(text, "\t", path),
        ".txt": lambda: pl.DataFrame({"text": [s for s in text.split("\n") if s.strip()]}),
    }
    return readers[kind]() if kind in readers else _read_json_lines(text, path)


def _check_size(path: Path) -> None:
    """Refuse what is no file, is empty, or is too large to be a data set."""
    if not path.is_file():
        raise DataError("there is no such file", where=str(path))
    size = path.stat().st_size
    if not size:
        raise DataError("the file is empty", where=str(path))
    if size > MAX_BYTES:
        raise DataError(f"the file has {size} bytes; {MAX_BYTES} is the limit", where=str(path))


def _unpack(path: Path) -> bytes:
    """Return the bytes of the file, unpacked; a gzip bomb stops at the limit."""
    _check_size(path)
    try:
        if path.suffix != ".gz":
            return path.read_bytes()
        with gzip.open(path) as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"the file cannot be read: {error}", where=str(path)) from error
    if len(data) > MAX_BYTES:
        raise DataError(f"the file unpacks to more than {MAX_BYTES} bytes", where=str(path))
    return data


def _decode(data: bytes, path: Path) -> str:
    """Decode UTF-8 (with or without a mark) and bring line ends to one form."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"line {line} is not UTF-8 (byte 0x{data[error.start]:02x})",
            where=str(path),
            remedy="Convert the file to UTF-8.",
        ) from error
    return text.replace("\r\n", "\n")


def _read_delimited(text: str, delimiter: str, path: Path) -> pl.DataFrame:
    """Read CSV or TSV with a header; every row must have every field."""
    source = io.StringIO(text, newline="")
    if delimiter == ",":
        reader = csv.reader(source, delimiter=delimiter, strict=True)
    else:
        reader = csv.reader(source, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
    rows: list[list[str]] = []
    # The module's limit is 131,072 characters to a field; a document can have more.
    limit = csv.field_size_limit(len(text) + 1)
    try:
        header = next(reader, [])
        _check_header(header, path)
        rows.extend(row for row in reader if row)
    except csv.Error as error:
        raise DataError(
            f"row {len(rows) + 1} cannot be read: {error}",
            where=str(path),
            remedy="Close every quote, and double the quotes inside a quoted field.",
        ) from error
    finally:
        csv.field_size_limit(limit)
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            field = header[min(len(row), len(header) - 1)]
            what = f"ends a row of {len(row)} fields; the header names {len(header)}"
            raise row_error(path, number, field, what)
    return pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row")


def _check_header(names: Sequence[str], path: Path) -> None:
    """Refuse a missing header, and empty and repeated column names."""
    if not names:
        raise DataError("the first line names no columns", where=f"{path}: header")
    for i, name in enumerate(names):
        if not name.strip():
            raise DataError(f"column {i + 1} has no name", where=f"{path}: header")
        if name in names[:i]:
            raise DataError(f"two columns are called {name!r}", where=f"{path}: header")


def _read_json_lines(text: str, path: Path) -> pl.DataFrame:
    """Read one JSON object per line; a field that a row lacks is null."""
    rows = list(_json_rows(text, path))
    names = dict.fromkeys(name for row in rows for name in row)
    return pl.DataFrame([_series(name, [row.get(name) for row in rows]) for name in names])


def _series(name: str, values: Sequence[object]) -> pl.Series:
    """Make a column; what no column can hold stays as objects, for `check_column` to refuse."""
    kinds = {type(value) for value in values} - {type(None)}
    try:
        if len(kinds) <= 1 or kinds == {int, float}:
            return pl.Series(name, values, pl.Float64 if len(kinds) == 2 else None)
    except (UnicodeEncodeError, OverflowError, TypeError, pl.exceptions.PolarsError):
        pass
    return pl.Series(name, values, pl.Object)


def _json_rows(text: str, path: Path) -> Iterator[dict[str, object]]:
    """Yield the objects of a JSONL file."""
    lines = text.rstrip("\n").split("\n") if text.strip() else []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line, object_pairs_hook=_distinct, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise DataError(f"row {number} is no JSON: {error}", where=str(path)) from error
        if not isinstance(row, dict):
            raise DataError(f"row {number} is no JSON object but {line[:40]!r}", where=str(path))
        yield row


def _distinct(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Refuse an object that gives a field twice, and names that are no text."""
    if any(_is_broken(name) for name, _ in pairs):
        raise ValueError("a field's name holds a lone surrogate")
    if len(found := dict(pairs)) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"field {repeated!r} is given twice")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")


def _is_broken(value: object) -> bool:
    """Tell a string with lone surrogates, or an integer beyond 64 bits."""
    if isinstance(value, str):
        return any("\ud800" <= character <= "\udfff" for character in value)
    return isinstance(value, int) and value.bit_length() > 63
