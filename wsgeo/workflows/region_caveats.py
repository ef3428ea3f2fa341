"""What must be known of regions that are sampled: what does not apply, and what says little."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wsgeo.evaluation.chance import class_entropy
from wsgeo.evaluation.heads import HeadPolicy
from wsgeo.workflows.region_losses import Found
from wsgeo.workflows.region_points import has_base
from wsgeo.workflows.region_work import RegionWork
from wsgeo.workflows.sources import GroupData


def caveats(work: Sequence[RegionWork]) -> list[str]:
    """Say what is not measured of regions that are sampled, and why.

    Parameters
    ----------
    work : sequence of RegionWork
        What is asked of each region.

    Returns
    -------
    list of str
        Sentences; none where all is measured.
    """
    without = [one.region for one in work if not has_base(one.region)]
    notes = []
    if without:
        titles = ", ".join(region.title for region in without)
        why = "the base is not known; scan with --base PATH"
        if without[0].members[0].base is not None:
            why = "the scan kept no norms of task vectors; scan again"
        notes.append(
            f"Not applicable to {titles}: the base, random points around it, and the way to it: {why}."
        )
    notes += [
        f"Not measured: {one.region.title} spans several tasks, whose heads cannot be mixed; take "
        "head policy refit or own."
        for one in work
        if not one.points
    ]
    return notes


def weak_probes(work: Sequence[RegionWork], found: Found) -> list[str]:
    """Say on which tasks a linear probe is no better than the class frequencies.

    A probe that is fitted to few examples of many features learns them by heart. Then the losses of
    points tell how it overfits, not what their encoders know.

    Parameters
    ----------
    work : sequence of RegionWork
        What was asked of each region.
    found : mapping of (str, Point) to Measured
        What was measured.

    Returns
    -------
    list of str
        One sentence per such task.
    """
    data = {group.name: group for one in work for group in one.region.data}
    losses = {name: _member_losses(work, name, found) for name in data}
    return [
        _weakness(data[name], mean)
        for name, known in losses.items()
        if known
        and (mean := math.fsum(known) / len(known)) >= class_entropy(data[name].encoded.targets)
    ]


def _member_losses(work: Sequence[RegionWork], task: str, found: Found) -> list[float]:
    """Return the losses, under a probe, of the members of a task on its own data."""
    losses = {
        point.name: found[asked.key].loss
        for one in work
        for point, asked in one.points
        if point.kind == "member"
        and asked.policy is HeadPolicy.REFIT
        and asked.frame.data.name == task
        and point.name in {member.id for member in asked.frame.data.members}
    }
    return [loss for loss in losses.values() if loss is not None]


def _weakness(data: GroupData, mean: float) -> str:
    guess = class_entropy(data.encoded.targets)
    return (
        f"On {data.task.name} a linear probe is no better than the class frequencies, even for the "
        f"task's own members ({mean:.3f} against {guess:.3f} nats): half of {len(data.encoded)} "
        "examples do not suffice to fit it. Scan with more --examples before its losses are read."
    )
