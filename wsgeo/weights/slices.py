"""Slices of tensors, read where they lie in many files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.weights.files import open_regular, refuse_unreadable
from wsgeo.weights.headers import Header, read_header
from wsgeo.weights.layout import Vector
from wsgeo.weights.precision import STORED, Tensor, widen
from wsgeo.weights.tensors import refuse_change

SliceReader: TypeAlias = Callable[[slice, Vector], None]
"""Writes a slice of a flattened tensor into a float32 array."""

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
        self._open: dict[Path, FileIO] = {}
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

    def reader(self, path: Path, name: str) -> SliceReader:
        """Return what reads slices of one flattened tensor.

        Parameters
        ----------
        path : Path
            The file.
        name : str
            A weight that it holds.

        Returns
        -------
        callable (slice, ndarray of float32) -> None
            Writes a slice, with start and stop, into an array of its length whose values lie side by
            side, whatever type the file holds. Raises an EntryError if the file changed.
        """
        entry = self._source(path).header.tensors[name]
        kind, is_float32 = np.dtype(STORED[entry.dtype]), entry.dtype == "F32"

        def read(columns: slice, out: Vector) -> None:
            stored = out if is_float32 else np.empty(out.size, kind)
            self._fill(path, entry.start + columns.start * kind.itemsize, stored)
            if not is_float32:
                out[:] = widen(stored, entry.dtype)

        return read

    def tensor(self, path: Path, name: str) -> Tensor:
        """Return a whole tensor."""
        values = np.empty(self._source(path).header.tensors[name].shape, np.float32)
        self.reader(path, name)(slice(0, values.size), values.reshape(-1))
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

    def _file(self, path: Path) -> FileIO:
        """Open a file, for which another may be closed."""
        while len(self._open) >= self._n_open:
            self._open.popitem()[1].close()
        # Without its buffer, which would read more than is asked for.
        file: FileIO = open_regular(path).detach()  # type: ignore[attr-defined]
        self._open[path] = file
        self._source(path).check(os.fstat(file.fileno()))
        if hasattr(os, "posix_fadvise"):
            # Files that are read in turns are then read ahead, in the best case twice as fast.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        return file

    def _fill(self, path: Path, start: int, stored: NDArray[np.generic]) -> None:
        try:
            file = self._open.get(path) or self._file(path)
            file.seek(start)
            done = file.readinto(stored.data)
            while done < stored.nbytes:
                more = file.readinto(stored.view(np.uint8)[done:].data)
                if not more:
                    refuse_change(path, "a tensor ends early")
                done += more
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
