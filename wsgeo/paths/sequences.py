"""Evidence that may be looked at after every example: confidence sequences and bets on a threshold."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

TUNED_AT: Final = 96
"""Number of examples at which the sequence is narrowest: about what most pairs need."""

BOUND: Final = 6.0
"""Nats at which a bet cuts a contrast of one example off; a bet holds for what is bounded."""

_BOLDEST = 0.75  # of the stake that one example could lose


def half_width(deviation: ArrayLike, n: ArrayLike, level: ArrayLike) -> Floats:
    r"""Return the half width of an asymptotic confidence sequence of a mean.

    .. math:: s \sqrt{\frac{2 (n \rho^2 + 1)}{n^2 \rho^2} \log \frac{\sqrt{n \rho^2 + 1}}{\alpha}}

    The mean lies within it at all numbers of examples at once with probability :math:`1 - \alpha`,
    as far as sums of examples are normal. So one may look after every example and stop at will.

    Parameters
    ----------
    deviation : array_like
        Standard deviation of the examples seen.
    n : array_like
        How many were seen.
    level : array_like
        Probability of an error, in (0, 1).

    Returns
    -------
    ndarray of float64
        In the unit of the deviation.

    References
    ----------
    [waudbysmith2024]_

    Examples
    --------
    >>> half_width(1.0, [32, 128, 512], 0.01).round(2).tolist()
    [0.65, 0.32, 0.16]
    """
    n, level = np.asarray(n, dtype=np.float64), np.asarray(level)
    # The width at TUNED_AT is least for about this weight of the mixture.
    weight = (-2 * np.log(level) + np.log(1 - 2 * np.log(level))) / TUNED_AT
    seen = n * weight + 1
    width = np.sqrt(2 * seen / (n**2 * weight) * np.log(np.sqrt(seen) / level))
    return np.asarray(np.asarray(deviation) * width)


def log_wealth(contrasts: ArrayLike, threshold: float) -> Floats:
    """Return the logarithm of the most that bets against "the mean is at most the threshold" have made.

    Each bet is made before its example is seen, sized by those before. If the mean is at most the
    threshold, the wealth ever exceeds ``1 / level`` with a probability of at most ``level``, for
    any number of examples and any distribution of contrasts that `BOUND` cuts off.

    Parameters
    ----------
    contrasts : array_like, shape (n_contrasts, n_examples)
        One row per quantity, examples in the order seen; cut off at `BOUND`.
    threshold : float
        In (-`BOUND`, `BOUND`).

    Returns
    -------
    ndarray of float64, shape (n_contrasts,)
        At least 0, the wealth before the first bet.

    References
    ----------
    [waudbysmith2023]_

    Examples
    --------
    >>> log_wealth([[1.0] * 40, [0.0] * 40], 0.1).round(1).tolist()
    [4.1, 0.0]
    """
    x = np.clip(np.atleast_2d(np.asarray(contrasts, dtype=np.float64)), -BOUND, BOUND)
    excess = x - threshold
    # What was known before each example: one imagined example of no excess and unit spread first.
    seen = np.arange(1, x.shape[1] + 1)
    mean = _before(excess) / seen
    second = (1.0 + _before(excess**2)) / seen
    bet = np.clip(mean / np.maximum(second, 1e-12), 0.0, _BOLDEST / (BOUND + threshold))
    wealth = np.cumsum(np.log1p(bet * excess), axis=1)
    return np.asarray(np.abs(wealth.max(axis=1, initial=0.0)))


def _before(values: Floats) -> Floats:
    """Return the sum of what stands before each column."""
    return np.cumsum(values, axis=1) - values
