"""Files and folders that are either whole or absent, whatever kills the process that writes them."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Never

from wsgeo.errors import WsgeoError

PARTIAL: Final = ".*.partial"
"""Pattern of the names of files and folders that are not whole yet, or whose writer was killed."""

OLDER: Final = ".*.older.partial"
"""Pattern of the names of folders that hold what a new folder is just replacing."""

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_FULL_TEXT: Final = re.compile(r"no space|not enough space|quota|os error (28|112|122)", re.I)
_FORBIDDEN: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its place when the block ends well.

    A reader sees the old file or the new one, never a part: the bytes are flushed to the disk
    before the name moves, and the folder after. Errors of the block that concern other files pass
    through.

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
    temporary = _partial(path)
    try:
        with _refusing(path, temporary):
            yield temporary
        with _refusing(path):
            _sync(temporary)
            temporary.replace(path)
            sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Give a hidden folder beside ``folder`` that takes its place when the block ends well.

    Half a model with a valid header would be loaded as a whole one.

    Parameters
    ----------
    folder : Path
        Folder to write or replace, with all that is in it; its parents are made.

    Yields
    ------
    Path
        The hidden folder, empty.

    Raises
    ------
    WsgeoError
        If the folder cannot be written or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     with replacing_folder(Path(parent) / "model") as staging:
    ...         _ = (staging / "config.json").write_text("{}")
    ...     [path.name for path in Path(parent).rglob("*")]
    ['model', 'config.json']
    """
    staging = _partial(folder)
    try:
        with _refusing(folder):
            staging.mkdir(parents=True)
        yield staging
        with _refusing(folder):
            _sync_tree(staging)
            _put_in_place(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def remove_partial(folder: Path) -> None:
    """Remove what killed writers left below a folder; nobody else may be writing there.

    A folder that had stepped aside for a new one that never came is put back.
    """
    for aside in sorted(folder.rglob(OLDER)):
        if aside.is_dir() and not aside.is_symlink():
            _put_back(aside)
    for leftover in sorted(folder.rglob(PARTIAL)):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


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


def _partial(path: Path) -> Path:
    """Return a hidden name beside ``path`` that matches `PARTIAL`."""
    return _hidden(path, PARTIAL)


def _hidden(path: Path, pattern: str) -> Path:
    return path.with_name(pattern.replace("*", secrets.token_hex(8)))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            _sync(path)
        elif path.is_dir():
            sync_folder(path)
    sync_folder(folder)


def _put_in_place(staging: Path, folder: Path) -> None:
    # No system call swaps two full folders everywhere: the older one steps aside first, under its
    # own name, so that whoever finds it after a kill knows where it belongs.
    aside = _hidden(folder, OLDER)
    aside.mkdir()
    try:
        with contextlib.suppress(FileNotFoundError):
            folder.rename(aside / folder.name)
        staging.rename(folder)
    finally:
        _put_back(aside)
    sync_folder(folder.parent)


def _put_back(aside: Path) -> None:
    """Put what stepped aside in its place if that is empty, else remove it."""
    for older in list(aside.iterdir()):
        place = aside.with_name(older.name)
        if not os.path.lexists(place):
            # The only whole copy: if it cannot be moved it stays where it is.
            older.rename(place)
    shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def _refusing(target: Path, only: Path | None = None) -> Iterator[None]:
    """Turn a system error into a line for the user; with ``only``, what concerns that file."""
    try:
        yield
    except OSError as error:
        if only is None or _concerns(error, only):
            _refuse_unwritable(target, error)
        raise


def _concerns(error: OSError, path: Path) -> bool:
    """Tell whether an error names a file, or names none and comes from writing."""
    names = {str(name) for name in (error.filename, error.filename2) if name is not None}
    # Writing to an open file names no file, and libraries raise texts without a number.
    return str(path) in names or (not names and (error.errno == errno.EFBIG or _is_full(error)))


def _is_full(error: OSError) -> bool:
    """Tell whether an error says that a disk is full, by number or in words."""
    return error.errno in _FULL or (error.errno is None and bool(_FULL_TEXT.search(str(error))))


def _refuse_unwritable(path: Path, error: OSError) -> Never:
    free, remedy = "", "Choose another place, then run the command again."
    if _is_full(error):
        remedy = "Free some space or choose another place, then run the command again."
        with contextlib.suppress(OSError):
            free = f"; {shutil.disk_usage(path.parent).free} bytes are free there"
    elif error.errno in _FORBIDDEN:
        remedy = "Choose a place where you may write, then run the command again."
    what = f"it cannot be written ({error.strerror or error}{free})"
    raise WsgeoError(what, where=str(path), remedy=remedy) from error
