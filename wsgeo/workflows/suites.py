"""Which diagnostic sets a diagnosis asks, and which data word counts learn from."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from wsgeo.errors import DataError
from wsgeo.probing import DiagnosticSet, find_sets, load_set
from wsgeo.tasks import Objective, Task, read_task
from wsgeo.zoo import Checkpoint

PROBES: Final = "probes"
"""Name in a suite that means the probes of the task's own texts, not a set."""


@final
@dataclass(frozen=True)
class Suite:
    """What members are asked.

    Parameters
    ----------
    sets : tuple of DiagnosticSet
        Sets of distinct names.
    named : bool
        Whether the user chose them; else what does not fit a zoo is left out without a word.
    probes : bool
        Whether the task's own texts are probed too.
    """

    sets: tuple[DiagnosticSet, ...]
    named: bool
    probes: bool

    def apart_from(self, task: str) -> Suite:
        """Return the suite with no set called like the task, under whose name its scores stand."""
        renamed = (
            dataclasses.replace(one, name=f"{one.name} (set)") if one.name == task else one
            for one in self.sets
        )
        return dataclasses.replace(self, sets=tuple(renamed))


def find_suite(names: Sequence[str] | None, path: str | Path | None = None) -> Suite:
    """Load the sets that were asked for.

    Parameters
    ----------
    names : sequence of str or None
        Names of sets, their folders, files of examples, or ``probes``; None takes every set there
        is, and the probes.
    path : str or Path, optional
        A folder of the user's own sets, whose names can then be given.

    Returns
    -------
    Suite
        The sets, in the order they were named.

    Raises
    ------
    DataError
        If a set is not there, is faulty, or two have one name.
    """
    if names is None:
        return Suite(tuple(load_set(folder) for folder in find_sets(path).values()), False, True)
    known = find_sets(path)
    asked = list(dict.fromkeys(names))
    sets = tuple(load_set(known.get(name, name)) for name in asked if name != PROBES)
    twice = [name for name, n in Counter(one.name for one in sets).items() if n > 1]
    if twice:
        raise DataError(
            f"two sets are called {twice[0]!r}", remedy="Rename the folder or file of one of them."
        )
    return Suite(sets, True, PROBES in asked)


def training_task(
    members: Sequence[Checkpoint], root: Path, given: str | Path | None
) -> Task | None:
    """Return the examples that members were trained on: those named, else those most of them name.

    Parameters
    ----------
    members : sequence of Checkpoint
        Of one loss group.
    root : Path
        The zoo; a file that a member names must lie in it.
    given : str, Path or None
        What the user names.

    Returns
    -------
    Task or None
        None where the zoo names nothing that can be read as examples with labels.

    Raises
    ------
    DataError
        If the file that the user names cannot be read.
    """
    if given is not None:
        return _examples(Path(given))
    facts = [member.facts.get("data.train") for member in members]
    counts = Counter(str(fact.value) for fact in facts if fact is not None)
    for name in sorted(counts, key=lambda name: (-counts[name], name))[:1]:
        try:
            # A path inside a file of the zoo must not make us read elsewhere.
            path = (root / name).resolve()
            inside = path.is_relative_to(root.resolve()) and path.is_file()
            return _examples(path) if inside else None
        except (DataError, OSError, ValueError):
            return None  # the name is the zoo's: text without labels, or nothing that is a path
    return None


def _examples(path: Path) -> Task:
    return read_task(path, objective=Objective.CLASSIFICATION, split="train")
