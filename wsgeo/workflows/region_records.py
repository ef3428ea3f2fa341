"""What is kept of regions that were measured, and told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from wsgeo.store import Run
from wsgeo.workflows.region_choices import SampledRegion, title_of
from wsgeo.workflows.region_findings import (
    headlines,
    line_sentences,
    order_sentences,
    radial_sentences,
    star_sentence,
)
from wsgeo.workflows.region_levels import LevelsOutcome

MEASURED: Final = ("region_points", "region_orders", "region_curves", "stars")
"""Tables of the regions that were sampled."""

PLACE: Final = ("group", "level", "name")
"""Columns that say which region a row is of."""


def keep(
    run: Run,
    chosen: Sequence[SampledRegion],
    tables: Sequence[Mapping[str, pl.DataFrame]],
    regions: pl.DataFrame,
) -> None:
    """Write what was measured; regions measured before stay, if their members are the same.

    Parameters
    ----------
    run : Run
        The run.
    chosen : sequence of SampledRegion
        Regions that were measured.
    tables : sequence of mapping of str to polars.DataFrame
        `MEASURED` of each.
    regions : polars.DataFrame
        All regions of the run as it is now.
    """
    new = pl.DataFrame(
        [one.place for one in chosen], schema=dict.fromkeys(PLACE, pl.String), orient="row"
    )
    before = run.table("region_points").filter(kind="member")
    measured = before.group_by(PLACE).agg(members=pl.col("point").unique().sort())
    now = regions.select(*PLACE, members=pl.col("members").list.sort())
    same = measured.join(now, on=[*PLACE, "members"]).join(new, on=PLACE, how="anti")
    for name in MEASURED:
        own = [
            frame[name].select(pl.lit(one.group).alias("group"), pl.all())
            for one, frame in zip(chosen, tables, strict=True)
        ]
        run.write_table(name, pl.concat([run.table(name).join(same, on=PLACE, how="semi"), *own]))


def tell(run: Run, levels: LevelsOutcome) -> dict[str, Any]:
    """Return what the tables of a run say of its regions, in words.

    Parameters
    ----------
    run : Run
        The run, its tables of regions written.
    levels : LevelsOutcome
        How the regions were found again.

    Returns
    -------
    dict
        ``levels`` and ``headlines`` (sentences), and ``regions``: ``group``, ``level``, ``name``,
        ``title`` and ``sentences`` of each that was measured.
    """
    tables = {name: run.table(name) for name in MEASURED}
    several = len(levels.sentences) > 1
    groups = levels.sentences

    def said(group: str, sentences: Sequence[str]) -> list[str]:
        return [f"{group}: {one}" if several else one for one in sentences]

    return {
        "levels": [one for group in groups for one in said(group, groups[group])],
        "headlines": [
            one
            for group in groups
            for one in said(group, headlines(tables["region_orders"].filter(group=group)))
        ],
        "regions": _of_regions(tables),
    }


def record(run: Run, told: Mapping[str, Any], notes: Sequence[str]) -> None:
    """Keep what was found in words in ``run.json``, for the report.

    Parameters
    ----------
    run : Run
        The run.
    told : mapping
        What `tell` returned.
    notes : sequence of str
        What is not known, and why.
    """
    first = [*told["levels"], *told["headlines"]]
    kept = {"sentences": first, "notes": list(notes), "regions": told["regions"]}
    run.write("run", {**run.read("run"), "regions": kept})


def _of_regions(tables: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """Return what is said of each region; one whose points are another's says so."""
    told: list[dict[str, Any]] = []
    seen: list[tuple[str, pl.DataFrame]] = []
    measured = tables["region_points"].select(PLACE).unique(maintain_order=True)
    for row in measured.iter_rows(named=True):
        own = {name: frame.filter(**row) for name, frame in tables.items()}
        points = own["region_points"].drop("level", "name")
        title = title_of(row["level"], row["name"])
        same = next((first for first, known in seen if known.equals(points)), None)
        sentences = [f"The same members and figures as {same}."] if same else _sentences(own)
        seen.append((title, points))
        told.append({**row, "title": title, "sentences": sentences})
    return told


def _sentences(own: Mapping[str, pl.DataFrame]) -> list[str]:
    return [
        *order_sentences(own["region_orders"]),
        *line_sentences(own["region_curves"]),
        *radial_sentences(own["region_curves"], own["region_points"]),
        *star_sentence(own["stars"]),
    ]
