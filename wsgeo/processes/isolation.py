"""One process for what untrusted files make libraries do: it may hang or die in the caller's place."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from functools import cache, lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from wsgeo.processes.pool import PRELOAD, WorkerPool
from wsgeo.processes.worker import WorkFailure, is_worker

Ask = TypeVar("Ask", bound=Callable[..., Any])
Argument = TypeVar("Argument")
Result = TypeVar("Result")

MEMORY_BYTES = 4 << 30
"""What the process may take beyond the libraries that it was born with."""

_PRELOAD = (*PRELOAD, "tokenizers", "transformers.models.auto.modeling_auto")
_lock = threading.Lock()


def run_apart(
    function: Callable[[Argument], Result], argument: Argument, *, seconds: float = 60.0
) -> Result | WorkFailure:
    """Call a function where it may hang or die: in a process with limits of time and memory.

    The process is kept from call to call, and replaced when it hangs or dies. A worker of a pool,
    whose pool already looks after it, calls the function itself.

    This guards against accidents, not against a function that is taken over: its answer is
    unpickled by the caller. Without fork (Windows) it runs in the caller's own process, without
    limits; what it raises is a failure there too.

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


def remembered(ask: Ask) -> Ask:
    """Remember what a function answers, but not that a process died before it could.

    A death can be the machine's fault and is noticed at once. A time-out is remembered: entries of
    one family that keep a library busy would else each cost the whole time.

    Parameters
    ----------
    ask : callable
        A function of hashable positional arguments that may return a `WorkFailure`.

    Returns
    -------
    callable
        The same function, its last 4096 answers remembered.
    """

    @lru_cache(maxsize=4096)
    def settled(*args: Any) -> Any:
        answer = ask(*args)
        if isinstance(answer, WorkFailure) and answer.cause == "died":
            raise _DiedError(answer)  # an exception is not remembered
        return answer

    @wraps(ask)
    def answered(*args: Any) -> Any:
        try:
            return settled(*args)
        except _DiedError as death:
            return death.args[0]

    return cast("Ask", answered)


class _DiedError(Exception):
    """Carries the failure of a process that died."""


def remedy_of(failure: WorkFailure, otherwise: str) -> str:
    """Return what to do about a failure: a process that was ended may end well elsewhere.

    Parameters
    ----------
    failure : WorkFailure
        What `run_apart` returned.
    otherwise : str
        The remedy where the library itself refused.

    Returns
    -------
    str
        One or two sentences.

    Examples
    --------
    >>> remedy_of(WorkFailure("timeout", "not done after 60 s"), "Restore the config.")
    'Run the command again when the machine is less busy. If that does not help: Restore the config.'
    """
    again = {
        "timeout": "Run the command again when the machine is less busy.",
        "died": "Run the command again with more memory free.",
    }.get(failure.cause)
    return f"{again} If that does not help: {otherwise}" if again else otherwise


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
