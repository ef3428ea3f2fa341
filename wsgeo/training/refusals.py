"""What is wrong with a recipe, in one line: file, key, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never, TypeVar, get_args

from wsgeo.errors import WsgeoError
from wsgeo.escapes import printable, shown
from wsgeo.suggestions import suggestion

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from wsgeo.training.strict import Strict

Table = TypeVar("Table", bound="Strict")


def checked(
    table: type[Table], document: Mapping[str, Any], path: Path, *, within: str = ""
) -> Table:
    """Return a document as a checked table.

    Parameters
    ----------
    table : type of Strict
        What it may hold.
    document : mapping
        Parsed.
    path : Path
        The file, for messages.
    within : str, default ''
        Key of the place where the document stands in the file, if it is not the whole of it: its
        values are one of several there, so a message shows the value too.

    Returns
    -------
    Strict
        Checked.

    Raises
    ------
    WsgeoError
        For the first finding.
    """
    import pydantic

    try:
        return table.model_validate(document)
    except pydantic.ValidationError as error:
        # A mistyped key is why another is missing: it is told first.
        found = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        _refuse(found[0], table, document, path, within)


def _refuse(
    error: ErrorDetails, table: type[Strict], document: Mapping[str, Any], path: Path, within: str
) -> Never:
    place = error["loc"]
    named = _named(place, document)
    key = printable(".".join([within, *named] if within else named)) or "the file"
    if error["type"] == "extra_forbidden":
        known = _table_of(table, place[:-1]).model_fields
        remedy = printable(suggestion(str(place[-1]), known))
        raise WsgeoError(f"unknown key {key!r}", where=str(path), remedy=remedy)
    if error["type"] == "missing":
        raise WsgeoError(f"{key} is missing", where=str(path), remedy="Add it.")
    text = error["msg"].removeprefix("Value error, ")
    value = f"{shown(error['input'])}: " if within and named else ""
    what = printable(f"{key}: {value}{text[:1].lower()}{text[1:]}")
    raise WsgeoError(what, where=str(path), remedy="Mend this line.")


def _named(place: Sequence[int | str], document: Mapping[str, Any]) -> list[str]:
    """Return the parts of a key; entries of an array count from 1, a table alone has no number."""
    parts: list[str] = []
    node: Any = document
    for part in place:
        if isinstance(node, list) and isinstance(part, int):
            parts.append(str(part + 1))
            node = node[part]
        elif isinstance(node, dict) and isinstance(part, str):
            parts.append(part)
            node = node.get(part)
        # Elsewhere pydantic names the kinds that a value could have been.
    return parts


def _table_of(table: type[Strict], place: Sequence[int | str]) -> type[Strict]:
    """Return the table that a place lies in; it may be one of a list, or one that may be absent."""
    for part in place:
        if isinstance(part, str) and part in table.model_fields:
            kind = table.model_fields[part].annotation
            inner = [each for each in (kind, *get_args(kind)) if hasattr(each, "model_fields")]
            table = inner[0] if inner else table
    return table
