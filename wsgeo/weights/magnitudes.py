"""The largest entries of a tensor that is read in slices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from wsgeo.weights.blocks import blocks
from wsgeo.weights.layout import Vector

_HALF: Final = 16  # bits of a magnitude that are counted at a time
_WIDTH: Final = 1 << 18


def smallest_kept(read: Callable[[slice], Vector], size: int, n_kept: int) -> float:
    """Return the magnitude of the smallest of the largest entries of a tensor.

    It is exact, and takes two readings of a large tensor instead of memory for it: the bits of a
    magnitude grow with it, and are counted in two halves.

    Parameters
    ----------
    read : callable (slice) -> ndarray of float32
        Returns a slice of the tensor.
    size : int
        Number of its entries.
    n_kept : int
        How many are kept, from 1 to ``size``.

    Returns
    -------
    float
        The ``n_kept``-th largest magnitude.

    Examples
    --------
    >>> values = np.float32([0.5, -3, 2, 0])
    >>> smallest_kept(values.__getitem__, 4, 2)
    2.0
    """
    if size <= _WIDTH:
        return float(np.partition(np.abs(read(slice(0, size))), size - n_kept)[size - n_kept])
    upper, rank = _find(read, size, n_kept, None)
    lower, _ = _find(read, size, rank, upper)
    return float(np.uint32((upper << _HALF) | lower).view(np.float32))


def _find(
    read: Callable[[slice], Vector], size: int, rank: int, upper: int | None
) -> tuple[int, int]:
    """Return the half of the bits of the ``rank``-th largest magnitude, and its rank among equals."""
    counts = np.zeros(1 << _HALF, np.int64)
    for columns in blocks(size, _WIDTH):
        bits = np.abs(read(columns)).view(np.uint32)
        half = bits >> _HALF
        if upper is not None:
            half = bits[half == upper] & (counts.size - 1)
        counts += np.bincount(half, minlength=counts.size)
    at_least = counts[::-1].cumsum()[::-1]
    found = int(np.flatnonzero(at_least >= rank)[-1])
    return found, int(rank - (at_least[found] - counts[found]))
