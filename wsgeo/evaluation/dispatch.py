"""From a queue of units to their outcomes: hand-outs to workers, and what becomes of those that end them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from wsgeo.evaluation.evaluator import Evaluator, Unit
from wsgeo.evaluation.losses import Failure, Outcome
from wsgeo.evaluation.schedule import AbstractQueue
from wsgeo.processes.abstract import AbstractPool
from wsgeo.processes.worker import WorkFailure

Block = tuple[list[int], list[Outcome]]


def results(
    pool: AbstractPool,
    evaluator: Evaluator,
    queue: AbstractQueue,
    unit: Callable[[int], Unit],
    deadline: float | None = None,
) -> Iterator[Block]:
    """Yield numbers of units and their outcomes, in hand-outs of about a second.

    Parameters
    ----------
    pool : AbstractPool
        Workers.
    evaluator : Evaluator
        What they run.
    queue : AbstractQueue
        Which units are next.
    unit : callable
        Number to unit.
    deadline : float, optional
        Time (`time.monotonic`) after which nothing more is handed out.

    Yields
    ------
    tuple of (list of int, list of Losses or Failure)
        Numbers, and one outcome each.
    """
    handed: list[list[int]] = []
    # One unit of a hand-out that failed ends every worker it meets; which, shows when each of them
    # has one for itself.
    suspects: list[int] = []

    def draw(slot: int) -> list[Unit] | None:
        if deadline is not None and time.monotonic() > deadline:
            return None
        block = [suspects.pop()] if suspects else queue.draw(slot)
        if block is None:
            return None
        handed.append(block)
        return [unit(i) for i in block]

    for index, result in pool.drawn(evaluator, draw):
        block = handed[index]
        if not isinstance(result, WorkFailure):
            queue.pace.note(result[0], len(block))
            yield block, result[1]
        elif len(block) == 1:
            yield block, [Failure("failed", result.reason)]
        else:
            suspects += block
