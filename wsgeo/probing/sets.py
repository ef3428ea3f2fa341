"""Diagnostic sets: declared texts with labels and slices, and where they are found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.errors import DataError
from wsgeo.suggestions import suggestion
from wsgeo.tasks.columns import FIELDS
from wsgeo.tasks.declarations import (
    SetDeclaration,
    declaration_file,
    read_declaration,
)
from wsgeo.tasks.grammar import EXAMPLES, grammar_of, sample_examples
from wsgeo.tasks.readers import check_column, read_table, row_error
from wsgeo.tasks.reading import named_by, task_of
from wsgeo.tasks.subsets import subset
from wsgeo.tasks.task import Objective, Task

EVERYTHING = "all"
"""Name of the slice that holds every example."""

_SLICES = ("slice", "heuristic")
_ROW = "\0row"  # numbers the rows while some are chosen; no real column has such a name


@final
@dataclass(frozen=True)
class DiagnosticSet:
    """Examples that tell strategies apart.

    Parameters
    ----------
    name : str
        Name of the set's folder, or of the file.
    title, source, licence : str
        What it is, where it comes from, on which terms.
    task : str
        Task that it asks about.
    labels : tuple of str
        Label names.
    examples : DataFrame
        Rows of schema `wsgeo.tasks.grammar.EXAMPLES`.
    """

    name: str
    title: str
    source: str
    licence: str
    task: str
    labels: tuple[str, ...]
    examples: pl.DataFrame

    def __post_init__(self) -> None:
        """Refuse a table of another schema, and labels that the set does not declare."""
        if self.examples.schema != EXAMPLES or not self.examples.height:
            raise ValueError(f"The examples of {self.name} are empty or of another schema.")
        if not set(self.examples["label"]) <= set(self.labels):
            raise ValueError(f"The examples of {self.name} have labels beside {self.labels}.")
        if EVERYTHING in (names := set(self.examples["slice"])) and len(names) > 1:
            raise DataError(
                f"a slice of the set is called {EVERYTHING!r}, the name of all slices together",
                where=self.name,
                remedy="Give the slice another name.",
            )

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) over what is asked: labels and examples, not their description."""
        content = [self.labels, self.examples.rows()]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    @property
    def slices(self) -> dict[str, NDArray[np.bool_]]:
        """Rows of each slice, as masks of shape (n_examples,).

        ``all`` first, then each slice, and ``slice/label`` where a slice has more than one label: a
        heuristic that answers in one way is right on one of them and wrong on the other.
        """
        names, labels = (self.examples[c].to_numpy() for c in ("slice", "label"))
        masks = {EVERYTHING: np.ones(len(names), dtype=bool)}
        for name in sorted(set(names)):
            own = names == name
            masks[name] = own
            within = sorted(set(labels[own]))
            if len(within) > 1:
                masks |= {f"{name}/{label}": own & (labels == label) for label in within}
        return masks

    def as_task(self) -> Task:
        """Return the examples as a classification task, in the order of the table."""
        second = self.examples["text_b"]
        index = {label: i for i, label in enumerate(self.labels)}
        return Task(
            name=self.name,
            objective=Objective.CLASSIFICATION,
            ids=tuple(str(i) for i in range(1, self.examples.height + 1)),
            text_a=tuple(self.examples["text_a"]),
            text_b=None if second.null_count() else tuple(second),
            targets=np.array([index[label] for label in self.examples["label"]]),
            labels=self.labels,
            split="diagnostic",
            source=self.source,
        )


def find_sets(path: str | Path | None = None) -> dict[str, Path]:
    """Return the folders of all diagnostic sets by name.

    Sets are looked for below ``path``, then in the installed package, or in ``diagnostics/`` of the
    source tree if the package has none. Of two sets with one name the first is taken.

    Parameters
    ----------
    path : str or Path, optional
        A set's folder, or a folder of sets.

    Returns
    -------
    dict of str to Path
        Folder of each set, sorted by name.

    Raises
    ------
    DataError
        If ``path`` is given and holds no set.
    """
    found: dict[str, Path] = {}
    if path is not None:
        own = Path(path)
        found = {own.resolve().name: own} if _is_set(own) else _sets_in(own)
        if not found:
            raise DataError(
                "no diagnostic set is there", where=str(path), remedy="A set has a set.toml."
            )
    return dict(sorted((_sets_in(_shipped()) | found).items()))


def load_set(name: str | Path) -> DiagnosticSet:
    """Load a diagnostic set by name, or from its folder, its ``set.toml``, or a file of examples.

    Parameters
    ----------
    name : str or Path
        Name of a shipped set; or a path. A file of examples needs columns that `read_task` finds
        and may have a column ``slice`` or ``heuristic``; it has no title, source or licence.

    Returns
    -------
    DiagnosticSet
        The set, with the examples that its own seed draws.

    Raises
    ------
    DataError
        If there is no such set or it is faulty.
    """
    path = Path(name)
    if str(name) == path.name and not path.is_file() and str(name) in (shipped := find_sets()):
        path = shipped[str(name)]
    if not path.exists():
        raise DataError(
            f"there is no diagnostic set {str(name)!r}",
            remedy=suggestion(path.name, find_sets()) if find_sets() else "Give its folder.",
        )
    if path.is_file() and path.suffix != ".toml":
        return _from_file(path)
    file = declaration_file(path)
    declared = read_declaration(file)
    examples = _from_table(declared, file) if declared.data else _from_templates(declared, file)
    return DiagnosticSet(
        name=file.resolve().parent.name,
        title=declared.title,
        source=declared.source,
        licence=declared.licence,
        task=declared.task,
        labels=declared.labels,
        examples=examples,
    )


def _from_templates(declared: SetDeclaration, file: Path) -> pl.DataFrame:
    rng = np.random.default_rng(declared.seed)
    return sample_examples(grammar_of(declared, file), declared.n_examples, rng)


def _from_table(declared: SetDeclaration, file: Path) -> pl.DataFrame:
    """Read the file that a set points at, and draw its subset by slice and label."""
    path = file.parent / str(declared.data)
    table = read_table(path)
    allowed = (*FIELDS, "slice", "subcase")
    for field in declared.columns:
        if field not in allowed:
            raise DataError(
                f"columns.{field} is no field", where=str(file), remedy=suggestion(field, allowed)
            )
    examples, _ = _examples(table, declared.columns, declared.labels, path)
    strata = examples.select(pl.struct("slice", "label").rank("dense")).to_series()
    rows = subset(strata.cast(pl.Int64).to_numpy(), declared.n_examples, declared.seed)
    return examples[rows]


def _from_file(path: Path) -> DiagnosticSet:
    """Make a set of a bare file of examples."""
    examples, labels = _examples(read_table(path), {}, None, path)
    name, _ = named_by(path)
    return DiagnosticSet(name, name, str(path), "not stated", name, labels, examples)


def _examples(
    table: pl.DataFrame,
    columns: Mapping[str, str],
    labels: tuple[str, ...] | None,
    path: Path,
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return a table as examples, and its labels."""
    given = {field: name for field, name in columns.items() if field in FIELDS}
    task = task_of(
        table.with_columns(pl.int_range(table.height).alias(_ROW)),
        name=path.name,
        objective=Objective.CLASSIFICATION,
        columns=given | {"id": _ROW},
        labels=labels,
        source=str(path),
    )
    rows = [int(i) for i in task.ids]
    assert task.targets is not None
    examples = {
        "text_a": task.text_a,
        "text_b": task.text_b or [None] * len(task),
        "label": [task.labels[i] for i in task.targets],
        "slice": _slice_column(table, columns, path).gather(rows),
        "subcase": _named(table, columns.get("subcase", "subcase"), path, None).gather(rows),
    }
    return pl.DataFrame(examples, schema=EXAMPLES), task.labels


def _slice_column(table: pl.DataFrame, columns: Mapping[str, str], path: Path) -> pl.Series:
    """Return the slice of each row; without such a column there is one slice."""
    name = columns.get("slice") or next((n for n in _SLICES if n in table.columns), "slice")
    if "slice" in columns and name not in table.columns:
        raise DataError(
            f"there is no column {name!r}", where=str(path), remedy=suggestion(name, table.columns)
        )
    found = _named(table, name, path, EVERYTHING)
    empty = found.is_null().arg_true()
    if len(empty):
        raise row_error(path, int(empty[0]) + 1, name, "is empty", "Give every row a slice.")
    return found


def _named(table: pl.DataFrame, name: str, path: Path, default: str | None) -> pl.Series:
    """Return a column as strings, or a constant where there is none."""
    if name not in table.columns:
        return pl.repeat(default, table.height, dtype=pl.String, eager=True)
    check_column(table[name], path)
    if table[name].dtype.is_nested():
        raise row_error(path, 1, name, f"holds {table[name].dtype}, not one name")
    return table[name].cast(pl.String)


def _shipped() -> Path:
    """Return the folder of the sets that come with wsgeo."""
    package = Path(__file__).resolve().parents[1]
    # An editable install leaves a dead copy in site-packages; the package's own folder decides.
    if (packaged := package / "_diagnostics").is_dir():
        return packaged
    root = package.parent
    # Beside an installed package a folder of this name would be somebody else's.
    return root / "diagnostics" if (root / "pyproject.toml").is_file() else packaged


def _sets_in(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    return {child.name: child for child in sorted(folder.iterdir()) if _is_set(child)}


def _is_set(folder: Path) -> bool:
    return (folder / "set.toml").is_file()
