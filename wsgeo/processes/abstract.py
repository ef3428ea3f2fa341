"""What a pool of workers promises, wherever they are: each piece of work is answered once."""

from __future__ import annotations

import abc
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, final

from wsgeo.processes.worker import WorkFailure

Outcome = tuple[bool, Any]
"""What `wsgeo.processes.worker.perform` returns."""

Argument = TypeVar("Argument")
Result = TypeVar("Result")


@dataclass
class Job:
    """A piece of work.

    Parameters
    ----------
    number : int
        Place in the order of drawing.
    argument : object
        What the function is called with.
    hear : callable, optional
        Called with what the function reports.
    timeout : float, optional
        Seconds that it may take.
    deaths : int, default 0
        How many workers have died on it.
    """

    number: int
    argument: Any
    hear: Callable[[Any], None] | None = None
    timeout: float | None = None
    deaths: int = 0


@final
@dataclass(frozen=True)
class Death:
    """How the worker of a piece of work ended."""

    cause: str


class AbstractPool(abc.ABC):
    """Workers that do independent pieces of work, one each at a time.

    A worker has a *slot*, a number from 0 to ``n_jobs - 1``. Whoever draws work for it by that
    number can send what is alike to one worker, which has then loaded what the next piece needs. A
    worker that replaces a dead one takes over its slot.

    A pool is a context manager: at the end of the block its workers end.
    """

    _retries: int = 2

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all workers."""
        self.close()

    @property
    @abc.abstractmethod
    def n_jobs(self) -> int:
        """Number of slots now; 0 where the caller's own process does the work, in slot 0."""

    @abc.abstractmethod
    def close(self) -> None:
        """End all workers; a later `run` starts new ones."""

    @final
    def run(
        self,
        function: Callable[[Argument], Result],
        arguments: Iterable[Argument],
        *,
        timeout: float | None = None,
        hear: Callable[[int, Any], None] | None = None,
    ) -> Iterator[tuple[int, Result | WorkFailure]]:
        """Yield ``(position of the argument, result)`` as pieces of work finish, in any order.

        Parameters
        ----------
        function, timeout, hear
            As `drawn` takes them.
        arguments : iterable
            One per piece of work, never None; drawn only as workers become free.

        Returns
        -------
        iterator of tuple of (int, result or WorkFailure)
            As `drawn` yields them, which also tells what is raised.
        """
        left = iter(arguments)

        def draw(_: int) -> Argument | None:
            for argument in left:
                if argument is None:
                    raise ValueError("None is no argument: it would end the run.")
                return argument
            return None

        return self.drawn(function, draw, timeout=timeout, hear=hear)

    def drawn(
        self,
        function: Callable[[Argument], Result],
        draw: Callable[[int], Argument | None],
        *,
        timeout: float | None = None,
        hear: Callable[[int, Any], None] | None = None,
    ) -> Iterator[tuple[int, Result | WorkFailure]]:
        """Yield ``(number of the draw, result)`` as pieces of work finish, in any order.

        Parameters
        ----------
        function : callable
            A module-level function, or an object of a module-level class that can be called. It is
            pickled once for each worker and kept there from call to call: what such an object learns
            in a worker, it has at the next call. Called twice with one argument, as happens after a
            death, it should do the same.
        draw : callable
            Asked with its slot whenever a worker is free, for the argument of its next piece of
            work, or None where there is none for it now. It is asked again after each result; when
            no worker is busy and none is given work, the run ends. What a death left undone goes to
            any slot, without a draw.
        timeout : float, optional
            Seconds after which a piece of work is given up and its worker replaced; not enforced
            with ``n_jobs=0``.
        hear : callable, optional
            Called with the number of the draw and what the function tells with
            `wsgeo.processes.worker.report` as it goes; while this iterator is drawn from.

        Yields
        ------
        tuple of (int, result or WorkFailure)
            A failure where the function raised, or the workers died ``retries + 1`` times on it.

        Raises
        ------
        WsgeoError
            If the function raised one; work in flight is dropped.
        ValueError
            If another run of this pool has not finished, or ``function`` cannot be found by name.
        """
        if self._jobs():
            raise ValueError("This pool is at work; finish or close its other run first.")
        if self.n_jobs and getattr(function, "__module__", "__main__") == "__main__":
            raise ValueError(f"{function!r} lives in a script; workers need it in a module.")
        agenda = Agenda(draw, hear, timeout, self._retries)
        try:
            while True:
                self._hand_out(function, agenda)
                # Where no slot is left, what is undone waits for new workers.
                if not self._jobs() and self._free():
                    return
                for job, outcome in self._collect():
                    settled = agenda.mourn(job, outcome) if isinstance(outcome, Death) else outcome
                    if settled is not None:
                        yield job.number, _unpack(settled)
                        agenda.ask_again()
                    self._hand_out(function, agenda)
        finally:
            self._drop()

    @final
    def _hand_out(self, function: Any, agenda: Agenda) -> None:
        for slot in self._free():
            job = agenda.take(slot)
            if job is not None:
                self._begin(slot, function, job)

    @abc.abstractmethod
    def _free(self) -> list[int]:
        """Return the slots whose workers have nothing to do."""

    @abc.abstractmethod
    def _jobs(self) -> int:
        """Return how many pieces of work are in flight."""

    @abc.abstractmethod
    def _begin(self, slot: int, function: Any, job: Job) -> None:
        """Give a piece of work to a free slot."""

    @abc.abstractmethod
    def _collect(self) -> Iterator[tuple[Job, Outcome | Death]]:
        """Wait a moment and yield what has come: outcomes as `perform` makes them, and deaths."""

    @abc.abstractmethod
    def _drop(self) -> None:
        """Give up what is in flight, at the end of a run or in the middle of it."""


@final
class Agenda:
    """What is left to do in one run: what is drawn, and what a death left undone."""

    def __init__(
        self,
        draw: Callable[[int], Any],
        hear: Callable[[int, Any], None] | None,
        timeout: float | None,
        retries: int,
    ) -> None:
        self._draw, self._hear, self._timeout, self._retries = draw, hear, timeout, retries
        self._undone: deque[Job] = deque()
        self._n_drawn = 0
        self._dry: set[int] = set()

    def take(self, slot: int) -> Job | None:
        """Return the next piece of work for a slot; None where there is none before a result."""
        if self._undone:
            return self._undone.popleft()
        argument = None if slot in self._dry else self._draw(slot)
        if argument is None:
            self._dry.add(slot)
            return None
        number, self._n_drawn = self._n_drawn, self._n_drawn + 1
        hear = partial(self._hear, number) if self._hear else None
        return Job(number, argument, hear, self._timeout)

    def ask_again(self) -> None:
        """Note that a result was used: every slot may be given work again."""
        self._dry.clear()

    def mourn(self, job: Job, death: Death) -> Outcome | None:
        """Keep work whose worker died for another; return its failure when it has had enough."""
        job.deaths += 1
        if job.deaths <= self._retries:
            self._undone.append(job)
            return None
        times = "once" if job.deaths == 1 else f"{job.deaths} times"
        return False, WorkFailure("died", f"its worker died {times} ({death.cause})")


def _unpack(outcome: Outcome) -> Any:
    done, value = outcome
    if not done and isinstance(value, BaseException):
        raise value
    return value
