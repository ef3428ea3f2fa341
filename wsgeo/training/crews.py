"""Members made side by side, one per worker, and how they get on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar, final

from wsgeo.processes.pool import WorkerPool
from wsgeo.processes.worker import WorkFailure, report
from wsgeo.progress import Progress, duration

_SECOND = 1.0


class AbstractOrder(Protocol):
    """What a crew has to know of something that it is to make."""

    @property
    def folder(self) -> Path:
        """Where it shall lie."""

    @property
    def n_steps(self) -> int:
        """Its number of updates."""


Ordered = TypeVar("Ordered", bound=AbstractOrder)


@final
@dataclass(frozen=True)
class Made:
    """What became of an order.

    Parameters
    ----------
    folder : Path
        Its folder.
    status : str
        ``trained``, ``kept`` (it was finished before), ``degenerate`` (a model that learned nothing;
        its folder is there), ``nonfinite`` (it diverged, now or in an earlier call), or ``failed``.
    reason : str
        Why there is no model, or none worth having; empty where there is one.
    train_loss, validation_loss, validation_metric, seconds : float or None
        Mean loss of the last updates, loss and accuracy on the validation data, and wall time of the
        training; None where there are none.
    """

    folder: Path
    status: str
    reason: str = ""
    train_loss: float | None = None
    validation_loss: float | None = None
    validation_metric: float | None = None
    seconds: float | None = None


@final
@dataclass(frozen=True)
class Running:
    """How a member in work gets on.

    Parameters
    ----------
    member : str
        Name of its folder.
    step, n_steps : int
        Updates made, and in all.
    loss : float
        Of the last update, in nats.
    """

    member: str
    step: int
    n_steps: int
    loss: float


@final
@dataclass(frozen=True)
class Standing:
    """How a whole zoo in work gets on.

    Parameters
    ----------
    running : tuple of Running
        The members in work that have begun with their updates.
    n_made, n_members : int
        Members that are done with, and in all.
    done, total : int
        Updates made of all members that had to be trained, and in all. What an earlier call made of
        a member counts as soon as it is taken up.
    seconds_left : float or None
        Until all members are made, at the rate since the first one began; None where that is not
        known yet.
    what : str, default 'members'
        What the zoo is made of, in the plural.

    Examples
    --------
    >>> print(Standing((Running("seed0", 120, 375, 0.512),), 3, 24, 1245, 9000, 540.0))
    seed0: update 120 of 375, loss 0.512; 3 of 24 members, about 9 min left
    """

    running: tuple[Running, ...]
    n_made: int
    n_members: int
    done: int
    total: int
    seconds_left: float | None
    what: str = "members"

    @property
    def whole(self) -> str:
        """How many members are made, and how long the others will take."""
        told = f"{self.n_made} of {self.n_members} {self.what}"
        if self.seconds_left is None or self.n_made == self.n_members:
            return told
        return f"{told}, about {duration(self.seconds_left)} left"

    def __str__(self) -> str:
        """Return all of it in one line."""
        each = (
            f"{one.member}: update {one.step} of {one.n_steps}, loss {one.loss:.3f}"
            for one in self.running
        )
        return "; ".join([*each, self.whole])


Watch = Callable[[Standing], None]
"""Is told about once a second how a zoo in work gets on."""


def make_all(
    make: Callable[[Ordered], Made],
    orders: Sequence[Ordered],
    pool: WorkerPool,
    *,
    what: str,
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> list[Made]:
    """Call a function on each order, in the workers of a pool.

    Parameters
    ----------
    make : callable
        A module-level function that makes one, and tells of it with `telling`.
    orders : sequence of Order or SeriesOrder
        What to make.
    pool : WorkerPool
        Its workers run on one thread each.
    what : str
        What is made, in the plural.
    progress : callable, optional
        Told how many are done.
    watch : callable, optional
        Told how those in work get on.

    Returns
    -------
    list of Made
        Aligned to ``orders``; a run that diverges or dies costs one of them.

    Raises
    ------
    WsgeoError
        If ``make`` raises one.
    """
    outcomes: dict[int, Made] = {}
    pace = _Pace(orders, what, watch)
    for i, outcome in pool.run(make, orders, hear=pace.hear):
        if isinstance(outcome, WorkFailure):
            outcome = Made(orders[i].folder, "failed", outcome.reason)
        outcomes[i] = outcome
        pace.end(i)
        if progress is not None:
            progress(len(outcomes), len(orders), what)
    return [outcomes[i] for i in range(len(orders))]


def telling() -> Callable[[int, float], None]:
    """Return a callable that reports a run's step and loss about once a second.

    Returns
    -------
    callable
        For the ``tell`` of a descent; to be called where the run is made.
    """
    due = 0.0

    def tell(step: int, loss: float) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + _SECOND
            report((step, loss))

    return tell


class _Pace:
    """Counts the updates of all members, and how long the rest will take."""

    def __init__(self, orders: Sequence[AbstractOrder], what: str, watch: Watch | None) -> None:
        self._orders, self._what, self._watch = orders, what, watch
        self._left = {i: order.n_steps for i, order in enumerate(orders)}
        self._running: dict[int, Running] = {}
        self._done = self._made = self._n_ended = 0
        self._started = 0.0
        self._tell()

    def hear(self, i: int, told: tuple[int, float]) -> None:
        """Take in that a member has made so many updates, with its last loss."""
        order, (step, loss) = self._orders[i], told
        if i in self._running:
            # A worker that died is replaced by one that begins again at the last state.
            self._made += max(0, step - self._running[i].step)
        # From here on: what was done before an interruption took none of this call's time, and
        # loading a model tells nothing about the rate.
        self._started = self._started or time.monotonic()
        self._running[i] = Running(order.folder.name, step, order.n_steps, loss)
        self._done += step - (order.n_steps - self._left[i])
        self._left[i] = order.n_steps - step
        self._tell()

    def end(self, i: int) -> None:
        """Take in that a member is made, or never will be; one that was kept is not counted."""
        if self._running.pop(i, None) is not None:
            self._done += self._left[i]
        self._left[i] = 0
        self._n_ended += 1
        self._tell()

    def _tell(self) -> None:
        if self._watch is not None:
            self._watch(
                Standing(
                    tuple(self._running[i] for i in sorted(self._running)),
                    self._n_ended,
                    len(self._orders),
                    self._done,
                    self._done + sum(self._left.values()),
                    self._seconds_left(),
                    self._what,
                )
            )

    def _seconds_left(self) -> float | None:
        if not self._made:
            return None
        each = (time.monotonic() - self._started) / self._made
        # The last worker to finish decides.
        longest = max((self._left[i] for i in self._running), default=0) * len(self._running)
        return each * max(sum(self._left.values()), longest)
