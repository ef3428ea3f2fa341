"""Distance matrices with nothing to find, and with planted basins, for tests and benchmarks."""

from __future__ import annotations

import numpy as np


def square(gaps, n):
    """Return the symmetric matrix of an upper triangle."""
    values = np.zeros((n, n))
    values[np.triu_indices(n, 1)] = gaps
    return values + values.T


def independent(n, rng, marginal):
    """Return independent gaps of one distribution."""
    n_pairs = n * (n - 1) // 2
    draw = {
        "uniform": lambda: rng.uniform(0, 1, n_pairs),
        "half_normal": lambda: np.abs(rng.normal(size=n_pairs)),
        "exponential": lambda: rng.exponential(size=n_pairs),
        "log_normal": lambda: rng.lognormal(0, 1, n_pairs),
        "clipped": lambda: np.maximum(0, 0.02 + 0.02 * rng.normal(size=n_pairs)),
    }
    return square(draw[marginal](), n)


def cloud(n, rng, n_dimensions, power=1.0):
    """Return (powers of) distances within one Gaussian cloud."""
    points = rng.normal(size=(n, n_dimensions))
    return np.linalg.norm(points[:, None] - points, axis=2) ** power


def additive(n, rng, effects, noise):
    """Return gaps ``a_i + a_j`` with noise of ``noise`` mean effects, not below zero."""
    a = {
        "uniform": lambda: rng.uniform(0, 1, n),
        "half_normal": lambda: np.abs(rng.normal(size=n)),
        "exponential": lambda: rng.exponential(size=n),
        "log_normal": lambda: rng.lognormal(0, 0.5, n),
    }[effects]()
    gaps = (a[:, None] + a)[np.triu_indices(n, 1)]
    return square(np.maximum(0, gaps + noise * a.mean() * rng.normal(size=len(gaps))), n)


def _noises():
    cases = {}
    for marginal in ("uniform", "half_normal", "exponential", "log_normal", "clipped"):
        cases[f"independent {marginal}"] = lambda n, rng, m=marginal: independent(n, rng, m)
    for d in (1, 2, 4, 8, 16):
        cases[f"cloud {d}-d"] = lambda n, rng, d=d: cloud(n, rng, d)
    for d in (2, 8):
        cases[f"bowl {d}-d"] = lambda n, rng, d=d: cloud(n, rng, d, 2.0)
    for effects in ("uniform", "half_normal", "exponential", "log_normal"):
        for noise in (0.0, 0.3, 1.0):
            cases[f"additive {effects} {noise}"] = lambda n, rng, e=effects, s=noise: additive(
                n, rng, e, s
            )
    return cases


NOISES = _noises()
"""Name to ``(n, rng) -> matrix`` of every kind of noise."""


def planted(sizes, sigma, rng, within=(0.003, 0.018), between=0.07):
    """Return gaps of planted basins with noise, not below zero, and the labels."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    rows, columns = np.triu_indices(len(labels), 1)
    gaps = np.where(
        labels[rows] == labels[columns], rng.uniform(*within, len(rows)), between
    ) + sigma * rng.normal(size=len(rows))
    return square(np.maximum(0, gaps), len(labels)), labels


def chain(rng, n_core=8, n_chain=6, sizes=(7, 7)):
    """Return three groups, one of which trails a chain that drifts far from its own core."""
    labels = np.repeat([0, 1, 2], [n_core + n_chain, *sizes])
    place = np.zeros(len(labels))
    place[n_core : n_core + n_chain] = np.linspace(0.15, 1, n_chain)
    rows, columns = np.triu_indices(len(labels), 1)
    drift = 0.9 * (place[rows] - place[columns]) ** 2 + 0.005 * np.abs(rng.normal(size=len(rows)))
    apart = rng.uniform(0.64, 0.87, len(rows))
    return square(np.where(labels[rows] == labels[columns], drift, apart), len(labels)), labels


PLANTED = {
    "two basins 88/12": (88, 12),
    "two basins 20/4": (20, 4),
    "two basins 6/6": (6, 6),
    "two basins 7/7": (7, 7),
    "two basins 8/4": (8, 4),
    "three basins 5/4/3": (5, 4, 3),
    "three basins 8/8/8": (8, 8, 8),
    "outlier of 12": (11, 1),
    "outlier of 14": (13, 1),
    "outlier of 24": (23, 1),
    "outlier of 48": (47, 1),
}
"""Name to basin sizes of every planted case."""
