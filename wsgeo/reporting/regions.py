"""Regions of task vectors: which there are, whether they are found again, and where members lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from wsgeo.graph.setting_words import title
from wsgeo.reporting.plain import plain

LEVELS: Final = {
    "dataset": "data set",
    "task": "task",
    "general": "all members",
    "basin": "basin",
}
"""What a level is called, in the order in which they are offered."""

SPACES: Final = {"task_vector": "task vectors (cosine)", "weights": "raw weights (Euclidean)"}
"""What was clustered, in words."""

SHOWN: Final = 14
"""Most rows of a table that are shown before they are asked for."""

LISTED: Final = 30
"""Most regions, and most members that are flagged, that the page lists (0.2 kB each)."""

DRAWN: Final = 40
"""Most values of a setting in a heat map of clusters."""

CELL_LIMIT: Final = 800
"""Most cells of all heat maps of clusters (15 bytes each)."""

OUTSIDE: Final = -1
"""Code of a member that lies in no region of a level."""


def regions(frames: Mapping[str, pl.DataFrame], said: Sequence[str]) -> dict[str, Any]:
    """Return what the panel of regions shows of the regions themselves.

    Parameters
    ----------
    frames : mapping of str to polars.DataFrame
        Tables ``regions``, ``region_members``, ``region_scores``, ``region_counts`` and ``embedding`` of
        one geometry group.
    said : sequence of str
        What the run says of its regions.

    Returns
    -------
    dict
        ``said``, ``ids`` of the members, ``levels`` (per level ``title``, ``trait``, ``names`` of its regions and
        ``codes``: the region of each member), ``map`` (``x`` and ``y`` of each member), ``centres`` (per level and
        region the mean of its members' places), ``rows`` (the table of regions) with ``few``, ``rest`` and
        ``left_out``, ``flagged`` (members too little trained to be placed) and how many ``unjudged``, ``scores``
        and ``counts`` (heat maps of clusters).
    """
    found = frames["regions"].drop_nulls(["level", "name"])
    ids = sorted(
        {*frames["region_members"]["id"].drop_nulls(), *found["members"].explode().drop_nulls()}
    )
    levels = [_level(name, found, ids) for name in LEVELS]
    levels = [level for level in levels if level["names"]]
    places = _places(frames["embedding"], ids)
    return plain(  # type: ignore[no-any-return]
        {
            "said": list(said),
            "ids": ids,
            "levels": levels,
            "map": places,
            "centres": _centres(levels, places),
            **_rows(found),
            **_flagged(frames["region_members"]),
            "scores": _scores(frames["region_scores"]),
            "counts": _counts(frames["region_counts"]),
        }
    )


def _level(name: str, found: pl.DataFrame, ids: Sequence[str]) -> dict[str, Any]:
    """Return the regions of one level, and the first that each member lies in."""
    rows = found.filter(pl.col("level") == name)
    region: dict[str, int] = {}
    for code, own in enumerate(rows["members"].to_list()):
        for member in own or []:
            region.setdefault(member, code)
    trait = rows["trait"].drop_nulls().first()
    return {
        "title": LEVELS[name],
        "trait": None if trait is None else title(str(trait)),
        "names": rows["name"].to_list(),
        "codes": [region.get(member, OUTSIDE) for member in ids],
    }


def _places(embedding: pl.DataFrame, ids: Sequence[str]) -> dict[str, list[float | None]]:
    """Return the map of task vectors by classical scaling, a linear one, so that a mean has a place."""
    scaled = (pl.col("matrix") == "task_vector") & pl.col("method").str.ends_with("mds")
    rows = embedding.filter(scaled).unique("id", keep="first", maintain_order=True)
    at = {name: (x, y) for name, x, y in rows.select("id", "x", "y").iter_rows()}
    return {
        axis: [at.get(name, (None, None))[k] for name in ids] if at else []
        for k, axis in enumerate("xy")
    }


def _centres(
    levels: Sequence[Mapping[str, Any]], places: Mapping[str, list[float | None]]
) -> list[dict[str, Any]]:
    """Return the mean place of each region whose members all have one."""
    found = []
    for number, level in enumerate(levels):
        for code in range(len(level["names"])):
            own = [k for k, inside in enumerate(level["codes"]) if inside == code]
            sides = [[side[k] for k in own] for side in places.values() if side]
            known = [[value for value in side if value is not None] for side in sides]
            if own and known and min(map(len, known)) == len(own):
                u, v = (sum(side) / len(own) for side in known)
                found.append({"level": number, "region": code, "u": u, "v": v, "n": len(own)})
    return found


def _rows(found: pl.DataFrame) -> dict[str, Any]:
    """Return the table of regions, which are shown at once, and how many are not listed."""
    order = {name: k for k, name in enumerate(LEVELS)}
    kept = [row for row in found.to_dicts() if row["level"] in order]
    kept.sort(key=lambda row: order[row["level"]])
    rows = [
        {
            "level": LEVELS[row["level"]],
            "n_members": len(row["members"] or []),
            **{key: row[key] for key in ("name", "n_tasks", "norm", "radius", "note")},
            **{key: row[key] for key in ("cosine_within", "cosine_outside")},
        }
        for row in kept[:LISTED]
    ]
    places = list(range(len(rows)))
    return {
        "rows": rows,
        "few": places[:SHOWN],
        "rest": places[SHOWN:],
        "left_out": len(kept[LISTED:]),
    }


def _flagged(members: pl.DataFrame) -> dict[str, Any]:
    """Return the members that are too little trained to be placed; of others nobody can say."""
    flagged = members.filter(~pl.col("placed").fill_null(value=True))
    shown = ("id", "norm", "cosine_own", "cosine_others", "note")
    return {
        "flagged": flagged.select(shown).head(LISTED).to_dicts(),
        "n_flagged": flagged.height,
        "unjudged": members["placed"].null_count(),
    }


def _scores(scores: pl.DataFrame) -> list[dict[str, Any]]:
    """Return one row per clustering that was compared with groups of the manifest."""
    return [
        {
            **row,
            "level": LEVELS.get(row["level"], row["level"]),
            "trait": title(str(row["trait"])),
            "space": SPACES.get(row["space"], row["space"]),
        }
        for row in scores.drop_nulls("level").drop("group").to_dicts()
    ]


def _counts(counts: pl.DataFrame) -> dict[str, Any]:
    """Return one heat map per clustering and setting; those beyond the room are counted."""
    key = ["space", "clusters", "level", "trait"]
    parts = counts.drop_nulls(["value", "cluster"]).partition_by(
        key, as_dict=True, maintain_order=True
    )
    mine = {kind: part for kind, part in parts.items() if kind[0] == "task_vector"}
    views: dict[str, dict[str, Any]] = {}
    names = {kind: _clusters_in_words(kind) for kind in mine}
    room = CELL_LIMIT
    for kind, part in mine.items():
        # Clusters whose number is not given are the same at each level.
        if names[kind] not in views and part["value"].n_unique() <= DRAWN and part.height <= room:
            room -= part.height
            views[names[kind]] = {"title": names[kind], **_heat_map(part)}
    return {"views": list(views.values()), "left_out": len(set(names.values())) - len(views)}


def _clusters_in_words(kind: tuple[Any, ...]) -> str:
    _, clusters, level, trait = map(str, kind)
    many = (
        f"as many clusters as {LEVELS.get(level, level)}s"
        if clusters == "given"
        else f"clusters {clusters}"
    )
    return f"{title(trait)}; {many}"


def _heat_map(part: pl.DataFrame) -> dict[str, Any]:
    """Return the cells of one heat map, each with its share of the members of its value."""
    values = part["value"].unique(maintain_order=True).to_list()
    code = {value: k for k, value in enumerate(values)}
    share = pl.col("n") / pl.col("n").sum().over("value")
    return {
        "values": values,
        "value": [code[value] for value in part["value"]],
        "cluster": ["none" if k < 0 else str(k) for k in part["cluster"]],
        "n": part["n"].to_list(),
        "share": part.select(share.round(3)).to_series().to_list(),
    }
