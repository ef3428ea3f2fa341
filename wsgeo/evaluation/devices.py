"""Where losses are computed."""

from __future__ import annotations

import sys
from pathlib import Path

from wsgeo.errors import WsgeoError


def device_of(name: str) -> str:
    """Return the device that a word asks for.

    Parameters
    ----------
    name : str
        ``auto`` (a GPU where there is one), ``cpu``, ``cuda``, or one GPU of several: ``cuda:1``.

    Returns
    -------
    str
        ``cpu`` or ``cuda:NUMBER``.

    Raises
    ------
    WsgeoError
        If there is no such GPU, or no such word.

    Examples
    --------
    >>> device_of("cpu")
    'cpu'
    """
    if name == "cpu" or (name == "auto" and not _may_have_a_gpu()):
        return "cpu"
    import torch

    kind, _, number = name.partition(":")
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return "cuda:0" if n_gpus else "cpu"
    if kind != "cuda" or (number and not number.isdecimal()):
        raise WsgeoError(
            f"--device is {name!r}", remedy="Take auto, cpu, cuda, or one GPU such as cuda:1."
        )
    if not n_gpus:
        raise WsgeoError("there is no GPU that torch can use", remedy="Use --device cpu.")
    if int(number or 0) >= n_gpus:
        raise WsgeoError(
            f"there is no {name}: torch can use {n_gpus} GPUs", remedy="Count from cuda:0."
        )
    return f"cuda:{int(number or 0)}"


def _may_have_a_gpu() -> bool:
    """Tell without torch, whose import takes a second, whether it is worth asking."""
    if sys.platform != "linux":
        return sys.platform == "win32"
    return any(Path("/dev", name).exists() for name in ("nvidiactl", "dxg", "kfd"))
