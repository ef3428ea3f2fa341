"""A supervised pool of single-threaded processes: one death costs one piece of work."""

from __future__ import annotations

import os
import pickle
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Self, cast, final

from wsgeo.processes.abstract import AbstractPool, Death, Job, Outcome
from wsgeo.processes.nursery import Nursery
from wsgeo.processes.worker import ARGUMENT, FUNCTION, REPORT, WorkFailure, perform, unpacked

PRELOAD = ("numpy", "torch", "safetensors", "transformers.modeling_utils")
"""Modules that every worker is born with."""

_TICK = 1.0  # seconds between two looks at workers that say nothing


@dataclass
class _Worker:
    slot: int
    pid: int
    connection: Connection
    nursery: Nursery
    knows: object = None  # the function that it was sent last
    silent: float = 0.0
    busy: float = 0.0


@final
class WorkerPool(AbstractPool):
    """Processes on this machine that do independent pieces of work, one each at a time.

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
        self._n_jobs = n_jobs if hasattr(os, "fork") else 0
        self._preload, self._retries, self._silence = preload, retries, silence
        self._nursery: Nursery | None = None
        self._workers: dict[int, _Worker] = {}
        self._busy: dict[Connection, tuple[_Worker, Job]] = {}
        self._done: list[tuple[Job, Outcome]] = []  # in this process

    def __enter__(self) -> Self:
        """Start importing the heavy modules in the background."""
        if self._n_jobs:
            self._nursery = self._nursery or Nursery(self._preload)
        return self

    @property
    def n_jobs(self) -> int:
        """Number of processes; 0 does the work in this one."""
        return self._n_jobs

    def close(self) -> None:
        """End all workers; a later `run` starts new ones."""
        for worker in self._workers.values():
            worker.connection.close()
        self._workers, self._busy = {}, {}
        if self._nursery is not None:
            nursery, self._nursery = self._nursery, None
            nursery.close()

    def once(self, function: Any, job: Job) -> Outcome | Death:
        """Do one piece of work in slot 0, tried once: the caller decides what a death means."""
        self._begin(0, function, job)
        try:
            while True:
                for _, outcome in self._collect():
                    return outcome
        finally:
            self._drop()

    def interrupt(self) -> None:
        """Kill the workers that are busy, from any thread: their work is answered by a death."""
        for worker, _ in list(self._busy.values()):
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)

    def _free(self) -> list[int]:
        busy = {worker.slot for worker, _ in self._busy.values()}
        n_slots = self._n_jobs or (not self._done)
        return [slot for slot in range(n_slots) if slot not in busy]

    def _jobs(self) -> int:
        return len(self._busy) + len(self._done)

    def _begin(self, slot: int, function: Any, job: Job) -> None:
        if self._n_jobs == 0:
            self._done.append((job, perform(function, job.argument, job.hear)))
            return
        worker = self._rested(slot) or self._spawn(slot)
        self._busy[worker.connection] = worker, job
        worker.silent = worker.busy = 0.0
        # If it dies right now, that is noticed when its end is read.
        with suppress(BrokenPipeError, ConnectionResetError):
            if worker.knows is not function:
                worker.connection.send_bytes(FUNCTION + pickle.dumps(function))
                worker.knows = function
            work = pickle.dumps((job.argument, job.deaths))
            worker.connection.send_bytes(ARGUMENT + work)

    def _drop(self) -> None:
        self._done.clear()
        for worker, _ in list(self._busy.values()):
            self._end(worker)

    def _collect(self) -> Iterator[tuple[Job, Outcome | Death]]:
        while self._done:
            yield self._done.pop()
        started = time.monotonic()
        ready = cast("list[Connection]", wait(list(self._busy), _TICK)) if self._busy else []
        # At most one tick per look: time in which this process slept or was stopped says nothing
        # about the workers.
        elapsed = min(time.monotonic() - started, _TICK)
        for worker, job in list(self._busy.values()):
            worker.silent += elapsed
            worker.busy += elapsed
            if worker.connection in ready:
                yield from self._read(worker, job)
            elif job.timeout is not None and worker.busy > job.timeout:
                self._end(worker)
                reason = f"not done after {job.timeout:g} s"
                yield job, (False, WorkFailure("timeout", reason))
            elif worker.silent > self._silence:
                self._end(worker)
                yield job, Death(f"no sign of life for {self._silence:g} s")

    def _read(self, worker: _Worker, job: Job) -> Iterator[tuple[Job, Outcome | Death]]:
        try:
            answer = worker.connection.recv_bytes()
        except (EOFError, OSError):
            yield job, Death(_cause(self._end(worker)))
            return
        worker.silent = 0.0
        if not answer:  # a heartbeat
            return
        if answer[:1] == REPORT:
            if job.hear is not None:
                job.hear(pickle.loads(answer[1:]))  # noqa: S301 - our own worker's
            return
        del self._busy[worker.connection]
        yield job, unpacked(answer)

    def _rested(self, slot: int) -> _Worker | None:
        """Return the slot's worker if it still lives, its heartbeats read."""
        worker = self._workers.get(slot)
        if worker is None:
            return None
        try:
            while worker.connection.poll():
                worker.connection.recv_bytes()
        except (EOFError, OSError):
            self._end(worker)
            return None
        return worker

    def _spawn(self, slot: int) -> _Worker:
        for _ in range(2):
            nursery = self._nursery = self._nursery or Nursery(self._preload)
            try:
                worker = self._workers[slot] = _Worker(slot, *nursery.fork(), nursery)
            except OSError:
                self._nursery = None
                nursery.close()
            else:
                return worker
        raise RuntimeError("The process that forks workers died twice at its start.")

    def _end(self, worker: _Worker) -> int:
        """Kill a worker and return how it ended."""
        self._busy.pop(worker.connection, None)
        if self._workers.get(worker.slot) is worker:
            del self._workers[worker.slot]
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
