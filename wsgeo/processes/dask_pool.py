"""A pool whose workers are those of a Dask cluster: several machines, and some of them may go."""

from __future__ import annotations

import pickle
import queue
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from wsgeo.errors import WsgeoError
from wsgeo.processes.abstract import AbstractPool, Death, Job, Outcome
from wsgeo.processes.dask_cluster import Cluster, Letter, outcome_of
from wsgeo.processes.dask_worker import Errand
from wsgeo.processes.pool import PRELOAD

_TICK = 1.0  # seconds between two looks at who is there


@dataclass
class _Slot:
    worker: str | None = None  # address of a Dask worker; None once it is gone
    knows: str = ""  # the function that it was sent last


@dataclass
class _Flight:
    slot: int
    job: Job
    future: Any


@final
class DaskPool(AbstractPool):
    """Workers of a Dask cluster that do independent pieces of work, one each at a time.

    Every thread of a Dask worker is a slot, and has a process of its own there, which is what a
    worker of `WorkerPool` is: on one thread, without the hub, replaced when it dies. What a function
    learns stays in the slot's process. A piece of work goes to the Dask worker of its slot and, when
    that is lost, to another. Dask workers that join are given slots, those of the lost ones first.

    Every machine has to see the files that the work names under the same paths, and needs the
    versions of the caller.

    Parameters
    ----------
    scheduler : str, optional
        Address of the cluster's scheduler, as ``tcp://host:8786``; default a cluster of its own on
        this machine, which ends with the pool.
    n_jobs : int, default 1
        Number of Dask workers in the cluster of its own.
    preload : tuple of str, optional
        Modules imported before a slot's first work.
    retries : int, default 2
        How often a piece of work whose worker died is tried again.
    silence : float, default 60
        Seconds without a sign of life after which a slot's process is taken for dead.
    patience : float, default 300
        Seconds that the pool waits for a Dask worker while there is none.

    Raises
    ------
    MissingAssetError
        If Dask is not installed.
    WsgeoError
        If the scheduler does not answer, or no Dask worker that has the caller's versions joins in
        time.
    ValueError
        If ``n_jobs`` is less than 1.
    """

    def __init__(
        self,
        scheduler: str | None = None,
        *,
        n_jobs: int = 1,
        preload: tuple[str, ...] = PRELOAD,
        retries: int = 2,
        silence: float = 60.0,
        patience: float = 300.0,
    ) -> None:
        if n_jobs < 1:
            raise ValueError(f"n_jobs is {n_jobs}; it must be 1 or more.")
        self._scheduler, self._n_workers, self._preload = scheduler, n_jobs, preload
        self._retries, self._silence, self._patience = retries, silence, patience
        self._cluster: Cluster | None = None
        self._slots: list[_Slot] = []
        self._flights: dict[str, _Flight] = {}
        self._lost: list[Job] = []
        self._function: Any = None
        self._name, self._content = "", b""
        self._looked = 0.0
        self._deserted: float | None = None
        self._connected()

    @property
    def n_jobs(self) -> int:
        """Number of slots that have a Dask worker or had one; at least 1."""
        return max(1, len(self._slots))

    def close(self) -> None:
        """End the slots' processes and the pool's own cluster; a later `run` connects again."""
        cluster, self._cluster = self._cluster, None
        self._slots, self._flights, self._lost = [], {}, []
        if cluster is not None:
            cluster.close()

    def _connected(self) -> Cluster:
        if self._cluster is None:
            self._cluster = Cluster(self._scheduler, self._n_workers)
            try:
                self._look()
                while not self._free():
                    time.sleep(_TICK / 10)
            except BaseException:
                self.close()
                raise
        return self._cluster

    def _free(self) -> list[int]:
        self._connected()
        if time.monotonic() - self._looked > _TICK:
            self._look()
        busy = {flight.slot for flight in self._flights.values()}
        return [i for i, slot in enumerate(self._slots) if slot.worker and i not in busy]

    def _jobs(self) -> int:
        return len(self._flights) + len(self._lost)

    def _begin(self, slot: int, function: Any, job: Job) -> None:
        place, cluster = self._slots[slot], self._connected()
        assert place.worker is not None
        if self._function is not function:
            self._content = pickle.dumps(function, pickle.HIGHEST_PROTOCOL)
            self._function, self._name = function, uuid.uuid4().hex
        errand = Errand(
            session=cluster.session,
            slot=slot,
            function=self._name,
            content=None if place.knows == self._name else self._content,
            argument=pickle.dumps(job.argument, pickle.HIGHEST_PROTOCOL),
            folder=str(Path.cwd()),
            timeout=job.timeout,
            deaths=job.deaths,
            hears=job.hear is not None,
            key=f"wsgeo-{uuid.uuid4().hex}",
            preload=self._preload,
            silence=self._silence,
        )
        self._flights[errand.key] = _Flight(slot, job, cluster.send(errand, place.worker))
        place.knows = self._name

    def _collect(self) -> Iterator[tuple[Job, Outcome | Death]]:
        for letter in _arrived(self._connected().mail):
            yield from self._read(letter)
        if time.monotonic() - self._looked > _TICK:
            self._look()
        while self._lost:
            yield self._lost.pop(), Death("its Dask worker is gone")

    def _read(self, letter: Letter) -> Iterator[tuple[Job, Outcome | Death]]:
        key = letter if isinstance(letter, str) else letter[0]
        flight = self._flights.get(key)
        if flight is None:  # given up
            return
        if not isinstance(letter, str):
            if flight.job.hear is not None:
                flight.job.hear(letter[1])
            return
        outcome = outcome_of(flight.future)
        del self._flights[key]
        if outcome is None:  # the slot's process forgot the function
            self._slots[flight.slot].knows = ""
            self._begin(flight.slot, self._function, flight.job)
        else:
            yield flight.job, outcome

    def _drop(self) -> None:
        flights, self._flights, self._lost = self._flights, {}, []
        if flights and self._cluster is not None:
            self._cluster.give_up([flight.future for flight in flights.values()])

    def _look(self) -> None:
        """Give slots to Dask workers that joined, and take them from those that are gone."""
        cluster = self._connected()
        self._looked = time.monotonic()
        present = cluster.present()
        for slot in self._slots:
            if slot.worker not in present:
                slot.worker, slot.knows = None, ""
        for key, flight in list(self._flights.items()):
            if self._slots[flight.slot].worker is None:
                self._lost.append(self._flights.pop(key).job)
                flight.future.cancel()
        held = {slot.worker for slot in self._slots}
        for name in cluster.admitted([name for name in present if name not in held]):
            for _ in range(present[name]):
                self._vacant().worker = name
        if any(slot.worker for slot in self._slots):
            self._deserted = None
            return
        self._deserted = self._looked if self._deserted is None else self._deserted
        if self._looked - self._deserted >= self._patience:
            raise WsgeoError(
                f"there has been no Dask worker to use for {self._patience:g} s",
                where=cluster.address,
                remedy="Start workers with `dask worker`, then run the command again: "
                "what was finished is kept.",
            )

    def _vacant(self) -> _Slot:
        for slot in self._slots:
            if slot.worker is None:
                return slot
        self._slots.append(_Slot())
        return self._slots[-1]


def _arrived(mail: queue.SimpleQueue[Letter]) -> list[Letter]:
    """Wait for a moment, and return what has come."""
    letters = []
    with suppress(queue.Empty):
        letters.append(mail.get(timeout=_TICK))
        while True:
            letters.append(mail.get_nowait())
    return letters
