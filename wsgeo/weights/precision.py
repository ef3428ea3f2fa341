"""Between float32, in which everything is computed, and the types that files hold."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Tensor: TypeAlias = NDArray[np.float32]
StoredType: TypeAlias = Literal["F32", "F16", "BF16"]

STORED = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
"""How numpy holds the bytes of each safetensors type; bfloat16 as its bits."""


def widen(stored: NDArray[np.generic], dtype: str) -> Tensor:
    """Return stored values as float32.

    Parameters
    ----------
    stored : ndarray of ``STORED[dtype]``, any shape
        The values as they stand in a file.
    dtype : {"F64", "F32", "F16", "BF16"}
        The safetensors type code.

    Returns
    -------
    ndarray of float32, same shape
        Exact, but for float64; a float64 value beyond float32 becomes infinite, for the check of
        finite weights to report.

    Examples
    --------
    >>> widen(np.array([0x3F80], "<u2"), "BF16")
    array([1.], dtype=float32)
    """
    if dtype == "BF16":
        return (stored.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        return stored.astype(np.float32, copy=False)


def narrow(values: Tensor, dtype: StoredType) -> NDArray[np.generic]:
    """Round float32 values to a stored type: to the nearest, ties to even.

    Parameters
    ----------
    values : ndarray of float32, any shape
        The values.
    dtype : {"F32", "F16", "BF16"}
        The safetensors type code.

    Returns
    -------
    ndarray of ``STORED[dtype]``, same shape
        The values as they stand in a file; NaN stays NaN, and what is too large becomes infinite.

    Examples
    --------
    >>> narrow(np.float32([1.0, 1.00390625, 1.01171875]), "BF16") - np.uint16(0x3F80)
    array([0, 0, 2], dtype=uint16)
    """
    if dtype == "BF16":
        return _bfloat16_bits(values)
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(STORED[dtype], copy=False)


def _bfloat16_bits(values: Tensor) -> NDArray[np.generic]:
    bits = np.ascontiguousarray(values).view(np.uint32)
    rounded = (bits + (((bits >> 16) & 1) + np.uint32(0x7FFF))) >> 16
    # The carry would turn a NaN with a full mantissa into a number.
    return np.where(np.isnan(values), (bits >> 16) | 0x40, rounded).astype("<u2")
