"""``zoo.toml``: what its owner says about a zoo, read strictly and written with sources."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsgeo.errors import EntryError, WsgeoError
from wsgeo.escapes import printable, toml_value
from wsgeo.files import write_text
from wsgeo.suggestions import suggestion
from wsgeo.zoo.checkpoints import Checkpoint, Fact, Zoo
from wsgeo.zoo.documents import CONFIG_BYTES, Roots, read_bytes
from wsgeo.zoo.facts import data_fact, flatten

if TYPE_CHECKING:
    from wsgeo.zoo.manifest_schema import Manifest

NAME = "zoo.toml"

_MEMBER_FACTS = ("base", "task", "data", "method", "seed", "step", "learning_rate")


def read_manifest(root: Path, roots: Roots) -> Manifest:
    """Read the ``zoo.toml`` of a zoo; an empty one where there is none.

    Parameters
    ----------
    root : Path
        The zoo.
    roots : Roots
        Where its files may lie.

    Returns
    -------
    Manifest
        Checked.

    Raises
    ------
    WsgeoError
        If the file is malformed, or a key is unknown.
    """
    from wsgeo.zoo.manifest_schema import Manifest

    path = root / NAME
    if not path.exists():
        return Manifest()
    try:
        document = tomllib.loads(read_bytes(path, roots, CONFIG_BYTES).decode("utf-8"))
    except EntryError as error:
        raise WsgeoError(error.what, where=error.where, remedy=error.remedy) from error
    except (ValueError, RecursionError) as error:
        raise WsgeoError(
            f"the file is not TOML ({printable(error)})",
            where=str(path),
            remedy="Mend the file, or remove it and run `wsgeo check --write`.",
        ) from error
    return _validate(document, path)


def manifest_facts(manifest: Manifest, entry_id: str) -> dict[str, Fact]:
    """Return what a manifest says of one entry: its own lines, then the zoo's.

    Parameters
    ----------
    manifest : Manifest
        Of the zoo.
    entry_id : str
        The entry.

    Returns
    -------
    dict of str to Fact
        By name; the source is ``zoo.toml``.
    """
    own = manifest.member_named(entry_id)
    zoo_wide = {"base": manifest.base, "task": manifest.task, "data": manifest.data}
    values: dict[str, Any] = {k: v for k, v in zoo_wide.items() if v is not None}
    if own is not None:
        said = own.model_dump(exclude_none=True, exclude={"id", "path", "labels", "facts"})
        values = {**values, **own.facts, **said}
    flat = dict(flatten(values))
    if (data := data_fact(flat)) is not None:
        flat["data"] = data
    return {name: Fact(value, NAME) for name, value in flat.items()}


def write_manifest(zoo: Zoo, path: Path) -> None:
    """Write what is known of a zoo as ``zoo.toml``; each guess carries its source as a comment.

    Parameters
    ----------
    zoo : Zoo
        The zoo.
    path : Path
        The file.

    Raises
    ------
    WsgeoError
        If the file cannot be written.
    """
    write_text(path, "\n".join(_manifest_lines(zoo)) + "\n")


def _validate(document: Mapping[str, Any], path: Path) -> Manifest:
    import pydantic

    from wsgeo.zoo.manifest_schema import Manifest, Member

    try:
        return Manifest.model_validate(document)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            model = Member if "member" in first["loc"] else Manifest
            fields = sorted(field.alias or name for name, field in model.model_fields.items())
            what, remedy = f"unknown key {place!r}", suggestion(str(first["loc"][-1]), fields)
        else:
            what, remedy = f"{place}: {first['msg']}", "Mend this line."
        raise WsgeoError(printable(what), where=str(path), remedy=printable(remedy)) from error


def _manifest_lines(zoo: Zoo) -> Iterator[str]:
    yield f"# What wsgeo found in {printable(zoo.name)}. Each value is followed by its source;"
    yield "# correct what is wrong: this file holds over every other source."
    for member in zoo.members:
        yield ""
        yield "[[member]]"
        yield f"path = {toml_value(member.id)}"
        for name in _MEMBER_FACTS:
            fact = member.facts.get(name)
            if fact is not None and fact.value is not None:
                yield f"{name} = {toml_value(fact.value)}  # {printable(fact.source)}"
        if member.labels:
            yield f"labels = {toml_value(list(member.labels))}  # {_label_source(member)}"
    for row in zoo.excluded:
        yield ""
        yield f"# {row.fate}: {printable(row.id)}: {printable(row.cause)}"


def _label_source(member: Checkpoint) -> str:
    return "config.json" if member.labels_named else "unknown; give the names in this order"
