"""One process for what untrusted files make libraries do: it may hang or die in the caller's place."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
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


def apart(
    function: Callable[[Argument], Result], argument: Argument, *, seconds: float = 60.0
) -> Result | WorkFailure:
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
    object or WorkFailure
        What the function returned; a failure where it raised, took too long, or its process died.

    Raises
    ------
    WsgeoError
        If the function raised one.
    """
    if is_worker():
        [(_, outcome)] = WorkerPool(0).run(function, [argument])
        return outcome
    with _lock:
        [(_, answer)] = _pool().run(_confined, [(function, argument)], timeout=seconds)
    return cast("Result | WorkFailure", answer)


@cache
def _pool() -> WorkerPool:
    """Return the pool of one, made at the first call: libraries are not imported for nothing."""
    # What killed one process would kill the next: nothing is tried again. Only `seconds` decide how
    # long it may be silent: a library in a loop need not let its heart beat.
    pool = WorkerPool(1, preload=_PRELOAD, retries=0, silence=float("inf"))
    atexit.register(pool.close)
    return pool


def _confined(request: tuple[Callable[[Any], Any], Any]) -> Any:
    # Without fork (Windows) this is the caller's own process.
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
