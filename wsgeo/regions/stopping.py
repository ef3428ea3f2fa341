"""When enough seeds have been fine-tuned to tell a start from the base."""

from __future__ import annotations

from typing import Final

import polars as pl

from wsgeo.regions.differences import (
    BASE,
    LEVEL,
    SETTING,
    examples_half_width,
    gain_interval,
    mean_interval,
    seed_differences,
)
from wsgeo.regions.gains import choice_level

FIRST_LOOK: Final = 3
"""Seeds before which nothing is decided: two leave one degree of freedom, whose interval is so wide
that a look at it costs more than it can decide."""

MARGIN: Final = 0.01
"""Gain, a difference of fractions, within which a start and the base are taken as equal."""


def planned_looks(n_seeds: int) -> int:
    """Return how often a comparison is looked at before its last seed and then.

    Parameters
    ----------
    n_seeds : int
        Seeds that are planned.

    Returns
    -------
    int
        One look after each seed from the third, and at least one.

    Examples
    --------
    >>> [planned_looks(n) for n in (1, 3, 5)]
    [1, 1, 3]
    """
    return max(1, n_seeds - FIRST_LOOK + 1)


def undecided(
    trials: pl.DataFrame,
    target: str,
    start: str,
    *,
    looks: int,
    margin: float = MARGIN,
    level: float = LEVEL,
) -> bool:
    """Return whether more seeds are needed to tell a start from the base.

    None are needed if the interval of the gain is above 0 so far that the start would be chosen;
    or if the one over seeds is below 0, lies within the margin of 0, or so near to 0 that no number
    of seeds could prove a gain on so few held-out examples. The error is shared equally by all
    looks (Bonferroni), so the intervals hold at whichever look the seeds stop; give
    `wsgeo.regions.gains.gains` the same number of looks. Ask after each seed, and go on with the
    base for as long as a start is undecided.

    Parameters
    ----------
    trials : DataFrame
        Schema `wsgeo.regions.start_tables.TRIALS`; of the target those of one number of shots and
        one method.
    target, start : str
        Names.
    looks : int
        Looks that are planned, from `planned_looks`.
    margin : float, default 0.01
        Gain within which both are taken as equal, a difference of fractions.
    level : float, default 0.95
        Confidence over all looks.

    Returns
    -------
    bool
        True before the third seed that both have.

    Raises
    ------
    ValueError
        If the target was fine-tuned by several methods or on several numbers of shots.

    Examples
    --------
    >>> from wsgeo.regions.start_tables import TRIALS
    >>> rows = [
    ...     {"target": "trec", "start": start, "seed": seed, "status": "trained",
    ...      "metric": metric + 0.01 * seed, "loss": 1 - metric}
    ...     for start, metric in [("base", 0.6), ("soup", 0.7)] for seed in range(3)
    ... ]
    >>> trials = pl.DataFrame(rows, schema=TRIALS)
    >>> undecided(trials, "trec", "soup", looks=1)
    False
    >>> undecided(trials.filter(pl.col("seed") < 2), "trec", "soup", looks=1)
    True
    """
    own = trials.filter(pl.col("target") == target)
    if own.select(SETTING).n_unique() > 1:
        raise ValueError(f"The fine-tunings on {target} are of several methods or sizes.")
    pairs = seed_differences(own).filter(pl.col("start") == start)
    if pairs.height < FIRST_LOOK:
        return True
    error = (1 - level) / looks
    n_starts = own.filter(pl.col("start") != BASE)["start"].n_unique()
    if gain_interval(pairs, choice_level(error, n_starts)).lo > 0:
        return False
    _, lo, hi = mean_interval(pairs["gain"], 1 - error)
    margin = max(margin, examples_half_width(pairs, 1 - error) or 0.0)
    return hi >= 0 and not -margin <= lo <= hi <= margin
