"""Distances and angles between many checkpoints, from Gram matrices taken in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from wsgeo.weights.blocks import blocks
from wsgeo.weights.layout import Vector

Matrix: TypeAlias = NDArray[np.float64]
TensorReader: TypeAlias = Callable[[int, slice, Vector], None]
"""Writes the values of member ``i`` of one flattened tensor in a slice into a float32 array."""

# Columns that are read at a time, fewer (to a least) where many members would take more than 16 MB;
# columns of one product, which bounds what is summed in float32.
_BLOCK: Final = 1 << 15
_ENTRIES: Final = 1 << 22
_PIECE: Final = 1 << 12
_LEAST: Final = 1 << 10

# Columns of which squares are summed in float32. Odd squares are 1 modulo 8, so that differences of
# few bits, as between neighbouring checkpoints, round to one side: 3e-7 of a long sum, 1e-8 of these.
_SHORT: Final = 1 << 9

# Smaller tensors cost little in float64, and have few pieces whose rounding errors cancel.
_FEW: Final = 1 << 16

# Two members count as close where their squared distance is less than this part of their squared
# norms: what rounding leaves of their product, up to 5e-8, is then too much of the distance.
_CLOSE: Final = 1 / 3

# Squared distances carry the rounding of the squared norms that they are the difference of.
_RESOLUTION: Final = 1e-14


def gram(read: TensorReader, n: int, size: int, origin: int = 0) -> Matrix:
    """Return the inner products of one tensor of ``n`` members, seen from an origin.

    The tensor is read in blocks, so that no more than 16 MB of it are in memory. The origin is taken
    off first: fine-tuned members are close together and far from zero. Products are float32, sums
    of them float64. Members that lie closer together than to the origin are read a second time and
    multiplied in float64, seen from one of them, so that their distances keep seven digits too.

    Parameters
    ----------
    read : callable (int, slice, ndarray of float32) -> None
        Writes the values of one member in a slice of the flattened tensor into an array.
    n : int
        Number of members.
    size : int
        Number of values of the tensor.
    origin : int, default 0
        Number of the member that the others are seen from; ``n`` may stand for the base, which
        ``read`` must then know.

    Returns
    -------
    ndarray of float64, shape (n, n)
        The Gram matrix. Those of the tensors of a model add up to that of the model.

    Raises
    ------
    ValueError
        If ``n`` is less than 1.

    Examples
    --------
    >>> vectors = np.float32([[1, 0], [1, 2], [0, 0]])
    >>> def read(i, columns, out):
    ...     out[:] = vectors[i, columns]
    >>> gram(read, 2, 2, origin=2)
    array([[1., 1.],
           [1., 5.]])
    """
    if n < 1:
        raise ValueError("A Gram matrix needs at least one member.")
    if size < _FEW:
        return _products(read, range(n), size, origin, np.float64)
    # Squares beyond float32 become infinite, and are taken again.
    with np.errstate(over="ignore", invalid="ignore"):
        total = _products(read, range(n), size, origin, np.float32)
    if not np.isfinite(total).all():
        return _products(read, range(n), size, origin, np.float64)
    for group in _close_groups(total):
        squared = _squared_distances(_products(read, group, size, group[0], np.float64))
        total[np.ix_(group, group)] = (_pair_sums(np.diag(total)[group]) - squared) / 2
    return total


def distances(gram: Matrix) -> Matrix:
    """Return the Euclidean distances that a Gram matrix holds.

    Parameters
    ----------
    gram : ndarray of float64, shape (n, n)
        Inner products, all seen from the same reference.

    Returns
    -------
    ndarray of float64, shape (n, n)
        Symmetric, 0 on the diagonal. Below 1e-7 of the members' distance from the reference, where
        rounding rules, a distance is 0.

    Examples
    --------
    >>> distances(np.array([[1.0, 1.0], [1.0, 5.0]]))
    array([[0., 2.],
           [2., 0.]])
    """
    squared = _squared_distances(gram)
    squared[squared <= _RESOLUTION * _pair_sums(np.diag(gram))] = 0
    root: Matrix = np.sqrt(squared)
    return root


def cosines(gram: Matrix) -> Matrix:
    """Return the cosines that a Gram matrix holds.

    Task vectors, not raw weights, show which data and task a model was tuned on: raw weights are
    dominated by the base that all members share [gueta2023]_.

    Parameters
    ----------
    gram : ndarray of float64, shape (n, n)
        Inner products, all seen from the same reference.

    Returns
    -------
    ndarray of float64, shape (n, n)
        In [-1, 1], 1 on the diagonal; NaN for members of length 0, which have no direction.

    References
    ----------
    [gueta2023]_

    Examples
    --------
    >>> cosines(np.array([[1.0, 1.0], [1.0, 4.0]]))
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    norms = np.sqrt(np.diag(gram))
    scale = np.where(norms > 0, norms, np.nan)
    cosine: Matrix = np.clip((gram + gram.T) / 2 / np.outer(scale, scale), -1, 1)
    np.fill_diagonal(cosine, np.where(norms > 0, 1, np.nan))
    return cosine


def _products(
    read: TensorReader, members: Sequence[int], size: int, origin: int, kind: DTypeLike
) -> Matrix:
    """Return the inner products of some members, multiplied in one type and summed in float64."""
    n = len(members)
    width = min(size, _BLOCK, max(_LEAST, _ENTRIES // n))
    rows, centre = np.empty((n, width), np.float32), np.empty(width, np.float32)
    # Made once: an array of this size that is made anew costs as much as the product.
    seen = np.empty((n, min(width, _PIECE)), kind)
    total, squares = np.zeros((n, n)), np.zeros(n)
    for columns in blocks(size, width):
        block = slice(0, columns.stop - columns.start)
        read(origin, columns, centre[block])
        for row, member in zip(rows, members, strict=True):
            read(member, columns, row[block])
        for piece in blocks(block.stop, _PIECE):
            part = seen[:, : piece.stop - piece.start]
            np.subtract(rows[:, piece], centre[piece], out=part, dtype=kind)
            total += part @ part.T  # of one array with itself: numpy takes only one triangle
            for short in blocks(part.shape[1], _SHORT):
                squares += np.vecdot(part[:, short], part[:, short])
    np.fill_diagonal(total, squares)
    return total


def _pair_sums(values: NDArray[np.float64]) -> Matrix:
    return values[:, None] + values[None, :]


def _squared_distances(gram: Matrix) -> Matrix:
    squared = _pair_sums(np.diag(gram)) - (gram + gram.T)
    np.fill_diagonal(squared, 0)
    return squared


def _close_groups(gram: Matrix) -> Iterator[list[int]]:
    """Give the members that close pairs join, group by group."""
    close = _squared_distances(gram) < _CLOSE * _pair_sums(np.diag(gram))
    np.fill_diagonal(close, val=False)
    left = set(np.flatnonzero(close.any(axis=0)).tolist())
    while left:
        found, group = [left.pop()], []
        while found:
            group.append(member := found.pop())
            near = left.intersection(np.flatnonzero(close[member]).tolist())
            left -= near
            found += near
        yield sorted(group)
