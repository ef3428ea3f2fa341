"""How a centroid does beside its members, and whether a barrier lies between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.counting import counted
from wsgeo.errors import WsgeoError
from wsgeo.evaluation.losses import Failure, Item, Losses, Point
from wsgeo.graph.matrices import square
from wsgeo.processes.abstract import AbstractPool
from wsgeo.progress import Progress
from wsgeo.regions.centroids import largest_gap, medoid, refuse_across_barrier
from wsgeo.regions.tables import Evidence
from wsgeo.store import Ledger, Run
from wsgeo.workflows.engines import engine_for
from wsgeo.workflows.selections import Selection
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData
from wsgeo.zoo import Checkpoint, read_zoo

Square = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Bench:
    """Measures a centroid in its folder beside the members it is made of.

    Parameters
    ----------
    selection : Selection
        The members, and what they are measured on.
    gaps : ndarray of float64, shape (n, n)
        Convexity gaps between them; NaN where not measured.
    pool : AbstractPool
        Processes.
    ledger : Ledger
        Finished work; the members' losses are there.
    settings : ScanSettings
        Of the scan.
    progress : Progress or None
        Told of each evaluation.
    """

    selection: Selection
    gaps: Square
    pool: AbstractPool
    ledger: Ledger
    settings: ScanSettings
    progress: Progress | None = None

    def __call__(self, folder: Path) -> Evidence:
        """Measure the model in a folder as a scan of that folder would.

        Parameters
        ----------
        folder : Path
            A whole model or adapter.

        Returns
        -------
        Evidence
            Without losses where the members have no data or no task in common.

        Raises
        ------
        WsgeoError
            If the folder is no model that wsgeo reads.
        """
        gap = largest_gap(self.gaps)
        known = Evidence(largest_gap_inside=gap if math.isfinite(gap) else None)
        if self.selection.data is None:
            return replace(known, missing=_why_unmeasured(self.selection))
        return self._measured(
            self.selection.data, read_back(folder, self.selection.members[0]), known
        )

    def _measured(self, data: GroupData, written: Checkpoint, known: Evidence) -> Evidence:
        members = self.selection.members
        group = replace(data, members=(*data.members, written))
        items = [Item((Point.of(m.content_hash),), data.task.name) for m in (written, *members)]
        with engine_for(group, self.pool, self.ledger, self.settings, self.progress) as engine:
            own, *ends = (outcomes[0] for outcomes in engine.evaluate_all(items))
        pairs = zip(members, ends, strict=True)
        losses = {member.id: end for member, end in pairs if isinstance(end, Losses)}
        finite = bool(np.isfinite(self.gaps).all())
        return replace(
            known,
            loss=own.mean if isinstance(own, Losses) else None,
            metric=own.metric if isinstance(own, Losses) else None,
            member_loss={name: end.mean for name, end in losses.items()},
            member_metric={name: end.metric for name, end in losses.items()},
            medoid=members[medoid(self.gaps)].id if finite else None,
            missing=f"Its loss has no value: {own.reason.rstrip('.')}."
            if isinstance(own, Failure)
            else "",
        )


def read_back(folder: Path, like: Checkpoint) -> Checkpoint:
    """Read the model in a folder as a member of the loss group of another.

    Parameters
    ----------
    folder : Path
        A model, its labels in the group's order; or an adapter, its labels in the order of ``like``.
    like : Checkpoint
        A member of the group.

    Returns
    -------
    Checkpoint
        With the label order of its group.

    Raises
    ------
    WsgeoError
        If wsgeo refuses the folder.
    """
    is_adapter = (folder / "adapter_config.json").exists()
    base = like.base.folder if is_adapter and like.base is not None else None
    zoo = read_zoo(folder, base=base)
    if not zoo.members:
        row = zoo.excluded[0]
        raise WsgeoError(
            f"the centroid cannot be read back: {row.cause}", where=row.file, remedy=row.remedy
        )
    return replace(zoo.members[0], label_order=like.label_order if is_adapter else ())


def _why_unmeasured(selection: Selection) -> str:
    if selection.spans_tasks:
        return (
            "Its loss is not measured: its members were tuned for several tasks, and it has the "
            "head of none of them."
        )
    return "Its loss is not measured: the run has no data for its members."


def refuse_barriers(run: Run, selection: Selection, gaps: Square) -> None:
    """Refuse members that a barrier separates, in each loss group that was measured.

    Parameters
    ----------
    run : Run
        A finished run.
    selection : Selection
        The members.
    gaps : ndarray of float64, shape (n, n)
        Convexity gaps between them.

    Raises
    ------
    WsgeoError
        If a barrier whose whole interval is above the group's tau lies between two members of a
        group, or such a pair was not measured. Pairs across loss groups have none to measure.
    """
    summary = {group["name"]: group for group in run.read("summary")["groups"]}
    groups = [member.loss_group for member in selection.members]
    lower = square(run.table("pairs"), selection.ids, "convexity_gap_lo")
    for name in sorted(summary.keys() & set(groups)):
        rows = [i for i, group in enumerate(groups) if group == name]
        inside, found = np.ix_(rows, rows), summary[name]
        refuse_across_barrier(
            gaps[inside],
            [selection.ids[i] for i in rows],
            math.inf if found["tau"]["value"] is None else float(found["tau"]["value"]),
            lower=lower[inside],
            several=len(found["basins"]) > 1,
        )


def member_notes(run: Run, selection: Selection, gaps: Square) -> list[str]:
    """Say what nobody knows of the barriers between members, and where there is only one member.

    Parameters
    ----------
    run : Run
        A finished run.
    selection : Selection
        The members.
    gaps : ndarray of float64, shape (n, n)
        Convexity gaps between them.

    Returns
    -------
    list of str
        Sentences; none where every pair was measured and decided.
    """
    if len(selection.members) == 1:
        return ["One member: its mean is itself."]
    return [*barrier_notes(selection, gaps), *_undecided(run, selection)]


def _undecided(run: Run, selection: Selection) -> list[str]:
    """Say in each loss group how many pairs have an interval that holds tau."""
    inside = pl.col("a").is_in(selection.ids) & pl.col("b").is_in(selection.ids)
    pairs = run.table("pairs").filter(inside)
    if pairs.is_empty():  # without data no pair has a status
        return []
    of_group = pairs.group_by("group").agg(
        n=pl.len(),
        open=(pl.col("status").cast(pl.String) == "undecided").sum(),
        tau=pl.first("tau"),
    )
    return [
        f"{n_open} of {counted(n, 'pair')} {'is' if n_open == 1 else 'are'} undecided at "
        f"tau = {tau:.4g}; scan with more --examples to settle them."
        for _, n, n_open, tau in of_group.sort("group").iter_rows()
        if n_open and tau is not None
    ]


def barrier_notes(selection: Selection, gaps: Square) -> list[str]:
    """Say for how many pairs of members nobody knows whether a barrier separates them.

    Parameters
    ----------
    selection : Selection
        The members.
    gaps : ndarray of float64, shape (n, n)
        Convexity gaps between them.

    Returns
    -------
    list of str
        One sentence, or none where every pair was measured.
    """
    pairs = gaps[np.triu_indices(len(selection.members), 1)]
    n_unknown = int(np.isnan(pairs).sum())
    if not n_unknown:
        return []
    if n_unknown == pairs.size:
        return ["Whether barriers separate its members was not measured."]
    return [f"Barriers were measured between {pairs.size - n_unknown} of {pairs.size} pairs."]
