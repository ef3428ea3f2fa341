"""How often the 95 % intervals of the convexity gap hold the truth, in simulated pairs.

    python benchmarks/coverage.py --pairs 1000

prints one row per kind of noise, shape of the true profile, true gap and size of the noise: how
often each interval lies above the truth (``low``) and below it (``high``), in percent of the pairs,
for the plain percentile bootstrap, for the largest contrast taken as if it had been chosen
beforehand, and for `wsgeo.paths.intervals`. Where the true gap is zero, ``low`` is how often the
interval excludes zero.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wsgeo.paths.contrasts import triple_contrasts
from wsgeo.paths.envelopes import lower_envelope
from wsgeo.paths.intervals import intervals, resample_counts

Array = NDArray[np.float64]

T = np.linspace(0, 1, 11)
N_EXAMPLES = 512
POOL = 200_000
"""Simulated examples; their mean is the truth, so it is known exactly."""


class Scenario(NamedTuple):
    """One row of the table."""

    noise: str
    shape: str
    gap: float
    error: float


@dataclass
class Misses:
    """Counts of one kind of interval."""

    low: int = 0
    high: int = 0
    width: float = 0.0

    def add(self, low: float, high: float, truth: float) -> None:
        """Count one interval."""
        self.low += low > truth
        self.high += high < truth
        self.width += high - low


# --- true profiles --------------------------------------------------------------------------------


def _ridge() -> Array:
    """Return a ridge in a bowl, as between basins: the chord of the ends hides most of it."""
    return 1.2 * (T - 0.5) ** 2 + 0.3 * np.exp(-0.5 * ((T - 0.5) / 0.12) ** 2)


SHAPES: dict[str, Callable[[], Array]] = {
    "ridge": _ridge,
    "arch": lambda: 4 * T * (1 - T),
    "plateau": lambda: np.minimum(1, np.minimum(T, 1 - T) / 0.25),
    "two ridges": lambda: (
        np.exp(-0.5 * ((T - 0.25) / 0.08) ** 2) + np.exp(-0.5 * ((T - 0.75) / 0.08) ** 2)
    ),
}
CONVEX: dict[str, Array] = {
    "flat": np.zeros_like(T),
    "slope": 0.3 * T,
    "bowl": 0.1 * (2 * T - 0.9) ** 2,
    "rim": 0.02 * (2 * T - 1) ** 4,
}


def profile(shape: str, gap: float) -> Array:
    """Return a mean profile whose convexity gap is exactly ``gap``."""
    if shape in CONVEX:
        return CONVEX[shape]
    curve = SHAPES[shape]()
    return curve * gap / (curve - lower_envelope(T, curve)).max()


# --- noise of the examples ------------------------------------------------------------------------


def _smooth(rng: np.random.Generator, length: float) -> Array:
    """Draw smooth functions of the path, one per example, of variance one."""
    kernel = np.exp(-0.5 * (T[:, None] - T) ** 2 / length**2) + 1e-9 * np.eye(T.size)
    return rng.normal(size=(POOL, T.size)) @ np.linalg.cholesky(kernel).T


def _margins(rng: np.random.Generator) -> Array:
    """Cross-entropy of a trained classifier whose margins change smoothly along the path."""
    margin = rng.normal(3, 2.2, (POOL, 1)) + rng.normal(0, 1.5, (POOL, 1)) * (2 * T - 1)
    return np.logaddexp(0, -margin - _smooth(rng, 0.35))


def _heavy(rng: np.random.Generator) -> Array:
    """Log-normal losses, each bent smoothly: a few examples carry most of the variance."""
    return rng.lognormal(-1, 1, (POOL, 1)) * np.exp(0.25 * _smooth(rng, 0.3))


def _rough(rng: np.random.Generator) -> Array:
    """Log-normal losses with a rough part (0.9 from point to point): many near-equal maxima."""
    part = rng.normal(size=(POOL, T.size))
    for k in range(1, T.size):
        part[:, k] = 0.9 * part[:, k - 1] + np.sqrt(1 - 0.9**2) * part[:, k]
    return rng.lognormal(-1.5, 1.2, (POOL, 1)) * np.exp(0.3 * part)


def _few(rng: np.random.Generator) -> Array:
    """Margins, and one example in seven carries all of the ridge, some far more than others."""
    bump = np.exp(-0.5 * ((T - 0.5) / 0.15) ** 2)
    return 0.5 * _margins(rng) + rng.gamma(0.15, 1.5, (POOL, 1)) * bump


NOISES = {"margins": _margins, "heavy": _heavy, "rough": _rough, "few": _few}


@lru_cache(maxsize=len(NOISES))
def noise(kind: str) -> Array:
    """Return centred losses, scaled so that the noisiest contrast has standard error one."""
    pool = NOISES[kind](np.random.default_rng(0))
    pool = pool - pool.mean(axis=0)
    worst = (pool @ triple_contrasts(T).T[:, ::4]).std(axis=0).max()
    return pool / worst * np.sqrt(N_EXAMPLES)


# --- the simulation -------------------------------------------------------------------------------


def simulate(scenario: Scenario, n_pairs: int, seed: int = 0) -> dict[str, Misses]:
    """Count the misses of each kind of interval over simulated pairs.

    Parameters
    ----------
    scenario : Scenario
        What is simulated.
    n_pairs : int
        How many pairs.
    seed : int, default 0
        Seed of examples and resamples.

    Returns
    -------
    dict of str to Misses
        By kind of interval: ``percentile``, ``fixed`` and ``wsgeo``.
    """
    rng = np.random.default_rng([seed, *scenario.shape.encode()])
    mean, pool = profile(scenario.shape, scenario.gap), noise(scenario.noise)
    misses = {kind: Misses() for kind in ("percentile", "fixed", "wsgeo")}
    for pair in range(n_pairs):
        if pair % 50 == 0:
            counts = resample_counts(N_EXAMPLES, 1000, rng)
        losses = mean + scenario.error * pool[rng.integers(0, POOL, N_EXAMPLES)]
        found = intervals(T, losses, counts)
        limits = {
            "percentile": np.quantile(found.gap_draws, [0.025, 0.975]),
            "fixed": _fixed(losses),
            "wsgeo": (found.convexity_gap.low, found.convexity_gap.high),
        }
        for kind, (low, high) in limits.items():
            misses[kind].add(float(low), float(high), scenario.gap)
    return misses


def _fixed(losses: Array) -> tuple[float, float]:
    """Return normal limits of the largest contrast as if it had been chosen beforehand."""
    rows = triple_contrasts(T)
    each = losses @ rows[(rows @ losses.mean(axis=0)).argmax()]
    half = 1.96 * each.std(ddof=1) / np.sqrt(len(each))
    return max(0.0, each.mean() - half), max(0.0, each.mean() + half)


def scenarios() -> Iterator[Scenario]:
    """Yield the rows of the table."""
    for kind in NOISES:
        for shape in CONVEX:
            yield Scenario(kind, shape, 0.0, 0.01)
    for kind in NOISES:
        for gap, errors in ((0.01, (0.002, 0.005)), (0.07, (0.01, 0.03)), (0.5, (0.03, 0.1))):
            for error in errors:
                yield Scenario(kind, "ridge", gap, error)
    for shape in ("arch", "plateau", "two ridges"):
        for gap, error in ((0.01, 0.003), (0.07, 0.015), (0.5, 0.05)):
            yield Scenario("margins", shape, gap, error)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pairs", type=int, default=1000, help="simulated pairs per row")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--noise", choices=NOISES, nargs="*", default=list(NOISES))
    parser.add_argument("--gap", type=float, nargs="*", default=[0.0, 0.01, 0.07, 0.5])
    options = parser.parse_args()
    print(f"{options.pairs} pairs, {N_EXAMPLES} examples, {T.size} points; misses in percent")
    print(f"{'noise':8} {'profile':10} {'gap':>5} {'error':>6}", end="")
    print(f"{'percentile':>14}{'fixed':>14}{'wsgeo':>14}   coverage  width")
    for row in (r for r in scenarios() if r.noise in options.noise and r.gap in options.gap):
        misses = simulate(row, options.pairs, options.seed)
        share = 100 / options.pairs
        print(f"{row.noise:8} {row.shape:10} {row.gap:5.2f} {row.error:6.3f}", end="")
        for each in misses.values():
            print(f"{each.low * share:8.1f}{each.high * share:6.1f}", end="")
        own = misses["wsgeo"]
        covered = 100 - (own.low + own.high) * share
        print(f"   {covered:8.1f} {own.width / options.pairs:6.4f}", flush=True)


if __name__ == "__main__":
    main()
