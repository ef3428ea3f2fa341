"""From what was found on each line to the pair table and its profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.evaluation.losses import Failure
from wsgeo.paths.envelopes import Floats
from wsgeo.paths.reductions import Measured
from wsgeo.paths.tables import PAIRS, PROFILES

Outcomes = Mapping[tuple[str, str], Measured | Failure]

INFERRED: Final = "inferred"
"""Status of a pair that is not measured, as lines that were measured join its ends."""


class PairTables(NamedTuple):
    """What `measure_pairs` returns.

    Parameters
    ----------
    pairs : polars.DataFrame
        Schema `wsgeo.paths.tables.PAIRS`, one row per unordered pair, sorted by ``a``, ``b``.
    profiles : polars.DataFrame
        Schema `wsgeo.paths.tables.PROFILES`, one row per measured pair.
    gap_matrices : ndarray of float32, shape (n_matrices, n_checkpoints, n_checkpoints)
        Convexity gaps of resampled examples, one resample to a matrix; rows and columns are the
        checkpoints sorted by id; NaN where a pair was not measured.
    """

    pairs: pl.DataFrame
    profiles: pl.DataFrame
    gap_matrices: NDArray[np.float32]


def pairs_frame(
    outcomes: Outcomes,
    shared: Mapping[str, object],
    geometry: Mapping[str, Floats],
    index: Mapping[str, int],
) -> pl.DataFrame:
    """Return the pair table: what all rows share, what the weights say, and what was found."""
    rows = []
    for (a, b), outcome in outcomes.items():
        entries = {name: float(m[index[a], index[b]]) for name, m in geometry.items()}
        known = {name: value for name, value in entries.items() if np.isfinite(value)}
        rows.append({**shared, "a": a, "b": b, **known, **_row(outcome)})
    return pl.DataFrame(rows, schema=PAIRS)


def profiles_frame(outcomes: Outcomes) -> pl.DataFrame:
    """Return the profiles of the pairs that have one."""
    measured = [asdict(each.profile) for each in outcomes.values() if isinstance(each, Measured)]
    rows = [
        row | {name: row[name].tolist() for name in ("t", "loss", "metric")} for row in measured
    ]
    return pl.DataFrame(rows, schema=PROFILES)


def _row(outcome: Measured | Failure) -> dict[str, object]:
    if isinstance(outcome, Measured):
        return outcome.numbers
    rule = {"rule": INFERRED} if outcome.status == INFERRED else {}
    return {"measured": outcome.status, "reason": outcome.reason, **rule}


def gap_matrices(outcomes: Outcomes, index: Mapping[str, int], n: int) -> NDArray[np.float32]:
    """Arrange the resampled gaps of all pairs as symmetric matrices with zeros on the diagonal."""
    matrices = np.full((n, len(index), len(index)), np.nan, dtype=np.float32)
    matrices[:, range(len(index)), range(len(index))] = 0.0
    for (a, b), outcome in outcomes.items():
        if isinstance(outcome, Measured):
            i, j = index[a], index[b]
            matrices[:, i, j] = matrices[:, j, i] = outcome.gaps
    return matrices
