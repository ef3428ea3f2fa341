"""Everything the page shows, as one plain dict."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any, Final

import polars as pl

from wsgeo.reporting import words
from wsgeo.reporting.centroids import centroid_layers, centroids
from wsgeo.reporting.diagnosis import diagnosis
from wsgeo.reporting.figures import NO_FOLDER
from wsgeo.reporting.inputs import complete
from wsgeo.reporting.layers import layer_medians
from wsgeo.reporting.layouts import graph_coordinates, maps, of_placed
from wsgeo.reporting.members import Grouping, group_list, grouping, members
from wsgeo.reporting.nulls import draw_counts
from wsgeo.reporting.pairs import (
    RANKED,
    bands,
    bounded,
    curves,
    main_kind,
    pack,
    quantities,
    square,
)
from wsgeo.reporting.placements import placements
from wsgeo.reporting.plain import columns, escaped, plain
from wsgeo.reporting.probes import probes
from wsgeo.reporting.region_curves import region_curves
from wsgeo.reporting.region_losses import region_losses
from wsgeo.reporting.regions import regions
from wsgeo.reporting.ridges import ridges
from wsgeo.reporting.said import around, sentences, told
from wsgeo.reporting.starts import starts
from wsgeo.reporting.strategies import strategies
from wsgeo.reporting.tables import member_table, short_labels
from wsgeo.reporting.trained import trained
from wsgeo.reporting.trees import Merge, bars, bridges, leaf_order, merges

FORMAT: Final = 1

_OF_BASINS: Final = (
    *("probes", "strategies", "contrasts", "coordinates", "predictors", "slice_profiles"),
    *("attributions", "ridge_examples", "placements", "predictions"),
)

_OF_REGIONS: Final = (
    *("regions", "region_members", "region_scores", "region_counts"),
    *("region_points", "region_orders", "region_curves", "stars"),
)


def summarize(tables: Mapping[str, pl.DataFrame], run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the report shows; the page looks nothing up elsewhere.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        Tables of a run by name: models, exclusions, pairs, layers, profiles, clusters, clusterings, nulls,
        embedding, merge_tree, scores, centroids, settings, associations, and what `wsgeo.probing` makes: probes,
        agreements, strategies, contrasts, coordinates, predictors, slice_profiles, attributions,
        ridge_examples, placements, predictions; and those of `wsgeo.regions`: regions, region_members, region_scores,
        region_counts, region_points, region_orders, region_curves, stars, centroid_layers, starts, trials, gains.
        Any may be missing, empty, or short of a column.
    run : mapping
        What the run says of itself, all optional: ``name``, ``folder``, ``version``, ``command``, ``settings``,
        ``seed``, ``tau`` (``value`` in nats per example, ``origin`` in words), ``verdict``, ``reasons`` and
        ``alerts`` (sentences), ``timings`` (seconds), ``data``, ``trained`` and ``angles`` (sentences on the
        settings of training: with groups and gaps, and with task vectors), ``sets`` (per diagnostic set ``title`` and ``chance``),
        ``strategies``, ``ridges`` and ``held_out`` (sentences on what members answer), ``by`` (such sentences by
        setting of training), ``probes`` (unit and meaning of each measure), ``regions`` and ``starts`` (sentences on regions
        of task vectors and on the choice of a start model), ``around`` (``title`` and ``sentences`` of each region) and
        ``notes`` (sentences on what is not known of regions), ``start_notes`` (on the choice of a start model) and ``ranked_by``
        (name of the cheap score that chose).

    Returns
    -------
    dict
        Text, numbers of four significant digits, None, lists and dicts; losses in nats per example,
        metrics as fractions in [0, 1]. Members are named by their position in ``members``.

    Examples
    --------
    >>> summarize({}, {"name": "empty"})["verdict"]
    ['No checkpoint of this zoo could be compared.']
    """
    frames = complete(tables)
    groups = grouping(frames["clusters"])
    rows = main_kind(frames["pairs"].drop_nulls(["a", "b"])).join(
        frames["agreements"].unique(["a", "b"], keep="first"), on=["a", "b"], how="left",
        maintain_order="left",
    )  # fmt: skip
    people = members(frames["models"].drop_nulls("id"), rows, groups)
    place = {name: k for k, name in enumerate(people["id"])}
    packed = pack(rows, place)
    found = _merges(frames, groups.matrix or "convexity_gap", place)
    summary = {
        "format": FORMAT,
        "noun": groups.noun,
        "tau": {"value": None, "origin": None} | plain(dict(run.get("tau") or {})),
        "groups": group_list(people["group"], groups),
        "maps": maps(frames["embedding"], people["id"]),
        "placed_on": of_placed(frames["embedding"]),
        "abridged": any(name not in packed and rows[name].count() for name in chain(*RANKED)),
        "layers": layer_medians(
            frames["layers"], dict(zip(people["id"], people["group"], strict=True))
        ),
        "settings": trained(frames, people, run),
        "centroids": centroids(frames["centroids"]),
        "centroid_layers": centroid_layers(frames["centroid_layers"]),
        "starts": starts(
            frames,
            sentences(run.get("starts")),
            sentences(run.get("start_notes")),
            str(run.get("ranked_by") or "probe"),
        ),
        "exclusions": plain(frames["exclusions"].to_dicts()),
        "provenance": _provenance(run),
    }
    summary |= _listed(people, packed)
    summary |= _answers(frames, packed, people, run)
    summary |= _regions(frames, run)
    summary |= _shape(found, packed, people, run)
    summary |= _paths(frames["profiles"], packed, people, summary["tau"]["value"])
    summary |= _evidence(frames, groups)
    summary |= _said(summary, run, frames)
    return escaped(summary)  # type: ignore[no-any-return]


def _listed(people: dict[str, list[Any]], packed: dict[str, list[Any]]) -> dict[str, Any]:
    """Return the members and the pairs, with how they are named."""
    return {
        "members": people,
        "labels": short_labels(people["id"]),
        "table": member_table(people),
        "pairs": packed,
        "quantities": quantities(packed),
    }


def _answers(
    frames: Mapping[str, pl.DataFrame],
    packed: dict[str, list[Any]],
    people: dict[str, list[Any]],
    run: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the members answered, and what that says of their groups."""
    place = {name: k for k, name in enumerate(people["id"])}
    labels = people["group"]
    # Basins are numbered within a loss group, so no table of them mixes two.
    mine = {name: _first_group(frames[name]) for name in _OF_BASINS}
    found = diagnosis(frames["scores"], mine["contrasts"], place, labels, run.get("sets") or {})
    parts, shown = found["parts"], found["views"][0]["parts"]
    pairs = {ends: k for k, ends in enumerate(zip(packed["a"], packed["b"], strict=True))}
    return {
        "diagnosis": found,
        "strategies": strategies(mine, parts, shown, place),
        "probes": probes(mine["probes"], place, labels, run.get("probes") or {}),
        "ridges": ridges(mine, parts, shown, pairs, people),
        "placements": placements(mine, parts, shown),
        "told": told(run),
    }


def _regions(frames: Mapping[str, pl.DataFrame], run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of regions: those of one geometry group, for no two share a space."""
    mine = {name: _first_group(frames[name]) for name in _OF_REGIONS}
    group = mine["regions"]["group"].first()
    other = pl.col("group") != pl.lit(group, pl.String)
    mine["embedding"] = frames["embedding"].filter(~other.fill_null(value=False))
    found = regions(mine, sentences(run.get("regions")))
    return {
        "regions": found,
        "around": region_losses(mine, found["ids"]) | around(run),
        "region_lines": region_curves(mine["region_curves"]),
    }


def _merges(
    frames: Mapping[str, pl.DataFrame], matrix: str, place: Mapping[str, int]
) -> list[Merge]:
    """Return the merges of every tree of one matrix; its leaves stand in the order of its map."""
    trees = frames["merge_tree"].filter(pl.col("matrix") == matrix)
    by_group = trees.partition_by("group", as_dict=True, maintain_order=True)
    found: list[Merge] = []
    for (group,), tree in by_group.items():
        same = pl.col("group").eq_missing(group) & (pl.col("matrix") == matrix)
        for table in ("embedding", "clusters"):
            drawn = frames[table].filter(same)["id"].unique(maintain_order=True).to_list()
            if tree.height == len(drawn) - 1 and all(name in place for name in drawn):
                found += merges(tree, [place[name] for name in drawn])
                break
    return found


def _shape(
    found: list[Merge],
    packed: dict[str, list[Any]],
    people: dict[str, list[Any]],
    run: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the leaf order, the tree and the graph."""
    n, labels = len(people["id"]), people["group"]
    gaps = square(packed, "convexity_gap", n)
    joined = bridges(found, gaps)
    drawn = graph_coordinates(gaps, int(run.get("seed") or 0)) if "convexity_gap" in packed else []
    ends = zip(packed["a"], packed["b"], strict=True)
    return {
        "order": leaf_order(found, n) if found else _by_group(labels),
        "tree": {"bars": plain(bars(found, labels)), "leaves": leaf_order(found, 0)},
        "graph": drawn,
        "bridges": [k for k, pair in enumerate(ends) if pair in joined],
    }


def _by_group(labels: list[int]) -> list[int]:
    return sorted(range(len(labels)), key=lambda k: (labels[k] < 0, labels[k], k))


def _paths(
    profiles: pl.DataFrame,
    packed: dict[str, list[Any]],
    people: dict[str, list[Any]],
    tau: float | None,
) -> dict[str, Any]:
    place = {name: k for k, name in enumerate(people["id"])}
    found = curves(main_kind(profiles), packed, place)
    return {
        "curves": bounded(found, packed, tau),
        "bands": bands(found, packed, people["group"]),
    }


def _evidence(frames: Mapping[str, pl.DataFrame], groups: Grouping) -> dict[str, Any]:
    """Return the candidates, the nulls, and the default's own figures."""
    matrix = pl.col("matrix") == groups.matrix
    tried = frames["clusterings"].filter(matrix)
    default = tried.filter(pl.col("is_default")).head(1)
    figures = ("group", "method", "silhouette", "p_value", "stability")
    own = default.select(figures).to_dicts()[0] if default.height else dict.fromkeys(figures)
    return {
        "clusterings": columns(tried),
        "nulls": columns(draw_counts(_first_group(frames["nulls"].filter(matrix)))),
        "evidence": plain(own) | _best_first(tried),
    }


def _best_first(tried: pl.DataFrame) -> dict[str, list[int]]:
    """Return the rows of each method's best setting and the default, and those of all others."""
    shown = tried["p_value"].is_not_null() | tried["is_default"].fill_null(False)
    rows = range(tried.height)
    best = [k for k in rows if shown[k]] or list(rows)
    return {"best": best, "tried": [k for k in rows if k not in best]}


def _first_group(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the largest group, which the tables name first."""
    return (
        frame.filter(pl.col("group").eq_missing(frame["group"].drop_nulls().first()))
        if frame.height
        else frame
    )


def _provenance(run: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("name", "version", "command", "settings", "seed", "data", "timings")
    return {key: plain(run.get(key)) for key in kept}


def _said(
    summary: dict[str, Any], run: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]
) -> dict[str, Any]:
    """Return the parts that are sentences or counts of the other parts."""
    n = len(summary["members"]["id"])
    return {
        "name": str(run.get("name") or "zoo"),
        "folder": str(run.get("folder") or NO_FOLDER),
        "status_words": words.STATUS_WORDS,
        "verdict": words.verdict(run, summary["groups"], summary["noun"], n),
        "reasons": [str(sentence) for sentence in run.get("reasons") or []],
        "alerts": words.alerts(run, frames, summary["pairs"]["status"]),
        "cards": words.cards(summary),
        "notes": words.notes(summary),
    }
