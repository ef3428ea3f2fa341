"""Files that are either whole or absent, whatever kills the process that writes them."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Never

from wsgeo.errors import WsgeoError

PARTIAL: Final = ".*.partial"
"""Pattern of the names of files that are not whole yet, or of a writer that was killed."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its place when the block ends well.

    A reader sees the old file or the new one, never a part: the bytes are flushed to the disk
    before the name moves, and the folder after.

    Parameters
    ----------
    path : Path
        File to write or replace; its folder must exist.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    WsgeoError
        If the folder cannot be written or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder) / "note.txt"
    ...     with replacing(target) as temporary:
    ...         _ = temporary.write_text("whole")
    ...     target.read_text()
    'whole'
    """
    temporary = path.parent / f".{secrets.token_hex(8)}.partial"
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        _refuse_unwritable(path, error)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_file(path: Path | str) -> Iterator[BinaryIO]:
    """Open a file for bytes that appears under its name only when it is whole.

    Parameters
    ----------
    path : Path or str
        The file to write; its folder must exist.

    Yields
    ------
    file object
        Open for writing bytes.

    Raises
    ------
    WsgeoError
        If the folder cannot be written or the disk is full.
    """
    with replacing(Path(path)) as temporary, temporary.open("xb") as file:
        yield file


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` in UTF-8, whole or not at all."""
    with atomic_file(path) as file:
        file.write(text.encode("utf-8"))


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; a system that cannot sync a folder is left alone."""
    with contextlib.suppress(OSError):
        _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_unwritable(path: Path, error: OSError) -> Never:
    free = ""
    with contextlib.suppress(OSError):
        free = f"; {shutil.disk_usage(path.parent).free} bytes are free there"
    raise WsgeoError(
        f"the file cannot be written ({error.strerror or error}{free})",
        where=str(path),
        remedy="Free some space or choose another place, then run the command again.",
    ) from error
