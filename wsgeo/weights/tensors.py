"""Reading and writing the tensors of safetensors files as float32 arrays."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Never, TypeAlias, final

import numpy as np

from wsgeo.errors import EntryError, WsgeoError
from wsgeo.escapes import shown
from wsgeo.files import atomic_file
from wsgeo.weights.files import open_regular, refuse_unreadable
from wsgeo.weights.headers import FLOAT_BYTES, Header, TensorEntry, read_header
from wsgeo.weights.precision import STORED, StoredType, Tensor, narrow, widen

Shape: TypeAlias = tuple[int, ...]

_PART = 1 << 20  # bytes read, or values rounded, at a time


@final
class FileDigest:
    """SHA-256 over the SHA-256 of a file's header and of each tensor's bytes, in the file's order.

    Every byte is hashed once, and the hashes of the tensors come with it. It is not what
    ``sha256sum`` prints of the file.
    """

    def __init__(self) -> None:
        self._whole = hashlib.sha256(b"wsgeo-file-1\n")
        self.tensors: dict[str, str] = {}

    def add_header(self, data: bytes) -> None:
        """Take in everything before the first tensor."""
        self._whole.update(hashlib.sha256(data).digest())

    def add_tensor(self, name: str, parts: Iterable[bytes | memoryview]) -> None:
        """Take in the bytes of the next tensor."""
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part)
        self.tensors[name] = digest.hexdigest()
        self._whole.update(digest.digest())

    def hexdigest(self) -> str:
        """Return the hash of what was taken in, in hexadecimal."""
        return self._whole.hexdigest()


def read_tensors(
    path: Path | str, names: Collection[str] | None = None, *, header: Header | None = None
) -> dict[str, Tensor]:
    """Read tensors of a safetensors file as float32, whatever type the file holds.

    Parameters
    ----------
    path : Path or str
        The file.
    names : collection of str, optional
        The tensors to read; all weights by default, no buffers.
    header : Header, optional
        The checked header, if it was read before.

    Returns
    -------
    dict of str to ndarray of float32
        In the order of the bytes; every array owns its memory.

    Raises
    ------
    EntryError
        As `stream_tensors`.
    """
    return dict(stream_tensors(path, names, header=header))


def stream_tensors(
    path: Path | str,
    names: Collection[str] | None = None,
    *,
    header: Header | None = None,
    digest: FileDigest | None = None,
) -> Iterator[tuple[str, Tensor]]:
    """Read tensors one at a time, in the order of the bytes.

    The bytes are read, not mapped: a file that shrinks under a map kills the process.

    Parameters
    ----------
    path : Path or str
        The file.
    names : collection of str, optional
        The tensors to read; all weights by default, no buffers.
    header : Header, optional
        The checked header, if it was read before.
    digest : FileDigest, optional
        Is fed every byte of the file, once and in order, so that what is hashed is what was read.

    Yields
    ------
    tuple of (str, ndarray of float32)
        Name and values; a float64 value beyond float32 becomes infinite.

    Raises
    ------
    EntryError
        If the header is refused, a name is missing or is that of a buffer, or the file changed
        since its header was read.
    """
    path = Path(path)
    header = header or read_header(path)
    wanted = _check_names(header, names)
    try:
        with open_regular(path) as file:
            _check_unchanged(file, header)
            if digest is not None:
                digest.add_header(_read_header_bytes(file, header))
            for entry in header.tensors.values():
                if entry.name in wanted:
                    file.seek(entry.start)
                    yield entry.name, _read_entry(file, entry, path, digest)
                elif digest is not None:
                    file.seek(entry.start)
                    digest.add_tensor(entry.name, _parts(file, entry, path))
    except OSError as error:
        refuse_unreadable(path, error)


def _check_names(header: Header, names: Collection[str] | None) -> frozenset[str]:
    if names is None:
        return frozenset(header.weights)
    for name in names:
        if name not in header.tensors:
            what, code = f"the file holds no tensor {shown(name)}", "missing_tensor"
        elif header.tensors[name].is_buffer:
            what = f"tensor {shown(name)} has dtype {header.tensors[name].dtype}, no weight's"
            code = "unsupported_dtype"
        else:
            continue
        raise EntryError(code, what, where=str(header.path), remedy="Save the model again.")
    return frozenset(names)


def _check_unchanged(file: BinaryIO, header: Header) -> None:
    size = os.fstat(file.fileno()).st_size
    if size != header.file_size:
        refuse_change(header.path, f"{header.file_size} bytes became {size}")


def refuse_change(path: Path, how: str) -> Never:
    """Refuse a file that is not what it was when its header was read."""
    raise EntryError(
        "file_changed",
        f"the file changed while it was read ({how})",
        where=str(path),
        remedy="Wait until nothing writes to it, then run the command again.",
    )


def _read_header_bytes(file: BinaryIO, header: Header) -> bytes:
    starts = (entry.start for entry in header.tensors.values())
    return file.read(min(starts, default=header.file_size))


def _parts(file: BinaryIO, entry: TensorEntry, path: Path) -> Iterator[bytes]:
    """Give the bytes of a tensor that nobody wants, a few at a time."""
    left = entry.end - entry.start
    while left:
        part = file.read(min(_PART, left))
        if not part:
            refuse_change(path, f"tensor {shown(entry.name)} ends early")
        yield part
        left -= len(part)


def _read_entry(
    file: BinaryIO, entry: TensorEntry, path: Path, digest: FileDigest | None
) -> Tensor:
    stored = np.empty(entry.shape, dtype=STORED[entry.dtype])
    view = stored.reshape(-1).view(np.uint8).data
    n_bytes = file.readinto(view)  # type: ignore[attr-defined]
    if n_bytes != entry.end - entry.start:
        refuse_change(path, f"tensor {shown(entry.name)} ends early")
    if digest is not None:
        digest.add_tensor(entry.name, [view])
    return widen(stored, entry.dtype)


def write_safetensors(
    path: Path | str,
    tensors: Mapping[str, Tensor] | Iterable[tuple[str, Tensor]],
    *,
    dtype: StoredType = "F32",
    metadata: Mapping[str, str] | None = None,
    shapes: Mapping[str, Shape] | None = None,
) -> None:
    """Write tensors to a safetensors file that appears only when it is whole.

    Parameters
    ----------
    path : Path or str
        The file; its folder must exist.
    tensors : mapping, or iterable of (str, ndarray of float32)
        Names and values. An iterable is drawn one tensor at a time and needs ``shapes``.
    dtype : {"F32", "F16", "BF16"}, default "F32"
        The type in the file; values are rounded to the nearest, ties to even.
    metadata : mapping of str to str, optional
        Free text for the header.
    shapes : mapping of str to tuple of int, optional
        Names and shapes in the order in which the iterable gives the tensors.

    Raises
    ------
    ValueError
        If there are no tensors, or an iterable does not follow ``shapes``.
    WsgeoError
        If a finite value becomes infinite in ``dtype``, or the file cannot be written.
    """
    if isinstance(tensors, Mapping):
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
        tensors = tensors.items()
    if not shapes:
        raise ValueError("There is nothing to write, or an iterable came without shapes.")
    with atomic_file(path) as file:
        file.write(_header_bytes(shapes, dtype, metadata or {}))
        expected = iter(shapes.items())
        for name, tensor in tensors:
            if (name, tensor.shape) != next(expected, None):
                raise ValueError(f"Tensor {name!r} of shape {tensor.shape} is out of order.")
            for part in _stored_parts(name, tensor, dtype, path):
                file.write(part)
        if next(expected, None) is not None:
            raise ValueError("Fewer tensors came than shapes were announced.")


def _header_bytes(
    shapes: Mapping[str, Shape], dtype: StoredType, metadata: Mapping[str, str]
) -> bytes:
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    for name, shape in shapes.items():
        end = position + math.prod(shape) * FLOAT_BYTES[dtype]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [position, end]}
        position = end
    raw = json.dumps(header, separators=(",", ":")).encode()
    # Readers that map the file want the first tensor on a multiple of eight bytes.
    raw += b" " * (-len(raw) % 8)
    return len(raw).to_bytes(8, "little") + raw


def _stored_parts(
    name: str, tensor: Tensor, dtype: StoredType, path: Path | str
) -> Iterator[memoryview]:
    values = np.ascontiguousarray(tensor, dtype=np.float32).reshape(-1)
    # In parts, because rounding takes several copies of what it rounds.
    for start in range(0, values.size, _PART):
        part = values[start : start + _PART]
        stored = narrow(part, dtype)
        if dtype != "F32" and bool((np.isfinite(part) & ~np.isfinite(widen(stored, dtype))).any()):
            raise WsgeoError(
                f"tensor {shown(name)} holds values beyond the range of {dtype}",
                where=str(path),
                remedy="Write it as F32 or BF16.",
            )
        yield stored.view(np.uint8).data
