"""Named arrays with a header: their content key, and their file."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import DataError
from wsgeo.files import replacing


def content_key(header: Sequence[Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 (hex) over a header and arrays.

    Parameters
    ----------
    header : sequence
        What JSON can hold.
    arrays : mapping of str to ndarray
        The arrays; names, shapes, types and values enter the key.

    Returns
    -------
    str
        The same on every machine.
    """
    # Little-endian whatever the machine: the key must not depend on it.
    little = {k: a.astype(a.dtype.newbyteorder("<"), copy=False) for k, a in arrays.items()}
    shapes = [(name, array.dtype.str, array.shape) for name, array in little.items()]
    digest = hashlib.sha256(json.dumps([*header, shapes]).encode())
    for array in little.values():
        digest.update(array.tobytes())
    return digest.hexdigest()


def write_arrays(path: Path, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a header and arrays to one ``.npz`` file, whole or not at all."""
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, header=text, **dict(arrays))


def read_arrays(path: Path, names: Sequence[str]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what `write_arrays` wrote.

    Parameters
    ----------
    path : Path
        The file; nothing in it is unpickled.
    names : sequence of str
        Arrays that it must hold.

    Returns
    -------
    header : dict
        The header.
    arrays : dict of str to ndarray
        The arrays.

    Raises
    ------
    DataError
        If the file is missing or damaged.
    """
    try:
        # Opened here: numpy leaves its own handle open when the file is no archive.
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            header = json.loads(file["header"].tobytes())
            arrays = {name: file[name] for name in names}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"the stored arrays cannot be read: {error}",
            where=str(path),
            remedy="Delete the file; it is made again.",
        ) from error
    return header, arrays
