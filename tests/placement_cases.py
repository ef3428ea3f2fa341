"""Clumps of points with known distances, and scores of members, for placement."""

from __future__ import annotations

import numpy as np
import polars as pl

from wsgeo.probing.tables import SCORES


def distances(points):
    """Return the distances between points."""
    points = np.asarray(points, np.float64)
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def planted(sizes=(5, 5), spread=0.02, apart=1.0, seed=0):
    """Return distances of clumps of points far apart, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    centres = np.stack([apart * np.arange(len(sizes)), np.arange(len(sizes)) % 2], axis=1)
    return distances(centres[labels] + spread * rng.standard_normal((len(labels), 2))), labels


def scores(metrics, slices=("x",)):
    """Return measured scores from {id: [metric per slice]}; None is a member that failed."""
    rows = [
        {
            "id": name, "set": "s", "slice": part, "metric": value,
            "outcome": "failed" if value is None else "measured",
        }
        for name, values in metrics.items()
        for part, value in zip(slices, values, strict=True)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCORES)
