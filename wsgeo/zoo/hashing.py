"""One pass over each file of weights: its hash, its tensors' hashes, finiteness, a sample."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from wsgeo.counting import counted
from wsgeo.errors import EntryError
from wsgeo.escapes import shown
from wsgeo.weights.headers import Header
from wsgeo.weights.tensors import FileDigest, stream_tensors

SAMPLE_PER_TENSOR = 1024

Array = NDArray[np.float32]


@final
@dataclass
class FileScan:
    """What one pass over a file found.

    Parameters
    ----------
    path : Path
        The file.
    digest : str
        Hash of all its bytes, as `wsgeo.weights.tensors.FileDigest`.
    digests : dict of str to str
        Stored name -> SHA-256 over the float32 values.
    samples : dict of str to ndarray of float32
        Stored name -> a few values of each matrix, at places that only its shape decides.
    """

    path: Path
    digest: str = ""
    digests: dict[str, str] = field(default_factory=dict)
    samples: dict[str, Array] = field(default_factory=dict)


def scan_file(
    header: Header,
    names: Collection[str],
    *,
    progress: Callable[[int], None] | None = None,
) -> FileScan:
    """Read a file once and hash it, tensor by tensor.

    Parameters
    ----------
    header : Header
        Its checked header.
    names : collection of str
        Stored names of the tensors that matter.
    progress : callable, optional
        Is told the bytes read so far, after each tensor.

    Returns
    -------
    FileScan
        The file's hash and, for each tensor of ``names``, its digest and sample.

    Raises
    ------
    EntryError
        If a value is not finite, or the file cannot be read or changed meanwhile.
    """
    scan, digest = FileScan(header.path), FileDigest()
    for stored, values in stream_tensors(header.path, names, header=header, digest=digest):
        check_finite(values, stored, header.path)
        # Bytes that are float32 values have been hashed as part of the file.
        is_float32 = header.tensors[stored].dtype == "F32"
        scan.digests[stored] = digest.tensors[stored] if is_float32 else tensor_digest(values)
        if values.ndim == 2:
            scan.samples[stored] = sample(values)
        if progress is not None:
            progress(header.tensors[stored].end)
    scan.digest = digest.hexdigest()
    return scan


def tensor_digest(values: Array) -> str:
    """Return the SHA-256 over the little-endian float32 values of a tensor.

    Parameters
    ----------
    values : ndarray of float32
        The tensor.

    Returns
    -------
    str
        Hexadecimal; the same for every type that holds these values.
    """
    flat = np.ascontiguousarray(values, dtype="<f4").reshape(-1)
    return hashlib.sha256(flat.data).hexdigest()


def check_finite(values: Array, name: str, path: Path) -> None:
    """Refuse a tensor that holds NaN or an infinity, in unused rows too.

    Parameters
    ----------
    values : ndarray of float32
        The tensor.
    name : str
        Its name.
    path : Path
        Its file.

    Raises
    ------
    EntryError
        If a value is not finite.
    """
    # Extremes let NaN through and take a sixth of the time of testing each value.
    if values.size and not (np.isfinite(values.min()) and np.isfinite(values.max())):
        bad = counted(int(values.size - np.isfinite(values).sum()), "value")
        raise EntryError(
            "nonfinite_weights",
            f"tensor {shown(name)} is not finite in {bad}",
            where=str(path),
            remedy="Take an earlier checkpoint of that run.",
        )


def sample(values: Array) -> Array:
    """Return a few values of a tensor, at places that only its shape decides.

    Parameters
    ----------
    values : ndarray of float32
        The tensor.

    Returns
    -------
    ndarray of float32, shape (at most SAMPLE_PER_TENSOR,)
        The values; all of them where there are few.
    """
    flat = values.reshape(-1)
    if flat.size <= SAMPLE_PER_TENSOR:
        return flat.copy()
    return flat[_places(values.shape)]


@lru_cache(maxsize=256)
def _places(shape: tuple[int, ...]) -> NDArray[np.int64]:
    seed = int.from_bytes(hashlib.sha256(f"{shape}".encode()).digest()[:8], "little")
    return np.random.default_rng(seed).integers(0, math.prod(shape), SAMPLE_PER_TENSOR)


def content_hash(
    shapes: Mapping[str, tuple[int, ...]],
    digests: Mapping[str, str],
    function: tuple[str, ...],
) -> str:
    """Return the hash that names a checkpoint's function in everything stored.

    Sharding, copying, renaming and widening the type leave it; any value, shape or computing setting
    changes it: the same weights with other heads or label names are another function.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        Canonical name -> shape.
    digests : mapping of str to str
        Canonical name -> SHA-256 over the float32 values.
    function : tuple of str
        Model class, computing configuration and label names.

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    whole = hashlib.sha256("\0".join(("wsgeo-content-1", *function)).encode())
    for name in sorted(shapes):
        whole.update(f"\n{name}{list(shapes[name])}{digests[name]}".encode())
    return whole.hexdigest()
