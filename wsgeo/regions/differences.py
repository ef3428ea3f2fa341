"""Fine-tunings of a start beside those of the base: differences by seed, and their intervals."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from wsgeo.errors import DataError

BASE: Final = "base"
"""Name of the start that all others are compared with."""

LEVEL: Final = 0.95
"""Confidence of an interval."""

FINISHED: Final = ("trained", "degenerate")
"""Status of a fine-tuning whose result counts; one that answers by a constant has a result too."""

SETTING: Final = ("target", "shots", "method")
"""Columns that two fine-tunings must share to be compared."""


class Bounds(NamedTuple):
    """A mean and its interval.

    Parameters
    ----------
    mean : float
        Of the values.
    lo, hi : float
        Ends; infinite with a single value, of which any mean may be expected.
    """

    mean: float
    lo: float
    hi: float


def mean_interval(values: ArrayLike, level: float = LEVEL) -> Bounds:
    r"""Return the mean of some values with Student's interval.

    .. math:: \bar x \pm t_{n - 1} \, s / \sqrt n

    Parameters
    ----------
    values : array_like, shape (n_values,)
        Such as differences of paired fine-tunings.
    level : float, default 0.95
        Confidence, in (0, 1).

    Returns
    -------
    Bounds
        Mean and ends.

    Raises
    ------
    ValueError
        If there is no value, or one is not finite.

    Examples
    --------
    >>> [round(end, 3) for end in mean_interval([0.01, 0.02, 0.03])]
    [0.02, -0.005, 0.045]
    >>> mean_interval([0.5])
    Bounds(mean=0.5, lo=-inf, hi=inf)
    """
    from scipy.special import stdtrit

    x = np.asarray(values, np.float64)
    if not x.size or not np.isfinite(x).all():
        raise ValueError(f"The values {x.tolist()} have no mean.")
    mean, n = float(x.mean()), x.size
    if n < 2:
        return Bounds(mean, -math.inf, math.inf)
    half = float(stdtrit(n - 1, (1 + level) / 2) * x.std(ddof=1)) / math.sqrt(n)
    return Bounds(mean, mean - half, mean + half)


def seed_differences(trials: pl.DataFrame) -> pl.DataFrame:
    """Pair each fine-tuning with that of the base of the same seed.

    Seeds of which one of the two is missing, failed or diverged are left out.

    Parameters
    ----------
    trials : DataFrame
        Schema `wsgeo.regions.start_tables.TRIALS`.

    Returns
    -------
    DataFrame
        Columns target, shots, method, start, seed, base_metric, metric (fractions in [0, 1]), gain
        (metric less that of the base) and loss_gain (loss of the base less that of the start, in
        nats per example), in the order of the trials; the base has its own rows, of gain 0.

    Raises
    ------
    DataError
        If a result is missing or not finite, or a seed occurs twice.
    """
    done = trials.filter(pl.col("status").is_in(FINISHED))
    _check(done)
    key = [*SETTING, "seed"]
    base = done.filter(pl.col("start") == BASE).select(*key, base_metric="metric", base_loss="loss")
    pairs = done.join(base, on=key, nulls_equal=True, maintain_order="left")
    return pairs.select(
        *SETTING, "start", "seed", "base_metric", "metric",
        gain=pl.col("metric") - pl.col("base_metric"),
        loss_gain=pl.col("base_loss") - pl.col("loss"),
    )  # fmt: skip


def _check(done: pl.DataFrame) -> None:
    """Refuse results that are not finite, and seeds that occur twice."""
    known = pl.all_horizontal(pl.col("metric", "loss").is_finite().fill_null(value=False))
    for row in done.filter(~known).head(1).iter_rows(named=True):
        raise DataError(
            f"a finished fine-tuning of seed {row['seed']} has the metric {row['metric']} and the "
            f"loss {row['loss']}",
            where=f"{row['target']}, {row['start']}",
        )
    twice = done.select(*SETTING, "start", "seed").is_duplicated()
    for row in done.filter(twice).head(1).iter_rows(named=True):
        raise DataError(
            f"seed {row['seed']} was fine-tuned twice", where=f"{row['target']}, {row['start']}"
        )
