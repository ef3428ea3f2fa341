"""The examples of a task: files as a recipe names them, read as one table with labels by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

import polars as pl

from wsgeo.errors import DataError
from wsgeo.suggestions import suggestion
from wsgeo.tasks import Objective, read_table, task_of
from wsgeo.tasks.columns import find_columns
from wsgeo.tasks.labels import canonical, is_unnamed

if TYPE_CHECKING:
    from wsgeo.training.recipe_files import Places
    from wsgeo.training.recipe_schema import Task

_COLUMNS = ("text_a", "text_b", "label", "id", "file", "row")


@final
@dataclass(frozen=True)
class Prepared:
    """A table of examples, ready to be written.

    Parameters
    ----------
    name : str
        What it holds, in words that make a file name.
    table : DataFrame
        ``text_a``, ``text_b`` (null for single texts), ``label`` (a name), ``id``, ``file`` and
        ``row`` (where the example came from; rows count from 1). Where a file's ids are absent,
        empty or repeated, its row numbers are the ids.
    labels : tuple of str
        Label names in the order of the classes.
    n_mixed : int
        Examples of the mixture among them.
    n_dropped : int
        Rows of the files that have no gold label, or no text once characters are removed.
    n_seen : int
        Validation examples that were left out because they stand in the training data too.
    names : tuple of str
        Label names of recipe and files before any are merged.
    """

    name: str
    table: pl.DataFrame
    labels: tuple[str, ...]
    n_mixed: int = 0
    n_dropped: int = 0
    n_seen: int = 0
    names: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """Return the number of examples by label."""
        found = dict(self.table["label"].value_counts().iter_rows())
        return {label: int(found.get(label, 0)) for label in self.labels}


def read_examples(
    task: Task, names: Sequence[str], places: Places, labels: tuple[str, ...] | None = None
) -> Prepared:
    """Read files of a task as one table, with the labels by name and characters removed.

    Parameters
    ----------
    task : Task
        Columns, labels, removed characters.
    names : sequence of str
        Files as the recipe writes them; their rows follow one another.
    places : Places
        Where they lie.
    labels : tuple of str, optional
        Labels that the examples may have, in the order of the classes: those of the training data,
        where others are read. Default those of the recipe, else of the first file.

    Returns
    -------
    Prepared
        Every row with a gold label, in the order of the files.

    Raises
    ------
    DataError
        If a file or a label is faulty.
    WsgeoError
        If a file is not there.
    """
    parts = [_read(task, name, places.data(name)) for name in names]
    labels = labels or _labels(task, parts[0][0], str(places.data(names[0])))
    tables = [
        _relabelled(part, labels, task, str(places.data(name)))
        for name, (_, part, _) in zip(names, parts, strict=True)
    ]
    table = pl.concat(tables)
    if len(parts) > 1:
        table = table.with_columns(pl.format("{}:{}", "file", "id").alias("id"))
    full = _cleaned(table, task.remove_characters)
    n_dropped = sum(dropped for _, _, dropped in parts) + table.height - full.height
    if not full.height:
        raise DataError("no example is left", where=", ".join(names))
    known = (*(task.labels or ()), *(name for own, _, _ in parts for name in own))
    return Prepared(task.name, full, labels, n_dropped=n_dropped, names=known)


def check_merge(task: Task, read: Sequence[Prepared], places: Places) -> None:
    """Refuse a merge of labels that neither the recipe nor a file has.

    Parameters
    ----------
    task : Task
        The task.
    read : sequence of Prepared
        What was read of all its files.
    places : Places
        Where they lie.

    Raises
    ------
    DataError
        If a key of ``merge`` is no label: it would merge nothing.
    """
    known = {name for each in read for name in each.names}
    if task.labels:
        # Their numbers have been read as the declared names.
        known = {name for name in known if not is_unnamed([name])}
    for name in task.merge:
        if canonical(name) not in map(canonical, known):
            raise DataError(
                f"merge of the task {task.name} names {name!r}, which is no label",
                where=str(places.recipe),
                remedy=suggestion(name, known),
            )


def _read(task: Task, name: str, path: Path) -> tuple[tuple[str, ...], pl.DataFrame, int]:
    """Read a file; what a command would be told by an option, a recipe is told by a key."""
    try:
        return _read_columns(task, name, path)
    except DataError as error:
        if "--column" not in (error.remedy or "") and "text_a" not in (error.remedy or ""):
            raise
        raise DataError(
            error.what,
            where=error.where,
            remedy=f'Name them in the task {task.name}: columns = {{ text_a = "...", label = "..." }}.',
        ) from error


def _read_columns(task: Task, name: str, path: Path) -> tuple[tuple[str, ...], pl.DataFrame, int]:
    """Return the labels that a file knows, its rows, and how many rows have no gold label."""
    table = read_table(path)
    where = str(path)
    found = find_columns(table.columns, Objective.CLASSIFICATION, task.columns, where=where)
    # Row numbers as ids tell which rows are left when those without a gold label are gone.
    rows = pl.int_range(1, table.height + 1, eager=True).cast(pl.String)
    numbered = table.with_columns(rows.alias("wsgeo_row"))
    read = task_of(
        numbered, name=name, objective=Objective.CLASSIFICATION,
        columns={**task.columns, "id": "wsgeo_row"}, source=where,
    )  # fmt: skip
    assert read.targets is not None
    row = pl.Series([int(i) for i in read.ids], dtype=pl.Int64)
    ids = row if found.id is None else _ids(table[found.id]).gather(row - 1)
    own = pl.DataFrame(
        {
            "text_a": pl.Series(read.text_a, dtype=pl.String),
            "text_b": pl.Series(read.text_b or [None] * len(read), dtype=pl.String),
            "label": pl.Series([read.labels[i] for i in read.targets], dtype=pl.String),
            "id": ids.cast(pl.String),
            "file": pl.Series([name] * len(read), dtype=pl.String),
            "row": row,
        }
    )
    return read.labels, own.select(_COLUMNS), read.n_dropped


def _ids(column: pl.Series) -> pl.Series:
    """Return ids of a file; where a worker would refuse them, the numbers of its rows."""
    if not (column.dtype.is_nested() or column.dtype == pl.Object):
        ids = column.cast(pl.String, strict=False)
        if not ids.null_count() and ids.is_unique().all():
            return ids
    return pl.int_range(1, len(column) + 1, eager=True).cast(pl.String)


def _labels(task: Task, known: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Return the label names in the order of the classes, merged where the recipe says so."""
    if task.labels is None and is_unnamed(known):
        raise DataError(
            f"the labels have no names ({', '.join(known[:5])})",
            where=where,
            remedy=f'Give labels = ["...", "..."] in the task {task.name}.',
        )
    labels = tuple(dict.fromkeys(_merged(name, task) for name in task.labels or known))
    if len(set(map(canonical, labels))) < max(2, len(labels)):
        raise DataError(
            f"the labels are not two or more that differ: {', '.join(labels)}",
            where=where,
            remedy=f"Check labels and merge of the task {task.name}.",
        )
    return labels


def _merged(name: str, task: Task) -> str:
    """Return what a label is merged into; its own name where that is nothing."""
    into = {canonical(own): other for own, other in task.merge.items()}
    return into.get(canonical(name), name)


def _relabelled(
    table: pl.DataFrame, labels: tuple[str, ...], task: Task, where: str
) -> pl.DataFrame:
    """Put the declared names in place of numbers and of other spellings."""
    numbered = {str(i): name for i, name in enumerate(task.labels or ())}
    spelt = {canonical(label): label for label in labels}
    table_of: dict[str, str] = {}
    for own in table["label"].unique().to_list():
        name = numbered.get(canonical(own), own) if is_unnamed([own]) else own
        name = _merged(name, task)
        table_of[own] = spelt.get(canonical(name), name)
        if table_of[own] not in labels:
            raise DataError(
                f"the label {own!r} is none of {', '.join(labels[:10])}"
                + (f" and {len(labels) - 10} others" if labels[10:] else ""),
                where=where,
                remedy="Declare it in labels, or map it in merge.",
            )
    return table.with_columns(pl.col("label").replace_strict(table_of, return_dtype=pl.String))


def _cleaned(table: pl.DataFrame, characters: str) -> pl.DataFrame:
    """Remove characters from all texts, and the examples that have no text then."""
    if not characters:
        return table
    texts = pl.col("text_a", "text_b")
    removed = texts.str.replace_all(f"[{re.escape(characters)}]", "")
    table = table.with_columns(removed.str.replace_all(r"\s+", " ").str.strip_chars())
    return table.filter(pl.all_horizontal((texts != "").fill_null(value=True)))
