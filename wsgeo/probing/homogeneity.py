"""Slices on which members differ from one another, whatever their basins."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from wsgeo.graph.significance import benjamini_hochberg
from wsgeo.probing.differences import SIGNIFICANT
from wsgeo.probing.member_scores import measured_rows

Floats = NDArray[np.float64]


def homogeneity(fractions: ArrayLike, n: int) -> float:
    r"""Return the p-value that members have one fraction, and differ by their examples alone.

    .. math:: \chi^2 = n \sum_i (p_i - \bar p)^2 / (\bar p (1 - \bar p))

    The members answer the same examples, so their fractions rise and fall together: the p-value
    of independent samples is then too large rather than too small.

    Parameters
    ----------
    fractions : array_like, shape (n_members,)
        Of each member, in [0, 1].
    n : int
        Examples of the slice.

    Returns
    -------
    float
        In (0, 1]; 1 for one member, or where all fractions are the same.

    Examples
    --------
    >>> homogeneity([0.5, 0.5, 0.5], 100), homogeneity([0.2, 0.8], 100) < 1e-9
    (1.0, True)
    """
    from scipy.stats import chi2

    values = np.asarray(fractions, np.float64)
    middle = float(values.mean())
    apart = float(((values - middle) ** 2).sum())
    if apart == 0:
        return 1.0
    return float(chi2.sf(n * apart / (middle * (1 - middle)), len(values) - 1))


def widest_spread(scores: pl.DataFrame, ids: Collection[str]) -> str | None:
    """Say on which slice members differ most, if examples alone do not explain it.

    Parameters
    ----------
    scores : DataFrame
        Schema `wsgeo.probing.tables.SCORES`.
    ids : collection of str
        Members that count as evidence.

    Returns
    -------
    str or None
        A sentence; None where no spread stands after correction for all slices.
    """
    known = measured_rows(scores, ids)
    parts = known.partition_by("set", "slice", maintain_order=True)
    parts = [part for part in parts if part.height > 1]
    if not parts:
        return None
    tests = [homogeneity(part["metric"], int(part["n_examples"][0])) for part in parts]
    adjusted = benjamini_hochberg(tests)
    wide = [k for k in range(len(parts)) if adjusted[k] < SIGNIFICANT]
    if not wide:
        return "No slice shows members to differ by more than its examples explain."
    best = max(wide, key=lambda k: float(np.ptp(parts[k]["metric"].to_numpy())))
    name, part = parts[best].select("set", "slice").row(0)
    values = parts[best]["metric"].to_numpy()
    low, high = f"{values.min():.0%}", f"{values.max():.0%}"
    return (
        f"Members differ on {len(wide)} of {len(parts)} slices by more than the examples explain, "
        f"most on {name}, {part}: from {low} to {high}."
    )
