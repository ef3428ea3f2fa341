"""Whether weights are another model's, rounded to fewer bits."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]

_INT8: Final = 127
_ZEROS: Final = 1e-3  # of the values
_SLACK: Final = 0.01  # of a value: factors of 8-bit weights are themselves stored in 16 bits


def rounding_of(a: Weights, b: Weights) -> str | None:
    """Return the type to which ``a`` was rounded to give ``b``.

    Parameters
    ----------
    a, b : ndarray of float32, shape (n_rows, width)
        The same matrix of two models.

    Returns
    -------
    str or None
        ``bf16``, ``f16``, ``int8`` (one factor per matrix, row or column, the largest value becoming
        127), or None where ``b`` is no rounding of ``a``, or equals it.

    Examples
    --------
    >>> a = np.float32([[1.0001, 2.0], [3.0, -4.0]])
    >>> rounding_of(a, a.astype(np.float16).astype(np.float32))
    'f16'
    >>> rounding_of(a, a) is None
    True
    """
    if a.shape != b.shape or np.array_equal(a, b):
        return None
    known = {"f16": _f16(a), "bf16": _bf16(a)}
    kind = next((kind for kind, rounded in known.items() if np.array_equal(rounded, b)), None)
    return kind or ("int8" if any(_is_int8(a, b, axis) for axis in (None, 1, 0)) else None)


def roundings(values: Weights) -> frozenset[str]:
    """Return the types to which weights may have been rounded, as far as they tell alone.

    Parameters
    ----------
    values : ndarray of float32
        Weights.

    Returns
    -------
    frozenset of str
        ``f16`` or ``bf16`` if every value has one there, ``int8`` if more than one in a thousand is
        exactly 0, as no trained weight is.

    Examples
    --------
    >>> sorted(roundings(np.float32([0.5, 1.5]))), sorted(roundings(np.float32([0.1])))
    (['bf16', 'f16'], [])
    """
    exact = {"f16": _f16(values), "bf16": _bf16(values)}
    found = {kind for kind, rounded in exact.items() if np.array_equal(rounded, values)}
    return frozenset(found | ({"int8"} if (values == 0).mean() > _ZEROS else set()))


def _f16(values: Weights) -> Weights:
    with np.errstate(over="ignore"):  # beyond its range, so no rounding of it
        return values.astype(np.float16).astype(np.float32)


def _bf16(values: Weights) -> Weights:
    """Round to the nearest value of 16 bits with float32's exponent, to even at ties."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return rounded.view(np.float32)


def _is_int8(a: Weights, b: Weights, axis: int | None) -> bool:
    step = np.abs(a).max(axis=axis, keepdims=True) / _INT8
    levels = np.rint(np.divide(a, step, out=np.zeros_like(a), where=step > 0))
    # At a tie either level is right.
    slack = _SLACK * np.abs(levels) * step + 1e-3 * step
    near = np.abs(levels * step - b) <= slack
    return bool(near.mean() > 0.999)
