"""The slices in which a long vector is read."""

from __future__ import annotations

from collections.abc import Iterator


def blocks(size: int, width: int) -> Iterator[slice]:
    """Give the slices of a flattened tensor, each ``width`` long but the last.

    Parameters
    ----------
    size, width : int
        Values of the tensor, and of a slice.

    Yields
    ------
    slice
        With start and stop.

    Examples
    --------
    >>> list(blocks(5, 3))
    [slice(0, 3, None), slice(3, 5, None)]
    """
    for start in range(0, size, width):
        yield slice(start, min(start + width, size))
