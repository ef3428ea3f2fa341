"""False basins in noise, and planted basins found: the campaign behind the null test.

    python benchmarks/nulls.py --draws 400 --sizes 12,24,48,100     # rate of false basins
    python benchmarks/nulls.py --planted --draws 40                 # power and right labels

A draw is decided as in production, 199 null draws at level 0.05; it stops early once ten draws of
one null reach the measured silhouette, since p is then above 0.05 whatever follows. A rate is
marked where it lies above 0.05 at the 1 % level (binomial).
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from graph_cases import NOISES, PLANTED, chain, planted

from wsgeo.graph import rand_index
from wsgeo.graph.clustering import find_basins
from wsgeo.graph.nulls import NULLS

LEVEL = 0.05


def decide(values, rng, n_draws=199):
    """Return whether basins are claimed, and the best candidate's labels."""
    search = find_basins(values, rng=rng, n_draws=n_draws, give_up=10)
    return search.test.p_value <= LEVEL, search


def tail(hits, n, p=LEVEL):
    """Return the binomial probability of at least ``hits``."""
    return sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(hits, n + 1))


def false_basins(sizes, n_draws, only, seed):
    print(f"{'noise':28}{'n':>5}{'rate':>8}{'draws':>7}{'s':>7}")
    for n in sizes:
        for i, (name, draw) in enumerate(NOISES.items()):
            if not name.startswith(only):
                continue
            rng, start = np.random.default_rng([seed, n, i]), time.perf_counter()
            hits = sum(decide(draw(n, rng), rng)[0] for _ in range(n_draws))
            mark = "  TOO MANY" if tail(hits, n_draws) < 0.01 else ""
            seconds = time.perf_counter() - start
            print(f"{name:28}{n:5}{hits / n_draws:8.4f}{n_draws:7}{seconds:7.0f}{mark}", flush=True)


def found_basins(sigmas, n_draws, only, seed):
    print(
        f"{'planted':24}{'sigma':>6}{'found':>7}{'right':>7}{'ARI':>6}{'worst null (median p)':>36}"
    )
    cases = [(name, sizes, sigma) for sigma in sigmas for name, sizes in PLANTED.items()]
    cases += [("chain 14/7/7", None, 0.0)]
    for i, (name, sizes, sigma) in enumerate(cases):
        if not name.startswith(only):
            continue
        rng, found, indices, p_values = np.random.default_rng([seed, i]), [], [], []
        n_here = n_draws if sizes is None or sum(sizes) < 60 else max(n_draws // 8, 1)
        for _ in range(n_here):
            values, labels = chain(rng) if sizes is None else planted(sizes, sigma, rng)
            claimed, search = decide(values, rng)
            found.append(claimed)
            indices.append(rand_index(search.candidates[search.best].labels, labels))
            p_values.append(search.test.p_by_null)
        # A draw that ended early may lack nulls; those it has include the worst.
        medians = {null: float(np.median([p.get(null, 0.0) for p in p_values])) for null in NULLS}
        worst = max(medians, key=medians.get)
        right = np.mean([f and r == 1 for f, r in zip(found, indices, strict=True)])
        print(
            f"{name:24}{sigma:6.2f}{np.mean(found):7.2f}{right:7.2f}{np.mean(indices):6.2f}"
            f"{worst:>28}{medians[worst]:8.3f}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--sizes", default="12,24,48,100")
    parser.add_argument("--only", default="", help="Starts of case names, with commas.")
    parser.add_argument("--planted", action="store_true")
    parser.add_argument("--sigmas", default="0,0.01,0.02,0.03", help="Noise of planted gaps.")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.planted:
        sigmas = [float(sigma) for sigma in given.sigmas.split(",")]
        found_basins(sigmas, given.draws, tuple(given.only.split(",")), given.seed)
    else:
        sizes = [int(n) for n in given.sizes.split(",")]
        false_basins(sizes, given.draws, tuple(given.only.split(",")), given.seed)


if __name__ == "__main__":
    main()
