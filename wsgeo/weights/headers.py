"""Headers of safetensors files, checked in full before any library sees the file."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Never, final

from wsgeo.errors import EntryError
from wsgeo.escapes import shown
from wsgeo.weights.files import open_regular, refuse_unreadable
from wsgeo.weights.strict_json import DuplicateNameError, parse_header_json

MAX_HEADER_BYTES = 25_000_000
MAX_TENSORS = 20_000
MAX_RANK = 32

FLOAT_BYTES: Mapping[str, int] = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
"""Bytes per element of the types that weights may have."""

BUFFER_BYTES: Mapping[str, int] = {"I64": 8, "I32": 4, "BOOL": 1, "U8": 1}
"""Bytes per element of the types that only buffers may have."""

_FIELDS = frozenset({"dtype", "shape", "data_offsets"})
_DAMAGED = "Download or save the file again."

# The length field of such a file reads as more than any header; its first bytes say what it is.
_FOREIGN = (
    (
        b"version ",
        "is a Git LFS pointer, not the weights",
        "Fetch the weights with `git lfs pull`.",
    ),
    (b"PK\x03\x04", "is a zip archive, as torch.save writes", "Convert it to safetensors."),
    (b"\x80\x02", "is a pickle", "Convert it to safetensors."),
    (b"GGUF", "is a GGUF file", "Convert it to safetensors."),
    (b"<", "is a web page", _DAMAGED),
    (b"{", "is a JSON document", _DAMAGED),
)


@final
@dataclass(frozen=True)
class TensorEntry:
    """What a header says of one tensor.

    Parameters
    ----------
    name : str
        Its name in the file.
    dtype : str
        The safetensors type code, such as ``F32`` or ``BF16``.
    shape : tuple of int
        Its shape.
    start, end : int
        Byte positions in the file, header included; ``end`` is exclusive.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def is_buffer(self) -> bool:
        """Whether the type (integers, booleans) rules the tensor out as a weight."""
        return self.dtype in BUFFER_BYTES


@final
@dataclass(frozen=True)
class Header:
    """A checked header: every tensor lies inside the file, none overlaps, no byte is left over.

    Parameters
    ----------
    path : Path
        The file.
    tensors : mapping of str to TensorEntry
        By name, in the order of the bytes.
    metadata : mapping of str to str
        The free text that the writer left.
    file_size : int
        Bytes of the whole file when the header was read.
    """

    path: Path
    tensors: Mapping[str, TensorEntry]
    metadata: Mapping[str, str]
    file_size: int

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the floating-point tensors, in the order of the bytes."""
        return tuple(name for name, entry in self.tensors.items() if not entry.is_buffer)

    @property
    def buffers(self) -> tuple[str, ...]:
        """Names of the integer and boolean tensors, in the order of the bytes."""
        return tuple(name for name, entry in self.tensors.items() if entry.is_buffer)


def read_header(path: Path | str) -> Header:
    """Read and check the header of a safetensors file; the tensors are not read.

    Nothing in the file is trusted: a pipe or device is refused before it is opened, sizes are
    compared with the file before anything is allocated, and the JSON is strict.

    Parameters
    ----------
    path : Path or str
        The file.

    Returns
    -------
    Header
        Names, types, shapes and byte ranges.

    Raises
    ------
    EntryError
        If the file is not a regular, readable, complete safetensors file within the limits of this
        module. The code is one of ``unreadable_file``, ``not_a_regular_file``, ``truncated_file``,
        ``trailing_bytes``, ``not_safetensors``, ``malformed_header``, ``duplicate_name``,
        ``too_many_tensors``, ``no_tensors``, ``unsupported_dtype``, ``malformed_shape``,
        ``malformed_offsets``, ``size_mismatch``.
    """
    path = Path(path)
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            raw = _read_header_bytes(file, path, size)
    except OSError as error:
        refuse_unreadable(path, error)
    return _check_header(_parse(raw, path), path, 8 + len(raw), size)


def _refuse(code: str, what: str, path: Path, remedy: str = _DAMAGED) -> Never:
    raise EntryError(code, what, where=str(path), remedy=remedy)


def _read_header_bytes(file: BinaryIO, path: Path, size: int) -> bytes:
    prefix = file.read(8)
    if len(prefix) < 8:
        _refuse("truncated_file", f"the file has {len(prefix)} bytes, no header length", path)
    length = int.from_bytes(prefix, "little")
    if length > MAX_HEADER_BYTES:
        _refuse_foreign(prefix, length, path)
    if length > size - 8:
        what = f"the header claims {length} bytes, {size - 8} are there"
        _refuse("truncated_file", what, path)
    raw = file.read(length)
    if len(raw) < length:
        _refuse("truncated_file", f"the header ends after {len(raw)} of {length} bytes", path)
    return raw


def _refuse_foreign(prefix: bytes, length: int, path: Path) -> Never:
    for magic, what, remedy in _FOREIGN:
        if prefix.startswith(magic):
            _refuse("not_safetensors", f"the file {what}", path, remedy)
    what = f"the header length {length} is above the limit of {MAX_HEADER_BYTES} bytes"
    _refuse("not_safetensors", what, path)


def _parse(raw: bytes, path: Path) -> dict[str, object]:
    try:
        parsed = parse_header_json(raw, MAX_TENSORS)
    except DuplicateNameError as error:
        _refuse("duplicate_name", f"the header cannot be used ({error})", path)
    except ValueError as error:
        _refuse("malformed_header", f"the header cannot be parsed ({error})", path)
    if not isinstance(parsed, dict):
        _refuse("malformed_header", "the header is not a JSON object", path)
    return parsed


def _check_header(parsed: dict[str, object], path: Path, data_start: int, size: int) -> Header:
    metadata = _check_metadata(parsed.pop("__metadata__", {}), path)
    if not parsed:
        _refuse("no_tensors", "the file holds no tensors", path)
    if len(parsed) > MAX_TENSORS:
        what = f"the header names {len(parsed)} tensors; {MAX_TENSORS} is the limit"
        _refuse("too_many_tensors", what, path, "Split the model into shards.")
    entries = [_check_entry(name, value, path, data_start) for name, value in parsed.items()]
    entries.sort(key=lambda entry: (entry.start, entry.end))
    _check_coverage(entries, path, data_start, size)
    return Header(path, {entry.name: entry for entry in entries}, metadata, size)


def _check_metadata(value: object, path: Path) -> dict[str, str]:
    if not isinstance(value, dict):
        _refuse("malformed_header", "__metadata__ is not an object", path)
    for key, text in value.items():
        if not isinstance(text, str):
            _refuse("malformed_header", f"__metadata__ {shown(key)} is not a string", path)
    return value


def _check_entry(name: str, value: object, path: Path, data_start: int) -> TensorEntry:
    if not isinstance(value, dict) or set(value) != _FIELDS:
        what = f"tensor {shown(name)} does not have exactly the fields dtype, shape, data_offsets"
        _refuse("malformed_header", what, path)
    dtype, shape = value["dtype"], value["shape"]
    width = _element_bytes(dtype, name, path)
    n_bytes = _check_shape(shape, name, path) * width
    start, end = _check_offsets(value["data_offsets"], name, path)
    if end - start != n_bytes:
        what = (
            f"tensor {shown(name)}: dtype {dtype} and shape {shown(shape)} ask for {n_bytes} bytes, "
            f"data_offsets give {end - start}"
        )
        _refuse("size_mismatch", what, path)
    return TensorEntry(name, str(dtype), tuple(shape), data_start + start, data_start + end)


def _element_bytes(dtype: object, name: str, path: Path) -> int:
    if isinstance(dtype, str):
        if dtype in FLOAT_BYTES:
            return FLOAT_BYTES[dtype]
        if dtype in BUFFER_BYTES:
            return BUFFER_BYTES[dtype]
    _refuse(
        "unsupported_dtype",
        f"tensor {shown(name)} has dtype {shown(dtype)}",
        path,
        "Save the model in F32, F16 or BF16.",
    )


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _check_shape(shape: object, name: str, path: Path) -> int:
    """Return the number of elements."""
    if not isinstance(shape, list) or len(shape) > MAX_RANK or not all(map(_is_count, shape)):
        what = f"tensor {shown(name)} has shape {shown(shape)}"
        _refuse("malformed_shape", what, path)
    # An empty tensor may not hide an absurd size either: numpy refuses to make one.
    if math.prod(max(1, extent) for extent in shape) * 8 >= 2**63:
        _refuse("malformed_shape", f"tensor {shown(name)} has shape {shown(shape)}", path)
    return math.prod(shape)


def _check_offsets(offsets: object, name: str, path: Path) -> tuple[int, int]:
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_count, offsets)):
        what = f"tensor {shown(name)} has data_offsets {shown(offsets)}"
        _refuse("malformed_offsets", what, path)
    if offsets[0] > offsets[1]:
        _refuse("malformed_offsets", f"tensor {shown(name)} ends before it begins", path)
    return offsets[0], offsets[1]


def _check_coverage(entries: list[TensorEntry], path: Path, data_start: int, size: int) -> None:
    """Refuse overlaps, holes, missing and trailing bytes."""
    position = data_start
    for entry in entries:
        if entry.start != position:
            relation = "overlaps the one before" if entry.start < position else "leaves a hole"
            what = (
                f"tensor {shown(entry.name)} {relation} (data_offsets {entry.start - data_start})"
            )
            _refuse("malformed_offsets", what, path)
        position = entry.end
    if position > size:
        what = f"the tensors need {position} bytes, the file has {size}"
        _refuse("truncated_file", what, path)
    if position < size:
        what = f"{size - position} bytes follow the last tensor"
        _refuse("trailing_bytes", what, path)
