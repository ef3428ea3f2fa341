"""What a region asks of the engines, and the losses that they answer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

from wsgeo.evaluation.directions import load_weights
from wsgeo.evaluation.engine import Engine
from wsgeo.evaluation.heads import HeadPolicy
from wsgeo.evaluation.losses import Item, Losses, Outcome, Point
from wsgeo.processes.abstract import AbstractPool
from wsgeo.progress import Progress
from wsgeo.store import Ledger
from wsgeo.workflows.engines import backends_for
from wsgeo.workflows.region_mixes import Frame, Mix
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData
from wsgeo.zoo import Checkpoint


@final
@dataclass(frozen=True)
class Measured:
    """The loss of a point.

    Parameters
    ----------
    loss : float or None
        Nats per example; None where it failed.
    metric : float or None
        Fraction in [0, 1].
    reason : str or None
        Why it has no loss.
    failed : bool
        Whether it could not be evaluated; a loss that is not finite is a finding.
    """

    loss: float | None
    metric: float | None
    reason: str | None = None
    failed: bool = False


Found: TypeAlias = Mapping[tuple[str, Point], Measured]
"""What was measured, by loss group and point."""


@final
@dataclass(frozen=True)
class Asked:
    """A mix on the data of one task.

    Parameters
    ----------
    mix : Mix
        The point.
    frame : Frame
        What it is evaluated with.
    policy : HeadPolicy
        What becomes of the head.
    point : Point
        What the engine is given.
    """

    mix: Mix
    frame: Frame
    policy: HeadPolicy
    point: Point

    @property
    def key(self) -> tuple[str, Point]:
        """What its loss is found by."""
        return self.frame.data.name, self.point

    def row(self, found: Found) -> dict[str, object]:
        """Return task, head, loss and metric as the tables have them."""
        measured = found[self.key]
        return {
            "task": self.frame.data.name,
            "head": self.policy.value,
            "loss": measured.loss,
            "metric": measured.metric,
        }


def ask(
    mix: Mix, frames: Iterable[Frame], policies: Mapping[str, Sequence[HeadPolicy]]
) -> Iterator[Asked]:
    """Yield what is asked of a mix: every task, under every policy that applies to it.

    Parameters
    ----------
    mix : Mix
        The point.
    frames : iterable of Frame
        One per task.
    policies : mapping of str to sequence of HeadPolicy
        By the name of the task's loss group.

    Yields
    ------
    Asked
        In the order of the tasks.
    """
    for frame in frames:
        for policy in policies[frame.data.name]:
            point = frame.point(mix, policy)
            if point is not None:
                yield Asked(mix, frame, policy, point)


def measure(
    asked: Sequence[Asked],
    *,
    pool: AbstractPool,
    ledger: Ledger,
    settings: ScanSettings,
    progress: Progress | None = None,
) -> dict[tuple[str, Point], Measured]:
    """Evaluate what is asked, one task after another, each point once.

    Parameters
    ----------
    asked : sequence of Asked
        All that the regions ask.
    pool : AbstractPool
        Processes.
    ledger : Ledger
        Finished work.
    settings : ScanSettings
        Of the scan.
    progress : Progress, optional
        Told of each evaluation.

    Returns
    -------
    dict of (str, Point) to Measured
        By loss group and point.
    """
    found: dict[tuple[str, Point], Measured] = {}
    for data, points, checkpoints in _by_task(asked):
        items = [Item((point,), data.task.name) for point in points]
        with Engine(
            checkpoints,
            {data.task.name: data.encoded},
            pool=pool,
            ledger=ledger,
            progress=progress,
            precision=settings.precision,
            backends=backends_for(data, pool, ledger, settings),
            token_budget=settings.token_budget,
            load=load_weights,
        ) as engine:
            for i, (outcome,) in engine.evaluate(items):
                found[data.name, points[i]] = _measured(outcome)
    return found


def n_points_of(asked: Sequence[Asked]) -> dict[str, int]:
    """Return how many distinct points each loss group is asked, by its name."""
    return {data.name: len(points) for data, points, _ in _by_task(asked)}


def _by_task(
    asked: Sequence[Asked],
) -> Iterator[tuple[GroupData, list[Point], list[Checkpoint]]]:
    """Yield the data of each task, the points to measure on it, and what they are made of."""
    data = {one.frame.data.name: one.frame.data for one in asked}
    for name, group in data.items():
        mine = [one for one in asked if one.frame.data.name == name]
        frames = {id(one.frame): one.frame for one in mine}.values()
        checkpoints = {
            checkpoint.content_hash: checkpoint
            for frame in frames
            for checkpoint in (*frame.region.members, *frame.region.others, *frame.made)
        }
        yield group, list(dict.fromkeys(one.point for one in mine)), list(checkpoints.values())


def _measured(outcome: Outcome) -> Measured:
    if not isinstance(outcome, Losses):
        return Measured(None, None, outcome.reason, outcome.status != "nonfinite")
    if not math.isfinite(outcome.mean):
        return Measured(None, None, "the loss is not finite")
    return Measured(outcome.mean, outcome.metric)
