"""Opening files that others wrote."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO, Never

from wsgeo.errors import EntryError


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
        check_regular(path.stat().st_mode, path)
        # Non-blocking: between the two checks the file could be swapped for a pipe without a writer.
        flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, os.O_RDONLY | flags)
    except (OSError, ValueError) as error:
        refuse_unreadable(path, error)
    file = os.fdopen(descriptor, "rb")
    try:
        check_regular(os.fstat(descriptor).st_mode, path)
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


def check_regular(mode: int, path: Path) -> None:
    """Refuse what is no regular file, by the mode that `os.stat` gives."""
    if not stat.S_ISREG(mode):
        raise EntryError(
            "not_a_regular_file",
            "this is a folder, pipe or device, not a regular file",
            where=str(path),
            remedy="Put the file itself in its place.",
        )
