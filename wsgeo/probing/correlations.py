"""Rank correlations of answers, with intervals over the examples.

A correlation that does not exist, because there is no order, is a `DataError` that says why.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from wsgeo.errors import DataError
from wsgeo.probing.behaviours import Estimate, Floats
from wsgeo.probing.intervals import Z95


def spearman(x: ArrayLike, y: ArrayLike) -> Estimate:
    r"""Return Spearman's rank correlation; equal values share the middle of their ranks.

    The interval is Fisher's in :math:`z = \operatorname{artanh} \rho`, with the standard error
    :math:`\sqrt{(1 + \rho^2 / 2) / (n - 3)}` of ranks (Bonett and Wright 2000).

    Parameters
    ----------
    x, y : array_like, shape (n_examples,)
        Two values of each example.

    Returns
    -------
    Estimate
        In [-1, 1].

    Raises
    ------
    DataError
        If one of the two is the same for every example.

    Examples
    --------
    >>> round(spearman([1, 2, 3, 4], [1, 3, 2, 4]).value, 3)
    0.8
    """
    ranks = ranked(np.column_stack([x, y]))
    scale = float(np.sqrt((ranks**2).sum(axis=0).prod()))
    if not scale:
        raise DataError("a value is the same for every example, so there is no order")
    return _correlation(float(ranks[:, 0] @ ranks[:, 1]) / scale, len(ranks))


def rank_correlation(a: ArrayLike, b: ArrayLike) -> Estimate:
    """Return how alike two models order the examples: by the log-odds of a label, over labels.

    Spearman's correlation of the `log_odds` of each label, and the mean of that over the labels. A
    label's log-odds order examples as its probability does, but without ties where the models are
    sure; ranks leave out how sure each is on the whole. With two labels both give one number. A
    label whose log-odds one of the models never changes has no order and is left out.

    Parameters
    ----------
    a, b : array_like, shape (n_examples, n_labels)
        Logits of the same examples in the same order.

    Returns
    -------
    Estimate
        In [-1, 1].

    Raises
    ------
    DataError
        If no label is left.

    Examples
    --------
    >>> rank_correlation([[0, 1], [0, 2], [0, 3]], [[0, 1], [0, 4], [0, 9]]).value
    1.0
    """
    one, other = ranked(log_odds(a)), ranked(log_odds(b))
    scale = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
    told = scale > 0
    if not told.any():
        raise DataError("one of the two answers every text alike, so there is no order")
    rho = (one * other).sum(axis=0)[told] / scale[told]
    return _correlation(float(rho.mean()), len(one))


def strongest_correlation(logits: ArrayLike, quantity: ArrayLike) -> Estimate:
    """Return the size of the rank correlation of a quantity with the label that follows it most.

    Without a sign: of two labels one falls as the other rises. The largest of several is above 0
    even where nothing follows the quantity, by about ``1 / sqrt(n_examples)``.

    Parameters
    ----------
    logits : array_like, shape (n_examples, n_labels)
        Logits.
    quantity : array_like, shape (n_examples,)
        Such as the length of each example in tokens.

    Returns
    -------
    Estimate
        In [0, 1].

    Raises
    ------
    DataError
        If the quantity, or every label's log-odds, is the same for every example.

    Examples
    --------
    >>> strongest_correlation([[0, 1], [0, 2], [0, 3]], [30, 20, 10]).value
    1.0
    """
    odds, ranks = ranked(log_odds(logits)), ranked(np.asarray(quantity, np.float64)[:, None])
    scale = np.sqrt((odds**2).sum(axis=0) * (ranks**2).sum())
    if not scale.any():
        raise DataError("the quantity or the answers are the same for every example")
    size = float(np.abs(odds.T @ ranks[:, 0] / np.where(scale > 0, scale, np.inf)).max())
    found = _correlation(size, len(odds))
    return Estimate(size, found.lo and max(0.0, found.lo), found.hi, found.n)


def log_odds(logits: ArrayLike) -> Floats:
    r"""Return the logarithm of the odds of each label.

    .. math:: \log \frac{p_k}{1 - p_k} = x_k - \log \sum_{j \ne k} e^{x_j}

    From the logits themselves, so that two answers of which both are nearly certain still differ:
    their probabilities would round to 1.

    Parameters
    ----------
    logits : array_like, shape (n_examples, n_labels)
        Logits of two labels or more.

    Returns
    -------
    ndarray of float64, shape (n_examples, n_labels)
        In nats.

    Examples
    --------
    >>> log_odds([[0.0, 50.0]]).tolist()
    [[-50.0, 50.0]]
    """
    x = np.asarray(logits, dtype=np.float64)
    odds = np.empty_like(x)
    for k in range(x.shape[1]):
        others = np.delete(x, k, axis=1)
        odds[:, k] = x[:, k] - np.logaddexp.reduce(others, axis=1)
    return odds


def ranked(columns: Floats) -> Floats:
    """Return the ranks in each column around their middle, ties shared, shape (n_examples, n)."""
    ranks = np.empty(columns.shape)
    for j, column in enumerate(columns.T):
        _, place, counts = np.unique(column, return_inverse=True, return_counts=True)
        ranks[:, j] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks - (len(columns) + 1) / 2


def _correlation(rho: float, n: int) -> Estimate:
    """Add Fisher's interval, which fewer than four examples do not have."""
    rho = min(1.0, max(-1.0, rho))
    if n < 4:
        return Estimate(rho, None, None, n)
    if abs(rho) == 1.0:
        return Estimate(rho, rho, rho, n)
    half = Z95 * ((1 + rho**2 / 2) / (n - 3)) ** 0.5
    z = np.arctanh(rho)
    return Estimate(rho, float(np.tanh(z - half)), float(np.tanh(z + half)), n)
