"""What two basins lean on, by cue and answer."""

import numpy as np
import polars as pl
import pytest
from strategy_cases import table

from wsgeo.graph.significance import benjamini_hochberg
from wsgeo.probing.headlines import headlines
from wsgeo.probing.strategies import basin_profile

YES, NO = "entailment", "non-entailment"


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
