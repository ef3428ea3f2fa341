"""Points between, across and in the middle of flat weight vectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from wsgeo.weights.layout import Vector

# Three blocks of this many float32 values stay in the second-level cache, so that the memory is
# read and written once although numpy takes three steps.
_BLOCK = 1 << 15


def lerp(a: Vector, b: Vector, t: float, out: Vector | None = None) -> Vector:
    """Return the point at position ``t`` of the segment from ``a`` to ``b``.

    The nearer end is the one moved, so that both ends are exact, ``lerp(a, a, t)`` is ``a``, and
    walking from the other end gives the same point to rounding.

    Parameters
    ----------
    a, b : ndarray of float32, shape (n_parameters,)
        The end points, at ``t = 0`` and ``t = 1``.
    t : float
        Position; outside [0, 1] the segment is extrapolated.
    out : ndarray of float32, shape (n_parameters,), optional
        Where to put the result; may be ``a`` or ``b`` itself.

    Returns
    -------
    ndarray of float32, shape (n_parameters,)
        The point; ``out`` if it was given.

    Raises
    ------
    ValueError
        If the vectors differ in shape or are not float32, or ``t`` is not finite.

    Examples
    --------
    >>> lerp(np.float32([0, 1]), np.float32([1, 3]), 0.25)
    array([0.25, 1.5 ], dtype=float32)
    """
    out = _check_vectors([a, b], out)
    if not np.isfinite(t):
        raise ValueError(f"The position t = {t} is not finite.")
    if t in (0, 1):
        # Not a + 0 * (b - a): an infinite difference would make NaN of a sound end.
        np.copyto(out, b if t else a)
        return out
    base, factor = (a, t) if t < 0.5 else (b, t - 1)
    scratch = np.empty(min(_BLOCK, out.size), np.float32)
    for start in range(0, out.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        step = np.subtract(b[block], a[block], out=scratch[: out[block].size])
        step *= np.float32(factor)
        np.add(base[block], step, out=out[block])
    return out


def mix(
    vectors: Sequence[Vector],
    coefficients: Sequence[float] | NDArray[np.float64],
    out: Vector | None = None,
) -> Vector:
    """Return a linear combination of vectors, summed in float64.

    Parameters
    ----------
    vectors : sequence of ndarray of float32, each of shape (n_parameters,)
        The vectors.
    coefficients : sequence of float, shape (n_vectors,)
        One factor per vector; factors that sum to 1 stay in the affine hull.
    out : ndarray of float32, shape (n_parameters,), optional
        Where to put the result; may be one of the vectors.

    Returns
    -------
    ndarray of float32, shape (n_parameters,)
        The combination; ``out`` if it was given.

    Raises
    ------
    ValueError
        If there are no vectors, their shapes or types differ, or the factors do not match them or
        are not finite.

    Examples
    --------
    >>> mix([np.float32([1, 0]), np.float32([0, 1])], [0.25, 0.75])
    array([0.25, 0.75], dtype=float32)
    """
    factors = np.asarray(coefficients, np.float64)
    if factors.shape != (len(vectors),) or not np.isfinite(factors).all():
        raise ValueError(f"{len(vectors)} vectors need as many finite factors, not {coefficients}.")
    out = _check_vectors(vectors, out)
    total = np.empty(min(_BLOCK, out.size), np.float64)
    scratch = np.empty_like(total)
    for start in range(0, out.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        n = out[block].size
        np.multiply(vectors[0][block], factors[0], out=total[:n], dtype=np.float64)
        for vector, factor in zip(vectors[1:], factors[1:], strict=True):
            np.multiply(vector[block], factor, out=scratch[:n], dtype=np.float64)
            total[:n] += scratch[:n]
        out[block] = total[:n]
    return out


def mean(vectors: Iterable[Vector], weights: Iterable[float] | None = None) -> Vector:
    """Return the weighted mean of a stream of vectors, summed in float64.

    One vector of the stream is held at a time, beside the float64 sum.

    Parameters
    ----------
    vectors : iterable of ndarray of float32, each of shape (n_parameters,)
        The vectors.
    weights : iterable of float, optional
        One weight per vector, at least 0; they need not sum to 1. Equal by default.

    Returns
    -------
    ndarray of float32, shape (n_parameters,)
        The mean; of one vector, that vector to the bit.

    Raises
    ------
    ValueError
        If there are no vectors, their shapes or types differ, or the weights do not match them,
        are negative, not finite, or all zero.

    Examples
    --------
    >>> mean([np.float32([1, 0]), np.float32([0, 1])])
    array([0.5, 0.5], dtype=float32)
    """
    factors = None if weights is None else iter(weights)
    total: NDArray[np.float64] | None = None
    weight_sum = 0.0
    for vector in vectors:
        factor = 1.0 if factors is None else next(factors, np.nan)
        if not 0 <= factor < np.inf:
            raise ValueError("Every vector needs a finite weight of at least 0.")
        if total is None:
            total = np.zeros(vector.shape, np.float64)
        _add_scaled(total, vector, factor)
        weight_sum += factor
        del vector  # or it would live on while the next one is loaded
    if total is None or weight_sum == 0 or (factors and next(factors, None) is not None):
        raise ValueError("The mean needs at least one vector, and weights that match and sum > 0.")
    total /= weight_sum
    return total.astype(np.float32)


def _add_scaled(total: NDArray[np.float64], vector: Vector, factor: float) -> None:
    """Add ``factor * vector`` in place, in blocks that need no second float64 vector."""
    if vector.shape != total.shape or vector.dtype != np.float32:
        raise ValueError(f"A vector is {vector.dtype}{vector.shape}, not float32{total.shape}.")
    flat, values = total.reshape(-1), vector.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        flat[block] += np.multiply(values[block], factor, dtype=np.float64)


def _check_vectors(vectors: Sequence[Vector], out: Vector | None) -> Vector:
    if not vectors:
        raise ValueError("There are no vectors.")
    kinds = {(vector.shape, vector.dtype) for vector in vectors}
    if out is not None:
        kinds.add((out.shape, out.dtype))
    if kinds != {(vectors[0].shape, np.dtype(np.float32))} or vectors[0].ndim != 1:
        raise ValueError(
            f"The vectors must be flat float32 of one length, not {sorted(map(str, kinds))}."
        )
    return np.empty_like(vectors[0]) if out is None else out
