"""What a scan may use: machines, memory, time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, final

from wsgeo.errors import WsgeoError

_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

ENGINES: Final = ("local", "dask")


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
    """

    engine: str = "local"
    scheduler: str | None = None
    device: str = "auto"
    memory: int | None = None
    budget: float | None = None

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
        raise WsgeoError(f"--budget is {text!r}", remedy="Write a duration: 90s, 30m or 2h.")
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
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if found is None or float(found[1]) == 0:
        raise WsgeoError(f"--memory is {text!r}", remedy="Write a size: 800M or 8GB.")
    return int(float(found[1]) * _BYTES[found[2].upper()])
