"""Whether a model goes by the words that two texts share."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wsgeo.errors import DataError
from wsgeo.probing.behaviours import Estimate, Floats, mean, probabilities
from wsgeo.probing.correlations import log_odds
from wsgeo.probing.intervals import Z95
from wsgeo.tasks.labels import canonical

N_BINS = 5
"""Bins of equal width of the overlap."""

_WORD = re.compile(r"\w+")
_POSITIVE = ("entailment", "duplicate", "paraphrase")


def words_of(text: str) -> list[str]:
    """Return the words of a text: runs of letters, digits and underscores, without case.

    Parameters
    ----------
    text : str
        A text.

    Returns
    -------
    list of str
        In the order of the text.

    Examples
    --------
    >>> words_of("The dog isn't here.")
    ['the', 'dog', 'isn', 't', 'here']
    """
    return _WORD.findall(text.casefold())


def overlap_shares(first: Sequence[str], second: Sequence[str]) -> Floats:
    """Return the share of each second text's words that occur in its first.

    Parameters
    ----------
    first, second : sequence of str
        The texts of each example.

    Returns
    -------
    ndarray of float64, shape (n_examples,)
        Fractions in [0, 1]; NaN for a second text without words.

    Examples
    --------
    >>> overlap_shares(["The dog barks."], ["A dog barks!"]).round(3).tolist()
    [0.667]
    """
    return np.array([_share(a, b) for a, b in zip(first, second, strict=True)], dtype=np.float64)


def positive_label(labels: Sequence[str]) -> int:
    """Return the position of the label that says that the texts mean the same, or one the other.

    Parameters
    ----------
    labels : sequence of str
        Label names.

    Returns
    -------
    int
        Of entailment, duplicate, paraphrase or equivalent, however it is spelt.

    Raises
    ------
    DataError
        If no label is called so.

    Examples
    --------
    >>> positive_label(["not_duplicate", "is_duplicate"])
    1
    """
    for i, label in enumerate(labels):
        if canonical(label) in _POSITIVE:
            return i
    raise DataError(f"none of the labels ({', '.join(labels)}) says that the texts agree")


def positive_in_bin(logits: ArrayLike, overlap: Floats, positive: int, bin_: int) -> Estimate:
    """Return the mean probability of the positive label where the overlap lies in one bin.

    Over the bins this is the curve that a model follows: flat if it does not look at shared words.

    Parameters
    ----------
    logits : array_like, shape (n_examples, n_labels)
        Logits.
    overlap : ndarray of float64, shape (n_examples,)
        Shares in [0, 1] or NaN.
    positive : int
        Position of the label.
    bin_ : int
        From 0 to ``N_BINS - 1``; a bin holds its lower end, the last both.

    Returns
    -------
    Estimate
        A fraction in [0, 1].

    Raises
    ------
    DataError
        If no example lies in the bin.

    Examples
    --------
    >>> logits, overlap = [[0, 0], [0, 99]], np.array([0.1, 1.0])
    >>> [positive_in_bin(logits, overlap, 1, bin_).value for bin_ in (0, 4)]
    [0.5, 1.0]
    """
    there = np.isfinite(overlap)
    # Shares are ratios of small whole numbers: 0.6 * 5 must not fall short of 3.
    place = np.floor(np.where(there, overlap, 0) * N_BINS + 1e-9).clip(0, N_BINS - 1)
    chosen = there & (place == bin_)
    if not chosen.any():
        low, high = 100 * bin_ // N_BINS, 100 * (bin_ + 1) // N_BINS
        raise DataError(f"no text shares {low} to {high} % of its words")
    return mean(probabilities(logits)[chosen, positive], within=(0.0, 1.0))


def overlap_slope(
    logits: ArrayLike,
    overlap: Floats,
    positive: int,
    targets: NDArray[np.int64],
    lengths: NDArray[np.int64],
) -> Estimate:
    r"""Return how much the log-odds of the positive label rise as the overlap goes from 0 to 1.

    The coefficient of the overlap in an ordinary least-squares fit of the log-odds on the overlap,
    the right label (one constant each) and the length: between two texts of one label and one length
    it is what the shared words alone are worth to the model. A model that is right because it reads
    has a smaller slope than one that counts shared words. The interval is that of the fit.

    Parameters
    ----------
    logits : array_like, shape (n_examples, n_labels)
        Logits.
    overlap : ndarray of float64, shape (n_examples,)
        Shares in [0, 1]; examples with NaN are left out.
    positive : int
        Position of the label.
    targets : ndarray of int64, shape (n_examples,)
        Right labels.
    lengths : ndarray of int64, shape (n_examples,)
        Tokens of each example.

    Returns
    -------
    Estimate
        In nats per unit of overlap.

    Raises
    ------
    DataError
        If the overlap does not vary apart from label and length, or there are too few examples.

    Examples
    --------
    >>> logits, overlap = [[0, 1], [0, 2], [0, 3], [0, 4]], np.array([0.0, 0.5, 1.0, 1.5])
    >>> round(overlap_slope(logits, overlap, 1, np.zeros(4, int), np.array([3, 5, 4, 9])).value, 6)
    2.0
    """
    there = np.isfinite(overlap)
    x, gold, length = overlap[there], targets[there], lengths[there].astype(np.float64)
    y, n = log_odds(logits)[there, positive], int(there.sum())
    others = np.column_stack([gold[:, None] == np.unique(gold), length - length.mean()])
    # What is left of the overlap, and of the answer, once the other columns have told all they can.
    free = x - others @ np.linalg.lstsq(others, x)[0]
    rest = y - others @ np.linalg.lstsq(others, y)[0]
    spread, freedom = float(free @ free), n - others.shape[1] - 1
    if freedom < 1 or spread < 1e-12 * n:
        raise DataError("the overlap does not vary apart from the label and the length")
    slope = float(free @ rest) / spread
    residual = rest - slope * free
    half = Z95 * float(np.sqrt(residual @ residual / freedom / spread))
    return Estimate(slope, slope - half, slope + half, n)


def _share(first: str, second: str) -> float:
    known, asked = set(words_of(first)), words_of(second)
    return sum(word in known for word in asked) / len(asked) if asked else float("nan")
