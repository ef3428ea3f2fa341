"""Diagnostic sets: declared texts with labels and slices, and where they are found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.errors import DataError
from wsgeo.probing.pairs import better_label, check_pairs
from wsgeo.probing.set_files import EVERYTHING, read_set_file
from wsgeo.probing.set_slices import own_slices, slices_of
from wsgeo.suggestions import suggestion
from wsgeo.tasks.declarations import (
    Kind,
    SetDeclaration,
    declaration_file,
    read_declaration,
)
from wsgeo.tasks.grammar import EXAMPLES, grammar_of, sample_examples
from wsgeo.tasks.reading import named_by
from wsgeo.tasks.task import Objective, Task

PAIRS = "pairs"
"""Name of the slice of a counterfactual set in which whole pairs are judged."""


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
        Label names; none where only invariance is asked and no label is known.
    examples : DataFrame
        Rows of schema `wsgeo.tasks.grammar.EXAMPLES`.
    kind : Kind, default labelled
        What is judged.
    overlapping : DataFrame, optional
        Slices that share examples: one Boolean column each, aligned to ``examples``, whose own
        slice is then ``all``.
    """

    name: str
    title: str
    source: str
    licence: str
    task: str
    labels: tuple[str, ...]
    examples: pl.DataFrame
    kind: Kind = Kind.LABELLED
    overlapping: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        """Refuse a table of another schema, labels that the set does not declare, broken pairs."""
        if self.examples.schema != EXAMPLES or not self.examples.height:
            raise ValueError(f"The examples of {self.name} are empty or of another schema.")
        unlabelled = {None} if self.kind is Kind.INVARIANCE else set()
        if not set(self.examples["label"]) <= {*self.labels, *unlabelled}:
            raise ValueError(f"The examples of {self.name} have labels beside {self.labels}.")
        check_pairs(self.examples, self.kind, self.labels, self.name)
        names = set(own_slices(self.examples, self.overlapping))
        reserved = {EVERYTHING} if len(names) > 1 else set()
        reserved |= {PAIRS} if self.kind is Kind.COUNTERFACTUAL else set()
        for name in sorted(names & reserved):
            raise DataError(
                f"a slice of the set is called {name!r}, which has a meaning of its own",
                where=self.name,
                remedy="Give the slice another name.",
            )
        self.slices  # noqa: B018 - refuses names that clash before anything is evaluated

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) over what is asked and how it is judged, not over its description."""
        overlapping = (
            None if self.overlapping is None else self.overlapping.to_dict(as_series=False)
        )
        content = [self.kind, self.labels, self.examples.rows(), overlapping]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    @cached_property
    def slices(self) -> dict[str, NDArray[np.bool_]]:
        """Rows of each slice, as masks of shape (n_examples,): see `slices_of`."""
        return slices_of(self.examples, self.kind, self.overlapping, self.name)

    def as_task(self, labels: Sequence[str] = ()) -> Task:
        """Return the examples as a classification task, in the order of the table.

        Parameters
        ----------
        labels : sequence of str
            Labels of the model, for a set that has none.

        Returns
        -------
        Task
            The task; an example without a label has the first.
        """
        names = self.labels or tuple(labels)
        if self.kind is Kind.MINIMAL_PAIRS:
            # Where a model's labels have no names, 1 is the better one by custom.
            names = tuple(sorted(names, key=lambda name: name == better_label(self.labels)))
        second = self.examples["text_b"]
        index = {label: i for i, label in enumerate(names)}
        return Task(
            name=self.name,
            objective=Objective.CLASSIFICATION,
            ids=tuple(str(i) for i in range(1, self.examples.height + 1)),
            text_a=tuple(self.examples["text_a"]),
            text_b=None if second.null_count() else tuple(second),
            targets=np.array([index.get(label, 0) for label in self.examples["label"]]),
            labels=names,
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


def load_set(name: str | Path, path: str | Path | None = None) -> DiagnosticSet:
    """Load a diagnostic set by name, or from its folder, its ``set.toml``, or a file of examples.

    Parameters
    ----------
    name : str or Path
        Name of a set; or a path. A file of examples needs columns that `read_set_file` finds; it
        has no source or licence, and its title says what kind of set it was taken for.
    path : str or Path, optional
        A folder of sets whose names may be given beside those of the shipped ones.

    Returns
    -------
    DiagnosticSet
        The set, with the examples that its own seed draws.

    Raises
    ------
    DataError
        If there is no such set or it is faulty.
    """
    place, known = Path(name), find_sets(path)
    if str(name) == place.name and not place.is_file() and str(name) in known:
        place = known[str(name)]
    if not place.exists():
        among = "among those of wsgeo" if path is None else f"in {path} or among those of wsgeo"
        raise DataError(
            f"there is no diagnostic set {str(name)!r} {among}, nor such a file or folder",
            remedy=suggestion(place.name, known) if known else "Give its folder.",
        )
    if place.is_file() and place.suffix != ".toml":
        return _from_file(place)
    return _declared(declaration_file(place))


def _declared(file: Path) -> DiagnosticSet:
    """Make a set of what its ``set.toml`` says."""
    declared = read_declaration(file)
    if declared.data:
        found = read_set_file(file.parent / declared.data, declared)
        examples, kind, overlapping = found.examples, found.kind, found.overlapping
    else:
        examples, kind, overlapping = _from_templates(declared, file), declared.kind, None
    return DiagnosticSet(
        name=file.resolve().parent.name,
        title=declared.title,
        source=declared.source,
        licence=declared.licence,
        task=declared.task,
        labels=declared.labels or found.labels,
        examples=examples,
        kind=kind,
        overlapping=overlapping,
    )


def _from_file(path: Path) -> DiagnosticSet:
    """Make a set of a bare file of examples."""
    found, name = read_set_file(path), _name_of(path)
    title = f"{name}, {found.taken_for}"
    labels = found.labels
    return DiagnosticSet(
        name, title, path.name, "not stated", name, labels, found.examples, found.kind
    )


def _name_of(path: Path) -> str:
    """Return the name of a bare file: its own, or its folder's with what tells a split from others."""
    name, split = named_by(path)
    if name == PAIRS:  # says what the file holds, but not of what
        return path.resolve().parent.name
    _, _, which = (split or "").replace("-", "_", 1).partition("_")
    return f"{name}-{which}" if which else name


def _from_templates(declared: SetDeclaration, file: Path) -> pl.DataFrame:
    rng = np.random.default_rng(declared.seed)
    return sample_examples(grammar_of(declared, file), declared.n_examples, rng)


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
