"""How the names of folders become the ids of entries."""

from __future__ import annotations

import os
from pathlib import Path


def entry_id(root: Path, folder: Path) -> str:
    r"""Return the id of an entry: its path below the zoo, with slashes.

    Parameters
    ----------
    root : Path
        The zoo.
    folder : Path
        The entry, below ``root`` or equal to it.

    Returns
    -------
    str
        Text that can be encoded in UTF-8; bytes of names that are not UTF-8 become ``\xNN``.

    Examples
    --------
    >>> entry_id(Path("zoo"), Path("zoo/a/b")), entry_id(Path("zoo"), Path("zoo"))
    ('a/b', 'zoo')
    """
    relative = folder.relative_to(root).as_posix()
    if relative == ".":
        relative = root.resolve().name or "zoo"
    return os.fsencode(relative).decode("utf-8", "backslashreplace")
