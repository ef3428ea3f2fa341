"""Output folders that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Never

from wsgeo.errors import WsgeoError
from wsgeo.files import replacing_folder, write_text

MARKER = "wsgeo.json"
KIND = "centroid"
_MARKER_BYTES = 1 << 20


@contextlib.contextmanager
def staged_folder(folder: Path) -> Iterator[Path]:
    """Fill a hidden folder that takes the place of ``folder`` at the end.

    An empty folder and an older centroid are replaced; anything else that stands there is left
    alone.

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
    _check_replaceable(folder)
    with replacing_folder(folder) as staging:
        yield staging


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
