"""Draws of the nulls, counted for the chart."""

import numpy as np
import polars as pl
import pytest

from wsgeo.reporting.nulls import N_BINS, draw_counts


@pytest.fixture
def draws(rng):
    """Return the draws of two nulls that lie far from each other."""
    low, high = rng.normal(0.1, 0.01, 50), rng.normal(0.6, 0.01, 20)
    names = ["angles"] * 50 + ["errors"] * 20
    return pl.DataFrame({"null": names, "statistic": np.concatenate([low, high])})


class TestDrawCounts:
    """`draw_counts`."""

    def test_every_draw_is_counted_at_most_half_a_bin_away(self, draws):
        """The mean over the bins is that of the draws to half a bin."""
        counts = draw_counts(draws)
        half = (draws["statistic"].max() - draws["statistic"].min()) / N_BINS / 2

        for (null,), own in counts.group_by("null"):
            drawn = draws.filter(null=null)["statistic"]
            mean = (own["statistic"] * own["draws"]).sum() / own["draws"].sum()
            assert own["draws"].sum() == len(drawn)
            assert abs(mean - drawn.mean()) <= half

    def test_a_draw_lies_in_the_middle_of_its_bin(self):
        """The extremes of the draws lie half a bin outside of the outer middles."""
        counts = draw_counts(pl.DataFrame({"null": ["a", "a"], "statistic": [0.0, 3.0]}))

        assert counts["statistic"].min() == pytest.approx(0.05)
        assert counts["statistic"].max() == pytest.approx(2.95)

    def test_empty_bins_are_zero(self, draws):
        """Each null has a row for every bin, also for those where it was never drawn."""
        counts = draw_counts(draws)

        assert counts.group_by("null").len()["len"].to_list() == [N_BINS, N_BINS]
        assert counts.filter(pl.col("draws") == 0).height > N_BINS

    def test_draws_that_are_not_finite_are_no_draws(self):
        """Nothing is counted where nothing is finite."""
        assert not draw_counts(pl.DataFrame({"null": ["a"], "statistic": [np.nan]})).height
        assert not draw_counts(pl.DataFrame({"null": ["a"], "statistic": [None]})).height

    def test_equal_draws_are_one_bin(self):
        """A null that always gives the same value is one peak at that value."""
        counts = draw_counts(pl.DataFrame({"null": ["a"] * 4, "statistic": [0.25] * 4}))

        [peak] = counts.filter(pl.col("draws") > 0).rows()
        assert peak[2] == 4
        assert peak[1] == pytest.approx(0.25, abs=0.02)
