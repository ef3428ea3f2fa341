"""Where training computes, in which precision, and on how many threads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from wsgeo.errors import WsgeoError

# Tokens. On a CPU plain attention is up to twice as fast for a few of them; from here to 128 a whole
# update takes the same time, within 4 %, and beyond it is the slower one.
_SHORT = 64


def autocast(precision: str, device: Any) -> contextlib.AbstractContextManager[Any]:
    """Return the context in which a model computes in a precision.

    Parameters
    ----------
    precision : str
        ``float32`` or ``bfloat16``; the weights stay in float32.
    device : torch.device
        Where it computes.

    Returns
    -------
    context manager
        Does nothing for float32.
    """
    if precision == "float32":
        return contextlib.nullcontext()
    import torch

    return torch.autocast(device.type, dtype=torch.bfloat16)


def device_of(name: str) -> Any:
    """Return the device to train on.

    Parameters
    ----------
    name : str
        ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.

    Returns
    -------
    torch.device
        It.

    Raises
    ------
    WsgeoError
        If there is no GPU and one is asked for.
    """
    import torch

    if name == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if name == "cuda":
        raise WsgeoError("there is no GPU that torch can use", remedy="Use --device cpu.")
    return torch.device("cpu")


def attention_for(length: int, device: Any) -> str:
    """Return the faster implementation of attention.

    Parameters
    ----------
    length : int
        Tokens of the longest input.
    device : torch.device
        Where a model computes.

    Returns
    -------
    str
        ``sdpa``, or ``eager`` for short inputs on a CPU.

    Examples
    --------
    >>> import torch
    >>> attention_for(16, torch.device("cpu")), attention_for(16, torch.device("cuda"))
    ('eager', 'sdpa')
    """
    return "eager" if length <= _SHORT and device.type == "cpu" else "sdpa"


@contextlib.contextmanager
def alone(seed: int) -> Iterator[None]:
    """Run on one thread from a seed, and leave the caller's thread count and generator as they were.

    Parameters
    ----------
    seed : int
        Of torch's default generator.

    Yields
    ------
    None
        Nothing.
    """
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    cuda: Any = torch.cuda
    devices = range(cuda.device_count()) if cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(n_threads)
