"""Arrays as bytes in a database, and back."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray


def as_blob(values: NDArray[np.float32] | None) -> bytes | None:
    """Return an array as little-endian float32."""
    return None if values is None else np.ascontiguousarray(values, "<f4").tobytes()


def as_floats(blob: bytes) -> NDArray[np.float32]:
    """Return the values of a blob, read-only."""
    return np.frombuffer(blob, "<f4")


def as_matrix(blob: bytes | None, n_rows: int) -> NDArray[np.float32] | None:
    """Return the values of a blob in rows."""
    return None if blob is None else as_floats(blob).reshape(n_rows, -1)


def checksum_of(*blobs: bytes | None) -> int:
    """Return the CRC-32 of blobs, one behind the other."""
    checksum = 0
    for blob in blobs:
        checksum = zlib.crc32(blob or b"", checksum)
    return checksum
