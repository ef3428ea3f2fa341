"""The order of classes, found from answers."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from wsgeo.evaluation.label_orders import probe_label_order


def answers(targets, n_labels, skill, seed=0):
    rng = np.random.default_rng(seed)
    guess = np.where(
        rng.random(len(targets)) < skill, targets, rng.integers(n_labels, size=len(targets))
    )
    return np.eye(n_labels, dtype=np.float32)[guess]


@pytest.mark.parametrize("n_labels", [2, 3, 4, 5])
@pytest.mark.parametrize("skill", [0.5, 0.95])
def test_every_order_is_found(n_labels, skill):
    """Whatever order a model's classes stand in, it is found."""
    targets = np.arange(400) % n_labels
    logits = answers(targets, n_labels, skill)
    for order in permutations(range(n_labels)):
        shuffled = np.empty_like(logits)
        shuffled[:, list(order)] = logits
        found = probe_label_order(shuffled, targets)

        assert found.order == order
        assert found.status == ("as_given" if order == tuple(range(n_labels)) else "proposed")
        assert np.array_equal(shuffled[:, list(found.order)], logits)


def test_a_model_that_knows_nothing():
    """Answers without skill give no order."""
    targets = np.arange(300) % 3
    found = probe_label_order(answers(targets, 3, 0.0), targets)

    assert found.status == "label_order_unknown"
    assert found.order is None
    assert found.accuracy - found.next_accuracy < 0.15


def test_unbalanced_classes_do_not_decide():
    """A model that always says the frequent class gives no order."""
    targets = (np.arange(300) % 10 == 0).astype(np.int64)
    logits = np.tile(np.float32([1, 0]), (300, 1))

    assert probe_label_order(logits, targets).status == "label_order_unknown"


@pytest.mark.parametrize("logits", [None, np.zeros((12, 6), np.float32), np.zeros((12, 1))])
def test_not_applicable(logits):
    """Without logits, or with other than two to five labels, there is nothing to try."""
    assert probe_label_order(logits, np.arange(12) % 6).status == "not_applicable"


def test_a_label_without_examples():
    """A label that does not occur cannot be placed."""
    targets = np.array([0, 1, 0, 1])

    assert probe_label_order(np.eye(3)[targets], targets).status == "not_applicable"
