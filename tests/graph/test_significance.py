"""Tests of differences between groups, effect sizes, and correction for many questions."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgeo.graph import significance
from wsgeo.graph.significance import (
    benjamini_hochberg,
    cliffs_delta,
    permutation_test,
    permutation_tests,
    smallest_p,
)

VALUES = st.lists(st.integers(0, 20).map(lambda i: i / 20), min_size=1, max_size=5)


class TestPermutationTest:
    """The test of a difference of two means."""

    @given(a=VALUES, b=VALUES)
    def test_agrees_with_the_reference(self, a, b):
        """The exact p-value is the share of all divisions that differ at least as much."""
        pooled = [*a, *b]
        observed = abs(np.mean(a) - np.mean(b))
        reached = []
        for chosen in itertools.combinations(range(len(pooled)), len(a)):
            one = [pooled[i] for i in chosen]
            other = [pooled[i] for i in range(len(pooled)) if i not in chosen]
            reached.append(abs(np.mean(one) - np.mean(other)) >= observed - 1e-9)
        found = permutation_test(a, b, rng=np.random.default_rng(0))

        assert found.exact
        assert found.p_value == pytest.approx(np.mean(reached))
        assert found.p_value >= found.smallest - 1e-12

    @given(a=VALUES, b=VALUES)
    def test_the_groups_may_be_exchanged(self, a, b):
        """Exchanging the groups leaves the p-value as it is."""
        one, other = (permutation_test(*g, rng=np.random.default_rng(0)) for g in ((a, b), (b, a)))

        assert one == other

    def test_random_permutations_agree_with_counting(self, monkeypatch):
        """Drawn permutations give the counted p-value within their own error."""
        a, b = [0.1, 0.5, 0.6, 0.7], [0.2, 0.3, 0.35, 0.1]
        exact = permutation_test(a, b, rng=np.random.default_rng(0)).p_value
        monkeypatch.setattr(significance, "MAX_EXACT", 1)
        drawn = permutation_test(a, b, rng=np.random.default_rng(0))

        assert not drawn.exact
        assert drawn.p_value == pytest.approx(exact, abs=5 * np.sqrt(exact * (1 - exact) / 9_999))

    def test_large_groups_apart_have_the_smallest_drawn_value(self):
        """With too many divisions to count, the p-value is never 0."""
        found = permutation_test(np.ones(30), np.zeros(30), rng=np.random.default_rng(0))

        assert found.p_value == found.smallest == 1e-4

    @pytest.mark.slow
    def test_the_level_is_kept(self):
        """Without a difference, at most 5 % of tests fall below 0.05 (2,000 draws)."""
        rng = np.random.default_rng(1)
        values = rng.random((9, 2_000))
        low = permutation_tests(values, [0] * 5 + [1] * 4, rng=rng).p_values < 0.05

        assert np.mean(low) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2_000)

    @pytest.mark.parametrize("bad", [([], [1]), ([1], [np.nan])])
    def test_missing_values_are_refused(self, bad):
        """An empty group or a value that is not finite is a mistake of the caller."""
        with pytest.raises(ValueError, match="Both groups"):
            permutation_test(*bad, rng=np.random.default_rng(0))


class TestSeveralGroups:
    """The test of many columns and of more than two groups."""

    @given(
        groups=st.lists(st.integers(0, 2), min_size=3, max_size=6).filter(
            lambda g: len(set(g)) > 1
        ),
        data=st.data(),
    )
    def test_agrees_with_the_reference(self, groups, data):
        """The exact p-value is the share of all orders of the labels that part them as far."""
        n = len(groups)
        values = np.array(data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))) / 9
        found = permutation_tests(values[:, None], groups, rng=np.random.default_rng(0))

        def between(dealt):
            own = [values[np.array(dealt) == g] for g in set(groups)]
            return sum(len(x) * (x.mean() - values.mean()) ** 2 for x in own)

        least = between(groups) - 1e-9
        reached = [between(dealt) >= least for dealt in set(itertools.permutations(groups))]
        assert found.exact
        assert found.p_values[0] == pytest.approx(np.mean(reached))

    @pytest.mark.parametrize("sizes", [(2, 2), (1, 3), (3, 2, 2), (2, 1, 1, 2)])
    def test_every_dealing_comes_once(self, sizes):
        """The dealings that are counted are all there are, each once, of the sizes asked for."""
        dealt = significance._every_dealing(np.array(sizes))
        n_ways = math.factorial(sum(sizes)) // math.prod(map(math.factorial, sizes))

        assert len(np.unique(dealt, axis=0)) == len(dealt) == n_ways
        assert all(((dealt == g).sum(axis=1) == n).all() for g, n in enumerate(sizes))

    @pytest.mark.parametrize("sizes", [(4, 3), (30, 30)])
    def test_names_of_groups_and_order_of_columns_do_not_matter(self, rng, sizes):
        """Other labels and another order of columns give each column its p-value."""
        values, groups = rng.random((sum(sizes), 5)), np.repeat([0, 1], sizes)
        one = permutation_tests(values, groups, rng=np.random.default_rng(1)).p_values
        named = permutation_tests(values[:, ::-1], groups + 7, rng=np.random.default_rng(1))

        assert named.p_values[::-1].tolist() == one.tolist()

    def test_scale_and_place_do_not_matter(self, rng):
        """Values times a factor plus a constant give the same p-values."""
        values, groups = rng.random((9, 5)), [0, 0, 0, 1, 1, 1, 2, 2, 2]
        one = permutation_tests(values, groups, rng=rng).p_values

        assert permutation_tests(3 * values - 40, groups, rng=rng).p_values.tolist() == one.tolist()

    def test_drawn_and_counted_agree(self, rng, monkeypatch):
        """Drawn dealings of three groups give the counted p-values within their error."""
        values, groups = rng.random((9, 6)), [0, 0, 0, 1, 1, 1, 1, 2, 2]
        exact = permutation_tests(values, groups, rng=rng).p_values
        monkeypatch.setattr(significance, "MAX_EXACT", 1)
        drawn = permutation_tests(values, groups, rng=rng)

        assert not drawn.exact
        assert drawn.p_values == pytest.approx(exact, abs=5 * 0.5 / np.sqrt(9_999))

    def test_equal_values_are_no_difference(self):
        """A column without spread has the p-value 1, whatever rounding leaves of its mean."""
        found = permutation_tests(np.full((7, 1), 0.1), [0, 0, 0, 1, 1, 1, 1], rng=None)

        assert found.p_values.tolist() == [1.0]

    @pytest.mark.parametrize("sizes", [(3, 3), (3, 2), (2, 2, 2), (1, 2, 3), (4, 2, 2)])
    def test_the_smallest_value_is_reached(self, sizes):
        """Groups far apart have the smallest p-value that their sizes can give."""
        values = np.repeat([0.0, 1.0, 10.0, 100.0][: len(sizes)], sizes)
        values += np.linspace(0, 0.001, len(values))
        groups = np.repeat(np.arange(len(sizes)), sizes)
        found = permutation_tests(values[:, None], groups, rng=None)

        assert found.p_values[0] == pytest.approx(found.smallest)
        assert found.smallest == smallest_p(sizes)

    @pytest.mark.parametrize(
        ("values", "groups"), [([[1.0], [2.0]], [0, 0]), ([[1.0], [np.nan]], [0, 1])]
    )
    def test_one_group_and_missing_values_are_refused(self, values, groups):
        """There is nothing to test in one group, and NaN is no value."""
        with pytest.raises(ValueError, match="Two groups"):
            permutation_tests(values, groups, rng=None)


class TestCorrection:
    """Corrections for many questions, and effect sizes."""

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
    def test_agrees_with_the_reference(self, p):
        """The adjusted value is the least of n p / rank over the p-values at least as large."""
        ranks = {i: r for r, i in enumerate(sorted(range(len(p)), key=p.__getitem__), start=1)}
        expected = [
            min(1.0, min(p[j] * len(p) / ranks[j] for j in ranks if ranks[j] >= ranks[i]))
            for i in range(len(p))
        ]

        assert benjamini_hochberg(p).tolist() == pytest.approx(expected)

    def test_no_questions_give_no_values(self):
        """An empty list stays empty."""
        assert benjamini_hochberg([]).tolist() == []

    @given(a=VALUES, b=VALUES)
    def test_cliffs_delta_counts_pairs(self, a, b):
        """Cliff's delta is antisymmetric and counts pairs above minus pairs below."""
        pairs = [(x > y) - (x < y) for x in a for y in b]

        assert cliffs_delta(a, b) == pytest.approx(np.mean(pairs)) == -cliffs_delta(b, a)
