"""The threshold tau, and what each pair is at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import polars as pl

from wsgeo.graph.partitions import Labels, Matrix

STATUSES = (
    "connected",
    "undecided",
    "separated",
    "inferred",
    "endpoint_failed",
    "nonfinite",
    "failed",
    "pending",
)
"""What a pair can be; the last five are passed on from the measurement."""

PARTIAL = ("coarse", "raced", "betting")
"""Rules under which only a part of a line was looked at."""

N_ERRORS = 3.0
"""Standard errors that a gap may have while it counts as zero."""

FLOOR = 0.01
"""Share of the chance loss below which no gap counts as a barrier, however surely it is there."""


@final
@dataclass(frozen=True)
class Tau:
    """The gap up to which a pair counts as connected, and where it comes from.

    Parameters
    ----------
    value : float or None
        In nats per example (or the unit of the matrix); None where nothing sets it.
    origin : str
        How it was found, for every place that shows it.
    """

    value: float | None
    origin: str


def choose_tau(
    gaps: Matrix, errors: Matrix | None, labels: Labels, chance_loss: float | None = None
) -> Tau:
    """Return the threshold that the clusters, or else the errors, suggest.

    With two or more clusters it is the middle between the 95th percentile of the gaps within and
    the 5th of those between; with one, three times the median standard error. Where the chance loss
    is known, either is at least 1 % of it: a gap may be sure and yet too small to matter.

    Parameters
    ----------
    gaps : ndarray of float64, shape (n_members, n_members)
        Gaps; NaN where missing.
    errors : ndarray of float64, shape (n_members, n_members), or None
        Their standard errors.
    labels : ndarray of int64, shape (n_members,)
        Default labels; -1 is noise.
    chance_loss : float, optional
        Loss of the best constant predictor, in the unit of the gaps; without it there is no floor.

    Returns
    -------
    Tau
        Value and origin.

    Examples
    --------
    >>> gaps = np.array([[0.0, 0.1, 0.9], [0.1, 0.0, 0.9], [0.9, 0.9, 0.0]])
    >>> choose_tau(gaps, None, np.array([0, 0, 1])).value
    0.5
    """
    found = _suggested(gaps, errors, labels)
    floor = FLOOR * (chance_loss or 0.0)
    if found.value is None or found.value >= floor:
        return found
    return Tau(
        floor,
        f"{100 * FLOOR:.0f} % of the loss of the best constant predictor ({chance_loss:.3g}), as "
        f"{found.origin} is less ({found.value:.3g})",
    )


def _suggested(gaps: Matrix, errors: Matrix | None, labels: Labels) -> Tau:
    """Return the threshold without a floor."""
    rows, columns = np.triu_indices(len(gaps), 1)
    known = np.isfinite(gaps[rows, columns])
    rows, columns = rows[known], columns[known]
    placed = (labels[rows] >= 0) & (labels[columns] >= 0)
    same = placed & (labels[rows] == labels[columns])
    within = gaps[rows[same], columns[same]]
    between = gaps[rows[placed & ~same], columns[placed & ~same]]
    if len(within) and len(between):
        high, low = np.percentile(within, 95), np.percentile(between, 5)
        overlap = "; they overlap" if high > low else ""
        return Tau(
            float(high + low) / 2,
            "the middle between the 95th percentile of the gaps within basins "
            f"and the 5th of those between{overlap}",
        )
    spread = np.zeros(0) if errors is None else errors[rows, columns]
    spread = spread[np.isfinite(spread)]
    if spread.any():
        return Tau(
            N_ERRORS * float(np.median(spread)), "three times the median standard error of the gaps"
        )
    return Tau(None, "neither two basins nor standard errors set a threshold")


def edge_status(pairs: pl.DataFrame, tau: Tau | float) -> pl.DataFrame:
    """Return the pair table with what each pair is at the threshold.

    A pair is connected where the upper limit of its gap is at most tau, separated where the lower
    limit is above, else undecided: the third state is an answer, not a guess. A pair without
    limits is judged by its gap alone; one of which only a part was looked at has no upper limit
    unless the table holds one.

    Parameters
    ----------
    pairs : polars.DataFrame
        Pair table with ``convexity_gap``, its limits, ``measured`` and ``rule``.
    tau : Tau or float
        Threshold, in nats per example.

    Returns
    -------
    polars.DataFrame
        The same rows with the columns ``status`` (see `STATUSES`) and ``tau``.
    """
    value = tau.value if isinstance(tau, Tau) else float(tau)
    gap = pl.col("convexity_gap")
    upper = pl.coalesce(_limit(pairs, "convexity_gap_hi"), _where_all_was_seen(pairs, gap))
    lower = pl.coalesce(_limit(pairs, "convexity_gap_lo"), gap)
    known = pl.lit(value, dtype=pl.Float64)
    judged = (
        pl.when(upper.is_finite() & (upper <= known))
        .then(pl.lit("connected"))
        .when(lower.is_not_nan() & (lower > known))
        .then(pl.lit("separated"))
        .otherwise(pl.lit("undecided"))
    )
    if "rule" in pairs.columns:
        inferred = pl.col("rule").cast(pl.String) == "inferred"
        judged = pl.when(inferred).then(pl.lit("inferred")).otherwise(judged)
    if "measured" in pairs.columns:
        stage = pl.col("measured").cast(pl.String)
        judged = pl.when(stage == "measured").then(judged).otherwise(stage)
    return pairs.with_columns(judged.cast(pl.Enum(STATUSES)).alias("status"), known.alias("tau"))


def _where_all_was_seen(pairs: pl.DataFrame, gap: pl.Expr) -> pl.Expr:
    if "rule" not in pairs.columns:
        return gap
    partly = pl.col("rule").cast(pl.String).is_in(PARTIAL)
    return pl.when(partly).then(pl.lit(np.inf)).otherwise(gap)


def _limit(pairs: pl.DataFrame, column: str) -> pl.Expr:
    return pl.col(column) if column in pairs.columns else pl.lit(None, dtype=pl.Float64)
