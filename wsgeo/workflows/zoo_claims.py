"""Whose a zoo in the making is: one recipe, one process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from wsgeo.counting import counted
from wsgeo.errors import WsgeoError
from wsgeo.escapes import printable, shown, toml_value
from wsgeo.files import remove_partial, write_text
from wsgeo.training.recipe_files import read_document
from wsgeo.zoo.manifest import NAME as MANIFEST

COPY: Final = "recipe.toml"
"""Name of the recipe's copy in its zoo."""


@contextlib.contextmanager
def claimed(
    zoo: Path, document: Mapping[str, Any], recipe: Path, overrides: Sequence[str]
) -> Iterator[None]:
    """Be the only one who makes a zoo, and have its recipe in it.

    Parameters
    ----------
    zoo : Path
        Folder of the zoo; made if it is not there.
    document : mapping
        The recipe, with what was set from outside.
    recipe : Path
        Its file.
    overrides : sequence of str
        What was set.

    Yields
    ------
    None
        While the zoo is locked.

    Raises
    ------
    WsgeoError
        If the folder holds another zoo, or another process is making it.
    """
    from filelock import FileLock, Timeout

    check_same(zoo, document)
    try:
        zoo.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WsgeoError(
            f"the folder cannot be made ({error.strerror})",
            where=str(zoo),
            remedy="Choose another with -o.",
        ) from error
    lock = FileLock(zoo / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise WsgeoError(
            "another process is making this zoo",
            where=str(zoo),
            remedy="Wait for it, or choose another folder with -o.",
        ) from error
    try:
        # Another process may have begun a zoo here, and ended, since the first look.
        check_same(zoo, document)
        remove_partial(zoo)
        if not (zoo / COPY).exists():
            write_text(zoo / COPY, _copy(document, recipe, overrides))
        yield
    finally:
        lock.release()


def check_same(zoo: Path, document: Mapping[str, Any]) -> None:
    """Refuse a folder that holds the zoo of another recipe, or something else.

    Parameters
    ----------
    zoo : Path
        Folder of the zoo; it need not be there.
    document : mapping
        The recipe, with what was set from outside.

    Raises
    ------
    WsgeoError
        If it holds another zoo; what differs is named.
    """
    if (zoo / COPY).exists():
        before, now = _flat(read_document(zoo / COPY)), _flat(document)
        other = sorted(k for k in {*before, *now} if before.get(k) != now.get(k))
        if other:
            first = other[0]
            told = f"{first} is {_told(before, first)} there and {_told(now, first)} here"
            rest = f", and {counted(len(other) - 1, 'other key')} differ" if other[1:] else ""
            raise WsgeoError(
                printable(f"the zoo was made from another recipe: {told}{rest}"),
                where=str(zoo),
                remedy=f"Go on with {zoo / COPY}, or choose another folder with -o.",
            )
    elif (zoo / MANIFEST).exists() or (zoo.exists() and not zoo.is_dir()):
        raise WsgeoError(
            "this is no zoo that wsgeo train made",
            where=str(zoo),
            remedy="Choose another folder with -o.",
        )


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values of a document by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _told(values: Mapping[str, Any], key: str) -> str:
    return shown(values[key]) if key in values else "absent"


def _copy(document: Mapping[str, Any], recipe: Path, overrides: Sequence[str]) -> str:
    """Return the recipe as it is, or as it was changed from outside."""
    if not overrides:
        return recipe.read_text(encoding="utf-8")
    lines = [printable(f"# {recipe.name} with --set {text}") for text in overrides]
    lines += [f"{toml_value(key)} = {toml_value(value)}" for key, value in document.items()]
    return "\n".join(lines) + "\n"
