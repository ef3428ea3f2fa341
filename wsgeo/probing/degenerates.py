"""Members whose answers do not depend on what they are asked.

Only a member's own task can tell. A member that follows a heuristic may answer every example of a
diagnostic set alike and still be right in its domain: there the cue comes and goes. So what counts
are answers on examples of the member's task, by balanced accuracy: a sound member that knows a rare
label is above chance, however seldom it gives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike

from wsgeo.evaluation.gates import balanced_lower_limit

NEARLY_ALL: Final = 0.95
"""Share of a member's answers from which it is said to give one answer to everything."""


@final
@dataclass(frozen=True)
class OwnAnswers:
    """How a member answers examples of its own task.

    Parameters
    ----------
    accuracy, accuracy_lo, accuracy_hi : float
        Balanced accuracy with its one-sided 95 % limits, fractions in [0, 1].
    chance : float
        Balanced accuracy of a constant answer.
    most_frequent : float
        Share of the examples that get the most frequent answer.
    """

    accuracy: float
    accuracy_lo: float
    accuracy_hi: float
    chance: float
    most_frequent: float


def own_answers(predicted: ArrayLike, targets: ArrayLike) -> OwnAnswers:
    """Return how a member answers examples of its own task.

    Parameters
    ----------
    predicted, targets : array_like of int, shape (n_examples,)
        Answer and label of each example.

    Returns
    -------
    OwnAnswers
        Accuracy beside chance, and how often the most frequent answer is given.

    Raises
    ------
    ValueError
        If there are no examples, or the shapes differ.

    Examples
    --------
    >>> own_answers([0, 0, 0, 0], [0, 0, 1, 1]).accuracy
    0.5
    """
    predicted, targets = np.asarray(predicted), np.asarray(targets)
    if predicted.shape != targets.shape or not targets.size:
        raise ValueError("Every example needs an answer and a label, and there must be examples.")
    right = (predicted == targets).astype(np.float32)
    accuracy, low = balanced_lower_limit(right, targets)
    _, missed = balanced_lower_limit(1 - right, targets)
    counts = np.unique(predicted, return_counts=True)[1]
    chance = 1.0 / len(np.unique(targets))
    return OwnAnswers(accuracy, low, 1.0 - missed, chance, float(counts.max() / len(predicted)))


def degenerates(answers: Mapping[str, OwnAnswers]) -> dict[str, str]:
    """Return the members that are no evidence of a strategy, and why.

    Parameters
    ----------
    answers : mapping of str to OwnAnswers
        By member.

    Returns
    -------
    dict of str to str
        Members that give one answer to 95 % of their task or more and are not surely above chance,
        and members that are surely below it: the answers of the latter may be mixed up.

    Examples
    --------
    >>> degenerates({"m": own_answers([0] * 40, [0, 1] * 20)})
    {'m': 'gives one answer to 100% of its own task'}
    """
    found = {}
    for name, one in answers.items():
        if one.chance == 1.0:  # examples of one label tell nothing
            continue
        if one.accuracy_lo <= one.chance and one.most_frequent >= NEARLY_ALL:
            found[name] = f"gives one answer to {one.most_frequent:.0%} of its own task"
        elif one.accuracy_hi < one.chance:
            found[name] = (
                f"is right on {one.accuracy:.0%} of its own task, below the {one.chance:.0%} of chance"
            )
    return found
