"""Who does the work: processes, and the engine of one loss group."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import EntryError
from wsgeo.evaluation.backends import KNOWN, Backends, choose, resumed
from wsgeo.evaluation.devices import device_of
from wsgeo.evaluation.engine import Engine
from wsgeo.evaluation.losses import Point
from wsgeo.paths.line_races import shuffled_name
from wsgeo.processes.abstract import AbstractPool
from wsgeo.processes.dask_pool import DaskPool
from wsgeo.processes.pool import WorkerPool
from wsgeo.processes.worker import WorkFailure
from wsgeo.progress import Progress
from wsgeo.store import Ledger
from wsgeo.tasks.ordering import stratified_order
from wsgeo.tasks.task import EncodedExamples
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData
from wsgeo.zoo.checkpoints import Checkpoint

ENGINES = ("local", "dask")
"""Where work is done: by processes of this machine, or by the workers of a Dask cluster."""


@contextlib.contextmanager
def workers(
    pool: AbstractPool | None,
    jobs: int | None,
    engine: str = "local",
    scheduler: str | None = None,
) -> Iterator[AbstractPool]:
    """Give the workers of the caller, or new ones that end with the block.

    Parameters
    ----------
    pool : AbstractPool or None
        Those of the caller.
    jobs : int or None
        How many new ones on this machine; default one per core.
    engine : str, default 'local'
        ``local`` (processes of this machine) or ``dask`` (workers of a Dask cluster).
    scheduler : str, optional
        Address of the cluster's scheduler; default a new cluster on this machine.

    Yields
    ------
    AbstractPool
        The workers.

    Raises
    ------
    ValueError
        If there is no such engine, or a scheduler is given to the local one.
    """
    if engine not in ENGINES:
        raise ValueError(f"No engine is called {engine!r}; there are {', '.join(ENGINES)}.")
    if scheduler is not None and engine != "dask":
        raise ValueError(f"Only Dask has a scheduler; engine is {engine!r}.")
    if pool is not None:
        yield pool
        return
    n_jobs = n_cores() if jobs is None else jobs
    own = WorkerPool(n_jobs) if engine == "local" else DaskPool(scheduler, n_jobs=max(1, n_jobs))
    with own:
        yield own


def n_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def engine_for(
    group: GroupData,
    pool: AbstractPool,
    ledger: Ledger,
    settings: ScanSettings,
    progress: Progress | None,
    backends: Backends | None = None,
    cache_bytes: int = 1 << 30,
) -> Engine:
    """Return the engine of one loss group.

    Parameters
    ----------
    group : GroupData
        Members and examples.
    pool : AbstractPool
        Processes.
    ledger : Ledger
        Finished work.
    settings : ScanSettings
        Seed and batch size.
    progress : Progress or None
        Told of every evaluation.
    backends : Backends, optional
        What evaluates the group; default what `backends_for` returns.
    cache_bytes : int, default 1 GiB
        Memory of each process for loaded weights.

    Returns
    -------
    Engine
        Knows the examples under the task's name, and in random order.
    """
    name, order = group.task.name, order_of(group, settings)
    backends = backends or backends_for(group, pool, ledger, settings)
    return Engine(
        group.members,
        {name: group.encoded, shuffled_name(name): group.encoded.rows(order)},
        pool=pool,
        ledger=ledger,
        progress=progress,
        precision=backends.precision,
        backends=backends,
        token_budget=settings.token_budget,
        cache_bytes=cache_bytes,
    )


def order_of(group: GroupData, settings: ScanSettings) -> NDArray[np.int64]:
    """Return the random order of a group's examples in which races see them.

    Parameters
    ----------
    group : GroupData
        Members and examples.
    settings : ScanSettings
        The seed.

    Returns
    -------
    ndarray of int64, shape (n_examples,)
        Positions of examples.
    """
    return stratified_order(group.encoded, settings.seed)


def backends_for(
    group: GroupData,
    pool: AbstractPool,
    ledger: Ledger,
    settings: ScanSettings,
    further: Collection[EncodedExamples] = (),
    device: str = "auto",
) -> Backends:
    """Return what evaluates a loss group: as before in this run, else the fastest that is right.

    Parameters
    ----------
    group : GroupData
        Members and examples.
    pool : AbstractPool
        One of its processes compares the backends.
    ledger : Ledger
        Finished work: the key of a loss tells how it was computed.
    settings : ScanSettings
        Precision.
    further : collection of EncodedExamples
        What else the members will be evaluated on.
    device : str, default 'auto'
        Where to compute: see `wsgeo.evaluation.devices.device_of`.

    Returns
    -------
    Backends
        Of the group.

    Raises
    ------
    WsgeoError
        If there is no such device.
    """
    examples, found_device = (group.encoded, *further), device_of(device)
    # A run that was measured without the GPU that is here now goes on without it.
    devices = dict.fromkeys([found_device, *(["cpu"] if device == "auto" else [])])
    for place, kernel in itertools.product(devices, (each.kernel for each in KNOWN)):
        before = Backends(kernel, precision=settings.precision, device=place)
        if any(_is_kept(ledger, before, m, group) for m in group.members):
            return resumed(kernel, examples, settings.precision, place)
    device = found_device
    asked = group.members, examples, settings.precision, device
    [(_, found)] = pool.run(choose_in_worker, [asked])
    if isinstance(found, WorkFailure):
        reason = found.reason.rstrip(".")
        return Backends(reason=reason, precision=settings.precision, device=device)
    return found


def choose_in_worker(
    asked: tuple[Sequence[Checkpoint], Sequence[EncodedExamples], str, str],
) -> Backends:
    """Choose backends by the first member that can be loaded.

    Parameters
    ----------
    asked : tuple of (sequence of Checkpoint, sequence of EncodedExamples, str, str)
        Members of a loss group, examples, number format, and device.

    Returns
    -------
    Backends
        The choice.
    """
    from wsgeo.zoo import load_weights

    members, examples, precision, device = asked
    reason = "the group has no members"
    for member in members:
        try:
            return choose(member, examples, load_weights, precision, device)
        except EntryError as error:
            # A file that is refused costs its own points, when they are evaluated.
            reason = str(error).rstrip(".")
    return Backends(reason=reason, precision=precision, device=device)


def _is_kept(ledger: Ledger, backends: Backends, member: Checkpoint, group: GroupData) -> bool:
    """Return whether a member's loss was computed in this way before."""
    precision = backends.precision_of(backends.precision)
    key = Point.of(member.content_hash).key(group.encoded.key, precision)
    return ledger.get(key) is not None
