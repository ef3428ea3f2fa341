"""A supervised pool of single-threaded processes: one death costs one piece of work."""

from __future__ import annotations

import os
import pickle
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Self, TypeVar, cast, final

from wsgeo.processes.nursery import Nursery
from wsgeo.processes.worker import ARGUMENT, FUNCTION, REPORT, WorkFailure, perform, unpacked

Argument = TypeVar("Argument")
Result = TypeVar("Result")

PRELOAD = ("numpy", "torch", "safetensors", "transformers.modeling_utils")
"""Modules that every worker is born with."""

_TICK = 1.0  # seconds between two looks at workers that say nothing


@dataclass
class _Worker:
    pid: int
    connection: Connection
    nursery: Nursery
    knows: object = None  # the function that it was sent last
    silent: float = 0.0
    busy: float = 0.0


@dataclass
class _Job:
    index: int
    argument: Any
    deaths: int = 0


@final
class WorkerPool:
    """Processes that do independent pieces of work, one each at a time.

    Workers are forked from a process that has imported the heavy modules, so that replacing a dead
    one costs milliseconds. They run on one thread, ignore Ctrl-C (the caller decides), cannot reach
    the hub, print to standard error only, and die with the caller however it ends.

    Parameters
    ----------
    n_jobs : int
        Number of processes; 0 does the work in this process.
    preload : tuple of str, optional
        Modules imported before the first fork.
    retries : int, default 2
        How often a piece of work whose worker died is tried again.
    silence : float, default 60
        Seconds without a sign of life after which a worker is taken for dead.

    Raises
    ------
    ValueError
        If ``n_jobs`` is negative.

    Examples
    --------
    >>> with WorkerPool(0) as pool:
    ...     sorted(pool.run(abs, [-3, 4]))
    [(0, 3), (1, 4)]
    """

    def __init__(
        self,
        n_jobs: int,
        *,
        preload: tuple[str, ...] = PRELOAD,
        retries: int = 2,
        silence: float = 60.0,
    ) -> None:
        if n_jobs < 0:
            raise ValueError(f"n_jobs is {n_jobs}; it must be 0 or more.")
        # Without fork (Windows) the work is done in this process.
        self.n_jobs = n_jobs if hasattr(os, "fork") else 0
        self._preload, self._retries, self._silence = preload, retries, silence
        self._nursery: Nursery | None = None
        self._idle: list[_Worker] = []
        self._busy: dict[Connection, tuple[_Worker, _Job]] = {}
        self._hear: Callable[[int, Any], None] | None = None

    def __enter__(self) -> Self:
        """Start importing the heavy modules in the background."""
        if self.n_jobs:
            self._nursery = self._nursery or Nursery(self._preload)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all workers."""
        self.close()

    def close(self) -> None:
        """End all workers; a later `run` starts new ones."""
        for worker in [*self._idle, *(worker for worker, _ in self._busy.values())]:
            worker.connection.close()
        self._idle, self._busy = [], {}
        if self._nursery is not None:
            nursery, self._nursery = self._nursery, None
            nursery.close()

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
        function : callable
            A module-level function, or an object of a module-level class that can be called. It is
            pickled once for each worker and kept there from call to call: what such an object learns
            in a worker, it has at the next call. Called twice with one argument, as happens after a
            death, it should do the same.
        arguments : iterable
            One per piece of work; drawn only as workers become free.
        timeout : float, optional
            Seconds after which a piece of work is given up and its worker killed; not enforced
            with ``n_jobs=0``.
        hear : callable, optional
            Called with the position of the argument and what the function tells with
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
            If another `run` of this pool has not finished, or ``function`` cannot be found by name.
        """
        if self.n_jobs == 0:
            for index, argument in enumerate(arguments):
                listener = None if hear is None else partial(hear, index)
                yield index, _unpack(perform(function, argument, listener))
            return
        if self._busy:
            raise ValueError("This pool is at work; finish or close its other run first.")
        if getattr(function, "__module__", "__main__") == "__main__":
            raise ValueError(f"{function!r} lives in a script; workers need it in a module.")
        self._hear = hear
        try:
            yield from self._run(function, arguments, timeout)
        finally:
            for worker, _ in list(self._busy.values()):
                self._end(worker)

    def _run(
        self, function: Any, arguments: Iterable[Any], timeout: float | None
    ) -> Iterator[tuple[int, Any]]:
        fresh = (_Job(i, argument) for i, argument in enumerate(arguments))
        again: deque[_Job] = deque()
        while True:
            while len(self._busy) < self.n_jobs:
                job = again.popleft() if again else next(fresh, None)
                if job is None:
                    break
                self._hand_out(function, job)
            if not self._busy:
                return
            for job, outcome in self._collect(timeout):
                if outcome is not None:
                    yield job.index, _unpack(outcome)
                else:
                    again.append(job)

    def _hand_out(self, function: Any, job: _Job) -> None:
        worker = self._rested() or self._spawn()
        self._busy[worker.connection] = worker, job
        worker.silent = worker.busy = 0.0
        # If it dies right now, that is noticed when its end is read.
        with suppress(BrokenPipeError, ConnectionResetError):
            if worker.knows is not function:
                worker.connection.send_bytes(FUNCTION + pickle.dumps(function))
                worker.knows = function
            work = pickle.dumps((job.argument, job.deaths))
            worker.connection.send_bytes(ARGUMENT + work)

    def _collect(self, timeout: float | None) -> Iterator[tuple[_Job, tuple[bool, Any] | None]]:
        """Yield what has arrived: outcomes, and None for work whose worker died."""
        started = time.monotonic()
        ready = cast("list[Connection]", wait(list(self._busy), _TICK))
        # At most one tick per look: time in which this process slept or was stopped says nothing
        # about the workers.
        elapsed = min(time.monotonic() - started, _TICK)
        for worker, job in list(self._busy.values()):
            worker.silent += elapsed
            worker.busy += elapsed
            if worker.connection in ready:
                yield from self._read(worker, job)
            elif timeout is not None and worker.busy > timeout:
                self._end(worker)
                yield job, (False, WorkFailure("timeout", f"not done after {timeout:g} s"))
            elif worker.silent > self._silence:
                self._end(worker)
                yield from self._mourn(job, f"no sign of life for {self._silence:g} s")

    def _read(self, worker: _Worker, job: _Job) -> Iterator[tuple[_Job, tuple[bool, Any] | None]]:
        try:
            answer = worker.connection.recv_bytes()
        except (EOFError, OSError):
            yield from self._mourn(job, _cause(self._end(worker)))
            return
        worker.silent = 0.0
        if not answer:  # a heartbeat
            return
        if answer[:1] == REPORT:
            if self._hear is not None:
                self._hear(job.index, pickle.loads(answer[1:]))  # noqa: S301 - our own worker's
            return
        del self._busy[worker.connection]
        self._idle.append(worker)
        yield job, unpacked(answer)

    def _mourn(self, job: _Job, cause: str) -> Iterator[tuple[_Job, tuple[bool, Any] | None]]:
        job.deaths += 1
        if job.deaths <= self._retries:
            yield job, None
        else:
            times = "once" if job.deaths == 1 else f"{job.deaths} times"
            yield job, (False, WorkFailure("died", f"its worker died {times} ({cause})"))

    def _rested(self) -> _Worker | None:
        """Return an idle worker that still lives, its heartbeats read."""
        while self._idle:
            worker = self._idle.pop()
            try:
                while worker.connection.poll():
                    worker.connection.recv_bytes()
            except (EOFError, OSError):
                self._end(worker)
            else:
                return worker
        return None

    def _spawn(self) -> _Worker:
        for _ in range(2):
            nursery = self._nursery = self._nursery or Nursery(self._preload)
            try:
                return _Worker(*nursery.fork(), nursery)
            except OSError:
                self._nursery = None
                nursery.close()
        raise RuntimeError("The process that forks workers died twice at its start.")

    def _end(self, worker: _Worker) -> int:
        """Kill a worker and return how it ended."""
        self._busy.pop(worker.connection, None)
        worker.connection.close()
        if worker.nursery is not self._nursery:  # it died, and its workers with it
            return -signal.SIGKILL
        # The nursery reaps on request only, so this id is still that worker's.
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
        try:
            return self._nursery.reap(worker.pid)
        except OSError:
            self._nursery.close()
            self._nursery = None
            return -signal.SIGKILL


def _cause(status: int) -> str:
    if status == -signal.SIGKILL:
        return "SIGKILL: perhaps the system ran out of memory"
    return signal.Signals(-status).name if status < 0 else f"exit code {status}"


def _unpack(outcome: tuple[bool, Any]) -> Any:
    done, value = outcome
    if not done and isinstance(value, BaseException):
        raise value
    return value
