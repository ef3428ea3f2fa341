"""One process for what untrusted files make libraries do: it may hang or die in the caller's place."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from wsgeo.processes.pool import PRELOAD, WorkerPool
from wsgeo.processes.worker import WorkFailure, is_worker

Argument = TypeVar("Argument")
Result = TypeVar("Result")

MEMORY_BYTES = 4 << 30
"""What the process may take beyond the libraries that it was born with."""

_PRELOAD = (*PRELOAD, "tokenizers", "transformers.models.auto.modeling_auto")
_lock = threading.Lock()
_pools: list[WorkerPool] = []


class ApartError(Exception):
    """The work could not be done: it raised, hung, or died of itself or for want of memory."""


def apart(
    function: Callable[[Argument], Result], argument: Argument, *, seconds: float = 60.0
) -> Result:
    """Call a function where it can do no harm: in a process with limits of time and memory.

    The process is kept from call to call, and replaced when it hangs or dies. A worker of a pool,
    whose pool already looks after it, calls the function itself.

    Parameters
    ----------
    function : callable
        A module-level function.
    argument : object
        Its argument; like the result, it is pickled.
    seconds : float, default 60
        Time after which the process is killed.

    Returns
    -------
    object
        What the function returned.

    Raises
    ------
    WsgeoError
        If the function raised one.
    ApartError
        If it raised anything else, took too long, or its process died.
    """
    if is_worker():
        return function(argument)
    with _lock, closing(_pool().run(_confined, [(function, argument)], timeout=seconds)) as run:
        outcome = next(run)[1]
    if isinstance(outcome, WorkFailure):
        raise ApartError(outcome.reason)
    return cast("Result", outcome)


def _pool() -> WorkerPool:
    """Return the pool of one, made at the first call: libraries are not imported for nothing."""
    if not _pools:
        # What killed one process kills the next: nothing is tried again.
        _pools.append(WorkerPool(1, preload=_PRELOAD, retries=0, silence=float("inf")))
        atexit.register(_pools[0].close)
    return _pools[0]


def _confined(request: tuple[Callable[[Any], Any], Any]) -> Any:
    if is_worker():
        _confine()
    function, argument = request
    return function(argument)


@cache
def _confine() -> None:
    """Limit the memory of this process, and keep what libraries print from the user's terminal."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    if sys.platform == "linux":
        import resource

        with Path("/proc/self/statm").open(encoding="ascii") as file:
            mapped = int(file.read().split()[0]) * resource.getpagesize()
        limit = mapped + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
