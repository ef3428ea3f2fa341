"""The regions of a run as sources of starts: those that it has, or found when there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import polars as pl

from wsgeo.store import Run
from wsgeo.workflows.region_levels import find_levels

_LEVELS: Final = ("general", "task", "dataset", "basin")


@final
@dataclass(frozen=True)
class Region:
    """A region of the run, as a source of candidates.

    Parameters
    ----------
    level : str
        ``general``, ``task``, ``dataset`` or ``basin``.
    name : str
        Such as ``snli``.
    members : tuple of str
        Ids.
    """

    level: str
    name: str
    members: tuple[str, ...]

    @property
    def title(self) -> str:
        """How candidates call it."""
        return "all" if self.level == "general" else self.name


def regions_in(frame: pl.DataFrame) -> list[Region]:
    """Return the regions of a geometry group, the widest level first.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows of `REGIONS`.

    Returns
    -------
    list of Region
        Titles that two levels share are told apart by the level.
    """
    rows = sorted(
        frame.select("level", "name", "members").iter_rows(),
        key=lambda row: (_LEVELS.index(row[0]), row[1]),
    )
    found: list[Region] = []
    for level, name, members in rows:
        taken = {region.title for region in found}
        found.append(Region(level, f"{name} ({level})" if name in taken else name, tuple(members)))
    return found


def missing_levels(run: Run, group: str, seed: int) -> dict[str, pl.DataFrame]:
    """Find the regions of a geometry group for which the run has none, and write nothing.

    Parameters
    ----------
    run : Run
        A finished run.
    group : str
        The geometry group.
    seed : int
        Of permutations and null draws.

    Returns
    -------
    dict of str to polars.DataFrame
        The group's rows by table; empty where the run has regions of the group, by whichever
        settings they were made.
    """
    if not run.table("regions").filter(group=group).is_empty():
        return {}
    tables = find_levels(run, seed=seed).tables
    return {name: rows.filter(group=group) for name, rows in tables.items()}


def keep_levels(run: Run, tables: Mapping[str, pl.DataFrame]) -> None:
    """Add regions to a run that it had none of; those of other geometry groups stay.

    Parameters
    ----------
    run : Run
        The run, held by the caller.
    tables : mapping of str to polars.DataFrame
        What `missing_levels` returned.
    """
    for name, rows in tables.items():
        others = run.table(name).join(rows, on="group", how="anti")
        run.write_table(name, pl.concat([others, rows], how="diagonal"))
