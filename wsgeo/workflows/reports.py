"""The HTML pages of a run: one per loss group, and the first is the index."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import polars as pl

from wsgeo.reporting.page import write_page
from wsgeo.reporting.summary import summarize
from wsgeo.store import GROUPED, Run, open_run
from wsgeo.workflows.strategies import told_of

SHOWN: Final = 3
"""Most differences between basins that the head of the page tells; its panel shows all."""


def report(run: str | Path) -> Path:
    """Write the report of a finished run again.

    Parameters
    ----------
    run : str or Path
        A run folder.

    Returns
    -------
    Path
        The page of the largest group.

    Raises
    ------
    StoreError
        If the folder holds no run, or another process writes to it.
    """
    found = open_run(Path(run))
    with found.sole_writer():
        return write_reports(found)


def write_reports(run: Run) -> Path:
    """Write one page per loss group from the tables of a run.

    Parameters
    ----------
    run : Run
        The run.

    Returns
    -------
    Path
        The page of the largest group; the others lie beside it under their groups' names.
    """
    tables, facts, summary = run.every_table(), run.read("run"), run.read("summary")
    folder = run.subfolder("report")
    groups = [group["name"] for group in summary.get("groups", [])]
    for i, name in reversed(list(enumerate(groups or [None]))):
        said = told_of(run, name) if name else {}
        headlines = tuple(said.get("headlines", ())[:SHOWN])
        told = {**_facts(facts, summary, name, headlines), "folder": str(folder.parent)}
        told |= {key: said[key] for key in ("ridges", "held_out", "by") if key in said}
        told["strategies"] = said.get("sentences", [])
        page = summarize(_of_group(tables, name), told)
        write_page(page, folder / ("index.html" if i == 0 else f"{name}.html"))
    return folder / "index.html"


def _of_group(tables: dict[str, pl.DataFrame], name: str | None) -> dict[str, pl.DataFrame]:
    """Return the rows of one loss group and of the geometry group it lies in."""
    if name is None:
        return tables
    mine = (name, name.split(".")[0])
    models = tables["models"].filter(pl.col("loss_group") == name)
    kept = {
        key: frame.filter(pl.col("group").is_in(mine)) if key in GROUPED else frame
        for key, frame in tables.items()
    }
    kept["scores"] = tables["scores"].filter(pl.col("id").is_in(models["id"].to_list()))
    return {**kept, "models": models}


def _region(regions: dict[str, Any], name: str | None) -> dict[str, Any]:
    """Return what is said of the task vectors of a page: those of its geometry group, or the first."""
    key = next(iter(regions), None) if name is None else name.split(".")[0]
    return regions.get(key, {}) if key else {}


def _facts(
    facts: dict[str, Any], summary: dict[str, Any], name: str | None, said: tuple[str, ...]
) -> dict[str, Any]:
    """Return what the page says of the run itself."""
    groups: list[dict[str, Any]] = summary.get("groups", [])
    group = next((found for found in groups if found["name"] == name), {})
    region = _region(summary.get("regions", {}), name)
    verdicts = dict(zip((g["name"] for g in groups), summary.get("verdict", []), strict=True))
    return {
        "name": facts["zoo"]["name"],
        "version": facts["wsgeo"],
        "command": facts["command"],
        "settings": facts["settings"],
        "seed": facts["settings"]["seed"],
        "tau": group.get("tau"),
        "verdict": [verdicts[name], *said] if group else [],
        "reasons": group["reasons"] if group else [],
        # Runs of earlier versions have no such sentences.
        "trained": group.get("associations", []),
        "angles": region.get("associations", []),
        # The page takes those of the gate from the table of models.
        "alerts": summary.get("alerts", []),
        "timings": {"scan": summary.get("seconds")},
        "data": [data for data in facts["data"] if name in (None, data["group"])],
        "sets": facts.get("sets", {}),
        "probes": facts.get("diagnosis", {}).get("probe_meanings", {}),
        **_regions_and_starts(facts, name),
    }


def _regions_and_starts(facts: dict[str, Any], name: str | None) -> dict[str, Any]:
    """Return what is said of regions, of the inside of those of a page, and of start models."""
    told, chosen = facts.get("regions", {}), facts.get("starts", {})
    mine = None if name is None else name.split(".")[0]
    return {
        "regions": told.get("sentences", []),
        "notes": told.get("notes", []),
        "around": [row for row in told.get("regions", []) if mine in (None, row["group"])],
        "starts": chosen.get("sentences", []),
        "start_notes": [*chosen.get("notes", []), *([chosen["head"]] if "head" in chosen else [])],
        "ranked_by": chosen.get("settings", {}).get("rank_by"),
    }
