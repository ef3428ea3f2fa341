"""Who does the work: processes, and the engine of one loss group."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from wsgeo.evaluation.engine import Engine
from wsgeo.processes.pool import WorkerPool
from wsgeo.progress import Progress
from wsgeo.store import Ledger
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData


@contextlib.contextmanager
def workers(pool: WorkerPool | None, jobs: int | None) -> Iterator[WorkerPool]:
    """Give the processes of the caller, or new ones that end with the block.

    Parameters
    ----------
    pool : WorkerPool or None
        Those of the caller.
    jobs : int or None
        How many new ones; default one per core.

    Yields
    ------
    WorkerPool
        The processes.
    """
    if pool is not None:
        yield pool
        return
    with WorkerPool(n_cores() if jobs is None else jobs) as own:
        yield own


def n_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def engine_for(
    group: GroupData,
    pool: WorkerPool,
    ledger: Ledger,
    settings: ScanSettings,
    progress: Progress | None,
) -> Engine:
    """Return the engine of one loss group.

    Parameters
    ----------
    group : GroupData
        Members and examples.
    pool : WorkerPool
        Processes.
    ledger : Ledger
        Finished work.
    settings : ScanSettings
        Precision and batch size.
    progress : Progress or None
        Told of every evaluation.

    Returns
    -------
    Engine
        Knows the examples under the task's name.
    """
    return Engine(
        group.members,
        {group.task.name: group.encoded},
        pool=pool,
        ledger=ledger,
        progress=progress,
        precision=settings.precision,
        token_budget=settings.token_budget,
    )
