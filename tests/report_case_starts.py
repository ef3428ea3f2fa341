"""Start models of the made-up zoo of ``report_cases.py``, and what each gains."""

from __future__ import annotations

from typing import Any

import polars as pl

from wsgeo.regions.start_tables import GAINS, STARTS, TRIALS

TARGETS = ("trec", "subj", "cola")
STARTING = ("base", "centroid of all", "medoid of nli", "soup of the top half", "best member")

Tables = dict[str, pl.DataFrame]


def starts(ids: list[str], n_targets: int = 3) -> Tables:
    """Return what five starts gain on some targets; the last has one fine-tuning that failed."""
    targets = [*TARGETS, *(f"target_{k}" for k in range(3, n_targets))][: n_targets if ids else 0]
    candidates, trials, gains = [], [], []
    for place, target in enumerate(targets):
        key = {"target": target, "shots": 1000 if place % 2 else None}
        names = [*STARTING, *(f"member {member}" for member in ids)]
        for k, start in enumerate(names):
            kind = "member" if k > 3 else ("base", "centroid", "medoid", "soup")[k]
            candidates.append(key | {
                "start": start, "kind": kind, "level": "general" if k == 1 else None,
                "members": [] if k == 0 else ids if k < 4 else ids[:1], "left_out": ids[:2] if k == 1 else [],
                "probe_loss": 0.5 + 0.02 * k + 0.005 * place * k**2, "probe_metric": 0.8 - 0.02 * k, "logme": -0.4 - 0.01 * k - 0.003 * place * k**2,
                "h_score": 1.2, "rank": k or None, "is_tried": k < len(STARTING),
                "note": "the same as soup of the top half" if k == 4 else None,
            })  # fmt: skip
        for k, start in enumerate(STARTING):
            gain = 0.0 if k == 0 else 0.04 - 0.02 * k
            key |= {"method": "bitfit", "start": start}
            gains.append(key | _gain(gain, k) | {
                "outcome": None if k == 0 else "win" if gain > 0.01 else "tie" if gain > -0.01 else "loss",
                "is_chosen": k == 1, "n": 3, "stage_agreement": 0.8,
            })  # fmt: skip
            for seed in range(3):
                failed = place + 1 == len(targets) and k + seed == 6
                trials.append(key | {
                    "seed": seed, "status": "failed" if failed else "trained",
                    "reason": "out of memory" if failed else None, "seconds": 1.5,
                    "loss": None if failed else 0.5, "metric": None if failed else 0.8 + gain,
                })  # fmt: skip
    if len(targets) > 1:
        gains += [
            {
                "target": "*",
                "method": "bitfit",
                "start": start,
                "n": len(targets),
                "wins": 2,
                "ties": 1,
                "losses": 0,
            }
            | _gain(0.03 - 0.01 * k, k)
            for k, start in enumerate(STARTING[1:3], 1)
        ]
    return {
        "starts": pl.DataFrame(candidates, schema=STARTS, infer_schema_length=None),
        "trials": pl.DataFrame(trials, schema=TRIALS, infer_schema_length=None),
        "gains": pl.DataFrame(gains, schema=GAINS, infer_schema_length=None),
    }


def _gain(gain: float, k: int) -> dict[str, Any]:
    return {
        "kind": ("base", "centroid", "medoid", "soup", "member")[k],
        "base_metric": 0.7, "metric": 0.7 + gain, "gain": gain, "loss_gain": gain,
        "gain_lo": gain - 0.01 if k else None, "gain_hi": gain + 0.01 if k else None, "seconds": 4.5,
    }  # fmt: skip
