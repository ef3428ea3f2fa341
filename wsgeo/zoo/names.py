"""Names that came from files: how they are shown, and how they become ids."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

# Control, format (direction marks, zero-width), surrogate, private-use, line and paragraph marks.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def printable(text: object) -> str:
    r"""Return a text from a file so that a terminal or table shows it and nothing happens.

    The one escaping function for text output: control and direction characters, line breaks and
    undecodable bytes become escapes; letters of every script stay.

    Parameters
    ----------
    text : object
        The text; anything else is turned into text first.

    Returns
    -------
    str
        One line that can be encoded in UTF-8.

    Examples
    --------
    >>> print(printable("a\x1b[31m\nb\u202e"), printable("größe"))
    a\x1b[31m\nb\u202e größe
    """
    return "".join(map(_escape, str(text)))


def _escape(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    if "\udc80" <= character <= "\udcff":
        # Such a character stands for one byte of a file name that is not UTF-8.
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


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


def closest(name: str, known: list[str]) -> str:
    """Return a sentence that names the closest known word, or all of them.

    Parameters
    ----------
    name : str
        What was written.
    known : list of str
        What could have been meant.

    Returns
    -------
    str
        An imperative sentence.

    Examples
    --------
    >>> closest("bas", ["base", "task"])
    "Did you mean 'base'?"
    """
    import difflib

    found = difflib.get_close_matches(name, known, n=1)
    if found:
        return f"Did you mean {found[0]!r}?"
    return f"Use one of: {', '.join(known)}."
