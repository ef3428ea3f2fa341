"""What a choice of a start begins with: base, members, regions, targets, and who knows which."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import polars as pl

from wsgeo.counting import counted
from wsgeo.errors import WsgeoError
from wsgeo.progress import Progress
from wsgeo.store import Run
from wsgeo.suggestions import suggestion
from wsgeo.workflows.basins import unfit_members
from wsgeo.workflows.reopening import reopen
from wsgeo.workflows.start_candidates import (
    SOUP,
    Candidate,
    can_be_soup,
    candidates_for,
    named,
)
from wsgeo.workflows.start_overlaps import Knowledge, ZooData
from wsgeo.workflows.start_records import key_of
from wsgeo.workflows.start_regions import Region, keep_levels, missing_levels, regions_in
from wsgeo.workflows.start_settings import StartSettings, Tuning
from wsgeo.workflows.start_targets import (
    Target,
    check_names,
    own_name,
    own_target,
    read_target,
    refuse_missing,
)
from wsgeo.zoo import Base, Checkpoint, WholeBase, load_whole_base


@final
@dataclass(frozen=True)
class Wish:
    """What the user said of targets and members.

    Parameters
    ----------
    targets : tuple of str
        Folders, ``NAME=PATH``, or ``task:NAME``.
    each_task : bool
        Whether every data set of the zoo is a target too.
    leave_out : tuple of str
        Ids or values of settings whose members no start is made of.
    group : str or None
        The geometry group; None for the first that has a base.
    start : tuple of str
        Names of candidates that are tried too.
    """

    targets: tuple[str, ...] = ()
    each_task: bool = False
    leave_out: tuple[str, ...] = ()
    group: str | None = None
    start: tuple[str, ...] = ()


@final
@dataclass(frozen=True)
class Study:
    """Targets, and what starts for them are made of.

    Parameters
    ----------
    group : str
        The geometry group.
    base : Base
        Of its members.
    members : tuple of Checkpoint
        Those that starts may be made of: distinct, and able to do their own task.
    regions : tuple of Region
        The widest first.
    distances : polars.DataFrame
        Between the members.
    targets : tuple of Target
        The data.
    known : mapping of str to mapping of str to str
        Reason by member that knows the target, by target.
    tuning : Tuning
        Rate and longest input.
    frame : WholeBase
        The base, read: what every start is put into.
    notes : tuple of str
        What a user must know of members and targets.
    unread : frozenset of str
        Ids of members of which only names tell whether they know a target.
    levels : mapping of str to polars.DataFrame
        Tables of regions that the run lacks.
    """

    group: str
    base: Base
    members: tuple[Checkpoint, ...]
    regions: tuple[Region, ...]
    distances: pl.DataFrame
    targets: tuple[Target, ...]
    known: Mapping[str, Mapping[str, str]]
    tuning: Tuning
    frame: WholeBase
    notes: tuple[str, ...]
    unread: frozenset[str] = frozenset()
    levels: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def tokenizer(self) -> Path:
        """Folder of the members' tokenizer."""
        return self.members[0].tokenizer_folder

    @functools.cached_property
    def base_key(self) -> str:
        """Hash of what all starts have of their base: weights, config and tokenizer."""
        config = json.dumps(dict(self.frame.config), sort_keys=True, default=str)
        return key_of([self.base.content_hash, config, self.members[0].tokenizer_hash])

    @functools.cached_property
    def candidates(self) -> dict[str, list[Candidate]]:
        """Candidates by target, but for the soup, which is made of their scores."""
        return {
            target.name: candidates_for(
                self.members, self.regions, self.distances, self.known[target.name]
            )
            for target in self.targets
        }

    @property
    def begun(self) -> tuple[str, ...]:
        """What the choice rests on, in sentences."""
        left_out = (
            f"{name}: {counted(n, 'member')} left out: {reason}."
            for name, known in self.known.items()
            for reason, n in Counter(known.values()).items()
        )
        free = {member.id for member in self.members}
        alone = (
            f"{name}: every member knows it, so there is nothing to compare the base with."
            for name, known in self.known.items()
            if free <= known.keys()
        )
        rate = f"Learning rate {self.tuning.learning_rate:g}, {self.tuning.origin}."
        return (*self.notes, *left_out, *alone, *self._unread(), rate)

    def keep_regions(self, run: Run) -> None:
        """Write the regions that the run lacks; the caller holds the run."""
        keep_levels(run, self.levels)

    def _unread(self) -> Iterator[str]:
        """Say of how many members nobody knows whether they saw a target's texts."""
        for name, known in self.known.items():
            n = sum(m.id in self.unread and m.id not in known for m in self.members)
            if n:
                yield (
                    f"Whether {counted(n, 'member')} {'knows' if n == 1 else 'know'} {name} was "
                    f"judged by names alone: {'its' if n == 1 else 'their'} training data are not "
                    f"in the zoo or cannot be read."
                )


def prepare_study(
    run: Run, wish: Wish, settings: StartSettings, progress: Progress | None = None
) -> Study:
    """Read zoo, regions and targets; nothing is written.

    Parameters
    ----------
    run : Run
        A finished run; see `Study.keep_regions` for those that it lacks.
    wish : Wish
        What the user said.
    settings : StartSettings
        What a choice rests on.
    progress : Progress, optional
        Told of the inventory.

    Returns
    -------
    Study
        Everything but scores.

    Raises
    ------
    WsgeoError
        If there is no base, no target, a target cannot be read, or no target has a start of a name
        that was asked for.
    """
    refuse_missing(wish.targets)
    inputs, _ = reopen(run, progress)
    zoo = inputs.zoo
    group = _group(zoo.members, wish.group)
    everyone = zoo.geometry_group(group)
    base = next(member.base for member in everyone if member.base is not None)
    unfit = {
        name: why
        for loss in _loss_groups(everyone)
        for name, why in unfit_members(run, loss).items()
    }
    members = tuple(m for m in everyone if m.duplicate_of is None and m.id not in unfit)
    if not members:
        raise WsgeoError(
            f"no member of {group} can do its own task, so no start can be made of any",
            where=str(run.folder),
            remedy="Choose another geometry group with --group, or scan members that can.",
        )
    data = ZooData.of(everyone, zoo.root)
    targets = _targets(wish, data, settings)
    knowledge = Knowledge.read(everyone, zoo.root, data, run.table("settings"), wish.leave_out)
    known = {target.name: knowledge.of(target) for target in targets}
    levels = missing_levels(run, group, settings.seed)
    regions = (levels or {"regions": run.table("regions").filter(group=group)})["regions"]
    study = Study(
        group, base, members, tuple(regions_in(regions)),
        run.table("distances").filter(pl.col("group") == group), targets, known,
        Tuning.of(settings, members), load_whole_base(base, allow_pickle=inputs.request.allow_pickle),
        (
            *settings.notes, *_unfit_note(unfit),
            *(note for target in targets for note in target.notes),
        ),
        knowledge.unread, levels,
    )  # fmt: skip
    return dataclasses.replace(study, notes=(*study.notes, *_start_notes(study, wish.start)))


def _loss_groups(members: Sequence[Checkpoint]) -> list[str]:
    return sorted({member.loss_group for member in members})


def _group(members: Sequence[Checkpoint], asked: str | None) -> str:
    """Return the geometry group that is asked for, or the first one that has a base."""
    based = [m.geometry_group for m in members if m.base is not None]
    groups = sorted(set(based), key=lambda name: (-based.count(name), name))
    if asked is not None and asked not in groups:
        raise WsgeoError(
            f"no geometry group {asked} has a base",
            remedy=f"There are {', '.join(groups) or 'none'}.",
        )
    if not groups:
        raise WsgeoError(
            "the members' base was not found, and a start is compared with the base",
            remedy="Scan with --base PATH.",
        )
    return asked or groups[0]


def _start_notes(study: Study, names: Sequence[str]) -> Iterator[str]:
    """Refuse a start that no target has, and say which targets lack one of the others."""
    for name in names:
        lacking = [t.name for t in study.targets if not _has(study.candidates[t.name], name)]
        if len(lacking) == len(study.targets):
            known = {one for found in study.candidates.values() for c in found for one in c.names}
            raise WsgeoError(
                f"no target has a start called {name!r}", remedy=suggestion(name, known | {SOUP})
            )
        if lacking:
            yield f"{', '.join(lacking)}: no start is called {name}, so it is not tried there."


def _has(candidates: Sequence[Candidate], name: str) -> bool:
    """Tell whether there is, or may be once it is scored, a start of a name."""
    return named(candidates, name) is not None or (name == SOUP and can_be_soup(candidates))


def _targets(wish: Wish, data: ZooData, settings: StartSettings) -> tuple[Target, ...]:
    draw = {"n_held_out": settings.held_out, "seed": settings.seed}
    own = [own_name(text, list(data.files)) for text in wish.targets]
    found = [
        read_target(text, **draw) if name is None else own_target(name, data.files[name], **draw)
        for text, name in zip(wish.targets, own, strict=True)
    ]
    if wish.each_task:
        if not data.files:
            raise WsgeoError(
                "no member names data that lie in the zoo, so there is no task to take in turn",
                remedy="Name the data: --target PATH.",
            )
        found += [own_target(n, f, **draw) for n, f in data.files.items() if n not in own]
    if not found:
        raise WsgeoError("there is no target", remedy="Name data: --target PATH.")
    check_names(found)
    return tuple(found)


def _unfit_note(unfit: Collection[str]) -> list[str]:
    if not unfit:
        return []
    fail = "fails at its own task" if len(unfit) == 1 else "fail at their own tasks"
    told = f"{counted(len(unfit), 'member')} that {fail} can be no part of a start"
    return [f"{told}: {', '.join(sorted(unfit))}."]
