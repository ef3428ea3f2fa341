"""Which members come from one pre-training, by a sample of their raw weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wsgeo.zoo.candidates import Candidate

SAME_PRETRAINING = 0.5
"""Members whose raw weights have a lower cosine come from different pre-trainings."""


def cosines(rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return the cosine of each two rows.

    Parameters
    ----------
    rows : sequence of ndarray of float32, shape (n_values,)
        Samples of weights.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_rows)
        A row of zeros has cosine 0 with all.
    """
    stacked = np.stack(rows).astype(np.float64)
    lengths = np.linalg.norm(stacked, axis=1, keepdims=True)
    unit = np.divide(stacked, lengths, out=np.zeros_like(stacked), where=lengths > 0)
    similarity: NDArray[np.float64] = unit @ unit.T
    return similarity


def pretrainings(similarity: NDArray[np.float64], order: Sequence[int]) -> list[int]:
    """Return a number per row: rows of one number have cosines of at least one half among all.

    Every pair must be alike, so that a mean of two models does not join their families.

    Parameters
    ----------
    similarity : ndarray of float64, shape (n, n)
        Cosines of raw weights.
    order : sequence of int
        The rows in an order that does not depend on their names.

    Returns
    -------
    list of int
        One per row.

    Examples
    --------
    >>> pretrainings(np.array([[1, 0.9, 0.1], [0.9, 1, 0.0], [0.1, 0.0, 1]]), [0, 1, 2])
    [0, 0, 1]
    """
    families: list[list[int]] = []
    for i in order:
        scores = [similarity[i, family].min() for family in families]
        best = int(np.argmax(scores)) if scores else -1
        if best >= 0 and scores[best] >= SAME_PRETRAINING:
            families[best].append(i)
        else:
            families.append([i])
    number = {i: k for k, family in enumerate(families) for i in family}
    return [number[i] for i in range(len(similarity))]


def families(cell: Sequence[int], candidates: Sequence[Candidate]) -> dict[int, int]:
    """Return the family of each candidate of a cell, by the cosines of their samples.

    Parameters
    ----------
    cell : sequence of int
        Positions of candidates of one architecture.
    candidates : sequence of Candidate
        All of them.

    Returns
    -------
    dict of int to int
        Position -> number of the family.
    """
    names = sorted(set.intersection(*(set(candidates[i].samples) for i in cell)))
    if not names:
        return dict.fromkeys(cell, 0)
    rows = [np.concatenate([candidates[i].samples[name] for name in names]) for i in cell]
    order = sorted(range(len(cell)), key=lambda k: candidates[cell[k]].content_hash)
    return dict(zip(cell, pretrainings(cosines(rows), order), strict=True))


def base_cosine(candidate: Candidate) -> float | None:
    """Return the cosine of a candidate's raw weights with those of its base.

    Parameters
    ----------
    candidate : Candidate
        A candidate.

    Returns
    -------
    float or None
        None without a base.
    """
    names = sorted(set(candidate.samples) & set(candidate.base_samples))
    if not names:
        return None
    own = np.concatenate([candidate.samples[name] for name in names])
    base = np.concatenate([candidate.base_samples[name] for name in names])
    return float(cosines([own, base])[0, 1])
