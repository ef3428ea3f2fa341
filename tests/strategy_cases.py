"""Scores of members of two basins, with and without a difference."""

import numpy as np
import polars as pl

from wsgeo.probing.tables import SCORES


def table(metrics, slices=("s",), measure=None):
    """Return measured scores from {id: [metric per slice]}."""
    rows = [
        {
            "id": name, "set": "hans", "slice": part, "n_examples": 10, "metric": value,
            "outcome": "measured", "measure": measure,
        }
        for name, values in metrics.items()
        for part, value in zip(slices, values, strict=True)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCORES)


def planted(n_a=6, n_b=6, gap=0.4):
    """Return scores that differ by a gap on slice x and not at all on slice y."""
    rng = np.random.default_rng(0)
    shift = {f"a{i}": gap for i in range(n_a)} | {f"b{i}": 0.0 for i in range(n_b)}
    metrics = {
        name: [0.3 + up + rng.uniform(0, 0.05), 0.5 + rng.uniform(0, 0.05)]
        for name, up in shift.items()
    }
    labels = {name: int(name.startswith("b")) for name in metrics}
    return table(metrics, ("x", "y")), labels
