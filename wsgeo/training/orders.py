"""In which order a training run sees its examples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

WINDOW = 8
"""Batches that are sorted by length together: long enough to save padding, short enough to mix."""


def batch_order(
    lengths: ArrayLike, batch_size: int, n_batches: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Draw batches of examples, epoch after epoch, each example once per epoch.

    Examples of like length share a batch: an epoch is shuffled, sorted by length inside windows of
    eight batches, and the batches of a window are shuffled again. On film reviews this halves the
    padded size.

    Parameters
    ----------
    lengths : array_like of int, shape (n_examples,)
        Tokens of each example.
    batch_size : int
        Examples per batch; the rest of an epoch opens the next one.
    n_batches : int
        Number of batches.
    rng : numpy.random.Generator
        Draws the order.

    Yields
    ------
    ndarray of int64, shape (batch_size,)
        Indices of the examples.

    Raises
    ------
    ValueError
        If there are no examples.

    Examples
    --------
    >>> order = batch_order([1, 1, 1, 1], 2, 8, np.random.default_rng(0))
    >>> np.bincount(np.concatenate(list(order))).tolist()
    [4, 4, 4, 4]
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    if not len(sizes):
        raise ValueError("There are no examples to order.")
    waiting = np.empty(0, dtype=np.int64)
    done = 0
    while done < n_batches:
        while len(waiting) < batch_size * WINDOW:
            waiting = np.concatenate([waiting, rng.permutation(len(sizes))])
        window, waiting = np.split(waiting, [batch_size * WINDOW])
        # A stable sort of shuffled rows: equal lengths keep their random order.
        by_length = window[np.argsort(sizes[window], kind="stable")].reshape(WINDOW, batch_size)
        yield from rng.permutation(by_length)[: n_batches - done]
        done += WINDOW
