"""Which work a worker gets next, so that few checkpoints are loaded often and all finish together."""

from __future__ import annotations

import abc
from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import final

from wsgeo.evaluation.losses import REFIT, Point

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
class Pace:
    """How much work makes a hand-out of about a second, as the speed becomes known.

    Examples
    --------
    >>> pace = Pace()
    >>> before = pace.size(100)
    >>> pace.note(seconds=0.1, n=1)
    >>> before, pace.size(100), pace.size(4)
    (1, 10, 2)
    """

    def __init__(self) -> None:
        self._seconds: float | None = None

    def note(self, seconds: float, n: int) -> None:
        """Learn that ``n`` pieces of work took ``seconds``."""
        each = seconds / n
        self._seconds = each if self._seconds is None else 0.5 * (self._seconds + each)

    def size(self, n_left: int) -> int:
        """Return how many of the pieces that are left to hand out: at most half, so that all finish together."""
        if self._seconds is None:
            return 1
        return max(1, min(int(_SECONDS / max(self._seconds, 1e-6)), _MOST, -(-n_left // 2)))


class AbstractQueue(abc.ABC):
    """Work that waits, by number."""

    def __init__(self) -> None:
        self.pace = Pace()

    @abc.abstractmethod
    def draw(self, slot: int) -> list[int] | None:
        """Return work for a worker; None if there is none for it, at least until more is done."""


@final
class Segments(AbstractQueue):
    """A list of work cut into one stretch a worker, so that each keeps to its own checkpoints.

    A worker whose stretch is done takes from the far end of the longest.

    Parameters
    ----------
    order : sequence of int
        The work; neighbours share checkpoints.
    n_slots : int
        Number of workers.

    Examples
    --------
    >>> queue = Segments(range(4), n_slots=2)
    >>> queue.draw(0), queue.draw(1), queue.draw(1), queue.draw(1), queue.draw(1)
    ([0], [2], [3], [1], None)
    """

    def __init__(self, order: Sequence[int], n_slots: int) -> None:
        super().__init__()
        n_slots = max(1, n_slots)
        cuts = [round(i * len(order) / n_slots) for i in range(n_slots + 1)]
        self._parts = [deque(order[i:j]) for i, j in pairwise(cuts)]

    def draw(self, slot: int) -> list[int] | None:
        """Return the next of the worker's own stretch, else the last of another's."""
        own = self._parts[slot % len(self._parts)]
        if own:
            return [own.popleft() for _ in range(self.pace.size(len(own)))]
        other = max(self._parts, key=len)
        if not other:
            return None
        return [other.pop() for _ in range(self.pace.size(len(other)))][::-1]


@final
class Picked(AbstractQueue):
    """Work that is chosen when a worker is free, for what is known by then.

    Parameters
    ----------
    pick : callable
        Returns the next piece; None if there is none at present.
    n_pieces : int
        How many there are at most.
    n_slots : int
        Number of workers.
    """

    def __init__(self, pick: Callable[[], int | None], n_pieces: int, n_slots: int) -> None:
        super().__init__()
        self._pick, self._n_left, self._n_slots = pick, n_pieces, max(1, n_slots)

    def draw(self, slot: int) -> list[int] | None:  # noqa: ARG002 - any worker may do any piece
        """Return what is picked now."""
        found: list[int] = []
        while len(found) < self.pace.size(self._n_left // self._n_slots):
            if (piece := self._pick()) is None:
                break
            found.append(piece)
        self._n_left -= len(found)
        return found or None
