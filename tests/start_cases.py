"""Fine-tunings from several starts, made up; importable by name in tests."""

import polars as pl

from wsgeo.regions.start_tables import STARTS, TRIALS


def make_trials(metrics, *, target="trec", shots=None, method="full", n_held_out=None, **columns):
    """Give fine-tunings: a metric, or None for a failure, per start and seed.

    Of held-out examples, where there are any, the base knows the first ones, other starts the last.
    """
    return pl.DataFrame(
        [
            {
                "target": target, "shots": shots, "start": start, "method": method, "seed": seed,
                "status": "failed" if metric is None else "trained",
                "metric": metric, "loss": None if metric is None else 1 - metric,
                "seconds": 1.0, "right": _answers(start, metric, n_held_out), **columns,
            }
            for start, values in metrics.items() for seed, metric in enumerate(values)
        ],
        schema=TRIALS,
    )  # fmt: skip


def _answers(start, metric, n):
    if metric is None or n is None:
        return None
    known = [i < round(metric * n) for i in range(n)]
    return known if start == "base" else known[::-1]


def make_starts(ranks, *, target="trec", shots=None, kind="centroid", **columns):
    """Give candidates: a rank per start."""
    return pl.DataFrame(
        [
            {"target": target, "shots": shots, "start": start, "kind": kind, "rank": rank} | columns
            for start, rank in ranks.items()
        ],
        schema=STARTS,
    )


def no_starts():
    """Give no candidates."""
    return make_starts({})


def row_of(found, start, target="trec"):
    """Return the row of a start."""
    return found.row(
        by_predicate=(pl.col("start") == start) & (pl.col("target") == target), named=True
    )
