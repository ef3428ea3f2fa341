import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wsgeo.graph.significance import benjamini_hochberg, cliffs_delta, permutation_test
from wsgeo.probing.detectable import detectable_difference
from wsgeo.probing.headlines import headlines
from wsgeo.probing.strategies import basin_profile
from wsgeo.probing.tables import CONTRASTS, PROFILE, SCORES

YES, NO = "entailment", "non-entailment"


@pytest.fixture
def draws():
    """Give the simulation of benchmarks/strategies.py."""
    path = Path(__file__).parents[2] / "benchmarks" / "strategies.py"
    spec = importlib.util.spec_from_file_location("strategies_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(metrics, slices=("s",), measure=None):
    """Return measured scores from {id: [metric per slice]}."""
    rows = [
        {
            "id": name, "set": "hans", "slice": part, "n_examples": 10, "metric": value,
            "outcome": "measured", "measure": measure,
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
        """Where no division could be significant, the sentences say so instead of claiming none."""
        scores, labels = planted(n_a=3, n_b=2)
        found = basin_profile(scores, labels, rng=np.random.default_rng(0))

        assert found.sentences == (
            (
                "No difference found between basin 0 and basin 1 on any of 2 slices: 3 and 2 members "
                "are too few to show one (smallest possible p = 0.1)."
            ),
        )
        assert found.better is None
        assert found.contrasts["detectable"].null_count() == 2
        assert "3 and 2 members are too few" in found.contrasts["sentence"][0]

    def test_what_would_have_been_found_is_said(self):
        """Without a difference, the largest that is detectable on a slice stands in its place."""
        scores, labels = planted(gap=0)
        found = basin_profile(scores, labels, rng=np.random.default_rng(0))
        points = round(100 * found.contrasts["detectable"].max())

        assert points in range(2, 6)
        assert found.sentences == (
            (
                "No difference found between basin 0 and basin 1 on any of 2 slices; one of "
                f"{points} percentage points on a single slice would have been found at least 8 times "
                "in 10."
            ),
        )

    def test_many_slices_and_few_members_leave_no_single_difference(self):
        """Where only differences on several slices at once could be found, that is said."""
        rng = np.random.default_rng(0)
        labels = {f"m{k}": k % 2 for k in range(8)}
        slices = tuple(f"s{k}" for k in range(30))
        scores = table({name: rng.random(30).tolist() for name in labels}, slices)
        found = basin_profile(scores, labels, rng=rng)

        assert found.sentences == (
            (
                "No difference found between basin 0 and basin 1 on any of 30 slices; with so few "
                "members one on a single slice could not have been found (smallest possible p = 0.029 "
                "before correction)."
            ),
        )

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

    def test_a_basin_of_one_member_is_described_and_not_compared(self):
        """A single member has a row in the profile and no part in a contrast."""
        scores, labels = planted()
        lone = table({"lone": [0.0, 0.0]}, ("x", "y"))
        more = basin_profile(
            pl.concat([scores, lone]), labels | {"lone": 2}, rng=np.random.default_rng(0)
        )
        plain = basin_profile(scores, labels, rng=np.random.default_rng(0))

        assert more.profile.filter(basin=2)["n"].to_list() == [1, 1]
        assert more.contrasts.equals(plain.contrasts)

    @pytest.mark.parametrize(
        ("n_a", "n_b", "which"), [(4, 1, "only basin 0 has"), (1, 1, "none has")]
    )
    def test_fewer_than_two_basins_of_two_members_are_said_to_be(self, n_a, n_b, which):
        """Where there is nothing to compare for want of members, the sentence says so."""
        scores, labels = planted(n_a=n_a, n_b=n_b)
        found = basin_profile(scores, labels, rng=np.random.default_rng(0))

        assert found.contrasts.is_empty()
        assert found.sentences == (
            (
                f"Of 2 basins {which} two members or more, and one member cannot show a difference: "
                "nothing to compare."
            ),
        )

    def test_slices_that_no_two_basins_share_are_said_to_be_none(self):
        """Where each slice was measured in one basin, there is nothing to compare."""
        scores, labels = planted()
        mine = pl.col("id").str.starts_with("a") == (pl.col("slice") == "x")
        found = basin_profile(scores.filter(mine), labels, rng=np.random.default_rng(0))

        assert found.sentences == (
            "No slice was measured on two basins: no strategies to compare.",
        )

    def test_a_slice_counts_the_members_that_have_it(self):
        """Members that lack a slice are missing there alone."""
        scores, labels = planted()
        fewer = scores.filter(~((pl.col("id") == "a0") & (pl.col("slice") == "x")))
        found = basin_profile(fewer, labels, rng=np.random.default_rng(0)).contrasts

        assert found["n_a"].to_list()[0] == 5
        assert found["n_a"].to_list()[1] == 6

    def test_excluded_members_are_no_evidence_and_are_named(self):
        """Members that the caller excludes are left out of everything, with the reason told."""
        scores, labels = planted()
        why = {f"a{k}": "no better than a constant." for k in range(4)} | {"stranger": "lost"}
        found = basin_profile(scores, labels, rng=np.random.default_rng(0), excluded=why)

        assert found.contrasts["n_a"].to_list()[0] == 2
        assert found.sentences[-1] == (
            "Not counted as evidence: a0 (no better than a constant), a1 (no better than a "
            "constant), a2 (no better than a constant) and 1 more."
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


class TestLeans:
    """A strategy in words."""

    def scored(self, first, second, parts=("lexical_overlap",), **given):
        """Return scores and labels of twelve members: accuracies by label in two basins."""
        slices = [name for part in parts for name in (part, f"{part}/{YES}", f"{part}/{NO}")]
        metrics = {}
        for k in range(12):
            yes, no = (first, second)[k % 2]
            own = 0.001 * (k // 2)
            metrics[f"m{k:02}"] = [(yes + no) / 2, yes - own, no + own] * len(parts)
        return table(metrics, slices, **given), {name: int(name[1:]) % 2 for name in metrics}

    def test_a_cue_is_named(self):
        """Right where the cue is and wrong where it misleads: the basin leans on it."""
        scores, labels = self.scored((0.98, 0.04), (0.95, 0.61))
        found = basin_profile(scores, labels, rng=np.random.default_rng(0))
        p = benjamini_hochberg([2 / 924])[0]

        assert found.leans == (
            (
                "On hans, basin 0 leans on lexical overlap: right on 98% of entailment and 4% of "
                f"non-entailment, basin 1 on 95% and 61% (p = {p:.2g} after correction)."
            ),
        )
        assert found.sentences[0] == headlines(found)[0] == found.leans[0]
        assert found.sentences[1].startswith(
            "On hans, lexical_overlap/non-entailment: basin 1 is right on 61%"
        )

    def test_like_cues_share_a_sentence(self):
        """Cues of one set on which a basin leans are told together."""
        parts = ("constituent", "lexical_overlap", "subsequence")
        scores, labels = self.scored((0.98, 0.04), (0.95, 0.61), parts)
        found = basin_profile(scores, labels, rng=np.random.default_rng(0))

        assert found.leans[0].startswith(
            "On hans, basin 0 leans on constituents, lexical overlap and subsequences: right on"
        )

    @pytest.mark.parametrize("part", ["lexical_overlap", "elsewhere"])
    def test_without_a_cue_for_the_answer_the_answer_is_named(self, part):
        """A lean against the cue, or on a slice that declares none, is one to an answer."""
        scores, labels = self.scored((0.04, 0.98), (0.61, 0.95), (part,))
        found = basin_profile(scores, labels, rng=np.random.default_rng(0))

        assert found.leans[0].startswith(
            f"On hans, basin 0 leans to non-entailment on {part}: right on 98% of non-entailment"
        )

    def test_of_two_that_lean_one_does_more(self):
        """Where both basins lean, the one that leans more is said to."""
        scores, labels = self.scored((0.98, 0.04), (0.95, 0.21))
        found = basin_profile(scores, labels, rng=np.random.default_rng(0))

        assert found.leans[0].startswith("On hans, basin 0 leans more on lexical overlap:")

    @pytest.mark.parametrize(
        ("first", "second"),
        [((0.98, 0.04), (0.98, 0.04)), ((0.9, 0.8), (0.5, 0.4)), ((0.8, 0.5), (0.8, 0.8))],
    )
    def test_no_lean_is_told_without_evidence(self, first, second):
        """Equal leans, a difference of quality alone, and small leans are not told."""
        scores, labels = self.scored(first, second)

        assert basin_profile(scores, labels, rng=np.random.default_rng(0)).leans == ()

    def test_two_subcases_are_not_taken_for_labels(self):
        """Parts of a slice are labels where the slice has several, or one negates the other."""
        scores, labels = self.scored((0.98, 0.04), (0.95, 0.61))
        renamed = scores.with_columns(
            pl.col("slice").str.replace(f"/{NO}", "/b").str.replace(f"/{YES}", "/a")
        )
        several = renamed.with_columns(pl.lit(0.5).alias("balanced"))
        none, some = (
            basin_profile(rows, labels, rng=np.random.default_rng(0)).leans
            for rows in (renamed, several)
        )

        assert none == ()
        assert some[0].startswith("On hans, basin 0 leans to a on lexical_overlap:")


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

    def test_other_measures_keep_their_words(self):
        """Slices of one measure share a sentence in its words, those of another do not."""
        metrics = {f"a{i}": [0.9, 0.9, 0.9] for i in range(6)} | {
            f"b{i}": [0, 0, 0] for i in range(6)
        }
        labels = {name: int(name.startswith("a")) for name in metrics}
        measure = (
            pl.when(pl.col("slice") == "z").then(pl.lit("accuracy")).otherwise(pl.lit("preference"))
        )
        scores = table(metrics, ("x", "y", "z")).with_columns(
            measure=measure.cast(SCORES["measure"])
        )
        found = headlines(basin_profile(scores, labels, rng=np.random.default_rng(0)))

        assert found[0].startswith(
            "On hans, x and y: basin 1 prefers the acceptable text in 90% of the pairs, basin 0 in 0%"
        )
        assert found[1].startswith("On hans, z: basin 1 is right on 90% of the examples")

    def test_without_a_difference_the_reason_stays(self):
        """No difference is told in the same words."""
        scores, labels = planted(gap=0)
        found = basin_profile(scores, labels, rng=np.random.default_rng(0))

        assert headlines(found) == found.sentences
