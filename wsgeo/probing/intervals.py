"""Intervals of fractions and means over examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def wilson_interval(hits: float, n: int) -> tuple[float, float]:
    r"""Return the 95 % Wilson interval of a fraction.

    .. math:: \frac{\hat p + z^2/2n \pm z \sqrt{\hat p (1 - \hat p)/n + z^2/4n^2}}{1 + z^2/n}

    Unlike the normal interval it stays in [0, 1] and does not shrink to a point at 0 or ``n`` hits.

    Parameters
    ----------
    hits : float
        Number of right answers; one of two equally good answers counts half.
    n : int
        Number of answers.

    Returns
    -------
    (float, float)
        Lower and upper end, fractions in [0, 1].

    Raises
    ------
    ValueError
        If ``n`` is below 1 or ``hits`` is not in [0, n].

    Examples
    --------
    >>> [round(end, 3) for end in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    low, high = wilson_intervals([hits], [n])
    return float(low[0]), float(high[0])


def wilson_intervals(
    hits: ArrayLike, n: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 95 % Wilson intervals of fractions.

    Parameters
    ----------
    hits, n : array_like, shape (n_fractions,)
        Right answers and answers of each.

    Returns
    -------
    low, high : ndarray of float64, shape (n_fractions,)
        As `wilson_interval`.

    Raises
    ------
    ValueError
        If an ``n`` is below 1 or ``hits`` is not in [0, n].
    """
    right, count = np.asarray(hits, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if (count < 1).any() or not ((right >= 0) & (right <= count)).all():
        raise ValueError(f"{right.tolist()} right of {count.tolist()} is no score.")
    share, z2 = right / count, Z95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    spread = np.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    half = Z95 * spread / (1 + z2 / count)
    # Exact ends: at 0 and n hits the formula gives them only up to rounding.
    low = np.where(right == 0, 0.0, np.maximum(0.0, middle - half))
    return low, np.where(right == count, 1.0, np.minimum(1.0, middle + half))
