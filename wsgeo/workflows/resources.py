"""What a scan may use: machines, memory, time."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, final

from wsgeo.errors import WsgeoError
from wsgeo.evaluation.devices import device_of
from wsgeo.processes.abstract import AbstractPool
from wsgeo.workflows.engines import ENGINES, workers

_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES: Final = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@final
@dataclass(frozen=True)
class Resources:
    """Machines, memory and time of a scan.

    Parameters
    ----------
    engine : str, default 'local'
        ``local``, or ``dask`` for workers on several machines.
    scheduler : str, optional
        Address of the Dask scheduler, such as ``tcp://host:8786``; default an own local cluster.
    device : str, default 'auto'
        Where forward passes run: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.
    memory : int, optional
        Bytes for loaded weights, over all processes; default 1 GiB each.
    budget : float, optional
        Seconds after which nothing more is begun.

    Raises
    ------
    WsgeoError
        If there is no such engine or device, or a scheduler is named for local workers.
    """

    engine: str = "local"
    scheduler: str | None = None
    device: str = "auto"
    memory: int | None = None
    budget: float | None = None

    def __post_init__(self) -> None:
        """Refuse unknown words, a scheduler that nobody would ask, and a GPU that is not there."""
        if self.engine not in ENGINES:
            raise WsgeoError(
                f"--engine is {self.engine!r}", remedy=f"Take one of {', '.join(ENGINES)}."
            )
        if self.scheduler is not None and self.engine != "dask":
            raise WsgeoError(
                "--scheduler is for --engine dask", remedy="Add it, or leave this out."
            )
        if self.scheduler is not None and "://" not in self.scheduler:
            raise WsgeoError(
                f"--scheduler is {self.scheduler!r}", remedy="Write it as tcp://host:8786."
            )
        if self.device != "auto":
            device_of(self.device)

    def workers(
        self, pool: AbstractPool | None, jobs: int | None
    ) -> AbstractContextManager[AbstractPool]:
        """Return the workers of the caller, or new ones that end with the block.

        Parameters
        ----------
        pool : AbstractPool or None
            Those of the caller.
        jobs : int or None
            How many new ones on this machine; default one per core, or one where a GPU computes.

        Returns
        -------
        context manager of AbstractPool
            The workers.
        """
        n = 1 if jobs is None and device_of(self.device) != "cpu" else jobs
        return workers(pool, n, self.engine, self.scheduler)

    def cache_bytes(self, n_jobs: int) -> int:
        """Return the memory of each process for loaded weights."""
        return 1 << 30 if self.memory is None else self.memory // max(1, n_jobs)


def seconds_of(text: str) -> float:
    """Return a duration in seconds.

    Parameters
    ----------
    text : str
        A number and a unit: ``90s``, ``30m``, ``1.5h``, ``2d``.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    WsgeoError
        If it is no duration.

    Examples
    --------
    >>> seconds_of("30m"), seconds_of("1.5h")
    (1800.0, 5400.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if found is None or float(found[1]) == 0:
        raise WsgeoError(f"--budget is {text!r}", remedy="Write a duration: 90s, 30m, 2h or 1d.")
    return float(found[1]) * _SECONDS[found[2]]


def bytes_of(text: str) -> int:
    """Return a size in bytes.

    Parameters
    ----------
    text : str
        A number and a unit: ``800M``, ``8GB``, ``1.5GiB``; units are powers of 1024.

    Returns
    -------
    int
        Bytes.

    Raises
    ------
    WsgeoError
        If it is no size.

    Examples
    --------
    >>> bytes_of("8GB") == bytes_of("8GiB") == 8 << 30
    True
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT])(?:i?B)?", text.strip(), re.IGNORECASE)
    if found is None or float(found[1]) == 0:
        raise WsgeoError(f"--memory is {text!r}", remedy="Write a size: 800M or 8GB.")
    return int(float(found[1]) * _BYTES[found[2].upper()])
