"""Regions, their losses, and start models of the made-up zoo of ``report_cases.py``."""

from __future__ import annotations

import json
from itertools import pairwise, product
from typing import Any

import numpy as np
import polars as pl

from wsgeo.regions.region_tables import (
    REGION_COUNTS,
    REGION_CURVES,
    REGION_MEMBERS,
    REGION_ORDERS,
    REGION_POINTS,
    REGION_SCORES,
    REGIONS,
    STARS,
)
from wsgeo.regions.tables import CENTROID_LAYERS, CENTROIDS

SETS = {"snli": "nli", "rte": "nli", "bbc": "topic"}
"""Data sets, and the task of each."""

HULL = ("uniform", "sparse", "pair", "triple", "leave_one_out")
_LEVEL = {"member": 0.5, "centroid": 0.42, "other_member": 0.9, "base": 1.1, "random": 1.4}
_FAMILY = {"member": "members", "other_member": "outside", **dict.fromkeys(HULL, "hull")}

Tables = dict[str, pl.DataFrame]


def regions(ids: list[str], n_sets: int = 3, *, seed: int = 0) -> Tables:
    """Return every table of regions; the last member is too little trained to be placed."""
    rng = np.random.default_rng(seed)
    sets = [*SETS, *(f"set_{k}" for k in range(3, n_sets))]
    data_set = {member: sets[k % len(sets)] for k, member in enumerate(ids)}
    groups = _groups(data_set) if len(ids) > 1 else {}
    sampled = {key: own for key, own in groups.items() if len(own) > 1}
    return {
        "regions": _grouped(_regions(rng, groups)),
        "region_members": _grouped(_members(ids)),
        "region_scores": _grouped(_scores(len(ids), len(sets))),
        "region_counts": _grouped(_counts(data_set)),
        **{name: _grouped(frame) for name, frame in _losses(rng, ids, sampled).items()},
        "region_curves": _grouped(_curves(rng, sampled)),
        "stars": _grouped(_stars(sampled)),
    }


def _grouped(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.lit("g0").alias("group"), pl.all())


def _groups(data_set: dict[str, str]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for member, name in data_set.items():
        for key in (("dataset", name), ("task", SETS.get(name, "other")), ("general", "all")):
            found.setdefault(key, []).append(member)
    return dict(sorted(found.items()))


def _regions(rng: np.random.Generator, groups: dict[tuple[str, str], list[str]]) -> pl.DataFrame:
    rows = [
        {
            "level": level, "name": name, "trait": {"dataset": "task", "task": "family"}.get(level),
            "members": own, "n_tasks": 1 if level == "dataset" else 2,
            "norm": 2 + rng.uniform(), "radius": 1.5, "cosine_within": 0.6, "cosine_outside": 0.1,
            "note": "One member." if len(own) == 1 else None,
        }
        for (level, name), own in groups.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=REGIONS)


def _members(ids: list[str]) -> pl.DataFrame:
    rows = [
        {
            "id": member, "norm": 0.2 if k + 1 == len(ids) else 2.1, "cosine_own": 0.6,
            "cosine_others": 0.1, "placed": None if k == 0 else k + 1 < len(ids),
            "note": "Its norm is a tenth of its peers'." if k + 1 == len(ids) else None,
        }
        for k, member in enumerate(ids)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=REGION_MEMBERS)


def _scores(n: int, n_sets: int) -> pl.DataFrame:
    kinds = (
        ("task_vector", "given", 1.0),
        ("task_vector", "found", 0.9),
        ("weights", "given", 0.4),
    )
    rows = [
        {
            "level": "dataset", "trait": "task", "space": space, "clusters": clusters,
            "n_groups": n_sets, "n_clusters": n_sets, "n_members": n, "estimated_base": False,
            **dict.fromkeys(("purity", "f1", "ari", "nmi"), value), "p_value": 0.001,
        }
        for space, clusters, value in kinds
    ]  # fmt: skip
    return pl.DataFrame(rows if n > 3 else [], schema=REGION_SCORES)


def _counts(data_set: dict[str, str]) -> pl.DataFrame:
    by_set: dict[str, int] = {}
    for name in data_set.values():
        by_set[name] = by_set.get(name, 0) + 1
    names = list(by_set)
    rows = [
        (space, clusters, "dataset", "task", name, names.index(name), n)
        for space, clusters in (
            ("task_vector", "given"),
            ("task_vector", "found"),
            ("weights", "given"),
        )
        for name, n in by_set.items()
    ]
    rows += [
        ("task_vector", "given", "dataset", "seed", str(k % 2), k % len(names), 1)
        for k in range(len(names))
    ]
    return pl.DataFrame(rows, schema=REGION_COUNTS, orient="row")


def _losses(
    rng: np.random.Generator, ids: list[str], groups: dict[tuple[str, str], list[str]]
) -> Tables:
    """Return points of each region on two tasks, and how often one kind beats another."""
    points: list[dict[str, Any]] = []
    orders: list[dict[str, Any]] = []
    for (level, name), own in groups.items():
        heads = ("refit", "interpolate") if level == "dataset" else ("refit",)
        others = [member for member in ids if member not in own]
        named = [("member", member) for member in own] + [("centroid", "centroid")]
        named += [(kind, f"{kind}-{k}") for kind, k in product(HULL, range(len(own)))]
        named += [("other_member", member) for member in others] + [("base", "base")]
        named += [("random", f"random-{k}") for k in range(len(own))]
        for head in heads:
            key = {"level": level, "name": name, "head": head}
            points += _points(rng, key, named)
            orders += _orders(key, {_FAMILY.get(kind, kind) for kind, _ in named} | set(HULL))
    return {
        "region_points": pl.DataFrame(points, schema=REGION_POINTS, infer_schema_length=None),
        "region_orders": pl.DataFrame(orders, schema=REGION_ORDERS),
    }


def _points(
    rng: np.random.Generator, key: dict[str, str], named: list[tuple[str, str]]
) -> list[dict[str, Any]]:
    rows = []
    for (kind, point), task in product(named, ("g0.l0", "g0.l1")):
        loss = _LEVEL.get(kind, 0.45) + 0.04 * rng.standard_normal()
        failed = point == "random-0" and task == "g0.l1"
        rows.append(key | {
            "kind": kind, "point": point, "task": task,
            "radius": None if kind == "base" else float(rng.uniform(0.2, 1.4)),
            "loss": None if failed else loss, "metric": 0.8,
            "reason": "The loss is not finite." if failed else None,
        })  # fmt: skip
    return rows


def _orders(key: dict[str, str], kinds: set[str]) -> list[dict[str, Any]]:
    mean = {"members": 0.5, "outside": 0.9, "base": 1.1, "random": 1.4, "centroid": 0.42}
    rows = []
    for a, b in product(sorted(kinds), repeat=2):
        low, high = mean.get(a, 0.45), mean.get(b, 0.45)
        p = 0.5 if a == b else 0.93125 if low <= high else 0.06875
        rows.append(key | {
            "a": a, "b": b, "probability": p, "probability_lo": p - 0.05, "probability_hi": p + 0.05,
            "n_a": 4, "n_b": 5, "mean_a": low, "mean_b": high, "n_tasks": 2,
        })  # fmt: skip
    return rows


def _curves(rng: np.random.Generator, groups: dict[tuple[str, str], list[str]]) -> pl.DataFrame:
    """Return lines inside each region and beyond, and away from its centroid."""
    beyond = np.geomspace(1, 32, 6)
    rows: list[dict[str, Any]] = []
    for (level, name), own in groups.items():
        key = {"level": level, "name": name, "head": "refit", "task": "g0.l0", "metric": 0.8}
        lines = [f"{a} -> {b}" for a, b in pairwise(own[:4])]
        told = [
            ("interpolation", line, t, 0.5 - 0.1 * t * (1 - t))
            for line in lines
            for t in np.linspace(0, 1, 5)
        ]
        told += [
            ("extrapolation", line, t, 0.4 + 0.1 * abs(t))
            for line in lines
            for t in (*beyond, *(1 - beyond))
        ]
        if level != "task":
            away = [("random", f"direction-{k}") for k in range(3)] + [
                ("origin", "origin"),
                ("base", "base"),
            ]
            told += [(*kind, r, 0.4 + 0.05 * r) for kind in away for r in (0, 0.5, 1, 2, 4, 8)]
        for curve, line, position, loss in told:
            loss += 0.01 * rng.uniform()
            rows.append(
                key
                | {"curve": curve, "line": line, "position": float(position), "loss": float(loss)}
            )
    return pl.DataFrame(rows, schema=REGION_CURVES)


def _stars(groups: dict[tuple[str, str], list[str]]) -> pl.DataFrame:
    rows = [
        (level, name, point, 0.03 + 0.01 * k, 0.02 + 0.01 * k, own[-1], len(own) - 1, k == 0)
        for (level, name), own in groups.items()
        if level == "dataset"
        for k, point in enumerate(["centroid", *own])
    ]
    return pl.DataFrame(rows, schema=STARS, orient="row")


def merged(centroids: pl.DataFrame) -> Tables:
    """Return the centroids with one by Model Stock beside each, and their layers."""
    stock = centroids.with_columns(
        name=pl.col("name") + "-stock", method=pl.lit("stock"),
        parameters=pl.lit(json.dumps({"unit": "layer"})),
    )  # fmt: skip
    every = pl.concat([centroids, stock]).select(
        pl.col(name).cast(kind) for name, kind in CENTROIDS.items()
    )
    rows = [
        {
            "name": name, "layer": layer, "position": depth, "cosine": 0.2, "angle": 78.5 - depth * (1 + place),
            "norm": 1.0 + 0.1 * depth, "norm_spread": 0.1,
            "share": 0.4 + 0.1 * depth if name.endswith("stock") else None,
        }
        for place, name in enumerate(every["name"])
        for depth, layer in enumerate(("embeddings", "layer 0", "layer 1", "rest"))
    ]  # fmt: skip
    return {
        "centroids": every,
        "centroid_layers": pl.DataFrame(rows, schema=CENTROID_LAYERS, infer_schema_length=None),
    }


def said() -> dict[str, Any]:
    """Return what a run says of its regions and starts in words."""
    return {
        "regions": ["Task vectors find 3 of 3 data sets again: purity 1.00, p = 0.001."],
        "around": [
            {"title": "the data set snli", "sentences": ["Its hull does as well as its members."]}
        ],
        "notes": ["No member was tuned on two data sets."],
        "start_notes": ["Learning rate 3e-4, that of the members."],
        "ranked_by": "logme",
        "starts": ["trec: start from the centroid of all: +2.0 points over the base."],
    }
