"""Lines from further models to members of a run, measured with the settings of its scan."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import final

import numpy as np

from wsgeo.graph.matrices import square
from wsgeo.paths.frames import PairTables
from wsgeo.paths.pairs import measure_pairs
from wsgeo.processes.abstract import AbstractPool
from wsgeo.progress import Progress
from wsgeo.store import Ledger
from wsgeo.workflows.engines import engine_for
from wsgeo.workflows.group_members import GroupMembers, Lines
from wsgeo.workflows.measuring import check_members
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData
from wsgeo.zoo import Checkpoint


@final
@dataclass(frozen=True)
class EngineParts:
    """What an engine for any loss group is made of.

    Parameters
    ----------
    pool : AbstractPool
        Processes.
    ledger : Ledger
        Finished work, that of the scan included.
    settings : ScanSettings
        Of the scan.
    progress : Progress or None
        Told of each evaluation.
    """

    pool: AbstractPool
    ledger: Ledger
    settings: ScanSettings
    progress: Progress | None = None


def measure_lines_to(
    group: GroupData,
    new: Sequence[Checkpoint],
    members: GroupMembers,
    per_basin: int,
    parts: EngineParts,
) -> dict[str, Lines]:
    """Check the ends of models, and follow their lines to a few members of each basin.

    Parameters
    ----------
    group : GroupData
        Members and examples of the scan.
    new : sequence of Checkpoint
        Models that the group takes.
    members : GroupMembers
        What is known of the members.
    per_basin : int
        Most members of each basin.
    parts : EngineParts
        Processes and settings.

    Returns
    -------
    dict of str to Lines
        By the model's id.
    """
    if not new:
        return {}
    looked, settings = members.looked_at(per_basin), parts.settings
    kept = [member for member in group.members if member.id in set(looked)]
    both = dataclasses.replace(group, members=(*kept, *new))
    with engine_for(both, parts.pool, parts.ledger, settings, parts.progress) as engine:
        gates = check_members(both, engine)
        pairs = measure_pairs(
            engine,
            both.members,
            group.task.name,
            split=group.task.split,
            gates=gates,
            ts=settings.positions,
            head_policy=settings.head_policy,
            n_resamples=settings.n_resamples,
            seed=settings.seed,
            refinements=settings.refinements,
            # Members among themselves are known, and of models among themselves nobody asks.
            exclude=[*combinations(looked, 2), *combinations([one.id for one in new], 2)],
            progress=parts.progress,
        )
    return {
        one.id: _lines(one.id, members, pairs)
        if gates[one.id].passed
        else _refused(members, f"it fails the end-point gate: {gates[one.id].reason}")
        for one in new
    }


def _lines(name: str, members: GroupMembers, found: PairTables) -> Lines:
    """Return a model's gaps to all members of a group, by their order."""
    order = sorted({*found.pairs["a"], *found.pairs["b"]})
    gaps = square(found.pairs, (name, *members.ids))[0, 1:]
    resampled = np.full((len(found.gap_matrices), len(members.ids)), np.nan)
    for column, member in enumerate(members.ids):
        if member in order:
            resampled[:, column] = found.gap_matrices[:, order.index(name), order.index(member)]
    return Lines(gaps, resampled)


def _refused(members: GroupMembers, why: str) -> Lines:
    n = len(members.ids)
    return Lines(np.full(n, np.nan), np.empty((0, n)), why)
