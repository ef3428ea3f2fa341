"""Tables of a made-up zoo with two basins, as a finished run would hand them to the report.

Every value is drawn from a seed; the sizes are those of fine-tuned sentence classifiers: losses
near 0.4 nats, gaps near 0.01 within a basin and near 0.1 between.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import report_case_answers as answers
import report_case_groups as groups
import report_case_regions as region_cases
import report_case_starts as start_cases

from wsgeo.graph.associations import associate
from wsgeo.paths.tables import PAIRS, PROFILES

T = np.round(np.linspace(0, 1, 11), 4)
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
TAU = 0.043

Tables = dict[str, pl.DataFrame]


def tables(
    n: int = 12, *, seed: int = 0, name: str | None = None, n_sets: int = 2, n_targets: int = 3
) -> Tables:
    """Return the tables of a zoo of ``n`` members; ``name`` replaces the first member's id.

    Diagnostic sets and data sets of members are ``n_sets``, of the latter three at least.

    From six members on the last one fails the gate; from nine on one is noise.
    """
    rng = np.random.default_rng(seed)
    ids = [name if name and k == 0 else f"mnli/seed-{k:02d}" for k in range(n)]
    ids.sort()
    basin = np.array([int(k % 3 == 2) if n > 3 else 0 for k in range(n)], dtype=np.int64)
    failed = n - 1 if n >= 6 else -1
    if n >= 9:
        basin[n // 2] = -1
    pairs, profiles = _pairs(rng, ids, basin, failed)
    basin[failed:n] = -1 if failed >= 0 else basin[failed:n]
    placed = [k for k in range(n) if k != failed]
    every = _gaps(ids, pairs)
    gaps, settings = every[np.ix_(placed, placed)], groups.settings(ids, basin)
    labels = dict(zip(ids, basin.tolist(), strict=True))
    found = associate(settings, labels, every)
    made = {
        "settings": settings,
        "associations": found.table,
        "contingency": found.contingency,
        "models": _models(rng, ids, failed),
        "exclusions": _exclusions(n),
        "pairs": pairs,
        "profiles": profiles,
        "layers": groups.layers(rng, ids, basin),
        "clusters": groups.clusters(rng, ids, basin, failed),
        "clusterings": groups.clusterings(n),
        "nulls": groups.nulls(rng, n),
        "embedding": groups.embedding(rng, [ids[k] for k in placed], gaps),
        "merge_tree": groups.merge_tree(gaps),
        "scores": answers.scores(rng, ids, basin, n_sets),
        "centroids": groups.centroids(ids, basin),
    }
    made |= region_cases.merged(made["centroids"])
    made |= region_cases.regions(ids, n_sets, seed=seed)
    made |= start_cases.starts(ids, n_targets)
    made |= answers.strategies(made["scores"], ids, basin)
    return made | {
        "probes": answers.probes(rng, ids, basin),
        "agreements": answers.agreements(rng, ids, basin),
        **answers.lines(rng, ids, basin, n_sets),
        **answers.placements(ids, basin, made["strategies"]),
    }


def run(**changes: Any) -> dict[str, Any]:
    """Return what a run says of itself, in full."""
    said: dict[str, Any] = {
        "name": "mnli-seeds",
        "version": "0.1.0",
        "command": "wsgeo scan zoos/mnli-seeds --data data/mnli/validation_matched.jsonl --seed 0",
        "settings": {"n_points": 11, "n_examples": 1000, "precision": "fp32", "rule": "exact"},
        "seed": 0,
        "tau": {
            "value": TAU,
            "origin": "the middle between the 95th percentile of gaps within a basin (0.016 nats) "
            "and the 5th between (0.071 nats)",
        },
        "verdict": [
            "Two basins hold 10 of the 12 checkpoints.",
            "Every pair within a basin is connected; the lowest pass between them is 0.075 nats.",
        ],
        "alerts": ["The label names of mnli/seed-03 were guessed from its base model."],
        "trained": ["Basins follow the seed: Cramer's V 1.00, p = 0.0025."],
        "timings": {"discover": 0.8, "losses": 412.6, "clusters": 3.1},
        "data": {"task": "mnli", "split": "validation_matched", "n_examples": 1000},
        "hashes": {"examples": "9f86d081884c7d65", "zoo": "60303ae22b998861"},
        "sets": {name: {"title": name.upper(), "chance": 0.5} for name in ("hans", "paws")},
        **answers.said(),
        **region_cases.said(),
    }
    return said | changes


def _models(rng: np.random.Generator, ids: list[str], failed: int) -> pl.DataFrame:
    n = len(ids)
    loss, metric = 0.42 + 0.02 * rng.standard_normal(n), 0.84 + 0.01 * rng.standard_normal(n)
    if failed >= 0:
        loss[failed], metric[failed] = 1.3, 0.34
    reason = "its loss, at most 1.33 nats, is above the 1.099 of a constant guess"
    same = {
        "model_class": "BertForSequenceClassification",
        "n_parameters": 109_484_547,
        "dtype": "F32",
        "base": "bert-base-uncased",
        "task": "mnli",
        "method": "full",
        "step": 36816,
        "geometry_group": "g0",
        "loss_group": "g0.l0",
    }
    rows = [
        same
        | {
            "id": ids[k],
            "content_hash": f"{rng.integers(2**62):064x}"[::-1],
            "seed": k,
            "learning_rate": 2e-5 if k % 2 else 5e-5,
            "gate": k != failed,
            "gate_reason": reason if k == failed else None,
            "loss": loss[k],
            "loss_hi": loss[k] + 0.03,
            "metric": metric[k],
            "metric_lo": metric[k] - 0.02,
        }
        for k in range(n)
    ]
    return pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame()


def _exclusions(n: int) -> pl.DataFrame:
    row = {
        "id": "mnli/seed-broken",
        "fate": "rejected",
        "code": "truncated",
        "file": "mnli/seed-broken/model.safetensors",
        "cause": "the file ends 1,024 bytes before its last tensor",
        "remedy": "Download the file again.",
    }
    return pl.DataFrame([row] if n else [], schema=dict.fromkeys(row, pl.String))


def _pairs(
    rng: np.random.Generator, ids: list[str], basin: np.ndarray, failed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the pair table and the profile table, rows ordered by (a, b)."""
    rows: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    for i, j in combinations(range(len(ids)), 2):
        apart = basin[i] != basin[j]
        ends = 0.42 + 0.012 * rng.standard_normal(2)
        shape = np.sin(np.pi * T ** rng.uniform(0.8, 1.25)) ** 2 * rng.uniform(0.07, 0.14)
        if not apart:
            # Inside a basin: a bowl with a low ridge somewhere in it.
            ridge = rng.uniform(0.003, 0.017) * np.exp(-(((T - rng.uniform(0.4, 0.6)) / 0.12) ** 2))
            shape = ridge - 0.1 * T * (1 - T)
        loss = ends[0] + (ends[1] - ends[0]) * T + shape
        where = {"a": ids[i], "b": ids[j], "path": "line", "task": "mnli", "split": "validation"}
        broken = failed in {i, j}
        if not broken:
            metric = 0.84 - (loss - 0.42) * 0.6
            curves.append(where | {"t": T.tolist(), "loss": loss.tolist(), "metric": metric})
        rows.append(where | _kind() | _geometry(rng, apart) | _verdict(rng, loss, broken))
    pairs = pl.DataFrame(rows, schema={**PAIRS, "status": pl.String, "tau": pl.Float64})
    return pairs, pl.DataFrame(curves, schema=PROFILES)


def _kind() -> dict[str, Any]:
    return {
        "alignment": "none",
        "head_policy": "interpolate",
        "precision": "fp32",
        "rule": "exact",
        "n_points": len(T),
        "n_examples": 1000,
    }


def _geometry(rng: np.random.Generator, apart: bool) -> dict[str, float]:
    return {"l2": rng.uniform(9, 11) + 2 * apart, "cosine": rng.uniform(0.5, 0.6) - 0.3 * apart}


def _verdict(rng: np.random.Generator, loss: np.ndarray, broken: bool) -> dict[str, Any]:
    """Return the measured part of a row of the pair table."""
    if broken:
        return {"measured": "endpoint_failed", "status": "endpoint_failed", "reason": "bad end"}
    above = loss - (loss[0] + (loss[-1] - loss[0]) * T)
    height, gap, wide = max(0.0, above.max()), convexity_gap(loss), rng.uniform(0.004, 0.024)
    status = "separated" if gap - wide > TAU else "connected" if gap + wide <= TAU else "undecided"
    return {
        **_interval("barrier_height", height, wide),
        **_interval("barrier_mean", max(0.0, loss.max() - (loss[0] + loss[-1]) / 2), wide),
        **_interval("convexity_gap", gap, wide / 2),
        "convexity_gap_se": wide / 4,
        "t_peak": T[above.argmax()] if height > 0 else None,
        "error_barrier": 0.6 * height,
        "measured": "measured",
        "status": status,
        "tau": TAU,
    }


def _interval(name: str, value: float, wide: float) -> dict[str, float]:
    return {name: value, f"{name}_lo": max(0.0, value - wide), f"{name}_hi": value + wide}


def convexity_gap(loss: np.ndarray) -> float:
    """Return the largest height over the chord of any sub-segment, by trying all."""
    best = 0.0
    for i, j in combinations(range(len(T)), 2):
        chord = loss[i] + (loss[j] - loss[i]) * (T[i : j + 1] - T[i]) / (T[j] - T[i])
        best = max(best, float((loss[i : j + 1] - chord).max()))
    return best


def _gaps(ids: list[str], pairs: pl.DataFrame) -> np.ndarray:
    at = {name: k for k, name in enumerate(ids)}
    full = np.zeros((len(ids), len(ids)))
    for a, b, value in pairs.select("a", "b", "convexity_gap").iter_rows():
        full[at[a], at[b]] = full[at[b], at[a]] = np.nan if value is None else value
    return full
