import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from wsgeo.errors import DataError
from wsgeo.probing.correlations import (
    log_odds,
    rank_correlation,
    ranked,
    spearman,
    strongest_correlation,
)

VALUES = st.lists(st.integers(0, 5), min_size=8, max_size=8).filter(lambda x: len(set(x)) > 1)


class TestSpearman:
    """Rank correlation of two values."""

    @given(x=VALUES, y=VALUES)
    def test_it_agrees_with_the_reference(self, x, y):
        """With ties and without it is the coefficient that scipy computes."""
        assert spearman(x, y).value == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)

    @given(x=VALUES, y=VALUES)
    def test_only_the_order_counts(self, x, y):
        """A rising transformation changes nothing, a falling one the sign, itself gives 1."""
        assert spearman(np.exp(x), y) == spearman(x, y)
        assert spearman(-np.array(x), y).value == pytest.approx(-spearman(x, y).value)
        assert spearman(x, x).value == 1.0

    def test_equal_values_have_no_order(self):
        """A value that never changes is not correlated with anything."""
        with pytest.raises(DataError, match="no order"):
            spearman([1, 1, 1], [1, 2, 3])

    def test_its_interval_holds_the_truth_as_often_as_it_says(self, rng):
        """Over draws of a known correlation about 95 % of the intervals hold it."""
        r = 0.5
        true = 6 / np.pi * np.arcsin(r / 2)
        draws = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], size=(600, 60))
        found = [spearman(draw[:, 0], draw[:, 1]) for draw in draws]

        assert np.mean([one.lo <= true <= one.hi for one in found]) == pytest.approx(0.95, abs=0.03)

    def test_three_examples_have_no_interval(self):
        """Fisher's interval begins with four examples."""
        assert spearman([1, 2, 3], [1, 3, 2]).lo is None

    @given(x=VALUES)
    def test_ranks_are_those_of_the_reference(self, x):
        """Equal values share the middle of their ranks; the mean rank is 0."""
        ranks = ranked(np.array(x, dtype=float)[:, None])[:, 0]

        np.testing.assert_array_equal(ranks, stats.rankdata(x) - 4.5)


class TestRankCorrelation:
    """How alike two models order the examples."""

    def test_it_is_the_mean_over_labels(self, rng):
        """It is the mean of plain coefficients of the log-odds, label by label."""
        a, b = rng.normal(size=(2, 30, 3))
        p, q = (np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) for x in (a, b))
        plain = [stats.spearmanr(p[:, k], q[:, k]).statistic for k in range(3)]

        assert rank_correlation(a, b).value == pytest.approx(np.mean(plain))

    def test_it_does_not_see_how_sure_a_model_is(self, rng):
        """With two labels, scaled and shifted logits order the examples in the same way."""
        a = rng.normal(size=(30, 2))

        assert rank_correlation(a, 90 * a + 7).value == 1.0
        assert rank_correlation(a, a[:, ::-1]).value == -1.0

    def test_sure_answers_keep_their_order(self):
        """Where probabilities round to 1 the log-odds still differ."""
        a = np.array([[0, 50], [0, 60], [0, 70], [0, 80]])

        assert rank_correlation(a, a).value == 1.0
        assert rank_correlation(a, a[[1, 0, 2, 3]]).value == pytest.approx(0.8)

    def test_a_label_without_order_is_left_out(self, rng):
        """A label that one model always gives the same odds does not count."""
        a, b = (
            rng.normal(size=(20, 3)),
            np.array([[1.0, 2, 0], [2, 1, 0]])[rng.integers(2, size=20)],
        )
        kept = [spearman(log_odds(a)[:, k], log_odds(b)[:, k]).value for k in (0, 1)]

        assert np.ptp(log_odds(b)[:, 2]) == 0
        assert rank_correlation(a, b).value == pytest.approx(np.mean(kept))

    def test_a_constant_model_has_no_order(self, rng):
        """A model that answers every text alike cannot be compared so."""
        with pytest.raises(DataError, match="every text alike"):
            rank_correlation(rng.normal(size=(5, 2)), np.ones((5, 2)))


class TestStrongestCorrelation:
    """The label that follows a quantity most."""

    @given(x=VALUES, y=VALUES)
    def test_of_two_labels_it_is_the_size_of_the_coefficient(self, x, y):
        """With two labels it is the absolute coefficient, whichever label comes first."""
        logits = np.column_stack([np.zeros(8), x])
        expected = abs(stats.spearmanr(x, y).statistic)

        assert strongest_correlation(logits, y).value == pytest.approx(expected, abs=1e-12)
        assert strongest_correlation(logits[:, ::-1], y) == strongest_correlation(logits, y)

    def test_its_interval_stays_above_zero(self, rng):
        """A size is not negative, and neither is the end of its interval."""
        found = strongest_correlation(rng.normal(size=(30, 3)), rng.normal(size=30))

        assert 0 <= found.lo <= found.value <= found.hi <= 1

    def test_equal_lengths_tell_nothing(self, rng):
        """A quantity that never changes is refused."""
        with pytest.raises(DataError, match="same for every example"):
            strongest_correlation(rng.normal(size=(5, 2)), np.ones(5))
