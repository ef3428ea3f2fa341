"""Distance matrices that users bring: a table with the ids as first column and as header."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wsgeo.counting import counted
from wsgeo.errors import DataError
from wsgeo.escapes import printable

_MISSING = {"", "na", "nan", "null", "none"}


def read_matrix(
    path: Path, *, similarity: bool = False
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    r"""Read ids and distances from a .csv, .tsv or .parquet file.

    Parameters
    ----------
    path : Path
        First column: ids of the rows. Other columns: named by the ids, in any order. An empty
        cell, ``NA`` or ``nan`` is a missing pair.
    similarity : bool, default False
        The cells are similarities in [-1, 1]; the distance is 1 - similarity.

    Returns
    -------
    ids : tuple of str
        In the order of the rows.
    values : ndarray of float64, shape (n_members, n_members)
        Distances; NaN where missing. Not yet guarded.

    Raises
    ------
    DataError
        If the file is no square table of numbers over one set of ids.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "m.csv"
    ...     _ = file.write_text("id,a,b\na,0,0.5\nb,0.5,0\n")
    ...     read_matrix(file)[1].tolist()
    [[0.0, 0.5], [0.5, 0.0]]
    """
    header, rows = _read_table(path)
    columns, ids = tuple(header[1:]), tuple(row[0] for row in rows)
    _check_ids(ids, columns, path)
    values = np.full((len(ids), len(ids)), np.nan)
    place = {name: j for j, name in enumerate(columns)}
    order = [place[name] + 1 for name in ids]
    for i, row in enumerate(rows):
        if len(row) != len(header):
            raise DataError(
                _ragged(ids[i], len(row), len(header)),
                where=str(path),
                remedy="Give one cell per member; leave a missing pair empty.",
            )
        values[i] = [_number(row[j], ids[i], header[j], path) for j in order]
    return ids, _distances(values, similarity, path)


def _ragged(name: str, n_cells: int, n_columns: int) -> str:
    """Return in words how a row differs from the header."""
    side = "too few" if n_cells < n_columns else "too many"
    return (
        f"the row of {printable(name)} has {counted(n_cells, 'cell')}, "
        f"{abs(n_columns - n_cells)} {side}: the header has {n_columns}"
    )


def _distances(values: NDArray[np.float64], similarity: bool, path: Path) -> NDArray[np.float64]:
    diagonal = np.diag(values)
    if similarity:
        if np.nanmax(np.abs(values), initial=0.0) > 1 + 1e-6:
            raise DataError(
                f"a similarity is {values.flat[np.nanargmax(np.abs(values))]:.4g}",
                where=str(path),
                remedy="Give similarities in [-1, 1], or distances without --similarity.",
            )
        values = 1 - values
        np.fill_diagonal(values, 0.0)
        return np.maximum(values, 0.0)
    # Read as distances, a cosine matrix would put the most alike members farthest apart.
    if len(values) > 1 and (diagonal > 0).all() and np.nanmax(values) <= diagonal.min() + 1e-6:
        raise DataError(
            f"the diagonal is {diagonal[0]:.4g} and no entry is larger, as in a similarity matrix",
            where=str(path),
            remedy="Give --similarity, or distances with a zero diagonal.",
        )
    return values


def _read_table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return header and rows as text."""
    readers = {".csv": ",", ".tsv": "\t", ".parquet": ""}
    if path.suffix.lower() not in readers:
        raise DataError(
            f"a matrix file ends in .csv, .tsv or .parquet, not {path.suffix or 'nothing'!r}",
            where=str(path),
            remedy="Save the matrix as one of these.",
        )
    if not path.is_file():
        raise DataError("there is no such file", where=str(path), remedy="Check the path.")
    separator = readers[path.suffix.lower()]
    rows = _delimited(path, separator) if separator else _parquet(path)
    if len(rows) < 2 or len(rows[0]) < 2:
        raise DataError(
            "the table holds no matrix",
            where=str(path),
            remedy="Give a header with the ids and one row per member, its id first.",
        )
    return rows[0], rows[1:]


def _delimited(path: Path, separator: str) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [row for row in csv.reader(file, delimiter=separator) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"the file is no text table ({error})",
            where=str(path),
            remedy="Save it as UTF-8 text.",
        ) from error


def _parquet(path: Path) -> list[list[str]]:
    import polars as pl

    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"the file is no Parquet table ({str(error).splitlines()[0]})",
            where=str(path),
            remedy="Write it again.",
        ) from error
    return [
        list(frame.columns),
        *(["" if cell is None else str(cell) for cell in row] for row in frame.iter_rows()),
    ]


def _check_ids(ids: Sequence[str], columns: Sequence[str], path: Path) -> None:
    for where, names in (("row", ids), ("column", columns)):
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise DataError(
                    f"two {where}s have the id {printable(name)!r}",
                    where=str(path),
                    remedy="Give each member its own id.",
                )
            seen.add(name)
    odd = sorted(set(ids) ^ set(columns))
    if odd:
        place = "row" if odd[0] in set(columns) else "column"
        raise DataError(
            f"{printable(odd[0])!r} has no {place} ({len(ids)} rows, {len(columns)} columns)",
            where=str(path),
            remedy="Give the same ids as rows and as columns.",
        )


def _number(cell: str, row: str, column: str, path: Path) -> float:
    if cell.strip().lower() in _MISSING:
        return float("nan")
    try:
        return float(cell)
    except ValueError as error:
        raise DataError(
            f"row {printable(row)!r}, column {printable(column)!r}: {printable(cell[:40])!r} "
            "is not a number",
            where=str(path),
            remedy="Give numbers with a decimal point; leave a missing pair empty.",
        ) from error
