"""Which order a checkpoint's classes stand in, found from its answers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import final

import numpy as np
from numpy.typing import NDArray

MARGIN = 0.15
"""How much better than the next order the best must be."""

MAX_LABELS = 5
"""With more labels the orders are too many to try, and too alike to tell apart."""


@final
@dataclass(frozen=True)
class LabelOrder:
    """What the answers of a checkpoint say about the order of its classes.

    Parameters
    ----------
    status : str
        ``as_given``, ``proposed`` (another order is clearly better), ``label_order_unknown``, or
        ``not_applicable``.
    order : tuple of int or None
        For each label of the task the class of the checkpoint that means it; None if unknown.
    accuracy, next_accuracy : float or None
        Balanced accuracy of the best order and of the next best, fractions in [0, 1].
    """

    status: str
    order: tuple[int, ...] | None = None
    accuracy: float | None = None
    next_accuracy: float | None = None


def probe_label_order(
    logits: NDArray[np.float32] | None, targets: NDArray[np.int64], *, margin: float = MARGIN
) -> LabelOrder:
    """Try every order of the classes and propose the best if it is clearly the best.

    Run it only where labels have no names or the end-point gate failed: published checkpoints of one
    task come in several orders, and the wrong one turns a good model into a terrible one.

    Parameters
    ----------
    logits : ndarray of float32, shape (n_examples, n_labels), or None
        Class logits of one checkpoint on its own task, one class per label.
    targets : ndarray of int64, shape (n_examples,)
        Label of each example.
    margin : float, default 0.15
        Least lead of the best order over the next, in balanced accuracy.

    Returns
    -------
    LabelOrder
        Not applicable without logits, with fewer than 2 or more than 5 labels, or if a label has no
        example.

    Examples
    --------
    >>> answers = np.eye(3, dtype=np.float32)[[2, 0, 1, 2]]
    >>> probe_label_order(answers, np.array([0, 1, 2, 0]))
    LabelOrder(status='proposed', order=(2, 0, 1), accuracy=1.0, next_accuracy=0.333...)
    """
    n_labels = 0 if logits is None else logits.shape[1]
    if logits is None or not 2 <= n_labels <= MAX_LABELS:
        return LabelOrder("not_applicable")
    if len(np.unique(targets)) < n_labels:
        return LabelOrder("not_applicable")
    recall = _recall(logits.argmax(axis=1), targets, n_labels)
    labels = np.arange(n_labels)
    orders = list(permutations(range(n_labels)))
    accuracy = np.array([recall[labels, list(order)].mean() for order in orders])
    best = int(accuracy.argmax())
    lead, following = float(accuracy[best]), float(np.delete(accuracy, best).max())
    if lead - following < margin:
        return LabelOrder("label_order_unknown", None, lead, following)
    status = "as_given" if orders[best] == tuple(range(n_labels)) else "proposed"
    return LabelOrder(status, orders[best], lead, following)


def _recall(
    answers: NDArray[np.intp], targets: NDArray[np.int64], n_labels: int
) -> NDArray[np.float64]:
    """Return the share of each label's examples (rows) that each class (columns) answers."""
    counts = np.zeros((n_labels, n_labels))
    np.add.at(counts, (targets, answers), 1)
    share: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
    return share
