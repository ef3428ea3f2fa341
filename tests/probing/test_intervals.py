import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from wsgeo.probing.intervals import Z95, wilson_interval, wilson_intervals


class TestWilsonInterval:
    """The interval of a fraction."""

    @given(n=st.integers(1, 500), data=st.data())
    def test_its_ends_are_where_the_score_test_turns(self, n, data):
        """At each end the fraction lies exactly 1.96 standard errors away (a plain root search)."""
        hits = data.draw(st.integers(1, n)) - 1
        low, high = wilson_interval(hits, n)

        def excess(p):
            return (hits / n - p) ** 2 - Z95**2 * p * (1 - p) / n

        assert high == pytest.approx(brentq(excess, max(hits / n, 1e-12), 1), abs=1e-7)
        assert 0 <= low <= hits / n <= high <= 1

    @given(n=st.integers(1, 500), data=st.data())
    def test_right_and_wrong_mirror_each_other(self, n, data):
        """The interval of the wrong answers is the mirror of that of the right ones."""
        hits = data.draw(st.integers(0, n))
        low, high = wilson_interval(hits, n)

        assert wilson_interval(n - hits, n) == pytest.approx((1 - high, 1 - low))

    def test_none_right_has_exact_lower_end(self):
        """With no hit the lower end is 0, with all hits the upper end is 1."""
        assert wilson_interval(0, 7)[0] == 0.0
        assert wilson_interval(7, 7)[1] == 1.0

    @pytest.mark.parametrize("bad", [(0, 0), (3, 2), (-1, 2)])
    def test_impossible_counts_are_refused(self, bad):
        """Counts that are no score are a mistake of the caller."""
        with pytest.raises(ValueError, match="no score"):
            wilson_interval(*bad)

    def test_many_are_each_one(self):
        """Intervals of many fractions are those of each."""
        low, high = wilson_intervals([0, 3.5, 9], [4, 7, 9])

        assert np.stack([low, high], axis=1).tolist() == [
            list(wilson_interval(hits, n)) for hits, n in [(0, 4), (3.5, 7), (9, 9)]
        ]
