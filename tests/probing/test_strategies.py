import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgeo.graph import significance
from wsgeo.graph.significance import benjamini_hochberg, cliffs_delta, permutation_test
from wsgeo.probing.headlines import headlines
from wsgeo.probing.strategies import basin_profile
from wsgeo.probing.tables import CONTRASTS, PROFILE, SCORES

VALUES = st.lists(st.integers(0, 20).map(lambda i: i / 20), min_size=1, max_size=5)


def table(metrics, slices=("s",)):
    """Return measured scores from {id: [metric per slice]}."""
    rows = [
        {
            "id": name, "set": "hans", "slice": part, "n_examples": 10, "metric": value,
            "outcome": "measured",
        }
        for name, values in metrics.items()
        for part, value in zip(slices, values, strict=True)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCORES)


def planted(n_a=6, n_b=6, gap=0.4):
    """Return scores that differ by a gap on slice x and not at all on slice y."""
    rng = np.random.default_rng(0)
    shift = {f"a{i}": gap for i in range(n_a)} | {f"b{i}": 0.0 for i in range(n_b)}
    metrics = {
        name: [0.3 + up + rng.uniform(0, 0.05), 0.5 + rng.uniform(0, 0.05)]
        for name, up in shift.items()
    }
    labels = {name: int(name.startswith("b")) for name in metrics}
    return table(metrics, ("x", "y")), labels


class TestPermutationTest:
    """The test of a difference of means."""

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
        low = [
            permutation_test(rng.random(5), rng.random(4), rng=rng).p_value < 0.05
            for _ in range(2_000)
        ]

        assert np.mean(low) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2_000)

    @pytest.mark.parametrize("bad", [([], [1]), ([1], [np.nan])])
    def test_missing_values_are_refused(self, bad):
        """An empty group or a value that is not finite is a mistake of the caller."""
        with pytest.raises(ValueError, match="Both groups"):
            permutation_test(*bad, rng=np.random.default_rng(0))


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


class TestBasinProfile:
    """Profiles of basins."""

    def test_a_planted_difference_is_found_and_the_other_slice_is_not(self):
        """Strategies that differ on one slice give a sentence about it, and a count of the others."""
        scores, labels = planted()
        found = basin_profile(scores, labels, rng=np.random.default_rng(0))

        assert found.profile.schema == PROFILE
        assert found.contrasts.schema == CONTRASTS
        assert len(found.sentences) == 2
        assert found.sentences[0].startswith("On hans, x: basin 0 is right on 7")
        assert found.sentences[1] == "No difference found on 1 further slice."
        assert found.better == 0
        x, y = found.contrasts.rows(named=True)
        assert x["effect_size"] == 1.0
        assert x["p_value"] == 2 / 924
        assert x["p_adjusted"] == pytest.approx(4 / 924)
        assert "no difference found" in y["sentence"]

    def test_parts_of_a_told_slice_and_small_differences_are_counted(self):
        """Of nested slices the one that differs most is told; two per cent are not worth words."""
        high, low = [0.1, 0.2, 0.55, 0.98, 0.5], [0.9, 0.8, 0.85, 1.0, 0.5]
        slices = ("a/non-entailment", "a", "all", "b", "c")
        names = {f"m{k}": (high, low)[k % 2] for k in range(12)}
        scores = table({n: [x + 0.001 * int(n[1:]) for x in v] for n, v in names.items()}, slices)
        found = basin_profile(
            scores, {n: int(n[1:]) % 2 for n in names}, rng=np.random.default_rng(0)
        )

        assert found.better == 1
        assert found.sentences[0].startswith("On hans, a/non-entailment: basin 1 is right on 9")
        assert found.sentences[1:] == (
            (
                "3 further slices: smaller differences, or parts of these. "
                "No difference found on 1 further slice."
            ),
        )

    def test_means_and_spreads_are_over_members(self):
        """A profile's mean and spread are those of its members' accuracies."""
        scores, labels = planted(n_a=3, n_b=1)
        found = basin_profile(scores, labels, rng=np.random.default_rng(0)).profile
        row = found.row(by_predicate=(pl.col("slice") == "x") & (pl.col("basin") == 0), named=True)
        values = scores.filter(pl.col("slice") == "x")["metric"][:3]

        assert (row["n"], row["mean"]) == (3, pytest.approx(values.mean()))
        assert row["spread"] == pytest.approx(np.std(values.to_numpy(), ddof=1))
        assert found.filter(pl.col("basin") == 1)["spread"].null_count() == 2

    def test_the_order_of_rows_does_not_matter(self):
        """Shuffled scores and labels give the same tables."""
        scores, labels = planted()
        turned = dict(reversed(labels.items()))
        one = basin_profile(scores, labels, rng=np.random.default_rng(0))
        other = basin_profile(
            scores.sample(fraction=1, shuffle=True, seed=1), turned, rng=np.random.default_rng(0)
        )

        assert one.contrasts.equals(other.contrasts)
        assert one.sentences == other.sentences

    def test_too_few_members_are_said_to_be_too_few(self):
        """Where no division could be significant, the sentence says so instead of claiming none."""
        scores, labels = planted(n_a=3, n_b=2)
        found = basin_profile(scores, labels, rng=np.random.default_rng(0))

        assert found.sentences == ("No difference found between basins 0 and 1 on any slice.",)
        assert found.better is None
        assert "3 and 2 members are too few" in found.contrasts["sentence"][0]

    @pytest.mark.parametrize(("label", "word"), [(0, "one basin"), (-1, "no basin")])
    def test_one_basin_has_nothing_to_compare(self, label, word):
        """With fewer than two basins there are no contrasts, and a sentence says so."""
        scores, labels = planted()
        found = basin_profile(scores, dict.fromkeys(labels, label), rng=np.random.default_rng(0))

        assert found.contrasts.height == 0
        assert found.sentences == (f"There is {word}: no strategies to compare.",)

    def test_noise_and_failures_do_not_count(self):
        """Noise, members without a basin, and rows that were not measured are left out."""
        scores, labels = planted()
        extra = table({"noise": [0.0, 1.0], "stranger": [0.0, 1.0]}, ("x", "y"))
        failed = table({"a0": [0.0]}, ("z",)).with_columns(
            pl.lit("failed", dtype=SCORES["outcome"]).alias("outcome"),
            pl.lit(None, dtype=pl.Float64).alias("metric"),
        )
        more = basin_profile(
            pl.concat([scores, extra, failed]),
            labels | {"noise": -1},
            rng=np.random.default_rng(0),
        )
        plain = basin_profile(scores, labels, rng=np.random.default_rng(0))

        assert more.profile.equals(plain.profile)
        assert more.contrasts.equals(plain.contrasts)

    def test_the_two_largest_basins_are_compared(self):
        """With three basins the largest two are compared, ties by label."""
        scores, labels = planted(n_a=3, n_b=5)
        labels |= {"b0": 7}
        found = basin_profile(scores, labels, rng=np.random.default_rng(0)).contrasts

        assert found.select("basin_a", "basin_b").unique().rows() == [(1, 0)]

    @pytest.mark.slow
    def test_no_difference_is_rarely_called_one(self):
        """Random accuracies give a sentence in at most 5 % of zoos (200 draws of 6 slices)."""
        rng = np.random.default_rng(2)
        labels = {f"m{i}": i % 2 for i in range(10)}
        false = 0
        for _ in range(200):
            scores = table({name: rng.random(6).tolist() for name in labels}, tuple("uvwxyz"))
            found = basin_profile(scores, labels, rng=rng)
            false += found.contrasts["p_adjusted"].min() < 0.05

        assert false / 200 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


class TestHeadlines:
    """What is told in few words."""

    def test_slices_of_like_figures_share_a_sentence(self):
        """One sentence names all slices of like figures, their label once, and their range."""
        slices = ("lexical_overlap/no", "constituent/no", "subsequence/no", "other")
        metrics = {f"a{i}": [0.99, 1, 1, 0.7] for i in range(6)}
        metrics |= {f"b{i}": [0, 0, 0, 0.1] for i in range(6)}
        labels = {name: int(name.startswith("a")) for name in metrics}
        found = basin_profile(table(metrics, slices), labels, rng=np.random.default_rng(0))
        p = found.contrasts["p_adjusted"][0]

        first, second = headlines(found)

        assert first == (
            "On hans, constituent, lexical_overlap and subsequence/no: basin 1 is right on 99 to "
            f"100% of the examples, basin 0 on 0% (p = {p:.2g} after correction)."
        )
        assert second.startswith("On hans, other: basin 1 is right on 70% of the examples")

    def test_one_slice_is_told_as_it_was(self):
        """Where nothing can be joined, the sentences are those of the comparison."""
        scores, labels = planted()
        found = basin_profile(scores, labels, rng=np.random.default_rng(0))

        assert headlines(found) == found.sentences

    def test_without_a_difference_the_reason_stays(self):
        """No difference is told in the same words."""
        scores, labels = planted(gap=0)
        found = basin_profile(scores, labels, rng=np.random.default_rng(0))

        assert headlines(found) == found.sentences
