"""What is told first of the differences of basins."""

import numpy as np
import polars as pl
from strategy_cases import planted, table

from wsgeo.probing.headlines import headlines
from wsgeo.probing.strategies import basin_profile
from wsgeo.probing.tables import SCORES


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
