"""What of earlier answers still holds once a zoo was scanned again.

Answers are noted with what they were given under: data, settings, members and basins. A scan
writes tables more than once, so that the tables themselves cannot tell what was there before it.
"""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from wsgeo.store import Run
from wsgeo.workflows.basins import DEFAULT_BASINS

_OF_TASK: Final = {"probes": ("id",), "agreements": ("a", "b")}
_OF_BASINS: Final = {
    "slice_profiles": ("a", "b"),
    "attributions": ("a", "b"),
    "ridge_examples": (),
    "placements": (),
    "predictions": (),
}
"""Tables that answers to the task, and to basins, are kept in, with the columns that name members."""

_OF_ZOO: Final = (
    "regions", "region_members", "region_scores", "region_counts", "region_points", "region_orders",
    "region_curves", "stars", "starts", "trials", "gains",
)  # fmt: skip
"""Tables of which every row depends on every member, their base, and what they were tuned on."""

_SETTINGS: Final = ("n_points", "head_policy", "precision", "seed")


def note_answers(run: Run) -> None:
    """Note under what the answers that the run now holds were given.

    Parameters
    ----------
    run : Run
        A finished run.
    """
    run.write("run", {**run.read("run"), "answers": _circumstances(run)})


def drop_changed(run: Run, models: pl.DataFrame) -> None:
    """Drop the scores and centroids of members that are gone or have changed.

    Parameters
    ----------
    run : Run
        The run, with the tables of the scan before.
    models : DataFrame
        Those of this scan, not yet written.
    """
    same = run.table("models").join(models, on=["id", "content_hash"], how="semi")["id"].to_list()
    _keep(run, "scores", pl.col("id").is_in(same))
    _keep(run, "centroids", pl.col("members").list.set_difference(same).list.len() == 0)
    _keep(run, "centroid_layers", pl.col("name").is_in(run.table("centroids")["name"].to_list()))


def drop_stale(run: Run) -> None:
    """Drop what was answered under other circumstances than those of the scan just written.

    Asking again costs little: what was evaluated is in the ledger.

    Parameters
    ----------
    run : Run
        The run, all tables of the scan written.
    """
    before, now = run.read("run").get("answers"), _circumstances(run)
    if before is None or before == now:
        return
    kept = [
        name for name, member in before["members"].items() if member == now["members"].get(name)
    ]
    same = {name: before[name] == now[name] for name in ("data", "settings", "basins")}
    for name, columns in {**_OF_TASK, **_OF_BASINS}.items():
        holds = same["data"] and same["settings"] and (name in _OF_TASK or same["basins"])
        of_kept = pl.all_horizontal(pl.lit(value=True), *(pl.col(c).is_in(kept) for c in columns))
        _keep(run, name, of_kept if holds else pl.lit(value=False))
    for name in _OF_ZOO:
        _keep(run, name, pl.lit(value=False))
    run.write("run", {k: v for k, v in run.read("run").items() if k not in ("regions", "starts")})
    note_answers(run)


def _circumstances(run: Run) -> dict[str, Any]:
    """Return what answers depend on, as JSON holds it."""
    facts, models = run.read("run"), run.table("models")
    clusters = run.table("clusters").filter(DEFAULT_BASINS).sort("group", "id")
    members = models.select("id", "content_hash", "loss_group").iter_rows()
    locked = run.read("zoo.lock").get("members", [])
    axes = run.table("settings").select("id", "axis", "value").sort("id", "axis")
    return {
        "data": {data["group"]: data["key"] for data in facts.get("data", [])},
        "settings": {name: facts.get("settings", {}).get(name) for name in _SETTINGS},
        "members": {name: list(known) for name, *known in members},
        "basins": [list(row) for row in clusters.select("group", "id", "label").iter_rows()],
        "bases": {one["id"]: one.get("base_files") for one in locked},
        "axes": [list(row) for row in axes.iter_rows()],
    }


def _keep(run: Run, name: str, rows: pl.Expr) -> None:
    table = run.table(name)
    if (kept := table.filter(rows)).height < table.height:
        run.write_table(name, kept)
