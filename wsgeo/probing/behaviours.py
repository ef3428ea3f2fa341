"""How two sets of answers to the same examples compare, with intervals over the examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wsgeo.probing.intervals import Z95, wilson_interval

Floats = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval over examples.

    Parameters
    ----------
    value : float
        The number.
    lo, hi : float or None
        Ends of the interval; None where there is none.
    n : int
        Examples that it is of.
    """

    value: float
    lo: float | None
    hi: float | None
    n: int


def fraction(true: ArrayLike) -> Estimate:
    """Return the share of examples of which something is true, with its Wilson interval.

    Parameters
    ----------
    true : array_like of bool, shape (n_examples,)
        Of which examples.

    Returns
    -------
    Estimate
        A fraction in [0, 1].

    Examples
    --------
    >>> fraction([True, True, False, True]).value
    0.75
    """
    counted = np.asarray(true, dtype=bool)
    n, hits = len(counted), int(counted.sum())
    return Estimate(hits / n, *wilson_interval(hits, n), n)


def mean(values: ArrayLike, within: tuple[float, float] = (-np.inf, np.inf)) -> Estimate:
    """Return the mean over examples, with the normal interval that one example does not have.

    Parameters
    ----------
    values : array_like, shape (n_examples,)
        In any unit.
    within : (float, float), optional
        Where a mean can lie at all; the interval ends there.

    Returns
    -------
    Estimate
        In the unit of the values.

    Examples
    --------
    >>> mean([1.0, 1.0, 1.0])
    Estimate(value=1.0, lo=1.0, hi=1.0, n=3)
    """
    x = np.asarray(values, dtype=np.float64)
    n, middle = len(x), float(x.mean())
    if n < 2:
        return Estimate(middle, None, None, n)
    half = Z95 * float(x.std(ddof=1)) / n**0.5
    low, high = within
    return Estimate(middle, max(low, middle - half), min(high, middle + half), n)


def probabilities(logits: ArrayLike) -> Floats:
    """Return the predicted distribution of each example.

    Parameters
    ----------
    logits : array_like, shape (..., n_labels)
        Logits.

    Returns
    -------
    ndarray of float64, shape (..., n_labels)
        Fractions that sum to 1.

    Examples
    --------
    >>> probabilities([[0.0, 0.0]]).tolist()
    [[0.5, 0.5]]
    """
    x = np.asarray(logits, dtype=np.float64)
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True), dtype=np.float64)


def agreement(a: ArrayLike, b: ArrayLike) -> Estimate:
    """Return the share of examples of which two models predict the same label.

    Of a model and itself on changed texts this is its consistency under the change.

    Parameters
    ----------
    a, b : array_like, shape (n_examples, n_labels)
        Logits of the same examples in the same order.

    Returns
    -------
    Estimate
        A fraction in [0, 1].

    Examples
    --------
    >>> agreement([[1, 0], [0, 1]], [[2, 0], [3, 1]]).value
    0.5
    """
    return fraction(np.argmax(a, axis=1) == np.argmax(b, axis=1))


def jensen_shannon(a: ArrayLike, b: ArrayLike) -> Floats:
    r"""Return the Jensen-Shannon distance of two predicted distributions, example by example.

    .. math:: \sqrt{H\left(\frac{p + q}{2}\right) - \frac{H(p) + H(q)}{2}}

    with entropies :math:`H` in bits: the square root is a metric, and base 2 makes it 1 for
    distributions that share no label.

    Parameters
    ----------
    a, b : array_like, shape (..., n_examples, n_labels)
        Logits of the same examples in the same order.

    Returns
    -------
    ndarray of float64, shape (..., n_examples)
        In [0, 1].

    References
    ----------
    [juneja2022]_

    Examples
    --------
    >>> jensen_shannon([[0, 0], [0, 99]], [[0, 0], [99, 0]]).round(6).tolist()
    [0.0, 1.0]
    """
    p, q = probabilities(a), probabilities(b)
    return root_divergence(entropy((p + q) / 2), (entropy(p) + entropy(q)) / 2)


def entropy(p: Floats) -> Floats:
    """Return the entropy of distributions in bits, shape (..., n_examples)."""
    bits = np.log2(p, out=np.zeros_like(p), where=p > 0)
    return np.asarray(-np.einsum("...k,...k->...", p, bits), dtype=np.float64)


def root_divergence(mixed: Floats, apart: Floats) -> Floats:
    """Return the distance from the entropy of the mixture and the mean entropy of its parts."""
    return np.asarray(np.sqrt(np.clip(mixed - apart, 0.0, 1.0)), dtype=np.float64)
