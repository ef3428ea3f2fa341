"""The commands that a user of a run would try next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from wsgeo.regions.differences import BASE
from wsgeo.store import Run


def next_steps(
    run: Run, groups: Sequence[Mapping[str, Any]], better: Mapping[str, int] | None = None
) -> list[str]:
    """Return what to do with the most promising basin: save its centroid, or read its card.

    Where a start was chosen, its card is next. A basin most of whose pairs are undecided wants more
    examples first. Without a basin the regions are what is left to look at, then where to start.

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
    if (start := _chosen_start(run)) is not None:
        return [shlex.join(["cat", f"{start}/README.md"])]
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
    if finer := _finer_scan(run, group["name"], basin["members"]):
        return [shlex.join(finer)]
    which = ["--group", group["name"]] if len(groups) > 1 else []
    words = ["wsgeo", "centroid", str(run.folder), "--basin", str(basin["label"])]
    return [shlex.join([*words, *which, "-o", "centroid"])]


def _chosen_start(run: Run) -> str | None:
    """Return the folder of the last start other than the base that was chosen, if it is there."""
    rows = run.read("run").get("starts", {}).get("chosen", [])
    folders = [row["folder"] for row in rows if row["start"] not in (None, BASE)]
    # The table has the folder as it was called when written.
    inside = [run.folder / "starts" / Path(folder).name for folder in folders]
    places = [own if own.is_dir() else Path(f) for own, f in zip(inside, folders, strict=True)]
    there = [str(place) for place in places if (place / "README.md").is_file()]
    return there[-1] if there else None


def _finer_scan(run: Run, group: str, members: Sequence[str]) -> list[str]:
    """Return the scan of more examples that a basin of undecided pairs wants, where it can help."""
    facts = run.read("run")
    if not _is_plain(facts):
        return []
    asked = facts.get("settings", {}).get("n_examples")
    used = {row["group"]: row["n_examples"] for row in facts.get("data", [])}
    inside = pl.col("a").is_in(members) & pl.col("b").is_in(members)
    status = run.table("pairs").filter(pl.col("group") == group, inside)["status"].cast(pl.String)
    if (
        asked is None
        or used.get(group) != asked
        or 2 * (status == "undecided").sum() <= len(status)
    ):
        return []
    more = ["--examples", str(4 * asked), "-o", f"{run.folder}-finer"]
    return ["wsgeo", "scan", facts["zoo"]["root"], *more]


def _is_plain(facts: Mapping[str, Any]) -> bool:
    """Return whether the zoo's folder alone says what was scanned, on which data."""
    zoo, request = facts.get("zoo", {}), facts.get("request", {})
    asked = [request.get(key) for key in ("path", "split", "columns", "objective", "labels")]
    return not any(
        [*asked, *(zoo.get(key) for key in ("ids", "base", "all_steps", "allow_pickle"))]
    )


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
