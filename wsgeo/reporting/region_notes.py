"""Why a chart of regions, centroids or start models has nothing to show, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def region_notes(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return why a chart of regions, centroids or start models has nothing to show.

    Parameters
    ----------
    summary : mapping
        The summary so far.

    Returns
    -------
    dict of str to str or False
        Sentence by panel, False for one that has something to show.
    """
    regions, around, starts = summary["regions"], summary["around"], summary["starts"]
    kinds = set(summary["region_lines"]["kinds"])
    layers = [row for view in summary["centroid_layers"]["views"] for row in view["rows"]]
    lines = "No such line was measured. `wsgeo region` measures them."
    return {
        "region_map": not (regions["levels"] and any(x is not None for x in regions["map"]["x"]))
        and "There is no map of task vectors.",
        "counts": not regions["counts"]["views"] and "No setting was counted by cluster.",
        "orders": not any(view["orders"]["kinds"] for view in around["views"])
        and "No two kinds of points were compared.",
        "losses": not any(view["means"] for view in around["views"])
        and "No loss was measured in or around a region.",
        "radii": not any(
            _known(row["radius"] for row in view["points"]) for view in around["views"]
        )
        and "How far points lie from the centroid is not known.",
        "interpolation": "interpolation" not in kinds and lines,
        "extrapolation": "extrapolation" not in kinds and lines,
        "radial": not kinds & {"random", "origin", "base"} and lines,
        "centroid_angles": not _known(row["angle"] for row in layers)
        and "Angles need members with a base.",
        "centroid_norms": not _known(row["norm"] for row in layers)
        and "Norms need members with a base.",
        "centroid_shares": not _known(row["share"] for row in layers)
        and "Only Model Stock has a share of the mean.",
        "gains": not starts["views"] and "No start was fine-tuned beside the base.",
        "stages": not (starts["stages"] and starts["scores"])
        and "Needs two starts with a cheap score and a result.",
    }


def _known(values: Iterable[Any]) -> bool:
    return any(value is not None for value in values)
