"""Tasks from files."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from wsgeo.errors import DataError
from wsgeo.tasks.columns import Columns, find_columns
from wsgeo.tasks.readers import check_column, read_table, row_error
from wsgeo.tasks.subsets import drawn
from wsgeo.tasks.targets import read_targets
from wsgeo.tasks.task import Objective, Task

_SPLIT = re.compile(
    r"(train|validation|valid|val|dev|test)([_-](matched|mismatched|in_domain|out_of_domain))?"
)


def read_task(
    path: str | Path,
    *,
    name: str | None = None,
    objective: Objective | str | None = None,
    columns: Mapping[str, str] | None = None,
    labels: Sequence[str] | None = None,
    n_examples: int | None = None,
    seed: int = 0,
    split: str | None = None,
) -> Task:
    """Read a task from a Parquet, JSONL, CSV, TSV or text file.

    Parameters
    ----------
    path : str or Path
        The file, or a folder with one file per split.
    name : str, optional
        Name of the task; default the file's name, or its folder's for ``validation.parquet``.
    objective : Objective or str, optional
        Default classification, if the table has a label.
    columns : mapping of str to str, optional
        Column by field (``text_a``, ``text_b``, ``label``, ``label_name``, ``id``) where the names
        do not say it.
    labels : sequence of str, optional
        Label names in order; default those of the table.
    n_examples : int, optional
        Size of the subset to draw, stratified by label; default (and at most) all.
    seed : int, default 0
        Seed of the subset and of masks.
    split : str, optional
        Name of the split; for a folder, which file to read (default ``validation``).

    Returns
    -------
    Task
        Examples in the order of the file.

    Raises
    ------
    DataError
        If the file, a column, or a row is faulty; the row and field are named.
    """
    file = _file(Path(path), split)
    own_name, own_split = named_by(file)
    return task_of(
        read_table(file),
        name=name or own_name,
        objective=objective,
        columns=columns,
        labels=labels,
        n_examples=n_examples,
        seed=seed,
        split=split or own_split or "validation",
        source=str(file),
    )


def task_of(
    table: pl.DataFrame,
    *,
    name: str,
    objective: Objective | str | None = None,
    columns: Mapping[str, str] | None = None,
    labels: Sequence[str] | None = None,
    n_examples: int | None = None,
    seed: int = 0,
    split: str = "validation",
    source: str = "",
) -> Task:
    """Make a task of a table that is already in memory; the parameters are those of `read_task`.

    Parameters
    ----------
    table : DataFrame
        The rows.
    name, objective, columns, labels, n_examples, seed, split
        As in `read_task`.
    source : str
        File the table came from.

    Returns
    -------
    Task
        Examples in the order of the table.

    Raises
    ------
    DataError
        If a column or a row is faulty.
    """
    where = source or name
    aim = _objective(objective, where)
    found = find_columns(table.columns, aim, columns, where=where)
    table, found = _without_empty_second(table, found, columns or {}, aim)
    for field in filter(None, dataclasses.astuple(found)):
        check_column(table[field], where)
    if aim is None or aim is Objective.CLASSIFICATION:
        aim = _classification(found, where)
    ids = _ids(table, found, where)
    _check_texts(table, found, where)
    targets, names = pl.repeat(0, table.height, dtype=pl.Int64, eager=True), None
    if aim is Objective.CLASSIFICATION:
        targets, names = read_targets(table, found, labels, where)
    kept = targets.is_not_null().arg_true().to_numpy().astype(np.int64)
    whole = Task(
        name=name,
        objective=aim,
        ids=tuple(ids.gather(kept)),
        text_a=tuple(table[found.text_a].gather(kept)),
        text_b=tuple(table[found.text_b].gather(kept)) if found.text_b else None,
        targets=targets.gather(kept).to_numpy().copy() if names else None,
        labels=names or (),
        split=split,
        source=source,
        seed=seed,
        n_dropped=table.height - len(kept),
    )
    return drawn(whole, n_examples)


def named_by(path: Path) -> tuple[str, str | None]:
    """Return the name of a data set, and of its split if the file is named for one.

    Parameters
    ----------
    path : Path
        File of the data set.

    Returns
    -------
    name : str
        The file's name, or its folder's if the file is named for a split.
    split : str or None
        Name of the split.

    Examples
    --------
    >>> named_by(Path("/data/mnli/validation_matched.parquet"))
    ('mnli', 'validation_matched')
    >>> named_by(Path("/data/mnli.tsv.gz"))
    ('mnli', None)
    """
    stem = path.name.split(".")[0]
    return (path.resolve().parent.name, stem) if _SPLIT.fullmatch(stem) else (stem, None)


def _file(path: Path, split: str | None) -> Path:
    """Return the file of a split, if ``path`` is a folder."""
    if not path.is_dir():
        return path
    wanted = split or "validation"
    files = sorted(f for f in path.iterdir() if f.is_file() and f.name.split(".")[0] == wanted)
    if len(files) == 1:
        return files[0]
    there = ", ".join(f.name for f in files or sorted(path.iterdir())[:10])
    raise DataError(
        f"the folder has {len(files) or 'no'} files of the split {wanted!r}: {there or 'empty'}",
        where=str(path),
        remedy="Name the file.",
    )


def _objective(objective: Objective | str | None, where: str) -> Objective | None:
    """Return the objective as such."""
    try:
        return None if objective is None else Objective(objective)
    except ValueError as error:
        raise DataError(
            f"{objective!r} is no objective",
            where=where,
            remedy=f"Use one of {', '.join(Objective)}.",
        ) from error


def _classification(found: Columns, where: str) -> Objective:
    """Return classification if there is a label to predict."""
    if found.label or found.label_name:
        return Objective.CLASSIFICATION
    raise DataError(
        "the table has no label",
        where=where,
        remedy="Name its column with --column label=NAME, or give the objective of a language model.",
    )


def _without_empty_second(
    table: pl.DataFrame, found: Columns, given: Mapping[str, str], objective: Objective | None
) -> tuple[pl.DataFrame, Columns]:
    """Read a second text that no row has as none, unless it was asked for."""
    empty = found.text_b is not None and table[found.text_b].null_count() == table.height
    if not empty or "text_b" in given or objective is Objective.SEQ2SEQ:
        return table, found
    return table, Columns(found.text_a, None, found.label, found.label_name, found.id)


def _ids(table: pl.DataFrame, found: Columns, where: str) -> pl.Series:
    """Return the ids as strings: those of the table, or the row numbers."""
    if found.id is None:
        return pl.int_range(1, table.height + 1, eager=True).cast(pl.String)
    ids = table[found.id]
    if ids.dtype.is_nested():
        raise row_error(where, 1, found.id, f"holds {ids.dtype}, not one id")
    ids = ids.cast(pl.String)
    bad = (ids.is_null() | ~ids.is_first_distinct()).arg_true()
    if len(bad):
        row = int(bad[0])
        what = "is empty" if ids[row] is None else f"repeats the id {ids[row]!r}"
        raise row_error(where, row + 1, found.id, what, "Give every row its own id.")
    return ids


def _check_texts(table: pl.DataFrame, found: Columns, where: str) -> None:
    """Refuse columns that hold no text and rows whose text is missing or blank."""
    for field in filter(None, (found.text_a, found.text_b)):
        column = table[field]
        if column.dtype not in (pl.String, pl.Null):
            raise row_error(where, 1, field, f"holds {column.dtype}, not text")
        blank = (column.is_null() | (column.cast(pl.String).str.strip_chars() == "")).arg_true()
        if len(blank):
            raise row_error(
                where, int(blank[0]) + 1, field, "is empty", "Give the row a text or remove it."
            )
