"""Which members know a target already: a start made of them would be tested on what it has seen."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import polars as pl

from wsgeo.errors import DataError, WsgeoError
from wsgeo.suggestions import suggestion
from wsgeo.tasks import Objective, Task, drawn, read_task
from wsgeo.tasks.overlaps import shared_examples
from wsgeo.workflows.start_ancestry import Ancestry
from wsgeo.workflows.start_targets import Target
from wsgeo.zoo import Checkpoint
from wsgeo.zoo.axes import text_of

_SPLITS: Final = ("train", "validation")

MOST_SHARED: Final = 0.01
"""Share of a target's texts that may stand in a member's training data."""

_TRAITS: Final = ("dataset", "axes.dataset", "task", "axes.task")
_N_TEXTS = 2000  # of the training data; enough to see a share of 1 %


@final
@dataclass(frozen=True)
class ZooData:
    """The data that the members of a zoo were tuned on, where they lie in the zoo.

    Parameters
    ----------
    files : mapping of str to mapping of str to Path
        ``train`` and ``validation`` by name of the data set.
    trained_on : mapping of str to Path
        Training file by id of the member.
    """

    files: Mapping[str, Mapping[str, Path]]
    trained_on: Mapping[str, Path]

    @classmethod
    def of(cls, members: Iterable[Checkpoint], root: Path) -> ZooData:
        """Return the data of members.

        Parameters
        ----------
        members : iterable of Checkpoint
            Of one geometry group.
        root : Path
            The zoo; files outside are not read.

        Returns
        -------
        ZooData
            Empty where no member names its data.
        """
        files: dict[str, dict[str, Path]] = {}
        trained_on: dict[str, Path] = {}
        for member in members:
            own = {split: _inside(member, f"data.{split}", root) for split in _SPLITS}
            found = {split: path for split, path in own.items() if path is not None}
            if "train" in found:
                trained_on[member.id] = found["train"]
                files.setdefault(data_name(member) or "", found)
        files.pop("", None)
        return cls(files, trained_on)


def data_name(member: Checkpoint) -> str | None:
    """Return what a member calls the data set that it was tuned on.

    Parameters
    ----------
    member : Checkpoint
        A member.

    Returns
    -------
    str or None
        Its data set or task, else the name of its training file.
    """
    for trait in _TRAITS:
        fact = member.facts.get(trait)
        if fact is not None and fact.value is not None:
            return text_of(fact.value)
    fact = member.facts.get("data.train")
    return None if fact is None else re.sub(r"[-_.]train$", "", Path(str(fact.value)).stem)


@final
@dataclass(frozen=True)
class Knowledge:
    """What the members of a zoo were tuned on, to be held against targets.

    Parameters
    ----------
    members : sequence of Checkpoint
        All of a geometry group.
    trained_on : mapping of str to Path
        Training file by id of the member, where it is known.
    tasks : mapping of Path to Task
        What stands in the files; one that cannot be read is missing.
    asked : mapping of str to str
        Members that are left out in any case, and why.
    ancestry : Ancestry
        Which members went on from which.
    """

    members: Sequence[Checkpoint]
    trained_on: Mapping[str, Path]
    tasks: Mapping[Path, Task]
    asked: Mapping[str, str]
    ancestry: Ancestry

    @classmethod
    def read(
        cls,
        members: Sequence[Checkpoint],
        root: Path,
        data: ZooData,
        settings: pl.DataFrame,
        values: Collection[str] = (),
    ) -> Knowledge:
        """Read each file of training data once, for all targets.

        Parameters
        ----------
        members : sequence of Checkpoint
            All of a geometry group.
        root : Path
            The zoo.
        data : ZooData
            Of the members.
        settings : polars.DataFrame
            Rows of `SETTINGS`.
        values : collection of str
            Ids, and values of any setting, whose members are left out in any case.

        Returns
        -------
        Knowledge
            A file that cannot be read tells nothing.

        Raises
        ------
        WsgeoError
            If no member has one of the values.
        """
        asked = _of_values(members, settings, values)
        tasks: dict[Path, Task] = {}
        for path in sorted(set(data.trained_on.values())):
            with contextlib.suppress(DataError):
                tasks[path] = read_task(path, objective=Objective.CLASSIFICATION)
        return cls(members, data.trained_on, tasks, asked, Ancestry.of(members, root))

    @property
    def unread(self) -> frozenset[str]:
        """Ids of members whose training data, or those of what they went on from, are not known."""
        unread = {m.id for m in self.members if self.trained_on.get(m.id) not in self.tasks}
        return frozenset(unread | self.ancestry.strangers)

    def of(self, target: Target) -> dict[str, str]:
        """Return the members that were tuned on a target, and how that is known.

        Parameters
        ----------
        target : Target
            The data.

        Returns
        -------
        dict of str to str
            Reason by id; a copy of such a member is one too, and what went on from one.
        """
        shares = {path: share_of(target, task) for path, task in self.tasks.items()}
        hashes = {_hash(Path(task.source)) for task in (target.train, target.held_out)} - {""}
        found = {}
        for member in self.members:
            reason = self.asked.get(member.id) or _named(member, target, hashes)
            path = self.trained_on.get(member.id)
            share = 0.0 if path is None else shares.get(path, 0.0)
            if not reason and path is not None and share > MOST_SHARED:
                reason = f"{share:.1%} of the target's texts stand in {path.name}"
            if reason:
                found[member.id] = reason
        return self.ancestry.inherited(found)


def share_of(target: Target, other: Task) -> float:
    """Return the larger share of a target's texts, held out or not, that occur in other data.

    Parameters
    ----------
    target : Target
        The data.
    other : Task
        Training data of a member.

    Returns
    -------
    float
        In [0, 1].
    """
    train, held_out = drawn(target.train, _N_TEXTS), target.held_out
    second = None
    if train.text_b is not None and held_out.text_b is not None:
        second = train.text_b + held_out.text_b
    ids = tuple(map(str, range(len(train) + len(held_out))))
    both = dataclasses.replace(
        train, ids=ids, text_a=train.text_a + held_out.text_a, text_b=second, targets=None
    )
    shared = shared_examples(both, other)
    return float(max(shared[: len(train)].mean(), shared[len(train) :].mean()))


def _named(member: Checkpoint, target: Target, hashes: Collection[str]) -> str:
    """Tell by names and hashes whether a member was tuned on a target."""
    name = data_name(member)
    if name is not None and target.own == name:
        return f"it was tuned on {name}"
    if name is not None and _plain(name) == _plain(target.name):
        return f"its data set has the target's name, {name}"
    own = [member.facts.get(f"data_hash.{split}") for split in _SPLITS]
    if any(fact is not None and fact.value in hashes for fact in own):
        return "it names a file of the target"
    return ""


def _of_values(
    members: Sequence[Checkpoint], settings: pl.DataFrame, values: Collection[str]
) -> dict[str, str]:
    """Return the members that have one of some values in any setting, and which."""
    found: dict[str, str] = {}
    known: set[str] = set()
    for member in members:
        own = {text_of(fact.value) for fact in member.facts.values() if fact.value is not None}
        own |= set(settings.filter(pl.col("id") == member.id)["value"]) | {member.id}
        known |= own
        for value in sorted(own.intersection(values)):
            found[member.id] = f"left out as asked ({value})"
    for value in values:
        if value not in known:
            what = f"no member is or has {value!r}, so nothing would be left out"
            raise WsgeoError(what, remedy=suggestion(value, known))
    return found


def _inside(member: Checkpoint, name: str, root: Path) -> Path | None:
    """Return the file that a fact names, if it lies in the zoo: a zoo must not make us read elsewhere."""
    fact = member.facts.get(name)
    if fact is None or not isinstance(fact.value, str):
        return None
    path = (root / fact.value).resolve()
    return path if path.is_relative_to(root.resolve()) and path.is_file() else None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _hash(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
