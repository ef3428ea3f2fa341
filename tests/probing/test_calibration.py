import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgeo.probing.calibration import calibration_error, commonest_share, confidence, degenerate


def plain_error(logits, targets, n_bins):
    """Return the calibration error bin by bin, from its definition."""
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    sure, right = p.max(axis=1), p.argmax(axis=1) == targets
    error = 0.0
    for b in range(n_bins):
        inside = (sure > b / n_bins) & (sure <= (b + 1) / n_bins)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    return error


class TestCalibrationError:
    """How far confidence is from accuracy."""

    @pytest.mark.parametrize("n_bins", [1, 10, 15])
    @given(seed=st.integers(0, 200))
    def test_it_agrees_with_the_reference(self, n_bins, seed):
        """On random answers it is that of the plain formula."""
        rng = np.random.default_rng(seed)
        logits, targets = 2 * rng.normal(size=(40, 3)), rng.integers(3, size=40)

        found = calibration_error(logits, targets, n_bins=n_bins)
        assert found.value == pytest.approx(plain_error(logits, targets, n_bins))
        assert 0 <= found.lo <= found.value <= found.hi <= 1

    def test_a_sure_model_has_the_error_of_its_accuracy(self):
        """A model that is always certain is off by its share of wrong answers."""
        logits = np.tile([100.0, 0.0], (10, 1))

        assert calibration_error(logits, np.array([0] * 7 + [1] * 3)).value == pytest.approx(0.3)

    def test_an_honest_model_has_none(self):
        """A model that is 80 % sure and right 8 times in 10 is calibrated."""
        logits = np.log(np.tile([0.8, 0.2], (10, 1)))

        error = calibration_error(logits, np.array([0] * 8 + [1] * 2)).value
        assert error == pytest.approx(0, abs=1e-12)

    def test_its_interval_is_the_jackknife(self, rng):
        """The half width is that of leaving out each example in turn, done one by one."""
        logits, targets = rng.normal(size=(60, 2)), rng.integers(2, size=60)
        without = [
            calibration_error(np.delete(logits, i, 0), np.delete(targets, i)).value
            for i in range(60)
        ]
        found = calibration_error(logits, targets)
        half = 1.959963984540054 * np.sqrt(59 / 60 * np.sum((without - np.mean(without)) ** 2))

        assert found.hi - found.value == pytest.approx(half)


class TestPredictions:
    """Confidence, and models that answer one label only."""

    @given(seed=st.integers(0, 50))
    def test_confidence_is_that_of_the_predicted_label(self, seed):
        """It is at least what guessing gives, and does not see a common shift of the logits."""
        logits = np.random.default_rng(seed).normal(size=(9, 3))
        sure = confidence(logits)

        assert (sure >= 1 / 3).all()
        np.testing.assert_allclose(sure, confidence(logits + 4))

    def test_the_commonest_label_is_counted(self):
        """The share is that of the label that is given most often."""
        assert commonest_share(np.eye(3)[[0, 1, 1, 2]]).value == 0.5

    def test_a_constant_model_is_flagged(self):
        """One label for all examples of several labels is degenerate."""
        assert degenerate(np.tile([1.0, 0.0], (100, 1)), np.arange(100) % 2).value == 1.0

    def test_a_model_that_tells_labels_apart_is_not(self):
        """Two predictions in a hundred are enough."""
        logits = np.eye(2)[[0] * 98 + [1] * 2]

        assert degenerate(logits, np.arange(100) % 2).value == 0.0

    def test_labels_that_are_all_alike_ask_for_one_answer(self):
        """Where the labels themselves are one, one answer is right."""
        assert degenerate(np.tile([1.0, 0.0], (100, 1)), np.zeros(100, int)).value == 0.0
