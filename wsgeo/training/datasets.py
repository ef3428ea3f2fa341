"""The data of members: draws, subsets and mixtures of the examples of a task, and their files."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Never

import numpy as np
import polars as pl

from wsgeo.errors import DataError, WsgeoError
from wsgeo.escapes import printable
from wsgeo.files import replacing
from wsgeo.tasks import read_table
from wsgeo.tasks.subsets import subset
from wsgeo.training.examples import Prepared, check_merge, read_examples
from wsgeo.training.member_names import number_text

if TYPE_CHECKING:
    from wsgeo.training.recipe_files import Places
    from wsgeo.training.recipe_schema import Task

HALVES = ("first-half", "second-half")

_LOWER = "Lower the dose or n_examples."


def training_data(task: Task, subset_name: str | float, dose: float, places: Places) -> Prepared:
    """Return the training examples of a member.

    First ``n_examples`` are drawn, each label keeping its share, then the subset is taken of these,
    then a dose of them is replaced. The examples of the mixture are drawn so that its own labels keep
    their shares there, and each takes the place of one with its label: how often a label occurs does
    not depend on the dose. A smaller draw is a part of a larger one, so what members of like settings
    share is as much as can be.

    Parameters
    ----------
    task : Task
        Files, labels, sizes and the seed of the draws.
    subset_name : str or float
        ``all``; ``first-half`` or ``second-half`` in the order of the file [qin2022]_; a fraction;
        or a file of row numbers of the one training file, which are taken whatever is drawn: a JSON
        list, or numbers with spaces, commas or line ends between them, counted from 1.
    dose : float
        Share of the examples, in [0, 1], that comes from the mixture; the size stays.
    places : Places
        Where the files lie.

    Returns
    -------
    Prepared
        The examples.

    Raises
    ------
    DataError
        If a file is faulty, the subset is none, or the mixture is too small.
    """
    full = read_examples(task, task.train, places)
    kept, words = _subset(full, task, subset_name, places)
    name = "-".join([task.name, "train", *words])
    if not dose:
        return dataclasses.replace(full, name=name, table=kept)
    mixture = read_examples(task, task.mixture, places, full.labels)
    other = _dosed(kept, mixture, task, dose)
    table = pl.concat([_without(kept, other["label"], task.draw_seed), other])
    n_dropped = full.n_dropped + mixture.n_dropped
    return Prepared(f"{name}-dose{number_text(dose)}", table, full.labels, other.height, n_dropped)


def validation_data(task: Task, places: Places) -> Prepared:
    """Return the examples on which members of a task are measured.

    What stands in the training data or the mixture too is left out, be the member trained on it or
    not: members of all subsets and doses are measured on the same examples, and none on what it saw.

    Parameters
    ----------
    task : Task
        Files, labels, size and the seed of the draw.
    places : Places
        Where the files lie.

    Returns
    -------
    Prepared
        The examples, with the labels of the training data in their order.

    Raises
    ------
    DataError
        If a file or a label is faulty, ``merge`` names what is no label, or all examples stand in the
        training data.
    """
    train = read_examples(task, task.train, places)
    learned = [train]
    if task.mixture:
        learned.append(read_examples(task, task.mixture, places, train.labels))
    full = read_examples(task, task.validation, places, train.labels)
    check_merge(task, [full, *learned], places)
    table = _unseen(full.table, pl.concat([each.table for each in learned]))
    if not table.height:
        raise DataError(
            "every validation example stands in the training data",
            where=", ".join(task.validation),
            remedy="Name a file of other examples.",
        )
    n_seen = full.table.height - table.height
    if task.n_validation is not None:
        table = _drawn(table, full.labels, task.n_validation, task.draw_seed)
    name = f"{task.name}-validation"
    return dataclasses.replace(full, name=name, table=table, n_seen=n_seen)


def _dosed(kept: pl.DataFrame, mixture: Prepared, task: Task, dose: float) -> pl.DataFrame:
    """Return the examples of the mixture that a dose puts in place of others."""
    n, table = round(dose * kept.height), mixture.table
    told = f"a dose of {number_text(dose)} takes {n or 'none'} of {kept.height} examples"
    if not n:
        _refuse_dose(told, "Raise the dose or n_examples.", task)
    if n > table.height:
        _refuse_dose(f"{told}, and the mixture has {table.height}", _LOWER, task)
    other = _drawn(table, mixture.labels, n, task.draw_seed)
    own = dict(kept["label"].value_counts().iter_rows())
    for label, n_other in other["label"].value_counts(sort=True).iter_rows():
        if n_other > own.get(label, 0):
            what = f"{told}, {n_other} of them {label!r}, of which there are {own.get(label, 0)}"
            _refuse_dose(what, _LOWER, task)
    return other.with_columns(pl.format("mixture:{}", "id").alias("id"))


def _refuse_dose(what: str, remedy: str, task: Task) -> Never:
    raise DataError(what, where=", ".join(task.mixture), remedy=remedy)


def _without(table: pl.DataFrame, labels: pl.Series, seed: int) -> pl.DataFrame:
    """Leave out an example of its label for each of some labels; the others stay in order."""
    table = table.with_row_index("place_")
    parts = [
        _drawn(rows, [label], rows.height - int((labels == label).sum()), seed)
        for (label,), rows in table.group_by("label")
    ]
    return pl.concat(parts).sort("place_").drop("place_")


def _unseen(table: pl.DataFrame, learned: pl.DataFrame) -> pl.DataFrame:
    """Return the examples whose texts are no training example's, whatever their case."""
    texts = [pl.col(name).str.to_lowercase().alias(f"{name}_") for name in ("text_a", "text_b")]
    known = learned.select(texts).unique()
    found = table.with_columns(texts).join(
        known, on=["text_a_", "text_b_"], how="anti", nulls_equal=True, maintain_order="left"
    )
    return found.select(table.columns)


def write_prepared(prepared: Prepared, path: Path) -> None:
    """Write examples, unless they are there already.

    Parameters
    ----------
    prepared : Prepared
        The examples.
    path : Path
        The file.

    Raises
    ------
    WsgeoError
        If the file holds other examples: members were trained on them.
    """
    if path.exists():
        if read_table(path).equals(prepared.table):
            return
        raise WsgeoError(
            "the file holds other examples than the recipe's data give now",
            where=str(path),
            remedy="Restore the data, or choose another folder with -o.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        prepared.table.write_parquet(temporary)


def _subset(
    full: Prepared, task: Task, name: str | float, places: Places
) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows of a subset, and the words that name it."""
    if isinstance(name, str) and name not in ("all", *HALVES):
        listed = _listed(full, task, name, places)
        return listed, [f"rows-{Path(name).stem}-{_digest(listed)}"]
    table = full.table
    if task.n_examples is not None:
        table = _drawn(table, full.labels, task.n_examples, task.draw_seed)
    if name == "all":
        return table, []
    if isinstance(name, str):
        half = table.height // 2
        first = name == HALVES[0]
        return (table[:half] if first else table[half:]), [name]
    n = max(1, round(name * table.height))
    return _drawn(table, full.labels, n, task.draw_seed), [f"subset{number_text(name)}"]


def _listed(full: Prepared, task: Task, name: str, places: Places) -> pl.DataFrame:
    """Return the rows whose numbers a file lists."""
    try:
        path = places.data(name)
    except WsgeoError as error:
        raise DataError(
            f"the subset {name!r} is neither all, first-half, second-half, a fraction, nor a file",
            where=str(places.recipe),
            remedy=error.remedy,
        ) from error
    if len(task.train) > 1:
        raise DataError(
            f"row numbers are those of one file, and the task {task.name} has {len(task.train)}",
            where=str(path),
            remedy="Put the training data into one file.",
        )
    rows = _row_numbers(path)
    fault = _fault(rows, set(full.table["row"]), full.table.height + full.n_dropped)
    if fault:
        raise DataError(fault, where=str(path), remedy="Mend the list.")
    return full.table.filter(pl.col("row").is_in(rows))


def _fault(rows: Sequence[int], known: Set[int], n_rows: int) -> str:
    """Return what is wrong with row numbers of a file; empty where nothing is."""
    if not rows:
        return "the file lists no row"
    for row, n in Counter(rows).items():
        if not 1 <= row <= n_rows:
            return f"row {row} is not among the {n_rows} rows of the file, counted from 1"
        if row not in known:
            return f"row {row} has no gold label, or no text"
        if n > 1:
            return f"row {row} is listed twice"
    return ""


def _row_numbers(path: Path) -> list[int]:
    """Read a JSON list of whole numbers, or numbers with spaces, commas or line ends between them."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".json":
            return [int(number) for number in text.replace(",", " ").split()]
        found = json.loads(text)
        if isinstance(found, list) and all(type(row) is int for row in found):
            return found
        what = "it is no JSON list of whole numbers"
    except (ValueError, RecursionError) as error:
        what = str(error)
    raise DataError(
        printable(f"the file is no list of row numbers ({what})"),
        where=str(path),
        remedy="Write one number per line, counted from 1.",
    )


def _digest(table: pl.DataFrame) -> str:
    """Tell lists of rows apart whose files have the same name."""
    return hashlib.sha256(table["id"].str.join("\n").item().encode()).hexdigest()[:6]


def _drawn(table: pl.DataFrame, labels: Sequence[str], n: int, seed: int) -> pl.DataFrame:
    """Draw rows so that each label keeps its share; they stay in order."""
    if n == 0:
        return table.clear()
    index = {label: i for i, label in enumerate(labels)}
    targets = table["label"].replace_strict(index, return_dtype=pl.Int64).to_numpy()
    return table[subset(np.asarray(targets, dtype=np.int64), n, seed)]
