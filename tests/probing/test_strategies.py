"""Profiles of basins: which differences are found, and in which words."""

import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from strategy_cases import planted, table

from wsgeo.graph.significance import cliffs_delta, permutation_test
from wsgeo.probing.detectable import detectable_difference
from wsgeo.probing.strategies import basin_profile
from wsgeo.probing.tables import CONTRASTS, PROFILE, SCORES


@pytest.fixture
def draws():
    """Give the simulation of benchmarks/strategies.py."""
    path = Path(__file__).parents[2] / "benchmarks" / "strategies.py"
    spec = importlib.util.spec_from_file_location("strategies_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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

    def test_a_row_is_what_the_parts_say(self):
        """Means, effect size, detectable difference and correlation are those of the members."""
        scores, labels = planted(n_a=7, n_b=5)
        place = {name: float(k) for k, name in enumerate(labels)}
        found = basin_profile(
            scores, labels, rng=np.random.default_rng(0), coordinate=place
        ).contrasts.row(0, named=True)
        a, b = (
            scores.filter(pl.col("slice") == "x", pl.col("id").str.starts_with(letter))
            for letter in "ab"
        )
        a, b = a["metric"].to_numpy(), b["metric"].to_numpy()
        spread = np.sqrt((6 * a.var(ddof=1) + 4 * b.var(ddof=1)) / 10)
        test = permutation_test(a, b, rng=np.random.default_rng(0))

        assert (found["n_basins"], found["basin_a"], found["basin_b"]) == (2, 0, 1)
        assert (found["n_a"], found["n_b"]) == (7, 5)
        assert found["mean_a"] - found["mean_b"] == pytest.approx(found["difference"])
        assert found["difference"] == pytest.approx(a.mean() - b.mean())
        assert found["effect_size"] == cliffs_delta(a, b)
        assert found["p_value"] == pytest.approx(test.p_value)
        assert found["detectable"] == pytest.approx(
            detectable_difference(spread, (7, 5), n_tests=2)
        )
        r = np.corrcoef(np.arange(12), np.concatenate([a, b]))[0, 1]
        assert found["correlation"] == pytest.approx(r)
        assert found["correlation_lo"] < r < found["correlation_hi"]

    def test_without_places_there_is_no_correlation(self):
        """Members without a place on the axis leave the correlation empty."""
        scores, labels = planted()
        found = basin_profile(scores, labels, rng=np.random.default_rng(0)).contrasts

        assert found.select("correlation", "correlation_lo").null_count().row(0) == (2, 2)

    def test_all_basins_are_compared(self):
        """Of three basins the two that differ most are told, and the p-value is that of all."""
        rng = np.random.default_rng(0)
        level = {0: 0.5, 1: 0.9, 2: 0.3}
        labels = {f"m{k:02}": k % 3 for k in range(15)}
        scores = table({n: [level[b] + rng.uniform(0, 0.05)] for n, b in labels.items()})
        found = basin_profile(scores, labels, rng=rng)
        row = found.contrasts.row(0, named=True)

        assert (row["n_basins"], row["basin_a"], row["basin_b"]) == (3, 1, 2)
        assert found.better == 1
        assert found.sentences == (
            (
                "On hans, s: basin 1 is right on 93% of the examples, basin 2 on 32% (p = 0.0001 over "
                "3 basins, after correction)."
            ),
        )

    @pytest.mark.parametrize(
        ("measure", "said"),
        [
            (None, "basin 0 is right on 73% of the examples, basin 1 on 33%"),
            ("accuracy", "basin 0 is right on 73% of the examples, basin 1 on 33%"),
            (
                "preference",
                "basin 0 prefers the acceptable text in 73% of the pairs, basin 1 in 33%",
            ),
            ("consistency", "basin 0 is right on both texts of 73% of the pairs, basin 1 of 33%"),
            ("invariance", "basin 0 answers alike on 73% of the pairs, basin 1 on 33%"),
        ],
    )
    def test_the_words_are_those_of_the_measure(self, measure, said):
        """What is counted decides how it is told, and alike answers make no basin the better."""
        scores, labels = planted()
        scores = scores.with_columns(pl.lit(measure, dtype=SCORES["measure"]).alias("measure"))
        found = basin_profile(scores, labels, rng=np.random.default_rng(0))

        assert found.sentences[0].startswith(f"On hans, x: {said} (p = ")
        assert found.better == (None if measure == "invariance" else 0)

    def test_scores_of_earlier_versions_are_read(self):
        """Tables without measures and qualities say the same as with empty ones."""
        scores, labels = planted()
        old = scores.drop("measure", "balanced", "f1", "mcc")
        one, other = (
            basin_profile(rows, labels, rng=np.random.default_rng(0)) for rows in (scores, old)
        )

        assert one.sentences == other.sentences
        assert one.contrasts.equals(other.contrasts)

    def test_groups_may_have_names(self):
        """What is compared need not be basins."""
        scores, labels = planted()
        names = {0: "lr 1e-5", 1: "lr 2e-5"}
        found = basin_profile(scores, labels, rng=np.random.default_rng(0), names=names)
        alone = basin_profile(
            scores, dict.fromkeys(labels, 0), rng=np.random.default_rng(0), names=names
        )

        assert found.sentences[0].startswith("On hans, x: lr 1e-5 is right on 73%")
        assert alone.sentences == ("There is one group: no strategies to compare.",)

    def test_a_subcase_is_not_told_beside_its_slice_and_label(self):
        """A subcase that differs most is told only where its slice and label do not differ."""
        slices = ("a", "a/no", "a/no/one", "a/yes", "b", "b/no", "b/no/one")
        high = [0.6, 0.5, 0.9, 0.7, 0.5, 0.5, 0.9]
        low = [0.3, 0.0, 0.0, 0.6, 0.5, 0.5, 0.1]
        metrics = {
            f"m{k:02}": [x + 0.001 * (k // 2) for x in (high, low)[k % 2]] for k in range(12)
        }
        labels = {name: int(name[1:]) % 2 for name in metrics}
        found = basin_profile(table(metrics, slices), labels, rng=np.random.default_rng(0))

        assert [one.part for one in found.told] == ["b/no/one", "a/no", "a/yes"]

    def test_whole_pairs_are_told_beside_slices(self):
        """Being right on both texts of pairs is another question about the same examples."""
        scores, labels = planted()
        both = scores.filter(pl.col("slice") == "x").with_columns(
            pl.lit("pairs").alias("slice"),
            pl.lit("consistency", dtype=SCORES["measure"]).alias("measure"),
        )
        found = basin_profile(pl.concat([scores, both]), labels, rng=np.random.default_rng(0))

        assert {one.part for one in found.told} == {"x", "pairs"}

    @pytest.mark.slow
    @pytest.mark.parametrize("sizes", [(6, 6), (8, 4), (12, 88), (4, 4, 2, 2), (3, 3)])
    def test_no_difference_is_rarely_called_one(self, sizes, draws):
        """Of basins dealt at random, anything is told of 60 slices in at most 5 % (100 draws)."""
        rng = np.random.default_rng(2)
        false = sum(draws.told(sizes, rng) for _ in range(100))

        assert false / 100 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)

    @pytest.mark.slow
    def test_a_detectable_difference_on_one_slice_is_found(self, draws):
        """Basins that differ on one slice by what is said to be detectable are told apart."""
        rng, found = np.random.default_rng(3), 0
        least = np.median([
            basin_profile(*draws.draw((12, 12), rng), rng=rng).contrasts["detectable"].median()
            for _ in range(5)
        ])  # fmt: skip
        for _ in range(60):
            contrasts = basin_profile(*draws.draw((12, 12), rng, shift=least), rng=rng).contrasts
            found += contrasts.filter(slice="s00/non-yes")["p_adjusted"][0] < 0.05

        assert found / 60 >= 0.65
