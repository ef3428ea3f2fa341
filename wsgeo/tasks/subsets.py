"""Subsets of tasks in which each class keeps its share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wsgeo.tasks.task import Task


def drawn(task: Task, n: int | None) -> Task:
    """Return a subset of a task, drawn by its seed, in which each class keeps its share.

    Parameters
    ----------
    task : Task
        Examples.
    n : int or None
        How many to draw; None, or more than there are, takes all.

    Returns
    -------
    Task
        The examples drawn, in their order.

    Raises
    ------
    ValueError
        If ``n`` is below 1.
    """
    targets = np.zeros(len(task), np.int64) if task.targets is None else task.targets
    chosen = subset(targets, n, task.seed)
    return task if len(chosen) == len(task) else task.rows(chosen)


def subset(targets: NDArray[np.int64], n: int | None, seed: int) -> NDArray[np.int64]:
    """Draw positions at random so that each class keeps its share.

    A smaller subset is a part of a larger one with the same seed: more examples refine a result
    instead of replacing it.

    Parameters
    ----------
    targets : ndarray of int64, shape (n_rows,)
        Class of each row.
    n : int or None
        Number of positions; None, or more than there are, takes all.
    seed : int
        Seed.

    Returns
    -------
    ndarray of int64, shape (min(n, n_rows),)
        Positions in increasing order.

    Raises
    ------
    ValueError
        If ``n`` is below 1.

    Examples
    --------
    >>> subset(np.array([0, 0, 0, 1, 1, 1]), 2, seed=0).tolist()
    [1, 5]
    """
    if n is not None and n < 1:
        raise ValueError(f"A subset has at least one example, not {n}.")
    if n is None or n >= len(targets):
        return np.arange(len(targets))
    rng = np.random.default_rng(seed)
    turn = np.empty(len(targets))
    for label in np.unique(targets):
        rows = np.flatnonzero(targets == label)
        # Each class in random order, spread evenly over (0, 1): the first n turns hold each
        # class's share (Sainte-Lague), and the first n + 1 hold them too.
        turn[rows] = (rng.permutation(len(rows)) + 0.5) / len(rows)
    return np.sort(np.lexsort((targets, turn))[:n])
