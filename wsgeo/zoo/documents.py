"""Files of a zoo, opened only inside its roots and read only within limits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Never, final

from wsgeo.errors import EntryError
from wsgeo.escapes import shown
from wsgeo.weights.files import check_regular, open_regular, refuse_unreadable
from wsgeo.weights.strict_json import MAX_DIGITS, parse_json

CONFIG_BYTES = 1_000_000
INDEX_BYTES = 10_000_000
TOKENIZER_BYTES = 64_000_000
MAX_CONTAINERS = 100_000

_MEND = "Save the file again with the tool that made it."


@final
@dataclass(frozen=True)
class Roots:
    """The folders outside which nothing is read.

    Parameters
    ----------
    folders : tuple of Path
        Real paths: the zoo, and what the user named on the command line.
    """

    folders: tuple[Path, ...]

    @classmethod
    def of(cls, *folders: Path) -> Roots:
        """Return roots around ``folders``.

        A snapshot of a hub cache links to files beside it, so its whole repository is a root.

        Parameters
        ----------
        *folders : Path
            Existing folders.

        Returns
        -------
        Roots
            Their real paths.
        """
        return cls(tuple(_repository(folder.resolve()) for folder in folders))

    def holds(self, path: Path) -> bool:
        """Return whether the real path of ``path`` lies inside a root.

        Parameters
        ----------
        path : Path
            An existing or missing path.

        Returns
        -------
        bool
            False also for a link that runs in a circle.
        """
        try:
            real = path.resolve()
        except (OSError, RuntimeError, ValueError):
            return False
        return any(real.is_relative_to(folder) for folder in self.folders)

    def regular_file(self, path: Path) -> Path:
        """Return the real path of a regular file inside the roots.

        Parameters
        ----------
        path : Path
            The file; links are fine as long as they stay inside.

        Returns
        -------
        Path
            Its real path, to be opened instead of ``path``.

        Raises
        ------
        EntryError
            If the path leaves the roots, leads nowhere, or is a folder, pipe or device.
        """
        try:
            real = path.resolve()
            if not any(real.is_relative_to(folder) for folder in self.folders):
                _refuse_escape(path)
            mode = real.stat().st_mode
        except (OSError, RuntimeError, ValueError) as error:
            refuse_unreadable(path, error)
        check_regular(mode, path)
        return real


def _repository(real: Path) -> Path:
    for parent in (real, *real.parents):
        if parent.name == "snapshots" and parent.parent.name.startswith("models--"):
            return parent.parent
    return real


def _refuse_escape(path: Path) -> Never:
    raise EntryError(
        "leaves_folder",
        "the path leads out of the zoo",
        where=str(path),
        remedy="Copy the file itself into the folder.",
    )


def read_bytes(path: Path, roots: Roots, limit: int) -> bytes:
    """Read a whole file of bounded size inside the roots.

    Parameters
    ----------
    path : Path
        The file.
    roots : Roots
        Where it may lie.
    limit : int
        Bytes it may have.

    Returns
    -------
    bytes
        Its content.

    Raises
    ------
    EntryError
        If the file is refused by `Roots.regular_file`, unreadable, or larger than ``limit``.
    """
    real = roots.regular_file(path)
    with open_regular(real) as file:
        size = os.fstat(file.fileno()).st_size
        if size <= limit:
            try:
                raw = file.read(limit + 1)
            except OSError as error:
                refuse_unreadable(path, error)
            size = len(raw)
    if size > limit:
        raise EntryError(
            "file_too_large",
            f"the file has {size} bytes; {limit} is the limit for its kind",
            where=str(path),
            remedy=_MEND,
        )
    return raw


def read_json(
    path: Path,
    roots: Roots,
    *,
    limit: int = CONFIG_BYTES,
    max_digits: int = MAX_DIGITS,
    max_containers: int = MAX_CONTAINERS,
) -> dict[str, object]:
    """Read a JSON object that nobody has checked.

    Parameters
    ----------
    path : Path
        The file.
    roots : Roots
        Where it may lie.
    limit : int
        Bytes it may have.
    max_digits : int
        Digits a whole number may have.
    max_containers : int
        Objects and lists it may hold: brackets cost fifty times their bytes once parsed.

    Returns
    -------
    dict
        The object.

    Raises
    ------
    EntryError
        If the file is refused by `read_bytes`, is not UTF-8 or JSON, holds a name twice, NaN, an
        infinite or overlong number, half a surrogate pair, too many or too deeply nested values, or
        something else than an object.
    """
    raw = read_bytes(path, roots, limit)
    if raw.count(b"[") + raw.count(b"{") > max_containers:
        _refuse_json(path, f"it holds more than {max_containers} objects and lists")
    try:
        parsed = parse_json(raw, max_digits=max_digits)
    except ValueError as error:
        _refuse_json(path, str(error))
    if not isinstance(parsed, dict):
        _refuse_json(path, "it is not an object")
    return parsed


def _refuse_json(path: Path, why: str) -> Never:
    raise EntryError(
        "malformed_json",
        f"the file is not the JSON it should be ({shown(why, 120)})",
        where=str(path),
        remedy=_MEND,
    )
