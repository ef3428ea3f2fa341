"""The merge tree as a picture: order of the leaves, bars, and the pairs that join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import polars as pl
from numpy.typing import NDArray


@final
@dataclass(frozen=True)
class Merge:
    """One merge of the tree.

    Parameters
    ----------
    left, right : tuple of int
        Positions of the members on either side, in drawing order.
    height : float
        Bottleneck barrier at which they join, nats per example; infinite where no path was measured.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    height: float


def merges(tree: pl.DataFrame, leaves: list[int]) -> list[Merge]:
    """Return the merges of a tree as sets of member positions.

    Parameters
    ----------
    tree : polars.DataFrame
        Columns ``left``, ``right`` (a leaf below ``len(leaves)``, else a former row) and ``height``.
    leaves : list of int
        Member position of each leaf.

    Returns
    -------
    list of Merge
        In the order of the rows; empty if the rows do not describe these leaves.
    """
    if tree.height != len(leaves) - 1:
        return []
    sides: list[tuple[int, ...]] = [(leaf,) for leaf in leaves]
    found = []
    for left, right, height in tree.select("left", "right", "height").iter_rows():
        if not (0 <= left < len(sides) and 0 <= right < len(sides)):
            return []
        high = np.inf if height is None else float(height)
        found.append(Merge(sides[left], sides[right], high))
        sides.append(sides[left] + sides[right])
    return found


def leaf_order(found: list[Merge], n_members: int) -> list[int]:
    """Return every member's position, in the order that keeps each merge together.

    Parameters
    ----------
    found : list of Merge
        Merges of one tree or more.
    n_members : int
        Number of members; those outside the trees come last.

    Returns
    -------
    list of int
        A permutation of ``range(n_members)``.

    Examples
    --------
    >>> leaf_order([Merge((2,), (0,), 0.1)], 3)
    [2, 0, 1]
    """
    runs: dict[int, tuple[int, ...]] = {}
    for merge in found:
        runs.pop(merge.right[0], None)
        runs[merge.left[0]] = merge.left + merge.right
    inside = [member for run in runs.values() for member in run]
    return inside + sorted(set(range(n_members)) - set(inside))


def bars(found: list[Merge], labels: list[int]) -> list[dict[str, float | int]]:
    """Return the strokes of the tree, leaves at their place in the order and height 0.

    Parameters
    ----------
    found : list of Merge
        Merges with sides in drawing order.
    labels : list of int
        Group of each member, for the colour of a stroke inside one group.

    Returns
    -------
    list of dict
        ``x``, ``y`` to ``x2``, ``y2`` (leaf places and nats per example) and ``group``; a merge at
        infinite height is not drawn.
    """
    place = {member: k for k, member in enumerate(leaf_order(found, 0))}
    top: dict[frozenset[int], tuple[float, float]] = {
        frozenset([m]): (float(k), 0.0) for m, k in place.items()
    }
    strokes: list[dict[str, float | int]] = []
    for merge in found:
        (x1, y1), (x2, y2) = top[frozenset(merge.left)], top[frozenset(merge.right)]
        high = merge.height
        top[frozenset(merge.left + merge.right)] = ((x1 + x2) / 2, high)
        if not np.isfinite(high):
            continue
        inside = {labels[m] for m in merge.left + merge.right}
        group = inside.pop() if len(inside) == 1 else -1
        for x, y, other, end in ((x1, y1, x1, high), (x2, y2, x2, high), (x1, high, x2, high)):
            strokes.append({"x": x, "y": y, "x2": other, "y2": end, "group": group})
    return strokes


def bridges(found: list[Merge], gaps: NDArray[np.float64]) -> set[tuple[int, int]]:
    """Return the pair that joins each merge: the edges of the minimum spanning tree.

    Parameters
    ----------
    found : list of Merge
        Merges of the tree.
    gaps : ndarray of float64, shape (n_members, n_members)
        Gaps in nats per example; infinite where none was measured.

    Returns
    -------
    set of (int, int)
        Positions of the two members, the smaller first.
    """
    chosen = set()
    for merge in found:
        block = gaps[np.ix_(merge.left, merge.right)]
        i, j = np.unravel_index(int(block.argmin()), block.shape)
        if np.isfinite(block[i, j]):
            a, b = merge.left[int(i)], merge.right[int(j)]
            chosen.add((min(a, b), max(a, b)))
    return chosen
