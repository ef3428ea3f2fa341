"""How sure a model is, how right it is where it is sure, and whether it answers one label only."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wsgeo.probing.behaviours import Estimate, Floats, fraction, probabilities
from wsgeo.probing.intervals import Z95

N_BINS = 15
"""Bins of confidence of the calibration error."""

DEGENERATE = 0.98
"""Share of one label above which a model that is asked for several does not tell them apart."""


def confidence(logits: ArrayLike) -> Floats:
    """Return the probability of the predicted label of each example.

    Parameters
    ----------
    logits : array_like, shape (n_examples, n_labels)
        Logits.

    Returns
    -------
    ndarray of float64, shape (n_examples,)
        Fractions, at least ``1 / n_labels``.

    Examples
    --------
    >>> confidence([[0.0, 0.0], [99.0, 0.0]]).tolist()
    [0.5, 1.0]
    """
    return np.asarray(probabilities(logits).max(axis=-1), dtype=np.float64)


def calibration_error(
    logits: ArrayLike, targets: NDArray[np.int64], *, n_bins: int = N_BINS
) -> Estimate:
    r"""Return the expected calibration error.

    .. math:: \frac{1}{n} \sum_b \left| \sum_{i \in b} (h_i - c_i) \right|

    with confidence :math:`c_i`, right answers :math:`h_i = 1`, and bins :math:`b` of equal width, of
    which each holds its upper end. The interval is the normal one around the value, its standard
    error by the jackknife: resampling would add the scatter of the resamples to an error that is above 0
    even for a perfectly calibrated model, the more so the fewer the examples.

    Parameters
    ----------
    logits : array_like, shape (n_examples, n_labels)
        Logits.
    targets : ndarray of int64, shape (n_examples,)
        Right labels.
    n_bins : int, default 15
        Number of bins; [juneja2022]_ takes 10.

    Returns
    -------
    Estimate
        A fraction in [0, 1]; no interval for one example.

    References
    ----------
    [juneja2022]_

    Examples
    --------
    >>> logits = np.log([[0.8, 0.2], [0.8, 0.2]])
    >>> round(calibration_error(logits, np.array([0, 1])).value, 6)
    0.3
    """
    sure, right = confidence(logits), np.argmax(logits, axis=1) == targets
    place = np.clip(np.ceil(sure * n_bins).astype(np.int64) - 1, 0, n_bins - 1)
    excess, n = right - sure, len(sure)
    sums = np.bincount(place, weights=excess, minlength=n_bins)
    total = np.abs(sums).sum()
    value = float(total / n)
    if n < 2:
        return Estimate(value, None, None, n)
    without = (total - np.abs(sums[place]) + np.abs(sums[place] - excess)) / (n - 1)
    half = Z95 * float(np.sqrt((n - 1) * without.var()))
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), n)


def commonest_share(logits: ArrayLike) -> Estimate:
    """Return the share of the label that is predicted most often.

    Parameters
    ----------
    logits : array_like, shape (n_examples, n_labels)
        Logits.

    Returns
    -------
    Estimate
        A fraction in [0, 1].

    Examples
    --------
    >>> commonest_share([[0, 1], [0, 2], [3, 0]]).value
    0.6666666666666666
    """
    predicted = np.argmax(logits, axis=1)
    return fraction(predicted == np.bincount(predicted).argmax())


def degenerate(logits: ArrayLike, targets: NDArray[np.int64]) -> Estimate:
    """Return whether a model gives nearly every example one label, and the labels do not.

    Parameters
    ----------
    logits : array_like, shape (n_examples, n_labels)
        Logits.
    targets : ndarray of int64, shape (n_examples,)
        Right labels.

    Returns
    -------
    Estimate
        1 if one label is predicted for more than 98 % of the examples and right for no more than
        98 %, else 0; no interval.

    Examples
    --------
    >>> degenerate([[0, 1], [0, 1]], np.array([0, 1])).value
    1.0
    """
    n = len(targets)
    several = np.bincount(targets).max() <= DEGENERATE * n
    return Estimate(float(several and commonest_share(logits).value > DEGENERATE), None, None, n)
