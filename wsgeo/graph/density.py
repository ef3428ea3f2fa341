"""Candidate basins by density: HDBSCAN, read off Prim's walk.

The walk through the mutual reachability distances holds HDBSCAN's whole tree: a cluster is a run
of the walk, and it splits at the longest step inside it. Campello, Moulavi and Sander's selection
by excess of mass then needs one pass per run. The hdbscan package gives the same labels (the tests
compare them); it is not called here because it takes 4 s to import, ends the process on infinite
distances, and calls matrices of zeros noise.
"""

from __future__ import annotations

import numpy as np

from wsgeo.graph.merging import Walks, walk
from wsgeo.graph.partitions import Labels, Matrix, Partitions

METHOD = "hdbscan"
MIN_MEMBERS = 8
SETTINGS = ((2, 1), (3, 1), (3, 3), (5, 3))
"""(min_cluster_size, min_samples): from eager to reluctant."""


def partitions(
    stack: Matrix, *, settings: tuple[tuple[int, int], ...] = SETTINGS
) -> list[Partitions]:
    """Return the HDBSCAN labels of each matrix at each setting.

    Parameters
    ----------
    stack : ndarray of float64, shape (n_matrices, n_members, n_members)
        Distances.
    settings : tuple of (int, int)
        Smallest cluster and number of neighbours that make a member dense; a setting whose
        smallest cluster exceeds half of the members is left out.

    Returns
    -------
    list of Partitions
        One per setting; empty below eight members, where density means little.
    """
    n = stack.shape[1]
    if n < MIN_MEMBERS:
        return []
    ranked = np.sort(stack, axis=2)
    found = []
    for min_cluster_size, min_samples in settings:
        if 2 * min_cluster_size > n:
            continue
        core = ranked[:, :, min_samples]
        reach = np.maximum(stack, np.maximum(core[:, :, None], core[:, None, :]))
        labels = clusters(walk(reach), min_cluster_size)
        parameters = {"min_cluster_size": min_cluster_size, "min_samples": min_samples}
        found.append(Partitions(METHOD, parameters, labels))
    return found


def clusters(walks: Walks, min_cluster_size: int) -> Labels:
    """Return HDBSCAN's clusters from walks through mutual reachability distances.

    Parameters
    ----------
    walks : Walks
        Walks of a stack.
    min_cluster_size : int
        Smallest cluster, at least 2.

    Returns
    -------
    ndarray of int64, shape (n_matrices, n_members)
        Labels from 0; -1 is noise. Members that all coincide are one cluster.
    """
    labels = np.full(walks.order.shape, -1, dtype=np.int64)
    for row, order, step in zip(labels, walks.order, walks.step.tolist(), strict=True):
        longest = max(step[1:], default=0.0)
        # Everything coincides: HDBSCAN would call it noise, yet it is the clearest single basin.
        chosen = _select(step, longest, min_cluster_size) if longest > 0 else [(0, len(step))]
        for label, (low, high) in enumerate(chosen):
            row[order[low:high]] = label
    return labels


def _select(step: list[float], longest: float, min_size: int) -> list[tuple[int, int]]:
    """Return the runs of the walk that excess of mass selects, left to right."""
    runs, children, mass = _condense(step, longest, min_size)
    best = list(mass)
    chosen: list[list[tuple[int, int]]] = [[run] for run in runs]
    for i in reversed(range(len(runs))):
        if children[i]:
            below = sum(best[child] for child in children[i])
            # The root is the whole zoo: choosing it would say nothing.
            if i == 0 or below > mass[i]:
                best[i] = below
                chosen[i] = [run for child in children[i] for run in chosen[child]]
    return chosen[0] if children[0] else []


def _condense(
    step: list[float], longest: float, min_size: int
) -> tuple[list[tuple[int, int]], list[tuple[int, ...]], list[float]]:
    """Return the runs of the condensed tree, their children, and each one's mass."""
    runs: list[tuple[int, int]] = [(0, len(step))]
    births, mass = [0.0], [0.0]
    children: list[tuple[int, ...]] = [()]
    i = 0
    while i < len(runs):
        low, high = runs[i]
        while True:
            split = max(range(low + 1, high), key=step.__getitem__)
            # Coinciding members would have infinite density; a floor keeps sums finite.
            density = longest / max(step[split], 1e-9 * longest)
            left, right = split - low, high - split
            if left >= min_size and right >= min_size:
                mass[i] += (density - births[i]) * (high - low)
                children[i] = (len(runs), len(runs) + 1)
                runs += [(low, split), (split, high)]
                births += [density, density]
                children += [(), ()]
                mass += [0.0, 0.0]
                break
            if left < min_size and right < min_size:
                mass[i] += (density - births[i]) * (high - low)
                break
            mass[i] += (density - births[i]) * min(left, right)
            low, high = (low, split) if left >= min_size else (split, high)
        i += 1
    return runs, children, mass
