"""The data of members: draws, subsets and mixtures of the examples of a task, and their files."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from wsgeo.errors import DataError, WsgeoError
from wsgeo.escapes import printable
from wsgeo.files import replacing
from wsgeo.tasks import read_table
from wsgeo.tasks.subsets import subset
from wsgeo.training.examples import Prepared, read_examples

if TYPE_CHECKING:
    from wsgeo.training.recipe_files import Places
    from wsgeo.training.recipe_schema import Task

HALVES = ("first-half", "second-half")


def training_data(task: Task, subset_name: str | float, dose: float, places: Places) -> Prepared:
    """Return the training examples of a member.

    First ``n_examples`` are drawn, each label keeping its share, then the subset is taken of these,
    then a share of it is replaced by examples of the mixture. A smaller draw is a part of a larger
    one, so what members of like settings share is as much as can be.

    Parameters
    ----------
    task : Task
        Files, labels, sizes and the seed of the draws.
    subset_name : str or float
        ``all``; ``first-half`` or ``second-half`` in the order of the file [qin2022]_; a fraction;
        or a file of row numbers, which are taken of all rows: a JSON list, or numbers with spaces,
        commas or line ends between them, counted from 1 over the rows with a gold label.
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
    if not dose:
        return dataclasses.replace(full, name="-".join([task.name, "train", *words]), table=kept)
    mixture = read_examples(task, task.mixture, places)
    n_mixed = round(dose * kept.height)
    if n_mixed > mixture.table.height:
        raise DataError(
            f"a dose of {dose:g} takes {n_mixed} examples, and the mixture has "
            f"{mixture.table.height}",
            where=", ".join(task.mixture),
            remedy="Lower the dose or n_examples.",
        )
    own = _drawn(kept, full.labels, kept.height - n_mixed, task.draw_seed)
    other = _drawn(mixture.table, full.labels, n_mixed, task.draw_seed)
    other = other.with_columns(pl.format("mixture:{}", "id").alias("id"))
    name = "-".join([task.name, "train", *words, f"dose{dose:g}"])
    n_dropped = full.n_dropped + mixture.n_dropped
    return Prepared(name, pl.concat([own, other]), full.labels, n_mixed, n_dropped)


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
        The examples, with the labels in the order of the training data.

    Raises
    ------
    DataError
        If a file or a label is faulty, or all examples stand in the training data.
    """
    full = read_examples(task, task.validation, places)
    learned = [read_examples(task, names, places) for names in (task.train, task.mixture) if names]
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
        listed = _listed(full.table, name, places)
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
    return _drawn(table, full.labels, n, task.draw_seed), [f"subset{name:g}"]


def _listed(table: pl.DataFrame, name: str, places: Places) -> pl.DataFrame:
    """Return the rows whose numbers a file lists."""
    try:
        path = places.data(name)
    except WsgeoError as error:
        raise DataError(
            f"the subset {name!r} is neither all, first-half, second-half, a fraction, nor a file",
            where=str(places.recipe),
            remedy=error.remedy,
        ) from error
    rows = _row_numbers(path)
    repeated = [row for row, n in Counter(rows).items() if n > 1]
    outside = [row for row in rows if not 1 <= row <= table.height]
    if outside or repeated or not rows:
        raise DataError(
            f"row {outside[0]} is not among the {table.height} rows, counted from 1" if outside
            else f"row {repeated[0]} is listed twice" if repeated else "the file lists no row",
            where=str(path), remedy="Mend the list.",
        )  # fmt: skip
    return table[sorted(row - 1 for row in rows)]


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
