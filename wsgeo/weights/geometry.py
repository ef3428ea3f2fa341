"""Distances and angles between many checkpoints, from Gram matrices taken in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wsgeo.weights.layout import Vector, merge_spans

Matrix: TypeAlias = NDArray[np.float64]
BlockReader: TypeAlias = Callable[[int, slice], Vector]
"""Returns the values of member ``i`` in a slice of the flat vector."""

# Columns of one block, fewer where many members would make it larger than the cache.
_BLOCK, _LEAST_BLOCK, _ENTRIES = 1 << 14, 1 << 10, 1 << 22

# Squared distances carry the rounding of the squared norms that they are the difference of.
_RESOLUTION = 1e-14


class TaskVectorGeometry(NamedTuple):
    """Distances and angles of the members of a zoo, seen from a reference.

    Attributes
    ----------
    l2 : ndarray of float64, shape (n, n)
        Euclidean distances between the members.
    cosine : ndarray of float64, shape (n, n)
        Cosines of the task vectors (member - reference), in [-1, 1]; NaN for a member that equals
        the reference, and throughout without a reference.
    norms : ndarray of float64, shape (n,)
        Lengths of the task vectors; NaN without a reference.
    """

    l2: Matrix
    cosine: Matrix
    norms: NDArray[np.float64]


def gram(
    read: BlockReader, n: int, spans: Sequence[slice], reference: Vector | None = None
) -> Matrix:
    """Return the inner products of ``n`` weight vectors, seen from a reference.

    Vectors are read in blocks, so that only ``n`` blocks are in memory. The reference is taken off
    first and everything is summed in float64: fine-tuned members are close together and far from
    zero, and squared norms in float32 leave few digits of their distances.

    Parameters
    ----------
    read : callable (int, slice) -> ndarray of float32
        Returns the values of one member in a slice of the flat vector.
    n : int
        Number of members.
    spans : sequence of slice
        Disjoint parts of the flat vector to take in, such as those of the body without the head.
    reference : ndarray of float32, shape (n_parameters,), optional
        The origin, such as the base; the first member by default.

    Returns
    -------
    ndarray of float64, shape (n, n)
        The Gram matrix.

    Raises
    ------
    ValueError
        If ``n`` is less than 1, or a block has an unexpected length.

    Examples
    --------
    >>> vectors = np.float32([[1, 0], [1, 2]])
    >>> gram(lambda i, columns: vectors[i, columns], 2, [slice(0, 2)], np.zeros(2, np.float32))
    array([[1., 1.],
           [1., 5.]])
    """
    total = np.zeros((n, n))
    for part in span_grams(read, n, merge_spans(spans), reference):
        total += part
    return total


def span_grams(
    read: BlockReader, n: int, spans: Sequence[slice], reference: Vector | None = None
) -> Iterator[Matrix]:
    """Yield the Gram matrix of each span, such as that of each tensor; `gram` is their sum.

    Parameters
    ----------
    read, n, spans, reference
        As in `gram`.

    Yields
    ------
    ndarray of float64, shape (n, n)
        The Gram matrix of one span.

    Raises
    ------
    ValueError
        As in `gram`.
    """
    if n < 1:
        raise ValueError("A Gram matrix needs at least one member.")
    size = _block_size(n)
    buffer = np.empty(n * size)
    for span in spans:
        total = np.zeros((n, n))
        for columns in _blocks(span, size):
            rows = buffer[: n * (columns.stop - columns.start)].reshape(n, -1)
            origin = read(0, columns) if reference is None else reference[columns]
            for i in range(n):
                np.subtract(read(i, columns), origin, out=rows[i], dtype=np.float64)
            total += rows @ rows.T
        yield total


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
        rounding rules, a distance is 0; above 1e-4 of it the relative error is below 1e-7.

    Examples
    --------
    >>> distances(np.array([[1.0, 1.0], [1.0, 5.0]]))
    array([[0., 2.],
           [2., 0.]])
    """
    squares = np.diag(gram)[:, None] + np.diag(gram)[None, :]
    squared = squares - (gram + gram.T)
    squared[squared <= _RESOLUTION * squares] = 0
    np.fill_diagonal(squared, 0)
    root: Matrix = np.sqrt(squared)
    return root


def cosines(gram: Matrix) -> Matrix:
    """Return the cosines that a Gram matrix holds.

    Parameters
    ----------
    gram : ndarray of float64, shape (n, n)
        Inner products, all seen from the same reference.

    Returns
    -------
    ndarray of float64, shape (n, n)
        In [-1, 1], 1 on the diagonal; NaN for members of length 0, which have no direction.

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


def task_vector_geometry(
    load: Callable[[int], Vector],
    n: int,
    reference: Vector | None,
    spans: Sequence[slice] | None = None,
    *,
    memory: int = 2 << 30,
) -> TaskVectorGeometry:
    """Return distances of ``n`` checkpoints and the angles of their task vectors.

    Task vectors, not raw weights, show which data and task a model was tuned on: raw weights are
    dominated by the base that all members share [gueta2023]_.

    Parameters
    ----------
    load : callable (int) -> ndarray of float32, shape (n_parameters,)
        Returns the whole vector of one member. Called once per member where all fit in ``memory``;
        else about ``n**2 / (2 * capacity)`` times, with as many resident as fit.
    n : int
        Number of members.
    reference : ndarray of float32, shape (n_parameters,), or None
        The base. Without it, distances are still taken, but there are no task vectors.
    spans : sequence of slice, optional
        Parts of the flat vector to take in; task vectors live on the tensors that the base has,
        without the head: see `wsgeo.weights.shared_spans`. The whole vector by default.
    memory : int, default 2 GiB
        Bytes that resident members may take; at least two members are held.

    Returns
    -------
    TaskVectorGeometry
        ``l2``, ``cosine`` and ``norms``.

    Raises
    ------
    ValueError
        If ``n`` is less than 1, spans overlap, or vectors differ in length.

    References
    ----------
    [gueta2023]_

    Examples
    --------
    >>> vectors = np.float32([[1, 0], [0, 1]])
    >>> task_vector_geometry(lambda i: vectors[i], 2, np.zeros(2, np.float32)).cosine
    array([[1., 0.],
           [0., 1.]])
    """
    if n < 1:
        raise ValueError("The geometry needs at least one member.")
    origin = load(0) if reference is None else reference
    parts = merge_spans([slice(0, origin.size)] if spans is None else spans)
    total = _tiled_gram(_restricted(load, origin.shape, parts), n, _restrict(origin, parts), memory)
    if reference is None:
        nothing = np.full(n, np.nan)
        return TaskVectorGeometry(distances(total), np.outer(nothing, nothing), nothing)
    return TaskVectorGeometry(distances(total), cosines(total), np.sqrt(np.diag(total)))


def _block_size(n: int) -> int:
    return max(_LEAST_BLOCK, min(_BLOCK, _ENTRIES // n))


def _blocks(span: slice, size: int) -> Iterator[slice]:
    for start in range(span.start, span.stop, size):
        yield slice(start, min(start + size, span.stop))


def _restrict(vector: Vector, parts: Sequence[slice]) -> Vector:
    """Return the parts of a vector side by side; the vector itself where they are all of it."""
    if list(parts) == [slice(0, vector.size)]:
        return vector
    return np.concatenate([vector[part] for part in parts]) if parts else vector[:0]


def _restricted(
    load: Callable[[int], Vector], shape: tuple[int, ...], parts: Sequence[slice]
) -> Callable[[int], Vector]:
    """Return a loader of the parts alone, which refuses a member of another length."""

    def restricted(i: int) -> Vector:
        vector = load(i)
        if vector.shape != shape:
            raise ValueError(f"Member {i} has shape {vector.shape}, the reference {shape}.")
        return _restrict(vector, parts)

    return restricted


def _tiled_gram(load: Callable[[int], Vector], n: int, origin: Vector, memory: int) -> Matrix:
    # One more is held while it streams past the resident ones.
    capacity = n if n * origin.nbytes <= memory else max(1, memory // max(1, origin.nbytes) - 1)
    total = np.zeros((n, n))
    whole = slice(0, origin.size)
    for first in range(0, n, capacity):
        tile = [load(i) for i in range(first, min(first + capacity, n))]
        held = slice(first, first + len(tile))
        total[held, held] = gram(_reader(tile), len(tile), [whole], origin)
        for j in range(held.stop, n):
            total[held, j] = total[j, held] = _cross_products(tile, load(j), origin)
    return total


def _reader(vectors: Sequence[Vector]) -> BlockReader:
    return lambda i, columns: vectors[i][columns]


def _cross_products(tile: Sequence[Vector], vector: Vector, origin: Vector) -> Matrix:
    """Return the inner products of one member with those of a tile, shape (n_tile,)."""
    total = np.zeros(len(tile))
    size = _block_size(len(tile))
    rows = np.empty((len(tile), size))
    for columns in _blocks(slice(0, origin.size), size):
        part = rows[:, : columns.stop - columns.start]
        for row, member in zip(part, tile, strict=True):
            np.subtract(member[columns], origin[columns], out=row, dtype=np.float64)
        total += part @ np.subtract(vector[columns], origin[columns], dtype=np.float64)
    return total
