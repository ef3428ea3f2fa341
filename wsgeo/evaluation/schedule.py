"""In which order points are evaluated, so that few checkpoints are loaded often."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import final

from wsgeo.evaluation.losses import Point
from wsgeo.evaluation.points import REFIT

_SECONDS = 1.0  # work in one hand-out: what a kill loses, well below the 5 s that are promised
_MOST = 64


def visiting_order(points: Sequence[Point], capacity: int) -> list[int]:
    """Return an order of points in which neighbours share their checkpoints.

    A block of ``capacity - 2`` checkpoints stays in memory while the others pass by, forwards and
    backwards in turn: about n^2 / 2C loads for all pairs of n checkpoints with room for C, where
    going row by row would load one for almost every pair.

    Parameters
    ----------
    points : sequence of Point
        The points, in any order.
    capacity : int
        How many checkpoints fit in memory.

    Returns
    -------
    list of int
        Positions in ``points``; it does not depend on their order but for equal points.

    Examples
    --------
    >>> ends = [Point.of(name) for name in "ba"]
    >>> visiting_order([Point.on_line("a", "b", 0.5), *ends], capacity=8)
    [2, 0, 1]
    """
    needed = [_needed(point) for point in points]
    rank = {name: i for i, name in enumerate(sorted(set().union(*needed)))} if needed else {}
    size = max(1, capacity - 2)

    def place(i: int) -> tuple[object, ...]:
        ranks = sorted(rank[name] for name in needed[i])
        resident = ranks[0] // size
        passing = ranks[-1] if resident % 2 == 0 else -ranks[-1]
        within = ranks[-1] // size == resident
        return resident, not within, passing, ranks, points[i].coefficients, points[i].head or ""

    return sorted(range(len(points)), key=place)


def _needed(point: Point) -> frozenset[str]:
    donor = () if point.head is None or point.head.startswith(REFIT) else (point.head,)
    return frozenset((*point.members, *donor))


@final
class HandOuts:
    """Cuts a queue into hand-outs of about a second, as the speed becomes known.

    Parameters
    ----------
    queue : iterable of int
        What is to be done, in order.
    n_jobs : int
        How many take from it: near the end hand-outs shrink so that all finish together.

    Examples
    --------
    >>> hand_outs = HandOuts(range(100), n_jobs=1)
    >>> first = next(hand_outs)
    >>> hand_outs.note(seconds=0.1, n=len(first))
    >>> first, next(hand_outs)
    ([0], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    """

    def __init__(self, queue: Iterable[int], n_jobs: int) -> None:
        self._queue, self._n_jobs = deque(queue), max(1, n_jobs)
        self._seconds: float | None = None

    def note(self, seconds: float, n: int) -> None:
        """Learn that ``n`` pieces of work took ``seconds``."""
        each = seconds / n
        self._seconds = each if self._seconds is None else 0.5 * (self._seconds + each)

    def __iter__(self) -> Iterator[list[int]]:
        """Return itself."""
        return self

    def __next__(self) -> list[int]:
        """Return the next hand-out."""
        if not self._queue:
            raise StopIteration
        n = 1
        if self._seconds is not None:
            share = -(-len(self._queue) // (2 * self._n_jobs))
            n = min(int(_SECONDS / max(self._seconds, 1e-6)), _MOST, share)
        return [self._queue.popleft() for _ in range(max(1, n))]
