"""Examples of like length, together in batches of bounded size."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def batches(lengths: ArrayLike, token_budget: int) -> list[NDArray[np.int64]]:
    """Split examples into batches whose padded size stays within a budget.

    Sorted by length, a batch holds almost no padding; its padded size is its number of examples
    times its longest.

    Parameters
    ----------
    lengths : array_like of int, shape (n_examples,)
        Tokens of each example.
    token_budget : int
        Largest padded size of a batch, in tokens; an example longer than this is a batch by itself.

    Returns
    -------
    list of ndarray of int64
        Indices per batch, in order of increasing length (ties in order of index); every index
        occurs once.

    Raises
    ------
    ValueError
        If the budget or a length is below 1, or ``lengths`` is not one-dimensional.

    Examples
    --------
    >>> [batch.tolist() for batch in batches([5, 2, 3, 2], token_budget=6)]
    [[1, 3], [2], [0]]
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    if sizes.ndim != 1 or token_budget < 1 or (sizes < 1).any():
        raise ValueError("Lengths and the budget are at least 1, and lengths are a vector.")
    order = np.argsort(sizes, kind="stable")
    starts = [0]
    for i, longest in enumerate(sizes[order].tolist()):
        if (i - starts[-1] + 1) * longest > token_budget and i > starts[-1]:
            starts.append(i)
    return [batch for batch in np.split(order, starts[1:]) if len(batch)]
