import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import distance

from wsgeo.probing.behaviours import agreement, fraction, jensen_shannon, mean, probabilities
from wsgeo.probing.intervals import Z95, wilson_interval

LOGITS = arrays(np.float64, (7, 3), elements=st.floats(-30, 30, width=32))


class TestAgreement:
    """Equal predictions."""

    @given(a=LOGITS, b=LOGITS)
    def test_it_is_symmetric_and_whole_with_itself(self, a, b):
        """Neither model comes first, and each agrees with itself."""
        assert agreement(a, b) == agreement(b, a)
        assert agreement(a, a).value == 1.0

    @given(a=LOGITS, b=LOGITS)
    def test_it_counts_equal_predictions(self, a, b):
        """It is the plain count, with the interval of a fraction."""
        hits = sum(x.argmax() == y.argmax() for x, y in zip(a, b, strict=True))
        found = agreement(a, b)

        assert (found.value, found.n) == (hits / 7, 7)
        assert (found.lo, found.hi) == wilson_interval(hits, 7)


class TestJensenShannon:
    """The distance of predicted distributions."""

    @given(a=LOGITS, b=LOGITS)
    def test_it_agrees_with_the_reference(self, a, b):
        """It is the distance that scipy computes, to what its square root lets be seen."""
        with np.errstate(invalid="ignore"):  # of equal distributions scipy's sum may fall below 0
            expected = distance.jensenshannon(probabilities(a), probabilities(b), base=2, axis=1)

        np.testing.assert_allclose(
            jensen_shannon(a, b) ** 2, np.nan_to_num(expected) ** 2, atol=1e-14
        )

    @given(a=LOGITS, b=LOGITS, c=LOGITS)
    def test_it_is_a_metric(self, a, b, c):
        """It is 0 from a model to itself, symmetric, and keeps the triangle inequality."""
        assert (jensen_shannon(a, a) == 0).all()
        np.testing.assert_array_equal(jensen_shannon(a, b), jensen_shannon(b, a))
        assert (jensen_shannon(a, c) <= jensen_shannon(a, b) + jensen_shannon(b, c) + 1e-7).all()

    def test_its_ends_are_zero_and_one(self):
        """Distributions without a common label are 1 apart, however sure the logits are."""
        sure = np.array([[1e4, 0.0, 0.0]])

        assert jensen_shannon(sure, sure[:, ::-1]).tolist() == [1.0]
        assert jensen_shannon(sure, sure + 5).tolist() == [0.0]


class TestEstimates:
    """Numbers with intervals."""

    def test_a_mean_has_the_normal_interval(self, rng):
        """It is the mean and 1.96 standard errors to both sides."""
        values = rng.normal(size=50)
        found = mean(values)

        assert found.value == pytest.approx(values.mean())
        assert found.hi - found.value == pytest.approx(Z95 * values.std(ddof=1) / np.sqrt(50))
        assert found.value - found.lo == pytest.approx(Z95 * values.std(ddof=1) / np.sqrt(50))

    def test_an_interval_ends_where_the_mean_must(self):
        """No interval of a mean of fractions leaves [0, 1]."""
        found = mean([0.0, 0.0, 1.0], within=(0.0, 1.0))

        assert (found.lo, found.hi) == (0.0, pytest.approx(1 / 3 + Z95 / 3))

    def test_one_example_has_no_interval(self):
        """The mean of one value says nothing about its scatter."""
        assert (mean([3.0]).lo, mean([3.0]).hi) == (None, None)

    def test_a_fraction_has_the_wilson_interval(self):
        """A share is told with the interval of its count."""
        found = fraction([True] * 8 + [False] * 2)

        assert (found.value, found.lo, found.hi) == (0.8, *wilson_interval(8, 10))

    @given(logits=LOGITS, shift=st.floats(-100, 100, width=32))
    def test_probabilities_do_not_see_a_common_shift(self, logits, shift):
        """They sum to 1 and depend on differences of logits."""
        p = probabilities(logits)

        np.testing.assert_allclose(p.sum(axis=1), 1)
        np.testing.assert_allclose(p, probabilities(logits + shift), atol=1e-12)
