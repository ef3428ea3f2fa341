"""Slices of tensors, read where they lie in many files."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, final

import numpy as np

from wsgeo.weights.files import open_regular, refuse_unreadable
from wsgeo.weights.headers import Header, read_header
from wsgeo.weights.layout import Vector
from wsgeo.weights.precision import STORED, Tensor, widen
from wsgeo.weights.tensors import refuse_change

_FEW_OPEN: Final = 128  # files at a time, where the system does not say how many may be open
_LOADED: Final = time.time()
_MARGIN: Final = 5.0  # seconds by which the clock of a file system may be behind


@final
@dataclass
class _Source:
    """A file: its header, and what the system said of it when it was first opened."""

    header: Header
    state: os.stat_result

    def check(self, state: os.stat_result) -> None:
        """Refuse a file of which the system says something else now."""
        if (state.st_size, state.st_mtime_ns) != (self.header.file_size, self.state.st_mtime_ns):
            refuse_change(self.header.path, "its size or time is another")


@final
class TensorSlices:
    """Reads slices of the tensors of many safetensors files, a few of which are open at a time.

    The bytes are read, not mapped: a file that shrinks under a map kills the process, and reading
    takes 0.1 s more for 3.5 GB that are in the system's cache. Use it in a ``with`` statement.
    """

    def __init__(self) -> None:
        self._sources: dict[Path, _Source] = {}
        self._open: OrderedDict[Path, BinaryIO] = OrderedDict()
        self._n_open = _most_open()

    def __enter__(self) -> TensorSlices:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files."""
        while self._open:
            self._open.popitem()[1].close()

    def shape(self, path: Path, name: str) -> tuple[int, ...] | None:
        """Return the shape of a weight, or None where the file holds none of this name."""
        entry = self._source(path).header.tensors.get(name)
        return None if entry is None or entry.is_buffer else entry.shape

    def read(self, path: Path, name: str, columns: slice, out: Vector) -> None:
        """Read a slice of a flattened tensor.

        Parameters
        ----------
        path : Path
            The file.
        name : str
            A weight that it holds.
        columns : slice
            Which values, with start and stop.
        out : ndarray of float32, shape (stop - start,)
            Where they go, whatever type the file holds; its values must lie side by side.

        Raises
        ------
        EntryError
            If the file is refused or ends early.
        """
        entry = self._source(path).header.tensors[name]
        kind = np.dtype(STORED[entry.dtype])
        same = kind == out.dtype
        stored = out if same else np.empty(out.size, kind)
        self._fill(path, entry.start + columns.start * kind.itemsize, stored.view(np.uint8).data)
        if not same:
            out[:] = widen(stored, entry.dtype)

    def tensor(self, path: Path, name: str) -> Tensor:
        """Return a whole tensor."""
        entry = self._source(path).header.tensors[name]
        values = np.empty(entry.shape, np.float32)
        self.read(path, name, slice(0, values.size), values.reshape(-1))
        return values

    def verify(self, is_same: Callable[[Path, Header], bool]) -> None:
        """Refuse files that changed since they were checked.

        A file that the system says was last changed before this process began is what it was. Of
        the others, all the bytes are compared.

        Parameters
        ----------
        is_same : callable (Path, Header) -> bool
            Whether the bytes of a file are those that were checked.

        Raises
        ------
        EntryError
            If a file changed (``file_changed``).
        """
        for path, source in self._sources.items():
            young = max(source.state.st_mtime, source.state.st_ctime) > _LOADED - _MARGIN
            if young and not is_same(path, source.header):
                refuse_change(path, "its bytes are not those that were checked")
            source.check(_state(path))

    def _source(self, path: Path) -> _Source:
        source = self._sources.get(path)
        if source is None:
            source = self._sources[path] = _Source(read_header(path), _state(path))
        return source

    def _file(self, path: Path) -> BinaryIO:
        """Return a file, opened where it is not, for which the one longest unused is closed."""
        if (file := self._open.get(path)) is not None:
            self._open.move_to_end(path)
            return file
        while len(self._open) >= self._n_open:
            self._open.popitem(last=False)[1].close()
        file = self._open[path] = open_regular(path)
        self._source(path).check(os.fstat(file.fileno()))
        if hasattr(os, "posix_fadvise"):
            # Files that are read in turns are then read ahead, in the best case twice as fast.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        return file

    def _fill(self, path: Path, start: int, view: memoryview) -> None:
        try:
            # Past the buffer, which would read more than is asked for.
            file = self._file(path).raw  # type: ignore[attr-defined]
            file.seek(start)
            while len(view):
                n_bytes = file.readinto(view)
                if not n_bytes:
                    refuse_change(path, "a tensor ends early")
                view = view[n_bytes:]
        except OSError as error:
            refuse_unreadable(path, error)


def _state(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        refuse_unreadable(path, error)


def _most_open() -> int:
    try:
        import resource
    except ImportError:  # not on Windows
        return _FEW_OPEN
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return _FEW_OPEN
    return max(1, min(soft // 2, 4 * _FEW_OPEN))
