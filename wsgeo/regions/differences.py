"""Fine-tunings of a start beside those of the base: differences by seed, and their intervals."""

from __future__ import annotations

import math
from typing import Final, NamedTuple, TypeAlias

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

Setting: TypeAlias = tuple[str, int | None, str]
"""Values of `SETTING`."""


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


def gain_interval(
    pairs: pl.DataFrame, level: float = LEVEL, n_held_out: int | None = None
) -> Bounds:
    """Return the mean gain of a start, with an interval that other examples could not belie.

    Student's interval over seeds holds for the same held-out examples alone: seeds that agree make
    it as narrow as one likes. It is therefore widened to that over examples, where it is narrower.

    Parameters
    ----------
    pairs : DataFrame
        From `seed_differences`, of one start and setting; at least one row.
    level : float, default 0.95
        Confidence, in (0, 1).
    n_held_out : int, optional
        Held-out examples; where it is not known, the interval is over seeds alone.

    Returns
    -------
    Bounds
        Mean and ends; infinite with a single seed.

    Examples
    --------
    >>> pairs = pl.DataFrame({"base_metric": [0.5] * 3, "metric": [0.51] * 3, "gain": [0.01] * 3})
    >>> [round(end, 3) for end in gain_interval(pairs)]
    [0.01, 0.01, 0.01]
    >>> [round(end, 3) for end in gain_interval(pairs, n_held_out=100)]
    [0.01, -0.127, 0.147]
    """
    mean, lo, hi = mean_interval(pairs["gain"], level)
    if n_held_out is None:
        return Bounds(mean, lo, hi)
    half = examples_half_width(pairs, n_held_out, level)
    return Bounds(mean, min(lo, mean - half), max(hi, mean + half))


def examples_half_width(pairs: pl.DataFrame, n_held_out: int, level: float = LEVEL) -> float:
    r"""Return half the width of the interval that a gain has over held-out examples.

    .. math:: z \, \sqrt{[p_0 (1 - p_0) + p_1 (1 - p_1)] / (n + 2)}

    It is that of two fractions :math:`p_0, p_1` of different examples, to each of which one right
    and one wrong answer are added, so that it is not 0 where all are right. Base and start answer
    the same examples, and mostly alike, so it is cautious; more seeds do not make it narrower.

    Parameters
    ----------
    pairs : DataFrame
        From `seed_differences`, of one start and setting; at least one row.
    n_held_out : int
        Held-out examples, n.
    level : float, default 0.95
        Confidence, in (0, 1).

    Returns
    -------
    float
        A difference of fractions.

    Examples
    --------
    >>> pairs = pl.DataFrame({"base_metric": [0.8], "metric": [0.8], "gain": [0.0]})
    >>> round(examples_half_width(pairs, 1_000), 3)
    0.035
    """
    from scipy.special import ndtri

    right = n_held_out * pairs.select("base_metric", "metric").mean().to_numpy()
    p, n = (right + 1) / (n_held_out + 2), n_held_out + 2
    return float(ndtri((1 + level) / 2)) * math.sqrt(float((p * (1 - p)).sum()) / n)


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
