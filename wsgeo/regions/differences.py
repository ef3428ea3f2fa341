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


def gain_interval(pairs: pl.DataFrame, level: float = LEVEL) -> Bounds:
    """Return the mean gain of a start, with an interval that other examples could not belie.

    Student's interval over seeds holds for the same held-out examples alone: seeds that agree make
    it as narrow as one likes. It is therefore widened to that over examples, where it is narrower.

    Parameters
    ----------
    pairs : DataFrame
        From `seed_differences`, of one start and setting; at least one row. Where answers are not
        known, the interval is over seeds alone.
    level : float, default 0.95
        Confidence, in (0, 1).

    Returns
    -------
    Bounds
        Mean and ends; infinite with a single seed.

    Examples
    --------
    >>> alike = pl.DataFrame({"gain": [0.02] * 3})
    >>> [round(end, 3) for end in gain_interval(alike)]
    [0.02, 0.02, 0.02]
    >>> base, start = [[False] * 2 + [True] * 98] * 3, [[True] * 100] * 3
    >>> known = alike.with_columns(base_right=pl.Series(base), right=pl.Series(start))
    >>> [round(end, 3) for end in gain_interval(known)]
    [0.02, -0.013, 0.053]
    """
    mean, lo, hi = mean_interval(pairs["gain"], level)
    half = examples_half_width(pairs, level) or 0.0
    return Bounds(mean, min(lo, mean - half), max(hi, mean + half))


def examples_half_width(pairs: pl.DataFrame, level: float = LEVEL) -> float | None:
    r"""Return half the width of the interval that a gain has over held-out examples.

    .. math:: \frac z {n + 2} \sqrt{1 + \sum_i d_i^2 - \frac{(\sum_i d_i)^2} {n + 2}}

    It is that of paired fractions in `agresti2005`, which adds half an answer to each way in which
    two can answer, so that it is not 0 where they agree. :math:`d_i`, the mean over seeds, is 1
    where the start alone is right and -1 where the base alone is.

    Parameters
    ----------
    pairs : DataFrame
        From `seed_differences`, of one start and setting; at least one row.
    level : float, default 0.95
        Confidence, in (0, 1).

    Returns
    -------
    float or None
        A difference of fractions; None where the answers of a fine-tuning are not known.

    References
    ----------
    [agresti2005]_

    Examples
    --------
    >>> half = {"base_right": [[True, False] * 500], "right": [[True] * 1_000]}
    >>> round(examples_half_width(pl.DataFrame(half)), 3)
    0.031
    """
    from scipy.special import ndtri

    answers = ("base_right", "right")
    if any(name not in pairs.columns or pairs[name].null_count() for name in answers):
        return None
    base, start = (np.array(pairs[name].to_list(), np.float64) for name in answers)
    d = (start - base).mean(axis=0)
    n = len(d) + 2
    return float(ndtri((1 + level) / 2) * math.sqrt(1 + d @ d - d.sum() ** 2 / n) / n)


def has_learned(pairs: pl.DataFrame) -> bool:
    """Return whether any fine-tuning of a start learned more than a constant answer.

    Parameters
    ----------
    pairs : DataFrame
        From `seed_differences`, of one start and setting.

    Returns
    -------
    bool
        True too where that is not known.

    Examples
    --------
    >>> has_learned(pl.DataFrame({"status": ["degenerate", "trained"]}))
    True
    >>> has_learned(pl.DataFrame({"status": ["degenerate"] * 2}))
    False
    """
    return "status" not in pairs.columns or bool((pairs["status"] != "degenerate").any())


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
        (metric less that of the base), loss_gain (loss of the base less that of the start, in nats
        per example), base_right and right (lists of bool over the held-out examples, or null) and
        status, in the order of the trials; the base has its own rows, of gain 0.

    Raises
    ------
    DataError
        If a result is missing or not finite, or a seed occurs twice.
    """
    done = trials.filter(pl.col("status").is_in(FINISHED))
    _check(done)
    key = [*SETTING, "seed"]
    base = done.filter(pl.col("start") == BASE).select(
        *key, base_metric="metric", base_loss="loss", base_right="right"
    )
    pairs = done.join(base, on=key, nulls_equal=True, maintain_order="left")
    return pairs.select(
        *SETTING, "start", "seed", "base_metric", "metric", "base_right", "right", "status",
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
