"""The commands that a user of a run would try next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from wsgeo.store import Run


def next_steps(
    run: Run, groups: Sequence[Mapping[str, Any]], better: Mapping[str, int] | None = None
) -> list[str]:
    """Return what to do with the most promising basin: save its centroid, or read its card.

    Without such a basin the regions are what is left to look at, and after them where to start.

    Parameters
    ----------
    run : Run
        The run, under the folder that the commands shall name.
    groups : sequence of mapping
        Its loss groups, as ``summary.json`` has them.
    better : mapping of str to int, optional
        By group, the basin that does better on diagnostic sets; it goes before larger ones.

    Returns
    -------
    list of str
        Shell commands; none where no two members passed the end-point gate. A basin with a barrier
        inside is not suggested.
    """
    known = better or {}
    free = [(group, basin) for group in groups for basin in _free(run.table("pairs"), group)]
    free = [(group, basin) for group, basin in free if len(basin["members"]) > 1]
    if not free:
        return _beyond_basins(run)
    group, basin = max(
        free, key=lambda one: (known.get(one[0]["name"]) == one[1]["label"], len(one[1]["members"]))
    )
    saved = _saved(run, basin["members"])
    if saved is not None:
        return [shlex.join(["cat", f"{saved}/README.md"])]
    which = ["--group", group["name"]] if len(groups) > 1 else []
    words = ["wsgeo", "centroid", str(run.folder), "--basin", str(basin["label"])]
    return [shlex.join([*words, *which, "-o", "centroid"])]


def _beyond_basins(run: Run) -> list[str]:
    """Return what can be done with members that no basin joins."""
    if run.table("models").filter(pl.col("gate").fill_null(value=True)).height < 2:
        return []
    if run.table("region_points").is_empty():
        return [shlex.join(["wsgeo", "region", str(run.folder)])]
    return [shlex.join(["wsgeo", "select", str(run.folder), "--target", "DATA"])]


def centroids_of(run: Run, groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the centroids that were saved, with the loss group and the folder of each.

    Parameters
    ----------
    run : Run
        The run.
    groups : sequence of mapping
        Its loss groups, as ``summary.json`` has them.

    Returns
    -------
    list of dict
        ``name``, ``loss_group`` (None where the members are of several), ``members``, ``loss``,
        ``best_member``, ``best_member_loss`` (nats per example), and ``folder``: in the run as it
        is named now, if it lies there.
    """
    kept = ("name", "members", "loss", "best_member", "best_member_loss")
    return [
        {
            **{key: row[key] for key in kept},
            "loss_group": _group_of(row["members"], groups),
            "folder": _folder(run, row),
        }
        for row in run.table("centroids").filter(pl.col("status") == "written").to_dicts()
    ]


def _group_of(members: Iterable[str], groups: Sequence[Mapping[str, Any]]) -> str | None:
    return next((g["name"] for g in groups if _members(g).issuperset(members)), None)


def _members(group: Mapping[str, Any]) -> set[str]:
    return {member for basin in group["basins"] for member in basin["members"]}


def _folder(run: Run, row: Mapping[str, Any]) -> str:
    """Return where a centroid lies; the table has its folder as it was called when written."""
    own = run.folder / "centroids" / row["name"]
    inside = str(row["folder"]).endswith(f"centroids/{row['name']}") and own.is_dir()
    return str(own) if inside else str(row["folder"])


def _saved(run: Run, members: Iterable[str]) -> str | None:
    """Return the folder of the last centroid of members of one basin, if there is one."""
    rows = (
        run.table("centroids")
        .filter(pl.col("status") == "written", pl.col("level").is_in(["basin", "group"]))
        .to_dicts()
    )
    own = [row for row in rows if row["members"] and set(row["members"]) <= set(members)]
    return _folder(run, own[-1]) if own else None


def _free(pairs: pl.DataFrame, group: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the basins of a group that hold no separated pair, and none that was not looked at closely."""
    basins: list[dict[str, Any]] = group["basins"]
    unfit = pl.col("status").cast(pl.String).is_in(["separated", "inferred", "pending"])
    coarse = pl.col("rule").cast(pl.String) == "coarse"
    high = pairs.filter(pl.col("group") == group["name"], unfit | coarse)
    label = {member: basin["label"] for basin in basins for member in basin["members"]}
    ends = high.select("a", "b").iter_rows()
    barred = {label[a] for a, b in ends if a in label and label[a] == label.get(b)}
    return [basin for basin in basins if basin["label"] not in barred]
