"""Selections of members that a centroid is made of: those of a basin, or of a region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Never, final

import polars as pl

from wsgeo.counting import counted
from wsgeo.errors import WsgeoError
from wsgeo.store import Run
from wsgeo.workflows.inputs import ScanInputs
from wsgeo.workflows.sources import GroupData
from wsgeo.zoo import Checkpoint


@final
@dataclass(frozen=True)
class Selection:
    """The members of a centroid.

    Parameters
    ----------
    kind : str
        ``basin``, ``group`` (the scan found no basins) or ``region``; ``dataset``, ``task`` or
        ``general`` for a region that has a name.
    label : int or str
        Which one.
    members : tuple of Checkpoint
        Those that were not found unable to do their task, each distinct one once.
    data : GroupData or None
        What they are measured on; None where they are of several loss groups, or have no data.
    name : str
        Such as ``basin-0``, with the group where it is not the first.
    note : str
        Why this one, where nobody said.
    """

    kind: str
    label: int | str
    members: tuple[Checkpoint, ...]
    data: GroupData | None
    name: str
    note: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the members."""
        return tuple(member.id for member in self.members)

    @property
    def spans_tasks(self) -> bool:
        """Whether the members are of several loss groups, so that no head serves them all."""
        return len({member.loss_group for member in self.members}) > 1


def choose_basin(run: Run, inputs: ScanInputs, label: int | None, group: str | None) -> Selection:
    """Return the members of a basin of one loss group.

    Parameters
    ----------
    run : Run
        A finished run.
    inputs : ScanInputs
        Its zoo and data.
    label : int or None
        Which basin; None for the largest.
    group : str or None
        Which loss group; None for the largest.

    Returns
    -------
    Selection
        Measured on the group's data.

    Raises
    ------
    WsgeoError
        If there is no such group or basin, or it has no member that can do the task.
    """
    data = _measured(inputs.groups, group)
    labels = _labels(run, "convexity_gap", data.members)
    kind = "basin" if _basins_found(run, data.name) else "group"
    note = ""
    if label is None:
        label, note = _largest(labels, kind.capitalize())
    members = _members(run, kind, data.members, labels, label)
    if kind == "group" and len({one for one in labels.values() if one >= 0}) == 1:
        note = f"No basins were found: all {counted(len(members), 'member')} together."
    suffix = "" if data.name == inputs.groups[0].name else f"-{data.name}"
    return Selection(kind, label, members, data, f"{kind}-{label}{suffix}", note)


def _basins_found(run: Run, group: str) -> bool:
    """Return whether the groups of a loss group are basins; earlier versions do not say."""
    groups = {found["name"]: found for found in run.read("summary").get("groups", [])}
    return bool(groups.get(group, {}).get("basins_found", True))


def choose_region(run: Run, inputs: ScanInputs, label: int, group: str | None) -> Selection:
    """Return the members of a region, whatever their tasks.

    Parameters
    ----------
    run : Run
        A finished run.
    inputs : ScanInputs
        Its zoo and data.
    label : int
        Which region.
    group : str or None
        A geometry group, or a loss group to whose members it is narrowed; None for the first
        geometry group that has regions.

    Returns
    -------
    Selection
        Measured only where all are of one loss group that has data.

    Raises
    ------
    WsgeoError
        If there is no such group or region.
    """
    rows = run.table("clusters").filter(pl.col("matrix") == "task_vector")
    names = sorted(rows["group"].unique(), key=lambda name: (len(name), name))
    if not names:
        raise WsgeoError(
            "the run found no regions: they are clusters of task vectors, which need the base",
            where=str(run.folder),
            remedy="Scan with --base PATH.",
        )
    wanted = group or names[0]
    pool = [m for m in inputs.zoo.members if wanted in (m.geometry_group, m.loss_group)]
    if not pool:
        _refuse_group(wanted, sorted({n for m in inputs.zoo.members for n in _groups(m)}))
    members = _members(run, "region", pool, _labels(run, "task_vector", pool), label)
    data = {found.name: found for found in inputs.groups}
    losses = {member.loss_group for member in members}
    suffix = "" if wanted == names[0] else f"-{wanted}"
    return Selection(
        "region", label, members, data.get(losses.pop()) if len(losses) == 1 else None,
        f"region-{label}{suffix}",
    )  # fmt: skip


def _groups(member: Checkpoint) -> tuple[str, str]:
    return member.geometry_group, member.loss_group


def _measured(groups: Sequence[GroupData], name: str | None) -> GroupData:
    if not groups:
        raise WsgeoError(
            "the run measured no loss group, so it has no basins",
            remedy="Scan with --data, or choose a region with --region.",
        )
    there = {group.name: group for group in groups}
    if name is not None and name not in there:
        _refuse_group(name, list(there))
    return there[name or groups[0].name]


def _refuse_group(name: str, there: Sequence[str]) -> Never:
    raise WsgeoError(f"no group is called {name}", remedy=f"Choose among {', '.join(there)}.")


def _labels(run: Run, matrix: str, members: Sequence[Checkpoint]) -> dict[str, int]:
    inside = [member.id for member in members]
    rows = run.table("clusters").filter(
        pl.col("is_default") & (pl.col("matrix") == matrix) & pl.col("id").is_in(inside)
    )
    return dict(rows.select("id", "label").iter_rows())


def _largest(labels: Mapping[str, int], noun: str) -> tuple[int, str]:
    """Return the label that most members have, and a sentence that says so."""
    kept = [label for label in labels.values() if label >= 0]
    there = sorted(set(kept))
    largest = max(there, key=kept.count, default=0)
    if len(there) < 2:
        return largest, f"{noun} {largest} was taken; there is no other." if there else ""
    size = kept.count(largest)
    n_equal = sum(kept.count(label) == size for label in there)
    how = (
        f"the largest of {len(there)}" if n_equal == 1 else f"the first of {n_equal} equally large"
    )
    return largest, f"{noun} {largest}, {how}, {size} members, was taken because none was named."


def _members(
    run: Run, kind: str, pool: Sequence[Checkpoint], labels: Mapping[str, int], label: int
) -> tuple[Checkpoint, ...]:
    """Return the members with a label; equal ones once, without those that failed the gate."""
    able = sound(run, pool)
    first = {member.content_hash: member for member in reversed(able)}
    members = tuple(m for m in able if first[m.content_hash] is m and labels.get(m.id) == label)
    if not members:
        _refuse_empty(run, kind, label, {labels[m.id] for m in able if m.id in labels})
    return members


def sound(run: Run, pool: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return the members that did not fail the end-point gate.

    Parameters
    ----------
    run : Run
        A finished run.
    pool : sequence of Checkpoint
        Members.

    Returns
    -------
    list of Checkpoint
        In the same order; all of them where nothing was measured.
    """
    # Where nothing was measured the gate says nothing, and null is not False.
    failed = set(run.table("models").filter(~pl.col("gate"))["id"])
    return [member for member in pool if member.id not in failed]


def _refuse_empty(run: Run, kind: str, label: int, labels: set[int]) -> Never:
    there = [str(n) for n in sorted(labels) if n >= 0]
    if not there:
        what = f"no member that can do its task is in a {kind}"
        remedy = f"`wsgeo show {run.folder}` says which failed the gate, and which are noise."
    else:
        what = f"there is no {kind} {label} with a member that can do its task"
        remedy = f"There is {kind} {there[0]}."
        if len(there) > 1:
            remedy = f"There are {kind}s {', '.join(there[:-1])} and {there[-1]}."
    raise WsgeoError(what, where=str(run.folder), remedy=remedy)
