"""``zoo.toml`` of a zoo that was made: a scan of it needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from wsgeo.escapes import printable, toml_value
from wsgeo.files import write_text
from wsgeo.training.grids import Cell
from wsgeo.workflows.zoo_bases import base_folder
from wsgeo.zoo.facts import OWN_FILE
from wsgeo.zoo.manifest import NAME

_HEAD = """\
# Written by `wsgeo train` from recipe.toml{title}.
# It names what each member was made from; correct or add what you know.
"""


@final
@dataclass(frozen=True)
class Planned:
    """One member of a zoo to be made.

    Parameters
    ----------
    cell : Cell
        Its name, base, task and settings.
    steps : int
        Its updates.
    data : str
        File it is measured on, below the zoo.
    """

    cell: Cell
    steps: int
    data: str


def write_notes(
    zoo: Path, title: str | None, planned: Sequence[Planned], lost: dict[str, str]
) -> None:
    """Write the ``zoo.toml`` that names every finished member.

    Parameters
    ----------
    zoo : Path
        Folder of the zoo.
    title : str or None
        Title of the recipe.
    planned : sequence of Planned
        All members.
    lost : dict of str to str
        Why there is no model, by name of the member.

    Raises
    ------
    WsgeoError
        If the file cannot be written.
    """
    write_text(zoo / NAME, "\n".join(_lines(zoo, title, planned, lost)) + "\n")


def own_notes(folder: Path) -> dict[str, Any]:
    """Return what a member's ``wsgeo.json`` says; nothing where it is not finished.

    Parameters
    ----------
    folder : Path
        The member.

    Returns
    -------
    dict
        Settings and results.
    """
    try:
        found = json.loads((folder / OWN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _lines(
    zoo: Path, title: str | None, planned: Sequence[Planned], lost: dict[str, str]
) -> Iterator[str]:
    yield _HEAD.format(title=f" ({printable(title)})" if title else "")
    bases = list(dict.fromkeys(base_folder(member.cell.base) for member in planned))
    # What a lost member left on the way is a model, but of a run that led nowhere.
    left = [
        folder
        for member in planned
        if member.cell.name in lost
        for folder in member_folders(zoo, member)
    ]
    yield f"exclude = {toml_value(list(dict.fromkeys([*bases, *lost, *left])))}"
    for member in planned:
        name = member.cell.name
        if name in lost:
            yield f"\n# {printable(name)} is left out: {printable(lost[name])}"
            continue
        for folder in member_folders(zoo, member):
            yield from _entry(zoo / folder, folder, member)


def member_folders(zoo: Path, member: Planned) -> list[str]:
    """Return the finished folders of a member: its earlier checkpoints, then its end.

    Parameters
    ----------
    zoo : Path
        Folder of the zoo.
    member : Planned
        The member.

    Returns
    -------
    list of str
        Names below the zoo.
    """
    name = member.cell.name
    early = sorted(step for step in member.cell.training.save_at if step < member.steps)
    folders = [*(f"{name}-step{step:06d}" for step in early), name]
    return [folder for folder in folders if own_notes(zoo / folder)]


def _entry(path: Path, folder: str, member: Planned) -> Iterator[str]:
    cell, notes = member.cell, own_notes(path)
    yield "\n[[member]]"
    yield f"path = {toml_value(folder)}"
    yield f"base = {toml_value(base_folder(cell.base))}"
    yield f"task = {toml_value(cell.task.name)}"
    yield f"data = {toml_value(member.data)}"
    yield f"method = {toml_value(cell.training.method)}"
    yield f"seed = {cell.training.seed}"
    yield f"step = {notes.get('step', member.steps)}"
    yield f"learning_rate = {toml_value(cell.training.learning_rate)}"
    others = {k: v for k, v in cell.axes.items() if k not in _NAMED}
    if others:
        yield f"facts = {toml_value(others)}"
    if notes.get("status") == "degenerate":
        yield f"# degenerate: {printable(notes.get('reason', ''))}"


_NAMED = ("base", "task", "method", "seed", "learning_rate")
