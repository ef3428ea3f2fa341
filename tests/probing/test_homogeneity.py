"""Members that differ from one another without any basins."""

import numpy as np
import polars as pl
import pytest

from wsgeo.probing.homogeneity import homogeneity, widest_spread
from wsgeo.probing.tables import SCORES


def table(rows, n=200):
    """Return scores of (id, slice, metric)."""
    fixed = {"set": "s", "measure": "accuracy", "n_examples": n, "outcome": "measured"}
    return pl.DataFrame(
        [{"id": name, "slice": part, "metric": value, **fixed} for name, part, value in rows],
        schema=SCORES,
    )


class TestHomogeneity:
    """One fraction, or several."""

    def test_is_the_usual_chi_square(self):
        """It is the contingency test of right and wrong answers by member."""
        from scipy.stats import chi2_contingency

        hits, n = np.array([30, 45, 38]), 80
        usual = chi2_contingency([hits, n - hits], correction=False).pvalue

        assert homogeneity(hits / n, n) == pytest.approx(usual, rel=1e-9)

    def test_order_and_side_do_not_matter(self):
        """Right and wrong may be exchanged, and members permuted."""
        values = np.array([0.1, 0.4, 0.35])

        assert homogeneity(values, 50) == pytest.approx(homogeneity(1 - values[::-1], 50))

    def test_holds_its_level_for_equal_members(self):
        """Members of one fraction are told apart in about one case of twenty, not more."""
        rng = np.random.default_rng(0)
        draws = rng.binomial(200, 0.6, size=(2000, 6)) / 200

        rate = np.mean([homogeneity(each, 200) < 0.05 for each in draws])

        assert 0.035 < rate < 0.065


class TestWidestSpread:
    """The sentence."""

    def test_names_the_slice_with_the_largest_range(self):
        """Of those that stand, the widest is told with its ends."""
        rows = [(f"m{k}", "a", 0.5) for k in range(4)]
        rows += [(f"m{k}", "b", 0.2 + 0.2 * k) for k in range(4)]

        said = widest_spread(table(rows), [f"m{k}" for k in range(4)])

        assert said.endswith("most on s, b: from 20% to 80%.")
        assert "1 of 2 slices" in said

    def test_says_so_where_nothing_stands(self):
        """Small differences are what examples explain."""
        rows = [(f"m{k}", "a", 0.5 + 0.01 * k) for k in range(4)]

        assert widest_spread(table(rows), ["m0", "m1", "m2", "m3"]).startswith("No slice")

    def test_one_member_says_nothing(self):
        """A spread takes two."""
        assert widest_spread(table([("m0", "a", 0.5)]), ["m0"]) is None
