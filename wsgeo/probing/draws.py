"""Which rows of a larger file are asked, drawn so that pairs stay whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wsgeo.probing.pairs import UNPAIRED
from wsgeo.tasks.subsets import subset


def drawn_rows(
    strata: NDArray[np.int64],
    pair: NDArray[np.int64],
    n: int,
    seed: int,
    *,
    evenly: bool = False,
) -> NDArray[np.int64]:
    """Draw about ``n`` rows, those of a pair together.

    Parameters
    ----------
    strata : ndarray of int64, shape (n_rows,)
        Stratum of each row; a pair counts for that of its first.
    pair : ndarray of int64, shape (n_rows,)
        Pair of each row, -1 for none.
    n : int
        Number of rows, rounded to whole pairs; all if there are no more.
    seed : int
        Seed.
    evenly : bool, default False
        Whether each stratum gives as many as the others, as far as it goes; else it keeps its
        share.

    Returns
    -------
    ndarray of int64
        Positions in increasing order.

    Examples
    --------
    >>> drawn_rows(np.array([0, 0, 0, 0]), np.array([0, 1, 0, 1]), 2, seed=0).tolist()
    [0, 2]
    """
    unit = np.where(pair == UNPAIRED, len(pair) + np.arange(len(pair)), pair)
    found, first = np.unique(unit, return_index=True)
    n_units = max(1, round(n * len(found) / len(unit)))
    draw = even_subset if evenly else subset
    return np.flatnonzero(np.isin(unit, found[draw(strata[first], n_units, seed)]))


def even_subset(strata: NDArray[np.int64], n: int, seed: int) -> NDArray[np.int64]:
    """Draw positions so that each stratum gives as many as the others, as far as it goes.

    Parameters
    ----------
    strata : ndarray of int64, shape (n_rows,)
        Stratum of each row.
    n : int
        Number of positions; all if there are no more.
    seed : int
        Seed.

    Returns
    -------
    ndarray of int64, shape (min(n, n_rows),)
        Positions in increasing order.

    Examples
    --------
    >>> even_subset(np.array([0, 0, 0, 0, 1, 1]), 4, seed=0).tolist()
    [1, 2, 4, 5]
    """
    if n >= len(strata):
        return np.arange(len(strata))
    rng = np.random.default_rng(seed)
    turn = np.empty(len(strata), dtype=np.int64)
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        turn[rows] = rng.permutation(len(rows))
    return np.sort(np.lexsort((strata, turn))[:n])
