"""Regions by name, as the table of regions lists them, as selections of members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Never

import polars as pl

from wsgeo.errors import WsgeoError
from wsgeo.regions.tables import folder_word
from wsgeo.store import Run
from wsgeo.workflows.inputs import ScanInputs
from wsgeo.workflows.selections import Selection, sound


def choose_named_region(
    run: Run, inputs: ScanInputs, name: str, level: str | None = None, group: str | None = None
) -> Selection:
    """Return the members of a region that has a name.

    Parameters
    ----------
    run : Run
        A finished run with a table of regions.
    inputs : ScanInputs
        Its zoo and data.
    name : str
        Name of the region, such as a data set.
    level : str, optional
        One of `wsgeo.regions.region_groups.LEVELS`; needed where regions of several levels have the
        name.
    group : str, optional
        Geometry group; needed where regions of several groups have the name.

    Returns
    -------
    Selection
        Measured only where all are of one loss group that has data.

    Raises
    ------
    WsgeoError
        If the run has no regions by name, or there is not exactly one of this name.
    """
    regions = run.table("regions")
    if regions.is_empty():
        raise WsgeoError(
            "the run has no regions by name",
            where=str(run.folder),
            remedy=f"Run `wsgeo region {run.folder}` first."
            if sound(run, inputs.zoo.members)
            else f"`wsgeo show {run.folder}` says why no member passed the end-point gate.",
        )
    found = _one_region(run, regions, name, level, group)
    inside = set(found["members"])
    members = tuple(sound(run, [m for m in inputs.zoo.members if m.id in inside]))
    if not members:
        raise WsgeoError(
            f"no member of the region {name} can do its task",
            where=str(run.folder),
            remedy=f"`wsgeo show {run.folder}` says which failed the gate.",
        )
    data = {measured.name: measured for measured in inputs.groups}
    losses = {member.loss_group for member in members}
    kept = data.get(losses.pop()) if len(losses) == 1 else None
    return Selection(found["level"], name, members, kept, _folder_name(regions, found))


def _one_region(
    run: Run, regions: pl.DataFrame, name: str, level: str | None, group: str | None
) -> dict[str, Any]:
    rows = regions.filter(pl.col("name") == name)
    if level is not None:
        rows = rows.filter(pl.col("level") == level)
    if group is not None:
        rows = rows.filter(pl.col("group") == group)
    if rows.height == 1:
        return rows.to_dicts()[0]
    if rows.is_empty():
        _refuse_unknown(run, regions, name, level)
    levels, groups = (list(rows[key].unique(maintain_order=True)) for key in ("level", "group"))
    by, values = ("level", levels) if len(levels) > 1 else ("group", groups)
    raise WsgeoError(
        f"{rows.height} regions are called {name}",
        where=str(run.folder),
        remedy=f"Say which: {' or '.join(f'--{by} {value}' for value in values)}.",
    )


def _refuse_unknown(run: Run, regions: pl.DataFrame, name: str, level: str | None) -> Never:
    kept = regions if level is None else regions.filter(pl.col("level") == level)
    listed = kept if kept.height else regions
    names = listed.group_by("level", maintain_order=True).agg(pl.col("name").unique().sort())
    there = "; ".join(f"{one}: {', '.join(each)}" for one, each in names.iter_rows())
    where = "" if level is None else f" at the level {level}"
    raise WsgeoError(
        f"no region is called {name}{where}",
        where=str(run.folder),
        remedy=f"There are, by level: {there}.",
    )


def _folder_name(regions: pl.DataFrame, found: Mapping[str, Any]) -> str:
    """Return what a centroid of a region is called: no other region of the run has the same."""
    alike = pl.col("level") == found["level"], pl.col("name") == found["name"]
    several = regions.filter(*alike)["group"].n_unique() > 1
    name = f"{found['level']}-{folder_word(found['name'])}"
    return f"{name}-{found['group']}" if several else name
