"""Word classes and word lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from wsgeo.errors import DataError

Word = Mapping[str, str]
"""The forms of one word by name; a word without forms has the form ``""``."""


def read_words(
    name: str, given: str | Sequence[str | Mapping[str, str]], file: Path
) -> tuple[Word, ...]:
    """Return the words of a class, reading its word list file if it names one."""
    if not isinstance(given, str):
        return tuple({"": word} if isinstance(word, str) else word for word in given)
    if Path(given).name != given:
        raise DataError(
            f"words.{name} names {given!r}, which is not a file beside the set",
            where=str(file),
            remedy="Put the word list into the set's folder.",
        )
    try:
        text = (file.parent / given).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"words.{name} cannot be read: {error}", where=str(file)) from error
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not given.endswith(".tsv"):
        return tuple({"": line} for line in lines)
    return _forms(name, [line.split("\t") for line in lines], file)


def _forms(name: str, rows: Sequence[Sequence[str]], file: Path) -> tuple[Word, ...]:
    """Return words with forms; the first row holds the names of the forms."""
    for row in rows:
        if len(row) != len(rows[0]):
            raise DataError(
                f"words.{name}: {row} has {len(row)} forms, the first line names {len(rows[0])}",
                where=str(file),
            )
    return tuple(dict(zip(rows[0], row, strict=True)) for row in rows[1:])


def check_words(name: str, words: Sequence[Word], where: str) -> None:
    """Refuse an empty class, an empty or repeated word, and words with different forms."""
    place = where or None
    if not words or any(not word or not all(f.strip() for f in word.values()) for word in words):
        raise DataError(f"words.{name} is or has an empty word", where=place, remedy="Fill it in.")
    if any(word.keys() != words[0].keys() for word in words):
        raise DataError(f"words.{name}: not all words have the same forms", where=place)
    firsts = [next(iter(word.values())) for word in words]
    if len(set(firsts)) < len(firsts):
        repeated = next(word for word in firsts if firsts.count(word) > 1)
        raise DataError(f"words.{name} repeats {repeated!r}", where=place, remedy="Remove one.")
