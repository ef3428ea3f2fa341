"""An order of examples in which every prefix looks like the whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wsgeo.tasks.task import EncodedExamples, Objective


def stratified_order(examples: EncodedExamples, seed: int) -> NDArray[np.int64]:
    """Return a random order in which each prefix holds the labels in proportion.

    Parameters
    ----------
    examples : EncodedExamples
        Of a classification task; without labels the order is plainly random.
    seed : int
        Seed of the order.

    Returns
    -------
    ndarray of int64, shape (n_examples,)
        Positions of examples, each once.
    """
    rng = np.random.default_rng(seed)
    n = len(examples)
    labels = examples.targets if examples.objective is Objective.CLASSIFICATION else np.zeros(n)
    place = np.empty(n)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        # One example in each of as many equal stretches as the label has examples.
        place[own] = (rng.permutation(len(own)) + rng.random(len(own))) / len(own)
    return np.argsort(place, kind="stable").astype(np.int64)
