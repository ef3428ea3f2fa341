"""In which order a training run sees its examples."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

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
        Examples per batch. What an epoch leaves over is in its last batch, with the first examples
        of the next.
    n_batches : int
        Number of batches; fewer are a part of more.
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
    >>> order = batch_order([1, 1, 1, 1, 1], 2, 3, np.random.default_rng(0))
    >>> set(np.concatenate(list(order)).tolist())
    {0, 1, 2, 3, 4}
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    if not len(sizes):
        raise ValueError("There are no examples to order.")
    yield from islice(_endless(sizes, batch_size, rng), n_batches)


def _endless(
    sizes: NDArray[np.int64], batch_size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Yield batches of one epoch after another; the one across their border stands at the border."""
    left = np.empty(0, dtype=np.int64)
    while True:
        epoch = rng.permutation(len(sizes))
        lacking = -len(left) % batch_size
        if lacking > len(epoch):
            left = np.concatenate([left, epoch])
            continue
        if len(left):
            yield np.concatenate([left, epoch[:lacking]])
        whole, left = np.split(epoch[lacking:], [(len(epoch) - lacking) // batch_size * batch_size])
        for window in np.split(whole, range(batch_size * WINDOW, len(whole), batch_size * WINDOW)):
            # A stable sort of shuffled rows: equal lengths keep their random order.
            by_length = window[np.argsort(sizes[window], kind="stable")]
            yield from rng.permutation(by_length.reshape(-1, batch_size))
