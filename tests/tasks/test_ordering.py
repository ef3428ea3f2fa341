"""An order in which every prefix looks like the whole."""

from __future__ import annotations

import numpy as np
import pytest

from wsgeo.tasks.ordering import stratified_order
from wsgeo.tasks.task import EncodedExamples, Objective


def examples(targets, objective=Objective.CLASSIFICATION):
    """Return examples of these targets."""
    ids = np.ones((len(targets), 3))
    arrays = {"input_ids": ids, "attention_mask": ids, "token_type_ids": ids, "targets": targets}
    labels = tuple("abc") if objective is Objective.CLASSIFICATION else ()
    return EncodedExamples.of(
        "toy", objective, arrays, labels, tuple((i,) for i in range(len(labels)))
    )


TARGETS = np.repeat([0, 1, 2], [300, 150, 50])


def test_it_is_an_order():
    """Each example stands in it once."""
    assert sorted(stratified_order(examples(TARGETS), 0)) == list(range(500))


@pytest.mark.parametrize("n", [32, 64, 100, 256])
def test_prefixes_hold_the_labels_in_proportion(n):
    """Each prefix holds each label as often as its share, give or take one."""
    counts = np.bincount(TARGETS[stratified_order(examples(TARGETS), 3)[:n]], minlength=3)

    assert np.abs(counts - n * np.array([0.6, 0.3, 0.1])).max() <= 1.5


def test_the_seed_decides():
    """The same seed gives the same order, another one another."""
    first, second, other = (stratified_order(examples(TARGETS), seed) for seed in (1, 1, 2))

    assert (first == second).all()
    assert (first != other).any()


def test_texts_without_labels_are_shuffled():
    """Examples of a language model come in a random order."""
    order = stratified_order(examples(np.zeros((500, 3)), Objective.CAUSAL_LM), 0)

    assert sorted(order) == list(range(500))
    assert np.abs(np.corrcoef(order, np.arange(500))[0, 1]) < 0.2
