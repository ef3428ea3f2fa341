"""Tables of a made-up zoo with two basins, as a finished run would hand them to the report.

Every value is drawn from a seed; the shapes of the numbers are those of fine-tuned sentence
classifiers: losses near 0.4, gaps near 0.01 within a basin and near 0.1 between.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

T = [round(x, 4) for x in np.linspace(0, 1, 11)]
SLICES = ("lexical_overlap", "subsequence", "constituent")
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
TAU = 0.043


def tables(n: int = 12, *, seed: int = 0, scores: bool = True, name: str | None = None) -> dict:
    """Return the tables of a zoo of ``n`` members; ``name`` replaces the first member's id."""
    rng = np.random.default_rng(seed)
    ids = [f"mnli/seed-{k:02d}" for k in range(n)]
    if name is not None and n:
        ids[0] = name
    basin = _basins(n)
    failed = n - 1 if n >= 6 else -1
    pairs, profiles = _pairs(rng, ids, basin, failed)
    gaps = _matrix(ids, pairs, "convexity_gap")
    made = {
        "models": _models(rng, ids, failed),
        "exclusions": _exclusions(n),
        "pairs": pairs,
        "profiles": profiles,
        "clusters": _clusters(rng, ids, basin),
        "clusterings": _clusterings(n),
        "nulls": _nulls(rng, n),
        "embedding": _embedding(rng, ids, gaps),
        "merge_tree": _merge_tree(gaps),
        "centroids": _centroids(ids, basin),
    }
    if scores:
        made["scores"] = _scores(rng, ids, basin)
    return made


def run(n: int = 12, **changes: Any) -> dict[str, Any]:
    """Return what a run says of itself."""
    said = {
        "name": "mnli-seeds",
        "version": "0.1.0",
        "command": "wsgeo scan zoos/mnli-seeds --data data/mnli/validation_matched.jsonl --seed 0",
        "settings": {"n_points": 11, "n_examples": 1000, "precision": "float32", "rule": "exact"},
        "seed": 0,
        "tau": {
            "value": TAU,
            "origin": "the middle between the 95th percentile of gaps within (0.016 nats) and the "
            "5th between (0.071 nats)",
        },
        "verdict": [
            "Two basins hold 11 of the 12 checkpoints.",
            "Every pair within a basin is connected; the lowest pass between the two is "
            "0.062 nats per example, five times the highest within (p = 0.005).",
        ],
        "alerts": ["The label names of mnli/seed-03 were guessed from its base model."],
        "timings": {"discover": 0.8, "losses": 412.6, "clusters": 3.1},
        "data": {"task": "mnli", "split": "validation_matched", "n_examples": 1000},
        "hashes": {"examples": "9f86d081884c7d65", "zoo": "60303ae22b998861"},
        "sets": {
            "hans": {"title": "HANS heuristics", "chance": 0.5},
            "paws": {"title": "PAWS", "chance": 0.5},
        },
    }
    return said | changes


def _basins(n: int) -> np.ndarray:
    """Return labels: two thirds in basin 0, the rest in basin 1, one member as noise."""
    label = np.array([1 if k % 3 == 2 else 0 for k in range(n)], dtype=np.int64)
    if n < 4:
        label[:] = 0
    if n >= 9:
        label[n // 2] = -1
    return label


def _models(rng: np.random.Generator, ids: list[str], failed: int) -> pl.DataFrame:
    n = len(ids)
    loss, metric = 0.42 + 0.02 * rng.standard_normal(n), 0.84 + 0.01 * rng.standard_normal(n)
    if failed >= 0:
        loss[failed], metric[failed] = 1.3, 0.34
    rate = [2e-5 if k % 2 else 5e-5 for k in range(n)]
    return pl.DataFrame(
        {
            "id": ids,
            "path": [f"zoos/mnli-seeds/{k}" for k in range(n)],
            "content_hash": [f"{rng.integers(2**60):064x}" for _ in ids],
            "duplicate_of": [None] * n,
            "model_class": ["BertForSequenceClassification"] * n,
            "n_parameters": [109_484_547] * n,
            "dtype": ["F32"] * n,
            "base": ["bert-base-uncased"] * n,
            "task": ["mnli"] * n,
            "labels": [["entailment", "neutral", "contradiction"]] * n,
            "method": ["full"] * n,
            "seed": list(range(n)),
            "step": [36816] * n,
            "learning_rate": rate,
            "geometry_group": ["g0"] * n,
            "loss_group": ["g0.l0"] * n,
            "gate": [k != failed for k in range(n)],
            "gate_reason": [
                "its loss, at most 1.35 nats, is above the 1.099 of a constant guess"
                if k == failed
                else None
                for k in range(n)
            ],
            "loss": loss,
            "loss_hi": loss + 0.03,
            "metric": metric,
            "metric_lo": metric - 0.02,
        },
        schema_overrides={
            "duplicate_of": pl.String,
            "gate_reason": pl.String,
            "labels": pl.List(pl.String),
            "learning_rate": pl.Float64,
        }
        | dict.fromkeys(("id", "path", "content_hash", "model_class", "dtype"), pl.String),
    )


def _exclusions(n: int) -> pl.DataFrame:
    rows = [
        {
            "id": "mnli/seed-broken",
            "fate": "rejected",
            "code": "truncated",
            "file": "mnli/seed-broken/model.safetensors",
            "cause": "the file ends 1,024 bytes before its last tensor",
            "remedy": "Download the file again.",
        }
    ]
    return pl.DataFrame(
        rows[: int(n > 0)],
        schema=dict.fromkeys(("id", "fate", "code", "file", "cause", "remedy"), pl.String),
    )


def _pairs(
    rng: np.random.Generator, ids: list[str], basin: np.ndarray, failed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the pair table and the profile table, rows ordered by (a, b)."""
    t = np.array(T)
    rows: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    for i, j in combinations(sorted(range(len(ids)), key=lambda k: ids[k]), 2):
        a, b = ids[i], ids[j]
        apart = basin[i] != basin[j]
        bump = rng.uniform(0.07, 0.14) if apart else rng.uniform(0.0, 0.016)
        skew = rng.uniform(0.8, 1.25)
        bowl = 0.0 if apart else 0.03
        ends = 0.42 + 0.015 * rng.standard_normal(2)
        line = ends[0] + (ends[1] - ends[0]) * t
        loss = line + bump * np.sin(np.pi * t**skew) ** 2 - bowl * 4 * t * (1 - t)
        curves.append(_curve(a, b, loss))
        rows.append(_pair(rng, a, b, t, loss, apart, failed in {i, j}))
    pairs = pl.DataFrame(rows, schema=PAIRS)
    return pairs, pl.DataFrame(curves, schema=PROFILES)


def _curve(a: str, b: str, loss: np.ndarray) -> dict[str, Any]:
    metric = 0.84 - (loss - 0.42) * 0.6
    where = {"a": a, "b": b, "path": "line", "task": "mnli", "split": "validation_matched"}
    return where | {"t": T, "loss": loss.tolist(), "metric": metric.tolist()}


def _pair(
    rng: np.random.Generator,
    a: str,
    b: str,
    t: np.ndarray,
    loss: np.ndarray,
    apart: bool,
    failed: bool,
) -> dict[str, Any]:
    """Return one row of the pair table."""
    above = loss - (loss[0] + (loss[-1] - loss[0]) * t)
    height, gap, wide = max(0.0, float(above.max())), _gap(t, loss), 0.004 + 0.02 * rng.random()
    status = "separated" if gap - wide > TAU else "connected" if gap + wide <= TAU else "undecided"
    return {
        "a": a,
        "b": b,
        "path": "line",
        "alignment": "none",
        "task": "mnli",
        "split": "validation_matched",
        "head_policy": "interpolate",
        "precision": "float32",
        "rule": "exact",
        "n_points": len(t),
        "n_examples": 1000,
        **_interval("barrier_height", height, wide),
        **_interval("barrier_mean", max(0.0, float(loss.max() - (loss[0] + loss[-1]) / 2)), wide),
        **_interval("convexity_gap", gap, wide),
        "convexity_gap_se": wide / 2,
        **_interval("midpoint_excess", float(above[5]), wide),
        "area": float(np.trapezoid(above, t)),
        "t_peak": float(t[above.argmax()]),
        "error_barrier": 0.6 * height,
        "l2": float(rng.uniform(9, 11) + 2 * apart),
        "cosine": float(rng.uniform(0.5, 0.6) - 0.3 * apart),
        "measured": "endpoint_failed" if failed else "measured",
        "reason": "an end fails the gate" if failed else None,
        "status": "endpoint_failed" if failed else status,
        "tau": TAU,
    }


def _interval(name: str, value: float, wide: float) -> dict[str, float]:
    return {name: value, f"{name}_lo": max(0.0, value - wide), f"{name}_hi": value + wide}


def _gap(t: np.ndarray, loss: np.ndarray) -> float:
    """Return the largest height over the chord of any sub-segment, by trying all."""
    best = 0.0
    for i, j in combinations(range(len(t)), 2):
        chord = loss[i] + (loss[j] - loss[i]) * (t[i : j + 1] - t[i]) / (t[j] - t[i])
        best = max(best, float((loss[i : j + 1] - chord).max()))
    return best


def _matrix(ids: list[str], pairs: pl.DataFrame, column: str) -> np.ndarray:
    at = {name: k for k, name in enumerate(ids)}
    full = np.zeros((len(ids), len(ids)))
    for a, b, value in pairs.select("a", "b", column).iter_rows():
        full[at[a], at[b]] = full[at[b], at[a]] = value
    return full


def _clusters(rng: np.random.Generator, ids: list[str], basin: np.ndarray) -> pl.DataFrame:
    frames = []
    for method in ("hdbscan", "spectral", "louvain"):
        label = basin if method == "hdbscan" else np.where(basin < 0, 0, basin)
        frames.append(
            pl.DataFrame(
                {
                    "id": ids,
                    "matrix": ["convexity_gap"] * len(ids),
                    "method": [method] * len(ids),
                    "label": label,
                    "certainty": np.clip(0.97 - 0.03 * rng.random(len(ids)), 0, 1),
                    "is_default": [method == "hdbscan"] * len(ids),
                },
                schema=CLUSTERS,
            )
        )
    return pl.concat(frames)


def _clusterings(n: int) -> pl.DataFrame:
    rows = [
        ("hdbscan", {"min_cluster_size": 3, "min_samples": 1}, 2, 1, 0.81, 0.005, 0.97, True),
        ("spectral", {"n_clusters": 2}, 2, 0, 0.76, None, 0.94, False),
        ("louvain", {"resolution": 1.0}, 2, 0, 0.76, None, 0.91, False),
    ]
    named = [
        ("convexity_gap", method, json.dumps(parameters), *rest)
        for method, parameters, *rest in rows
    ]
    return pl.DataFrame(named if n >= 4 else [], schema=CLUSTERINGS, orient="row")


def _nulls(rng: np.random.Generator, n: int) -> pl.DataFrame:
    rows = [
        ("convexity_gap", null, draw, float(np.clip(centre + 0.08 * rng.standard_normal(), 0, 1)))
        for null, centre in (("one_basin", 0.31), ("permuted", 0.24))
        for draw in range(200)
    ]
    return pl.DataFrame(rows if n >= 4 else [], schema=NULLS, orient="row")


def _embedding(rng: np.random.Generator, ids: list[str], gaps: np.ndarray) -> pl.DataFrame:
    n = len(ids)
    centred = -0.5 * (gaps**2)
    if n:
        centred = centred - centred.mean(0) - centred.mean(1)[:, None] + centred.mean()
    values, vectors = np.linalg.eigh(centred) if n else (np.zeros(0), np.zeros((0, 0)))
    plane = np.zeros((n, 2))
    keep = min(n, 2)
    plane[:, :keep] = (vectors * np.sqrt(np.maximum(values, 0)))[:, ::-1][:, :keep]
    maps = {("convexity_gap", "mds"): plane}
    if n >= 15:
        maps["convexity_gap", "umap"] = 40 * plane + rng.standard_normal((n, 2))
    if n >= 2:
        maps["task_vector", "mds"] = plane[:, ::-1] + 0.02 * rng.standard_normal((n, 2))
    rows = [
        (ids[k], matrix, method, float(xy[k, 0]), float(xy[k, 1]))
        for (matrix, method), xy in maps.items()
        for k in range(n)
    ]
    return pl.DataFrame(rows, schema=EMBEDDING, orient="row")


def _merge_tree(gaps: np.ndarray) -> pl.DataFrame:
    """Return single linkage in the convention of scipy, by the plainest loop."""
    groups = {k: [k] for k in range(len(gaps))}
    rows = []
    while len(groups) > 1:
        height, left, right = min(
            (float(gaps[np.ix_(groups[p], groups[q])].min()), p, q)
            for p, q in combinations(sorted(groups), 2)
        )
        merged = groups.pop(left) + groups.pop(right)
        groups[len(gaps) + len(rows)] = merged
        rows.append(("convexity_gap", left, right, height, len(merged)))
    return pl.DataFrame(rows, schema=MERGE_TREE, orient="row")


def _scores(rng: np.random.Generator, ids: list[str], basin: np.ndarray) -> pl.DataFrame:
    rows = []
    for k, member in enumerate(ids):
        for name, base in (("hans", (0.82, 0.55)), ("paws", (0.64, 0.52))):
            for place, part in enumerate(SLICES):
                level = base[max(int(basin[k]), 0)] - 0.06 * place + 0.03 * rng.standard_normal()
                if name == "paws" and k == 1:
                    rows.append((member, name, part, 0, *[None] * 6, "not applicable", "3 labels"))
                    continue
                metric = float(np.clip(level, 0, 1))
                loss = 1.4 - metric
                bounds = (loss, loss - 0.05, loss + 0.05, metric, metric - 0.04, metric + 0.04)
                rows.append((member, name, part, 1000, *bounds, "measured", None))
    return pl.DataFrame(rows, schema=SCORES, orient="row")


def _centroids(ids: list[str], basin: np.ndarray) -> pl.DataFrame:
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
                "variant": "uniform",
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
                "status": "checked",
                "reason": None,
            }
        )
    return pl.DataFrame(rows, schema=CENTROIDS)


def _schema(text: str, floats: str = "") -> pl.Schema:
    """Return a schema of ``name:kind`` words (String unless said) and of names of Float64."""
    kinds = {
        "int": pl.Int64(),
        "bool": pl.Boolean(),
        "texts": pl.List(pl.String),
        "floats": pl.List(pl.Float64),
    }
    named = (word.partition(":") for word in text.split())
    columns = {name: kinds.get(kind, pl.String()) for name, _, kind in named}
    return pl.Schema(columns | dict.fromkeys(floats.split(), pl.Float64()))


_BOUNDED = " ".join(
    f"{name} {name}_lo {name}_hi"
    for name in ("barrier_height", "barrier_mean", "convexity_gap", "midpoint_excess")
)
PAIRS = _schema(
    "a b path alignment task split head_policy precision rule n_points:int n_examples:int "
    "measured reason status",
    f"{_BOUNDED} convexity_gap_se area t_peak error_barrier l2 cosine tau",
)
PROFILES = _schema("a b path task split t:floats loss:floats metric:floats")
CLUSTERS = _schema("id matrix method label:int certainty:float is_default:bool") | {}
CLUSTERS = pl.Schema({**CLUSTERS, "certainty": pl.Float64()})
CLUSTERINGS = pl.Schema(
    {
        "matrix": pl.String(),
        "method": pl.String(),
        "parameters": pl.String(),
        "n_clusters": pl.Int64(),
        "n_noise": pl.Int64(),
        "silhouette": pl.Float64(),
        "p_value": pl.Float64(),
        "stability": pl.Float64(),
        "is_default": pl.Boolean(),
    }
)
NULLS = _schema("matrix null draw:int", "statistic")
EMBEDDING = _schema("id matrix method", "x y")
MERGE_TREE = pl.Schema(
    {
        "matrix": pl.String(),
        "left": pl.Int64(),
        "right": pl.Int64(),
        "height": pl.Float64(),
        "size": pl.Int64(),
    }
)
SCORES = pl.Schema(
    {
        "id": pl.String(),
        "set": pl.String(),
        "slice": pl.String(),
        "n_examples": pl.Int64(),
        **dict.fromkeys(
            ("loss", "loss_lo", "loss_hi", "metric", "metric_lo", "metric_hi"), pl.Float64()
        ),
        "outcome": pl.String(),
        "reason": pl.String(),
    }
)
CENTROIDS = pl.Schema(
    {
        "name": pl.String(),
        "level": pl.String(),
        "group": pl.String(),
        "variant": pl.String(),
        "members": pl.List(pl.String),
        "weights": pl.List(pl.Float64),
        **dict.fromkeys(("loss", "metric", "mean_member_loss", "mean_member_metric"), pl.Float64()),
        "best_member": pl.String(),
        **dict.fromkeys(("best_member_loss", "best_member_metric"), pl.Float64()),
        "medoid": pl.String(),
        **dict.fromkeys(("medoid_loss", "medoid_metric", "largest_gap_inside"), pl.Float64()),
        "folder": pl.String(),
        "status": pl.String(),
        "reason": pl.String(),
    }
)

Tables = Mapping[str, pl.DataFrame]
