"""Members whose answers do not depend on what they are asked."""

import numpy as np
import pytest

from wsgeo.probing.degenerates import degenerates, own_answers


def reason(predicted, targets):
    """Return why a member is no evidence, or None."""
    return degenerates({"m": own_answers(predicted, targets)}).get("m")


@pytest.mark.parametrize("n_labels", [2, 3])
def test_one_answer_to_everything_is_degenerate(n_labels):
    """A constant answer is found, whichever it is."""
    targets = np.arange(60) % n_labels
    for answer in range(n_labels):
        assert reason(np.full(60, answer), targets) == "gives one answer to 100% of its own task"


def test_answers_that_are_always_wrong_are_degenerate():
    """A member whose answers are turned round is below chance."""
    targets = np.arange(60) % 2

    assert reason(1 - targets, targets) == "is right on 0% of its own task, below the 50% of chance"


def test_a_rare_label_that_is_known_is_no_fault():
    """Who gives one answer to 97 % of the examples because 97 % have it is sound."""
    targets = (np.arange(200) % 33 == 0).astype(int)

    assert reason(targets, targets) is None


def test_a_weak_member_that_uses_both_labels_is_left_to_the_gate():
    """At chance with varied answers a member is weak, and its answers still depend on the text."""
    targets = np.arange(400) % 2
    predicted = (np.arange(400) // 2) % 2

    assert reason(predicted, targets) is None


def test_a_sound_member_is_not_named():
    """Most answers right on both labels is no reason."""
    targets = np.arange(100) % 2

    assert reason(np.where(np.arange(100) < 10, 1 - targets, targets), targets) is None


def test_examples_of_one_label_tell_nothing():
    """Where there is one label only, one answer is right."""
    assert reason([0] * 20, [0] * 20) is None


@pytest.mark.parametrize(("predicted", "targets"), [([], []), ([0, 1], [0])])
def test_answers_without_examples_are_refused(predicted, targets):
    """Each answer belongs to an example."""
    with pytest.raises(ValueError, match="Every example"):
        own_answers(predicted, targets)
