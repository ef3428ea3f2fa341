"""Per-example losses along many lines, one line at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.losses import AbstractEngine, Failure, Item, Losses, Outcome, Point
from wsgeo.paths.envelopes import Floats
from wsgeo.progress import Progress

Line = tuple[str, str]
"""Content hashes of the two ends; a line from a checkpoint to itself is its end alone."""

Head = Callable[[str, str], str | None]
"""What `Point.head` says on a line: a content hash, another head, or None to interpolate."""


@final
@dataclass(frozen=True)
class Sweep:
    """Every loss on one line.

    Parameters
    ----------
    t : ndarray of float64, shape (n_points,)
        Increasing positions from 0 to 1.
    losses : ndarray of float32, shape (n_examples, n_points)
        Loss of each example at each position, in nats.
    metric : ndarray of float64, shape (n_points,)
        Mean metric at each position, a fraction in [0, 1].
    """

    t: Floats
    losses: NDArray[np.float32]
    metric: Floats

    @property
    def mean(self) -> Floats:
        """Mean loss at each position, summed in float64."""
        return np.asarray(self.losses.mean(axis=0, dtype=np.float64))


def sweep(
    engine: AbstractEngine,
    lines: Sequence[Line],
    examples: str,
    t: Floats,
    *,
    head: Head | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[Line, Sweep | Failure]]:
    """Yield each line with its losses as it completes, in any order.

    Every end is evaluated once, before the first interior point; a line with an end that could not
    be evaluated, or whose losses are not all finite, is yielded as that failure and costs nothing
    more.

    Parameters
    ----------
    engine : AbstractEngine
        Evaluates points named by content hashes.
    lines : sequence of (str, str)
        Distinct pairs of content hashes, each walked from the first to the second.
    examples : str
        Name of the example set at the engine.
    t : ndarray of float64, shape (n_points,)
        Increasing positions from 0 to 1.
    head : callable, optional
        What `Point.head` says on a line; None interpolates the head with the rest. The ends are
        measured under it too.
    progress : Progress, optional
        Told of each line that is done.

    Yields
    ------
    tuple of ((str, str), Sweep or Failure)
        The line and what was found on it.
    """
    ends = evaluate_ends(engine, lines, examples, head)
    open_lines: list[Line] = []
    done = 0
    for line in lines:
        start, end = (ends[point] for point in end_points(line, head))
        if isinstance(start, Losses) and isinstance(end, Losses) and _has_interior(line, t):
            open_lines.append(line)
            continue
        done += 1
        yield line, _join(t, [start, *[start] * (t.size - 2), end])
        _tell(progress, done, len(lines))
    items = [Item(points_on(line, t[1:-1], head), examples) for line in open_lines]
    for index, inside in engine.evaluate(items):
        line = open_lines[index]
        start, end = (ends[point] for point in end_points(line, head))
        done += 1
        yield line, _join(t, [start, *inside, end])
        _tell(progress, done, len(lines))


def densify(
    engine: AbstractEngine,
    coarse: Mapping[Line, Sweep],
    further: Mapping[Line, Floats],
    examples: str,
    *,
    head: Head | None = None,
) -> Iterator[tuple[Line, Sweep | Failure]]:
    """Yield lines again, with further positions beside those that are measured.

    Parameters
    ----------
    engine : AbstractEngine
        Evaluates points named by content hashes.
    coarse : mapping of (str, str) to Sweep
        What is known of each line.
    further : mapping of (str, str) to ndarray of float64, shape (n_further,)
        Positions in (0, 1) to add, by line.
    examples : str
        Name of the example set at the engine.
    head : callable, optional
        As for `sweep`.

    Yields
    ------
    tuple of ((str, str), Sweep or Failure)
        The line, on all its positions.
    """
    lines = list(further)
    items = [Item(points_on(line, further[line], head), examples) for line in lines]
    for index, outcomes in engine.evaluate(items):
        line = lines[index]
        before, added = coarse[line], _join(further[line], list(outcomes))
        if isinstance(added, Sweep):
            order = np.argsort(np.concatenate([before.t, added.t]), kind="stable")
            added = Sweep(
                np.concatenate([before.t, added.t])[order],
                np.concatenate([before.losses, added.losses], axis=1)[:, order],
                np.concatenate([before.metric, added.metric])[order],
            )
        yield line, added


def evaluate_ends(
    engine: AbstractEngine, lines: Sequence[Line], examples: str, head: Head | None
) -> dict[Point, Outcome]:
    """Evaluate every end once; one that could not be, or is not finite, is the failure that it is."""
    points = list(dict.fromkeys(p for line in lines for p in end_points(line, head)))
    outcomes: dict[Point, Outcome] = {
        point: Failure("pending", "The run stopped before this end was evaluated.")
        for point in points
    }
    for index, (outcome,) in engine.evaluate([Item((point,), examples) for point in points]):
        outcomes[points[index]] = _finite(outcome)
    return outcomes


def end_points(line: Line, head: Head | None) -> tuple[Point, Point]:
    """Return both ends of a line, under its head."""
    chosen = head(*line) if head else None
    # A checkpoint with its own head is the checkpoint: the same point, so the same ledger key.
    start, end = (Point((member,), (1.0,), None if chosen == member else chosen) for member in line)
    return start, end


def _has_interior(line: Line, t: Floats) -> bool:
    return line[0] != line[1] and t.size > 2


def points_on(line: Line, t: Floats, head: Head | None) -> tuple[Point, ...]:
    """Return positions on a line, under its head."""
    chosen = head(*line) if head else None
    return tuple(Point.on_line(*line, float(position), chosen) for position in t)


def _join(t: Floats, outcomes: list[Outcome]) -> Sweep | Failure:
    """Put the positions side by side, or return why there is no loss at one of them."""
    found: list[Losses] = []
    for outcome in map(_finite, outcomes):
        if isinstance(outcome, Failure):
            return outcome
        found.append(outcome)
    losses = np.stack([each.loss for each in found], axis=1)
    return Sweep(t, losses, np.array([each.metric for each in found]))


def _finite(outcome: Outcome) -> Outcome:
    """Return an outcome whose numbers are all finite, or the failure that it is."""
    if isinstance(outcome, Failure):
        return outcome
    if np.isfinite(outcome.loss).all() and np.isfinite(outcome.hit).all():
        return outcome
    return Failure("nonfinite", "A loss on the line is not finite.")


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total, "pairs")
