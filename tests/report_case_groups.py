"""Groups, maps and centroids of the made-up zoo of ``report_cases.py``."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from wsgeo.graph.tables import CLUSTERINGS, CLUSTERS, EMBEDDING, MERGE_TREE, NULLS
from wsgeo.regions.tables import CENTROIDS
from wsgeo.store.tables import LAYERS
from wsgeo.zoo.axes import SETTINGS


def clusters(
    rng: np.random.Generator, ids: list[str], basin: np.ndarray, failed: int
) -> pl.DataFrame:
    """Return three methods' labels; HDBSCAN's are the default."""
    rows = [
        {
            "id": name,
            "matrix": "convexity_gap",
            "method": method,
            "label": label if method == "hdbscan" or k == failed else max(label, 0),
            "certainty": None if k == failed else rng.uniform(0.94, 1),
            "is_default": method == "hdbscan",
        }
        for method in ("hdbscan", "spectral", "louvain")
        for k, (name, label) in enumerate(zip(ids, basin.tolist(), strict=True))
    ]
    return pl.DataFrame(rows, schema=CLUSTERS)


def clusterings(n: int) -> pl.DataFrame:
    """Return how each method did."""
    rows = [
        ("hdbscan", {"min_cluster_size": 3, "min_samples": 1}, 2, 1, 0.81, 0.005, 0.97, True),
        ("spectral", {"n_clusters": 2}, 2, 0, 0.76, None, 0.94, False),
        ("louvain", {"resolution": 1.0}, 2, 0, 0.76, None, 0.91, False),
    ]
    named = [("convexity_gap", row[0], json.dumps(row[1]), *row[2:]) for row in rows]
    return pl.DataFrame(named if n >= 4 else [], schema=CLUSTERINGS, orient="row")


def nulls(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Return two nulls of 200 draws."""
    rows = [
        ("convexity_gap", null, draw, float(np.clip(centre + 0.08 * rng.standard_normal(), 0, 1)))
        for null, centre in (("cloud", 0.31), ("additive", 0.24))
        for draw in range(200)
    ]
    return pl.DataFrame(rows if n >= 4 else [], schema=NULLS, orient="row")


def embedding(rng: np.random.Generator, ids: list[str], gaps: np.ndarray) -> pl.DataFrame:
    """Return classical scaling of the gaps, and two looser pictures made from it."""
    n = len(ids)
    plane = np.zeros((n, 2))
    if n:
        centre = np.eye(n) - 1 / n
        values, vectors = np.linalg.eigh(-0.5 * centre @ gaps**2 @ centre)
        axes = (vectors * np.sqrt(np.maximum(values, 0)))[:, ::-1][:, :2]
        plane[:, : axes.shape[1]] = axes
    maps = {("convexity_gap", "mds"): plane}
    if n >= 15:
        maps["convexity_gap", "umap"] = 40 * plane + rng.standard_normal((n, 2))
    if n >= 2:
        maps["task_vector", "mds"] = plane[:, ::-1] + 0.02 * rng.standard_normal((n, 2))
    rows = [
        (name, *kind, float(x), float(y))
        for kind, xy in maps.items()
        for name, (x, y) in zip(ids, xy, strict=True)
    ]
    return pl.DataFrame(rows, schema=EMBEDDING, orient="row")


def merge_tree(gaps: np.ndarray) -> pl.DataFrame:
    """Return single linkage in the convention of scipy, by the plainest loop."""
    apart = {(p, q): float(gaps[p, q]) for p, q in combinations(range(len(gaps)), 2)}
    size = dict.fromkeys(range(len(gaps)), 1)
    rows: list[tuple[Any, ...]] = []
    while len(size) > 1:
        (left, right), height = min(apart.items(), key=lambda item: (item[1], item[0]))
        new = len(gaps) + len(rows)
        merged = size.pop(left) + size.pop(right)
        for other in size:
            near = [apart[min(s, other), max(s, other)] for s in (left, right)]
            apart[other, new] = min(near)
        size[new] = merged
        apart = {pair: gap for pair, gap in apart.items() if not {left, right} & {*pair}}
        rows.append(("convexity_gap", left, right, height, merged))
    return pl.DataFrame(rows, schema=MERGE_TREE, orient="row")


def centroids(ids: list[str], basin: np.ndarray) -> pl.DataFrame:
    """Return one centroid per basin."""
    rows = []
    for label in sorted({int(x) for x in basin if x >= 0}):
        members = [name for name, x in zip(ids, basin, strict=True) if x == label]
        if len(members) < 2:
            continue
        rows.append(
            {
                "name": f"basin-{label}",
                "level": "basin",
                "group": str(label),
                "variant": "mean",
                "method": "mean",
                "parameters": "{}",
                "members": members,
                "weights": [1 / len(members)] * len(members),
                "loss": 0.391 + 0.01 * label,
                "metric": 0.852 - 0.004 * label,
                "mean_member_loss": 0.42,
                "mean_member_metric": 0.84,
                "best_member": members[0],
                "best_member_loss": 0.401,
                "best_member_metric": 0.849,
                "medoid": members[-1],
                "medoid_loss": 0.412,
                "medoid_metric": 0.843,
                "largest_gap_inside": 0.016,
                "folder": f"centroids/basin-{label}",
                "status": "written",
                "reason": None,
            }
        )
    return pl.DataFrame(rows, schema=CENTROIDS)


def settings(ids: list[str], basin: np.ndarray) -> pl.DataFrame:
    """Return a seed that makes the basins and a learning rate that does not."""
    rows = [
        row
        for k, (name, label) in enumerate(zip(ids, basin.tolist(), strict=True))
        for row in (
            (name, "seed", str(max(label, 0)), float(max(label, 0)), "wsgeo.json"),
            (name, "learning_rate", *(("2e-05", 2e-5) if k % 2 else ("5e-05", 5e-5)), "README.md"),
        )
    ]
    return pl.DataFrame(rows, schema=SETTINGS, orient="row")


def layers(rng: np.random.Generator, ids: list[str], basin: np.ndarray) -> pl.DataFrame:
    """Return the distances in each of four layers, larger between basins in the upper ones."""
    rows = [
        ("g0", ids[i], ids[j], name, depth, far * rng.uniform(0.9, 1.1), rng.uniform(0, 0.4))
        for depth, name in enumerate(("embeddings", "layer 0", "layer 1", "rest"))
        for i, j in combinations(range(len(ids)), 2)
        for far in [1.0 + depth * (basin[i] != basin[j])]
    ]
    schema = {"group": pl.String, **LAYERS}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("layer", "a", "b")
