"""Opening files that others wrote, and writing files that are whole or absent."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Never

from wsgeo.errors import EntryError, WsgeoError


def shown(value: object, length: int = 80) -> str:
    r"""Return a short form of an untrusted value, safe to print.

    Parameters
    ----------
    value : object
        What a file or a user said.
    length : int, default 80
        Characters to keep.

    Returns
    -------
    str
        ASCII text with control characters escaped; strings are quoted.

    Examples
    --------
    >>> print(shown("layer.0\n"), shown([1, 2]))
    'layer.0\n' [1, 2]
    """
    # A name may be megabytes long, and its escapes ten times that.
    text = ascii(value[: length + 1] if isinstance(value, str) else value)
    if len(text) <= length:
        return text
    return text[: length - 4] + ("...'" if isinstance(value, str) else "...")


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading, refusing pipes, devices and folders.

    Parameters
    ----------
    path : Path
        The file; a link is followed.

    Returns
    -------
    file object
        Open for reading bytes.

    Raises
    ------
    EntryError
        If there is no such file, it may not be read, or it is not a regular file.
    """
    try:
        _check_regular(path.stat().st_mode, path)
        # Non-blocking: between the two checks the file could be swapped for a pipe without a writer.
        flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, os.O_RDONLY | flags)
    except (OSError, ValueError) as error:
        refuse_unreadable(path, error)
    file = os.fdopen(descriptor, "rb")
    try:
        _check_regular(os.fstat(descriptor).st_mode, path)
    except EntryError:
        file.close()
        raise
    return file


def refuse_unreadable(path: Path, error: Exception) -> Never:
    """Refuse a file that the system does not let us read."""
    cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    raise EntryError(
        "unreadable_file",
        f"the file cannot be read ({cause})",
        where=str(path),
        remedy="Check that it exists and may be read.",
    ) from error


def _check_regular(mode: int, path: Path) -> None:
    if not stat.S_ISREG(mode):
        raise EntryError(
            "not_a_regular_file",
            "this is a folder, pipe or device, not a regular file",
            where=str(path),
            remedy="Put the file itself in its place.",
        )


@contextlib.contextmanager
def atomic_file(path: Path | str) -> Iterator[BinaryIO]:
    """Write a file that appears under its name only when it is whole and on the disk.

    The bytes go to a hidden file in the same folder, which replaces ``path`` at the end; an error
    inside the block leaves an older file as it was.

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
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        _refuse_unwritable(path, error)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; a system that cannot sync a folder is left alone."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
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
