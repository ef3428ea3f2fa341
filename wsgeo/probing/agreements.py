"""How alike the members of a loss group answer the task, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.probing.behaviours import entropy, probabilities, root_divergence
from wsgeo.probing.tables import AGREEMENTS

Floats = NDArray[np.float64]


def measure_agreements(
    ids: Sequence[str], logits: NDArray[Any], targets: NDArray[np.int64], task: str
) -> pl.DataFrame:
    """Compare the answers of every two members to the same examples.

    Parameters
    ----------
    ids : sequence of str
        Members, each once.
    logits : ndarray, shape (n_members, n_examples, n_labels)
        Their logits, in the order of ``ids``.
    targets : ndarray of int64, shape (n_examples,)
        Right labels.
    task : str
        Name of the task.

    Returns
    -------
    DataFrame
        Schema `AGREEMENTS`: one row per pair, in the order of ``ids``; ``a`` is the id that sorts
        first. Fractions of examples, and the mean Jensen-Shannon distance in [0, 1].

    References
    ----------
    [juneja2022]_

    Examples
    --------
    >>> logits = np.array([[[2.0, 0.0], [0.0, 2.0]], [[2.0, 0.0], [2.0, 0.0]]])
    >>> table = measure_agreements(["x", "y"], logits, np.array([0, 1]), "toy")
    >>> table.select("a", "b", "agreement", "both_right").row(0)
    ('x', 'y', 0.5, 0.5)
    """
    if len(ids) < 2:
        return pl.DataFrame(schema=AGREEMENTS)
    one, other = np.triu_indices(len(ids), k=1)
    predicted = logits.argmax(axis=-1)
    right = (predicted == targets).astype(np.float64)
    alike = [_together(predicted == label) for label in range(logits.shape[-1])]
    values = {
        "agreement": np.sum(alike, axis=0) / len(targets),
        "both_right": (_together(right) + _together(1 - right)) / len(targets),
        "jensen_shannon": _distances(probabilities(logits)),
    }
    names = [sorted((ids[i], ids[j])) for i, j in zip(one.tolist(), other.tolist(), strict=True)]
    columns = {
        "a": [first for first, _ in names],
        "b": [second for _, second in names],
        "task": task,
        **{name: matrix[one, other] for name, matrix in values.items()},
    }
    return pl.DataFrame(columns, schema=AGREEMENTS)


def _together(true: NDArray[Any]) -> Floats:
    """Return of how many examples something is true for both, shape (n_members, n_members)."""
    held = true.astype(np.float64)
    return np.asarray(held @ held.T, dtype=np.float64)


def _distances(p: Floats) -> Floats:
    """Return mean distances above the diagonal; a row at a time, for all pairs would fill memory."""
    own = entropy(p)
    matrix = np.zeros((len(p), len(p)))
    for i in range(len(p) - 1):
        mixed = entropy((p[i] + p[i + 1 :]) / 2)
        matrix[i, i + 1 :] = root_divergence(mixed, (own[i] + own[i + 1 :]) / 2).mean(axis=1)
    return matrix
