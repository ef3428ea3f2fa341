"""Differences told where there are none, and planted differences found: what basins' scores allow.

    python benchmarks/strategies.py --draws 1000                  # rate of false sentences
    python benchmarks/strategies.py --power --draws 400           # differences that are found

A draw has 60 slices: 20 parts of a set, whole and by label. Members' scores on them go together (a
member that is better is so on many slices), and the two labels of a part go against each other, as
heuristics make them. A false sentence is any difference or lean told of basins that are dealt at
random. A rate is marked where it lies above 0.05 at the 1 % level (binomial). With --power the
first basin is better on one label of one part; beside it stands what is said to be detectable.
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np
import polars as pl

from wsgeo.probing.strategies import basin_profile
from wsgeo.probing.tables import SCORES

LEVEL = 0.05
SIZES = ((6, 6), (8, 4), (12, 88), (4, 4, 2, 2), (3, 3))
N_PARTS = 20


def draw(sizes, rng, shift=0.0, n_parts=N_PARTS):
    """Return scores of members in basins, and the basin of each; the first basin may be better."""
    n = sum(sizes)
    ability, cue = rng.standard_normal((n, 1)), rng.standard_normal((n, 1))
    own = rng.standard_normal((2, n, n_parts))
    one = 0.6 + 0.03 * (ability + cue + own[0])
    two = 0.4 + 0.03 * (ability - cue + own[1])
    two[: sizes[0], 0] += shift
    ids = [f"m{i:03}" for i in range(n)]
    columns = {}
    for k in range(n_parts):
        columns[f"s{k:02}/yes"], columns[f"s{k:02}/non-yes"] = one[:, k], two[:, k]
        columns[f"s{k:02}"] = (one[:, k] + two[:, k]) / 2
    frames = [
        pl.DataFrame({"id": ids, "slice": [name] * n, "metric": values.clip(0, 1)})
        for name, values in columns.items()
    ]
    rows = pl.concat(frames).with_columns(
        pl.lit("drawn").alias("set"), pl.lit("measured").alias("outcome")
    )
    missing = [pl.lit(None).alias(name) for name in SCORES if name not in rows.columns]
    scores = rows.with_columns(missing).select(list(SCORES)).cast(dict(SCORES))
    return scores, dict(zip(ids, np.repeat(np.arange(len(sizes)), sizes).tolist(), strict=True))


def told(sizes, rng, **given):
    """Return whether a difference is told of a draw."""
    scores, labels = draw(sizes, rng, **given)
    found = basin_profile(scores, labels, rng=rng)
    return bool(found.told or found.leans)


def tail(hits, n, p=LEVEL):
    """Return the binomial probability of at least ``hits``."""
    return sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(hits, n + 1))


def false_sentences(n_draws, seed):
    print(f"{'basins':12}{'rate':>8}{'draws':>7}{'s':>6}")
    for i, sizes in enumerate(SIZES):
        rng, start = np.random.default_rng([seed, i]), time.perf_counter()
        hits = sum(told(sizes, rng) for _ in range(n_draws))
        mark = "  TOO MANY" if tail(hits, n_draws) < 0.01 else ""
        seconds = time.perf_counter() - start
        name = "/".join(map(str, sizes))
        print(f"{name:12}{hits / n_draws:8.4f}{n_draws:7}{seconds:6.0f}{mark}", flush=True)


def found_differences(n_draws, seed, shifts):
    print(f"{'basins':12}{'shift':>7}{'detectable':>12}{'told':>7}{'on it':>7}")
    for i, sizes in enumerate(SIZES):
        for shift in shifts:
            rng, some, right, needed = np.random.default_rng([seed, i]), 0, 0, []
            for _ in range(n_draws):
                scores, labels = draw(sizes, rng, shift=shift)
                found = basin_profile(scores, labels, rng=rng)
                row = found.contrasts.row(by_predicate=pl.col("slice") == "s00/non-yes", named=True)
                some += bool(found.told)
                right += row["p_adjusted"] < LEVEL
                needed.append(row["detectable"] or math.inf)
            name, least = "/".join(map(str, sizes)), float(np.median(needed))
            print(
                f"{name:12}{shift:7.2f}{least:12.3f}{some / n_draws:7.2f}{right / n_draws:7.2f}",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--power", action="store_true")
    parser.add_argument("--shifts", default="0.05,0.1,0.2,0.4", help="Planted differences.")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.power:
        found_differences(given.draws, given.seed, [float(x) for x in given.shifts.split(",")])
    else:
        false_sentences(given.draws, given.seed)


if __name__ == "__main__":
    main()
