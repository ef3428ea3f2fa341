"""What the members of the made-up zoo of ``report_cases.py`` answered, and what that says of basins."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from wsgeo.probing.tables import (
    AGREEMENTS,
    ATTRIBUTIONS,
    CONTRASTS,
    COORDINATES,
    PLACEMENTS,
    PREDICTIONS,
    PREDICTORS,
    PROBES,
    PROFILE,
    RIDGE_EXAMPLES,
    SCORES,
    SLICE_PROFILES,
)

SLICES = ("lexical_overlap", "subsequence", "constituent")
"""Slices of each of the two sets of an ordinary run."""

FURTHER = ("all", "yes", "no", "yes/entailment", "no/non-entailment", "no/non-entailment/passive")
"""Slices of each further set of a large one."""

MEANINGS = {
    "agreement": ("fraction", "examples that get the label that a word-count model gives them"),
    "baseline_accuracy": ("fraction", "right answers of the word-count model itself"),
    "consistency": ("fraction", "examples whose prediction the change leaves as it was"),
    "loss_rise": ("nats per example", "mean loss that the change adds"),
    **{
        f"positive_{low}_{low + 10}": (
            "fraction",
            f"mean probability that texts agree where {low} to {low + 10} % of words do",
        )
        for low in range(0, 100, 10)
    },
    "overlap_slope": ("nats", "log-odds that the texts agree, gained from no overlap to full"),
}
"""Unit and meaning of measures, as a run says them."""

_MEASURES = ("accuracy", "preference", "consistency", "invariance")
_MATRICES = ("convexity_gap", "barrier_height", "area", "l2", "cosine", "jensen_shannon")
_T = np.round(np.linspace(0, 1, 11), 4)


def scores(
    rng: np.random.Generator, ids: list[str], basin: np.ndarray, n_sets: int = 2
) -> pl.DataFrame:
    """Return scores on two sets of three slices and further sets of six; one member lacks the second."""
    rows = []
    for k, member in enumerate(ids):
        for name, part, measure, base in _parts(n_sets):
            level = base[max(int(basin[k]), 0)]
            metric = float(np.clip(level + 0.03 * rng.standard_normal(), 0, 1))
            row = {"id": member, "set": name, "slice": part, "measure": measure}
            if name == "paws" and k == 1:
                rows.append(
                    row | {"n_examples": 0, "outcome": "not applicable", "reason": "3 labels"}
                )
                continue
            loss = 1.4 - metric
            limits = {
                "loss": loss,
                "loss_lo": loss - 0.05,
                "loss_hi": loss + 0.05,
                "metric": metric,
                "metric_lo": metric - 0.04,
                "metric_hi": metric + 0.04,
            }
            rows.append(row | limits | {"n_examples": 1000, "outcome": "measured"})
    return pl.DataFrame(rows, schema=SCORES)


def _parts(n_sets: int) -> list[tuple[str, str, str, tuple[float, float]]]:
    """Return set, slice, measure, and the level of each basin."""
    found = [
        (name, part, "accuracy", (high - 0.06 * place, low - 0.06 * place))
        for name, (high, low) in (("hans", (0.82, 0.55)), ("paws", (0.64, 0.52)))
        for place, part in enumerate(SLICES)
    ]
    for k in range(2, n_sets):
        apart = 0.25 if k % 3 == 0 else 0.01
        found += [
            (f"set_{k}_of_minimal_pairs", part, _MEASURES[k % 4], (0.7 - 0.02 * place, 0.7 - apart))
            for place, part in enumerate(FURTHER)
        ]
    return found


def strategies(scored: pl.DataFrame, ids: list[str], basin: np.ndarray) -> dict[str, pl.DataFrame]:
    """Return profiles, contrasts, coordinates and predictors of the basins."""
    places = dict(zip(ids, basin.tolist(), strict=True))
    known = scored.filter(pl.col("metric").is_not_null()).with_columns(
        basin=pl.col("id").replace_strict(places, return_dtype=pl.Int64) if ids else pl.lit(0)
    )
    profile = known.filter(pl.col("basin") >= 0).group_by(
        "set", "slice", "basin", maintain_order=True
    ).agg(
        n=pl.len(), mean=pl.col("metric").mean(), spread=pl.col("metric").std(),
        lowest=pl.col("metric").min(), highest=pl.col("metric").max(),
    )  # fmt: skip
    coordinate = {name: 0.8 - 1.6 * b + 0.04 * k for k, (name, b) in enumerate(places.items())}
    return {
        "strategies": _grouped(profile.cast(dict(PROFILE))),
        "contrasts": _grouped(_contrasts(profile)),
        "coordinates": _grouped(
            pl.DataFrame(
                [(name, x) for name, x in coordinate.items() if places[name] >= 0],
                schema=COORDINATES, orient="row",
            )
        ),
        "predictors": _grouped(_predictors(profile)),
    }  # fmt: skip


def _grouped(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.lit(None, pl.String).alias("group"), pl.all())


def _contrasts(profile: pl.DataFrame) -> pl.DataFrame:
    rows = []
    for (name, part), own in profile.group_by("set", "slice", maintain_order=True):
        ranked = own.sort("mean", descending=True).to_dicts()
        if len(ranked) < 2:
            continue
        high, low = ranked[0], ranked[-1]
        difference = high["mean"] - low["mean"]
        found = difference > 0.08
        rows.append({
            "set": name, "slice": part, "n_basins": 2,
            "basin_a": high["basin"], "basin_b": low["basin"],
            "n_a": high["n"], "n_b": low["n"], "mean_a": high["mean"], "mean_b": low["mean"],
            "difference": difference, "effect_size": 1.0 if found else 0.1,
            "p_value": 0.004 if found else 0.4, "p_adjusted": 0.012 if found else 0.55,
            "exact": True, "detectable": 0.07,
            "correlation": 0.94 if found else -0.1,
            "correlation_lo": 0.86 if found else -0.6, "correlation_hi": 0.98 if found else 0.5,
            "sentence": f"On {name}, {part}: {high['mean']:.0%} and {low['mean']:.0%}.",
        })  # fmt: skip
    return pl.DataFrame(rows, schema=CONTRASTS)


def _predictors(profile: pl.DataFrame) -> pl.DataFrame:
    keys = profile.select("set", "slice").unique(maintain_order=True).rows()
    rows = []
    for place, (name, part) in enumerate(keys if profile["basin"].n_unique() > 1 else []):
        for k, matrix in enumerate(_MATRICES):
            rho = 0.85 - 0.13 * k - 0.02 * (place % 9)
            rows.append({
                "set": name, "slice": part, "matrix": matrix, "n": 10, "rho": rho,
                "p_value": 0.01 if rho > 0.3 else 0.3, "p_adjusted": 0.02 if rho > 0.3 else 0.4,
                "correlation": min(1, rho + 0.1),
                "correlation_lo": max(0, rho - 0.2), "correlation_hi": min(1, rho + 0.14),
            })  # fmt: skip
    return pl.DataFrame(rows, schema=PREDICTORS)


def probes(rng: np.random.Generator, ids: list[str], basin: np.ndarray) -> pl.DataFrame:
    """Return probes of three kinds; the word-count model is the same for all members."""
    kinds = {
        ("bag_of_words", "agreement"): (0.62, 0.78),
        ("bag_of_words", "baseline_accuracy"): (0.61, 0.61),
        ("words_shuffled", "consistency"): (0.8, 0.79),
        ("words_shuffled", "loss_rise"): (0.31, 0.3),
        **{
            ("overlap", f"positive_{10 * k}_{10 * k + 10}"): (0.3 + 0.02 * k, 0.2 + 0.07 * k)
            for k in range(10)
        },
        ("overlap", "overlap_slope"): (0.9, 3.1),
    }
    rows = []
    for k, member in enumerate(ids):
        for (probe, measure), levels in kinds.items():
            own = levels[max(int(basin[k]), 0)]
            value = own if measure == "baseline_accuracy" else own + 0.02 * rng.standard_normal()
            told = {"value": value, "lo": value - 0.02, "hi": value + 0.02, "outcome": "measured"}
            rows.append(
                {"id": member, "probe": probe, "measure": measure, "n_examples": 1000} | told
            )
        rows.append({
            "id": member, "probe": "second_only", "measure": "consistency", "n_examples": 1000,
            "outcome": "not applicable", "reason": "An example of this task is one text.",
        })  # fmt: skip
    return _grouped(pl.DataFrame(rows, schema=PROBES))


def agreements(rng: np.random.Generator, ids: list[str], basin: np.ndarray) -> pl.DataFrame:
    """Return how alike every two members answer: less so between basins."""
    rows = []
    for i, j in combinations(range(len(ids)), 2):
        far = 0.09 + 0.1 * (basin[i] != basin[j]) + 0.015 * rng.standard_normal()
        rows.append((ids[i], ids[j], "mnli", 1 - far, 1 - 0.8 * far, far))
    return _grouped(pl.DataFrame(rows, schema=AGREEMENTS, orient="row"))


def lines(
    rng: np.random.Generator, ids: list[str], basin: np.ndarray, n_sets: int = 2
) -> dict[str, pl.DataFrame]:
    """Return what one line in each basin and two between them show on the task and on the sets."""
    inside = [[k for k in range(len(ids)) if basin[k] == label] for label in (0, 1)]
    if min(map(len, inside)) < 2:
        ends = []
    else:
        between = [(inside[0][k], inside[1][k]) for k in (0, 1)]
        ends = [(*own[:2], True) for own in inside] + [(*pair, False) for pair in between]
    told = {(name, part): base for name, part, _, base in _parts(n_sets)}
    task = {("mnli", part): (0.84, 0.84) for part in ("all", "label/entailment", "label/neutral")}
    profiles, shares = [], []
    for i, j, within in ends:
        i, j = sorted((i, j))
        line = {"a": ids[i], "b": ids[j], "within": within}
        for (name, part), base in (task | told).items():
            first, last = (1.4 - base[max(int(basin[k]), 0)] for k in (i, j))
            ridge = 0.01 if within else 0.09 * (1.6 if part.endswith("neutral") else 1.0)
            loss = first + (last - first) * _T + ridge * np.sin(np.pi * _T) ** 2
            loss += 0.004 * rng.standard_normal()
            row = line | {"set": name, "slice": part, "n_examples": 1000}
            profiles.append(
                row | {"t": _T, "loss": loss, "metric": 1.4 - loss, "convexity_gap": ridge}
            )
            size, share = {"label/entailment": (0.4, 0.2), "label/neutral": (0.6, 0.8)}.get(
                part, (1, 1)
            )
            shares.append(row | {
                "share_of_examples": size, "mean_excess": ridge,
                "share_of_gap": share + 0.02 * rng.standard_normal(),
                "t_left": 0.0, "t_ridge": 0.5, "t_right": 1.0,
                "share_lo": share - 0.1, "share_hi": share + 0.1, "half_on": 0.15,
            })  # fmt: skip
    return {
        "slice_profiles": _grouped(pl.DataFrame(profiles, schema=SLICE_PROFILES)),
        "attributions": _grouped(pl.DataFrame(shares, schema=ATTRIBUTIONS)),
        "ridge_examples": _grouped(_ridge_examples(bool(ends))),
    }


def _ridge_examples(some: bool) -> pl.DataFrame:
    rows = [
        {
            "set": "mnli", "rank": rank, "example": f"mnli-{rank:03d}", "label": "neutral",
            "text": f"The lawyer advised judge {rank}. | The judge advised the lawyer.",
            "mean_excess": 2.1 / rank, "share_of_gap": 0.04 / rank, "n_lines": 2,
        }
        for rank in range(1, 9)
    ]  # fmt: skip
    return pl.DataFrame(rows if some else [], schema=RIDGE_EXAMPLES)


def placements(ids: list[str], basin: np.ndarray, profile: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return every member of a basin held out, one of them misplaced, and two new models."""
    held = [k for k in range(len(ids)) if basin[k] >= 0] if len(ids) >= 4 else []
    rows = [
        {
            "id": ids[k], "held_out": True, "own_basin": int(basin[k]), "nearest": ids[k - 1],
            "basin": int(basin[k]) if k else 1 - int(basin[k]), "gap": 0.011, "next_gap": 0.094,
            "n_lines": 6,
        }
        for k in held
    ]  # fmt: skip
    new = {"held_out": False, "nearest": ids[0] if ids else None, "n_lines": 6}
    if held:
        rows += [
            new | {"id": "mnli/new-1", "basin": 0, "gap": 0.013, "next_gap": 0.09, "x": 0.02, "y": 0.01},
            new | {"id": "mnli/new-2", "gap": 0.15, "next_gap": 0.17, "x": 0.0, "y": -0.03,
                   "reason": "the lowest gap, 0.15 nats, is above tau"},
        ]  # fmt: skip
    mean = {(n, p, b): m for n, p, b, m in profile.select("set", "slice", "basin", "mean").rows()}
    told = [
        {
            "id": row["id"], "held_out": row["held_out"], "set": name, "slice": part,
            "basin": row["basin"], "n": 4, "predicted": value, "lo": value - 0.08, "hi": value + 0.08,
            "everyone": value - 0.05, "actual": value + 0.02 if row["held_out"] else None,
        }
        for row in rows
        for (name, part, label), value in mean.items()
        if label == row.get("basin")
    ]  # fmt: skip
    return {
        "placements": _grouped(pl.DataFrame(rows, schema=PLACEMENTS)),
        "predictions": _grouped(pl.DataFrame(told, schema=PREDICTIONS)),
    }


def said() -> dict[str, Any]:
    """Return what a run says of the answers in words."""
    return {
        "strategies": [
            "On hans, lexical_overlap: basin 0 is right on 82%, basin 1 on 55% (p = 0.012)."
        ],
        "ridges": ["Between basins 0 and 1 the loss on mnli rises by 0.09 nats (mean of 2 lines)."],
        "held_out": "Held out one by one, 9 of 10 members are put into their own basin.",
        "probes": {name: list(meaning) for name, meaning in MEANINGS.items()},
    }
