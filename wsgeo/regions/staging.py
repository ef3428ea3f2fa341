"""Output folders that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Never

from wsgeo.errors import WsgeoError
from wsgeo.files import sync_folder, write_text

MARKER = "wsgeo.json"
KIND = "centroid"
_MARKER_BYTES = 1 << 20


@contextlib.contextmanager
def staged_folder(folder: Path) -> Iterator[Path]:
    """Fill a hidden folder that takes the place of ``folder`` at the end.

    Half a model with a valid header would be loaded as a whole one. An empty folder and an older
    centroid are replaced; anything else that stands there is left alone.

    Parameters
    ----------
    folder : Path
        Where the result shall lie; parents are made.

    Yields
    ------
    Path
        The hidden folder, beside ``folder``.

    Raises
    ------
    WsgeoError
        If ``folder`` holds something else, or cannot be written.
    """
    folder = Path(folder)
    _check_replaceable(folder)
    staging = folder.with_name(f".{uuid.uuid4().hex}.part")
    try:
        try:
            staging.mkdir(parents=True)
        except OSError as error:
            _refuse_unwritten(folder, error)
        yield staging
        sync_folder(staging)
        try:
            _put_in_place(staging, folder)
        except OSError as error:
            _refuse_unwritten(folder, error)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write a document as strict JSON: no NaN, names sorted, plain ASCII.

    Parameters
    ----------
    path : Path
        The file.
    document : mapping
        Strings, numbers, booleans, None, lists and mappings.

    Raises
    ------
    ValueError
        If a number is not finite.
    WsgeoError
        If the file cannot be written.
    """
    write_text(path, json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n")


def _check_replaceable(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        _refuse(folder, "there is a file or link of this name")
    if folder.is_dir() and any(folder.iterdir()) and not _is_centroid(folder):
        _refuse(folder, "the folder holds files that no centroid left there")


def _is_centroid(folder: Path) -> bool:
    try:
        with (folder / MARKER).open("rb") as file:
            document = json.loads(file.read(_MARKER_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("kind") == KIND


def _refuse(folder: Path, why: str) -> Never:
    raise WsgeoError(why, where=str(folder), remedy="Choose another folder with -o.")


def _put_in_place(staging: Path, folder: Path) -> None:
    if folder.exists():
        older = folder.with_name(f".{uuid.uuid4().hex}.old")
        folder.rename(older)
        staging.rename(folder)
        shutil.rmtree(older, ignore_errors=True)
    else:
        staging.rename(folder)
    sync_folder(folder.parent)


def _refuse_unwritten(folder: Path, error: OSError) -> Never:
    raise WsgeoError(
        f"the folder cannot be written ({error.strerror or error})",
        where=str(folder),
        remedy="Free some space or choose another folder with -o.",
    ) from error
