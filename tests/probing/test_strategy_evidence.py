"""What counts as evidence of a difference between basins, and what is said without it."""

import numpy as np
import polars as pl
import pytest
from strategy_cases import planted, table

from wsgeo.probing.strategies import basin_profile
from wsgeo.probing.tables import SCORES


class TestBasinProfile:
    """Profiles of basins."""

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

    @pytest.mark.parametrize(("label", "word"), [(0, "one basin"), (-1, "no basin")])
    def test_one_basin_has_nothing_to_compare(self, label, word):
        """With fewer than two basins there are no contrasts, and a sentence says so."""
        scores, labels = planted()
        found = basin_profile(scores, dict.fromkeys(labels, label), rng=np.random.default_rng(0))

        assert found.contrasts.height == 0
        assert found.sentences == (f"There is {word}: no strategies to compare.",)

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
