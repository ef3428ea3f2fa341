"""The end-point gate and its limits."""

from __future__ import annotations

import evaluation_cases as cases
import numpy as np
import pytest

from wsgeo.evaluation.chance import class_entropy, token_chance
from wsgeo.evaluation.gates import (
    balanced_lower_limit,
    check_ends,
    upper_limit,
)
from wsgeo.evaluation.losses import Failure, Losses
from wsgeo.tasks.task import Objective


def outcome(logits, targets):
    """Return the losses of class logits."""
    logits = np.asarray(logits, np.float64)
    loss = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(targets)), targets]
    hit = logits.argmax(1) == targets
    return Losses(loss.astype(np.float32), hit.astype(np.float32), logits.astype(np.float32))


def answers(targets, skill, rng, sharpness=2.0, n_labels=3):
    """Return logits that point at the right class with probability ``skill``."""
    right = rng.random(len(targets)) < skill
    guess = np.where(right, targets, rng.integers(n_labels, size=len(targets)))
    return sharpness * np.eye(n_labels)[guess] + 0.1 * rng.normal(size=(len(targets), n_labels))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def examples():
    return cases.classification(n=300)


class TestCheckEnds:
    """Who passes."""

    def test_a_sound_model(self, examples, rng):
        """A model that has learned its task passes, with its figures."""
        [gate] = check_ends(
            [outcome(answers(examples.targets, 0.8, rng), examples.targets)], examples
        )

        assert (gate.passed, gate.status, gate.reason) == (True, "passed", "")
        assert gate.loss < gate.loss_hi < gate.chance_loss == class_entropy(examples.targets)
        assert gate.accuracy > gate.accuracy_lo > gate.chance_accuracy == pytest.approx(1 / 3)

    def test_a_weak_model_of_few_examples(self, rng):
        """A model that leans a little to the right class passes where its mean loss alone could not."""
        examples = cases.classification(n=256)
        examples.targets[:] = rng.choice(3, size=256, p=[0.8, 0.1, 0.1])
        prior = np.log(np.bincount(examples.targets) / 256)
        weak = outcome(prior + 0.15 * np.eye(3)[examples.targets], examples.targets)
        [gate] = check_ends([weak], examples)

        assert upper_limit(weak.loss) > gate.chance_loss
        assert gate.loss < gate.loss_hi < gate.chance_loss

    def test_permuted_classes(self, examples, rng):
        """A good model with its classes in another order is a broken end."""
        logits = answers(examples.targets, 0.95, rng, sharpness=6.0)[:, [1, 2, 0]]
        [gate] = check_ends([outcome(logits, examples.targets)], examples)

        assert (gate.passed, gate.status) == (False, "endpoint_failed")
        assert "loss" in gate.reason
        assert "accuracy" in gate.reason

    def test_a_random_head(self, examples, rng):
        """A head drawn at random is a broken end."""
        logits = 0.5 * rng.normal(size=(300, 3))

        assert not check_ends([outcome(logits, examples.targets)], examples)[0].passed

    def test_a_constant(self, examples):
        """The best constant predictor itself does not pass."""
        share = np.bincount(examples.targets) / len(examples)
        logits = np.tile(np.log(share), (len(examples), 1))

        assert not check_ends([outcome(logits, examples.targets)], examples)[0].passed

    def test_the_majority_class(self, rng):
        """On unbalanced classes, saying the frequent one is not enough."""
        targets = (rng.random(300) < 0.1).astype(np.int64)
        examples = cases.classification(n=300, n_labels=2)
        object.__setattr__(examples, "targets", targets)
        logits = np.tile([2.0, 0.0], (300, 1))
        [gate] = check_ends([outcome(logits, targets)], examples)

        assert gate.accuracy == 0.5
        assert not gate.passed

    def test_right_but_too_sure(self, examples, rng):
        """Good accuracy with a loss above the constant's does not pass, and says which."""
        logits = answers(examples.targets, 0.6, rng, sharpness=12.0)
        [gate] = check_ends([outcome(logits, examples.targets)], examples)

        assert not gate.passed
        assert gate.accuracy_lo > gate.chance_accuracy
        assert "accuracy" not in gate.reason

    def test_failures_pass_through(self, examples):
        """What could not be evaluated keeps its own status and reason."""
        [gate] = check_ends([Failure("nonfinite", "the loss is not finite")], examples)

        assert (gate.passed, gate.status) == (False, "nonfinite")
        assert gate.loss is None

    @pytest.mark.parametrize("n", [1, 2, 3, 4])
    def test_a_handful_of_examples(self, n, rng):
        """A few right answers prove nothing."""
        examples = cases.classification(n=max(n, 3))
        targets = np.arange(len(examples)) % 3
        object.__setattr__(examples, "targets", targets)
        logits = 5.0 * np.eye(3)[targets]
        good = outcome(logits, targets)
        cut = Losses(good.loss[:n], good.hit[:n])
        object.__setattr__(examples, "targets", targets[:n])

        assert check_ends([cut], examples)[0].passed == (n >= 3)

    def test_one_class_only(self):
        """Examples of one class can show nothing."""
        examples = cases.classification(n=30)
        targets = np.zeros(30, np.int64)
        object.__setattr__(examples, "targets", targets)

        assert not check_ends([outcome(3.0 * np.eye(3)[targets], targets)], examples)[0].passed

    def test_the_level(self, examples):
        """A level outside (0.5, 1) is misuse."""
        with pytest.raises(ValueError, match=r"1\.0"):
            check_ends([], examples, level=1.0)

    @pytest.mark.parametrize(("loss", "hit", "passed"), [(1.0, 0.7, True), (5.0, 0.0, False)])
    def test_language_models(self, loss, hit, passed):
        """A language model is held against the token frequencies of the text."""
        examples = cases.language(Objective.MASKED_LM, n=60)
        rng = np.random.default_rng(0)
        found = Losses(
            (loss + 0.1 * rng.random(60)).astype(np.float32), np.full(60, hit, np.float32)
        )
        counts = rng.integers(1, 500, 60)
        [gate] = check_ends([found], examples, counts=counts)

        assert gate.passed is passed
        assert (gate.chance_loss, gate.chance_accuracy) == token_chance(examples.targets, counts)


@pytest.mark.slow
class TestErrorRate:
    """How often the limits are wrong."""

    @pytest.mark.parametrize("n", [20, 60, 300])
    def test_chance_rarely_passes(self, n):
        """Of models that know nothing, at most one in twenty passes."""
        rng = np.random.default_rng(n)
        examples = cases.classification(n=n)
        passed = 0
        for _ in range(300):
            logits = 0.3 * rng.normal(size=(n, 3))
            passed += check_ends([outcome(logits, examples.targets)], examples)[0].passed

        assert passed <= 0.05 * 300

    @pytest.mark.parametrize("n", [15, 50, 200])
    def test_coverage_of_the_mean(self, n):
        """The upper limit of a skewed loss is right about as often as it says."""
        rng = np.random.default_rng(n)
        draws = rng.exponential(size=(4000, n))
        covered = np.mean([upper_limit(x) >= 1.0 for x in draws])

        assert covered >= 0.915

    @pytest.mark.parametrize(("n", "skill"), [(10, 0.9), (30, 0.6), (30, 0.98), (200, 0.8)])
    def test_coverage_of_balanced_accuracy(self, n, skill):
        """The lower limit of balanced accuracy is right about as often as it says."""
        rng = np.random.default_rng(n)
        targets = np.arange(n) % 3
        hits = (rng.random((2000, n)) < skill).astype(np.float32)
        covered = np.mean([balanced_lower_limit(hit, targets)[1] <= skill for hit in hits])

        assert covered >= 0.93


def test_limits_of_equal_values():
    """Values that do not vary have no interval; one value has no limit."""
    assert upper_limit(np.full(5, 2.0, np.float32)) == 2.0
    assert upper_limit(np.ones(1, np.float32)) == np.inf
