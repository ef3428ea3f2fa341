"""What runs inside a Dask worker: for each slot a process as in a pool of this machine.

The Dask worker itself loads no model and unpickles no work. It keeps, per slot, a `WorkerPool` of
one: a process on one thread that cannot reach the hub, may die alone, and stays from one piece of
work to the next with what it has loaded.
"""

from __future__ import annotations

import os
import pickle
import platform
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, final

from wsgeo.processes.abstract import Death, Job, Outcome
from wsgeo.processes.pool import WorkerPool
from wsgeo.version import __version__

IDLE = 600.0
"""Seconds after which a process that is given no work ends: its caller may be gone."""

_PACKAGES = ("distributed", "torch", "transformers")
_places: dict[str, _Place] = {}
_lock = threading.Lock()


@final
@dataclass(frozen=True)
class Errand:
    """A piece of work on its way to a Dask worker.

    Parameters
    ----------
    session, slot : str, int
        Which pool sends it, for which of its slots; reports go to the topic of that name.
    function : str
        Name of the function to call.
    content : bytes or None
        The function, pickled; None where this slot was sent it before.
    argument : bytes
        Its argument, pickled.
    folder : str
        The caller's current folder, from which relative paths count.
    timeout : float or None
        Seconds that the work may take.
    deaths : int
        How many workers have died on it.
    hears : bool
        Whether anybody listens to what the function reports.
    key : str
        Name of this errand.
    preload : tuple of str
        Modules that the slot's process is born with.
    silence : float
        Seconds without a sign of life after which that process is taken for dead.
    """

    session: str
    slot: int
    function: str
    content: bytes | None = field(repr=False)
    argument: bytes = field(repr=False)
    folder: str
    timeout: float | None
    deaths: int
    hears: bool
    key: str
    preload: tuple[str, ...]
    silence: float


@final
class Courier:
    """Calls a function that travelled as bytes; only the process that does the work unpickles it.

    Parameters
    ----------
    content : bytes
        The function, pickled.
    """

    def __init__(self, content: bytes) -> None:
        self._content, self._function = content, None

    def __call__(self, request: tuple[str, bytes]) -> bytes:
        """Return the pickled result of a pickled argument, relative to the caller's folder."""
        folder, argument = request
        # Where it does not exist, a file that is missed tells.
        with suppress(OSError):
            os.chdir(folder)
        if self._function is None:
            self._function = pickle.loads(self._content)  # noqa: S301 - written by the caller's pool
        function: Any = self._function
        return pickle.dumps(function(pickle.loads(argument)), pickle.HIGHEST_PROTOCOL)  # noqa: S301


def answer(errand: Errand) -> Outcome | Death | None:
    """Have a piece of work done by the process of its slot.

    Parameters
    ----------
    errand : Errand
        The work.

    Returns
    -------
    tuple of (bool, object), Death or None
        ``(True, pickled result)`` or what `wsgeo.processes.worker.perform` gives for an error; how
        the process ended; None where the function is not known here and has to be sent again.
    """
    name = f"{errand.session}/{errand.slot}"
    with _lock:
        place = _places.get(name) or _Place(name, errand.preload, errand.silence)
        _places[name] = place
    return place.answer(errand)


def interrupt(session: str) -> None:
    """Kill the processes of a pool that are at work."""
    for place in _of(session):
        place.pool.interrupt()


def release(session: str) -> None:
    """End the processes of a pool."""
    for place in _of(session):
        place.pool.interrupt()
        # The Dask worker's own thread must not wait for their end.
        threading.Thread(target=place.close, daemon=True).start()


def surroundings() -> dict[str, str]:
    """Return the versions that must be those of the caller.

    Returns
    -------
    dict of str to str
        By package; ``-`` for one that is not installed.
    """
    return {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "wsgeo": __version__,
        **{package: _version(package) for package in _PACKAGES},
    }


@final
class _Place:
    """The process of a slot."""

    def __init__(self, name: str, preload: tuple[str, ...], silence: float) -> None:
        # Dask's nanny has memory given back at once; inherited, it makes evaluations cost 37 % more.
        os.environ.pop("MALLOC_TRIM_THRESHOLD_", None)
        self.pool = WorkerPool(1, preload=preload, retries=0, silence=silence)
        self._name, self._knows = name, ""
        self._courier: Courier | None = None
        self._busy = threading.Lock()
        self._timer: threading.Timer | None = None

    def answer(self, errand: Errand) -> Outcome | Death | None:
        with self._busy:
            if self._timer is not None:
                self._timer.cancel()
            if errand.content is not None:
                self._knows, self._courier = errand.function, Courier(errand.content)
            if self._knows != errand.function:
                return None
            hear = _teller(errand.session, errand.key) if errand.hears else None
            request = errand.folder, errand.argument
            work = Job(0, request, hear, errand.timeout, errand.deaths)
            try:
                return self.pool.once(self._courier, work)
            finally:
                self._timer = threading.Timer(IDLE, self.close)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        with _lock:
            if _places.get(self._name) is self:
                del _places[self._name]
        with self._busy:
            if self._timer is not None:
                self._timer.cancel()
            self.pool.close()


def _of(session: str) -> list[_Place]:
    with _lock:
        return [place for name, place in _places.items() if name.startswith(f"{session}/")]


def _teller(session: str, key: str) -> Callable[[Any], None]:
    """Return what passes a report on to the caller's pool."""
    from distributed import get_worker

    worker = get_worker()
    return lambda value: worker.log_event(session, [key, pickle.dumps(value)])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "-"
