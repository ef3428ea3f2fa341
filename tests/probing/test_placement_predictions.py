"""What is predicted of a placed model, and how well that does on members held out."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from placement_cases import planted, scores

from wsgeo.graph.maps import classical_scaling
from wsgeo.probing.held_out import held_out_summary, hold_out
from wsgeo.probing.intervals import wilson_interval
from wsgeo.probing.placement import cautioned, placed
from wsgeo.probing.predictions import inside, predicted
from wsgeo.probing.tables import PLACEMENTS, PREDICTIONS


class TestPredicted:
    """What basin-mates tell."""

    def test_agrees_with_the_formula(self):
        """Mean and interval are those of three basin-mates, by Student's t with two degrees."""
        values = [0.5, 0.6, 0.55]
        table = scores({"a": [0.5], "b": [0.6], "c": [0.55], "d": [0.1]})
        row = predicted(table, {"a": 0, "b": 0, "c": 0, "d": 1}, 0).row(0, named=True)
        half = 4.302652729911275 * np.std(values, ddof=1) * np.sqrt(1 + 1 / 3)

        assert row["predicted"] == pytest.approx(0.55)
        assert (row["lo"], row["hi"]) == pytest.approx((0.55 - half, 0.55 + half))
        assert (row["n"], row["everyone"]) == (3, pytest.approx(0.4375))

    @pytest.mark.slow
    def test_the_interval_holds_as_often_as_it_says(self, rng):
        """Of normal scores 95 % of further ones lie in the interval of four."""
        draws = 0.5 + 0.02 * rng.standard_normal((400, 5))
        inside = 0
        for *mates, new in draws:
            table = scores({f"m{i}": [x] for i, x in enumerate(mates)})
            row = predicted(table, {f"m{i}": 0 for i in range(4)}, 0).row(0, named=True)
            inside += row["lo"] <= new <= row["hi"]

        assert 0.92 < inside / 400 < 0.98

    @given(values=st.lists(st.floats(0, 1), min_size=2, max_size=6))
    def test_the_interval_is_a_fraction(self, values):
        """The interval holds the mean and ends within 0 and 1."""
        table = scores({f"m{i}": [x] for i, x in enumerate(values)})
        row = predicted(table, {f"m{i}": 0 for i in range(len(values))}, 0).row(0, named=True)

        assert 0 <= row["lo"] <= row["predicted"] + 1e-12
        assert row["predicted"] - 1e-12 <= row["hi"] <= 1

    def test_equal_scores_are_a_sample_of_examples_still(self):
        """Basin-mates that all get nothing right of 50 leave room for what 50 examples hide."""
        table = scores({name: [0.0] for name in "abc"}).with_columns(n_examples=pl.lit(50))
        row = predicted(table, dict.fromkeys("abc", 0), 0).row(0, named=True)

        assert (row["lo"], row["hi"]) == pytest.approx(wilson_interval(0, 50))

    def test_rounding_puts_no_score_outside(self):
        """Where all score the same a further one that does lies in the interval, which is a point."""
        table = scores({name: [0.1] for name in "abc"})
        row = predicted(table, dict.fromkeys("abc", 0), 0).with_columns(actual=0.1)

        assert row["lo"].item() != 0.1
        assert row.select(inside(pl.col("actual"), pl.col("lo"), pl.col("hi"))).to_series().all()

    def test_one_mate_gives_no_interval(self):
        """With one basin-mate there is a prediction without an interval."""
        row = predicted(scores({"a": [0.5], "b": [0.1]}), {"a": 0, "b": 1}, 0).row(0, named=True)

        assert (row["predicted"], row["lo"], row["hi"]) == (0.5, None, None)

    def test_no_basin_gives_the_mean_of_all(self):
        """Without a basin there is the mean of everyone and no prediction."""
        row = predicted(scores({"a": [0.5], "b": [0.1]}), {"a": 0, "b": -1}, None).row(
            0, named=True
        )

        assert (row["n"], row["predicted"], row["everyone"]) == (0, None, pytest.approx(0.3))

    def test_members_that_were_not_measured_do_not_count(self):
        """A failed member, and one that is not named, tell nothing."""
        table = scores({"a": [0.5], "b": [None], "c": [0.9]})
        row = predicted(table, {"a": 0, "b": 0}, 0).row(0, named=True)

        assert (row["n"], row["predicted"]) == (1, 0.5)


@pytest.fixture(scope="module")
def found():
    """Give what comes of twelve members in two basins that score 0.9 and 0.4."""
    gaps, labels = planted((7, 5))
    rng = np.random.default_rng(1)
    metrics = {f"m{i}": [0.9 - 0.5 * b + rng.uniform(-0.02, 0.02)] for i, b in enumerate(labels)}
    return hold_out(gaps, list(metrics), labels.tolist(), scores(metrics), tau=0.3), metrics


class TestHoldOut:
    """Each member held out in turn."""

    def test_has_the_columns_of_the_tables(self, found):
        """Both tables are those that are agreed upon."""
        held, _ = found

        assert (held.placements.schema, held.predictions.schema) == (PLACEMENTS, PREDICTIONS)
        assert held.placements["held_out"].all()
        assert held.predictions["held_out"].all()

    def test_predicts_without_the_member(self, found):
        """The prediction of a member is the mean of its basin-mates, itself left out."""
        held, metrics = found
        row = held.predictions.filter(pl.col("id") == "m0").row(0, named=True)

        assert row["predicted"] == pytest.approx(np.mean([metrics[f"m{i}"] for i in range(1, 7)]))
        assert row["everyone"] == pytest.approx(np.mean([metrics[f"m{i}"] for i in range(1, 12)]))
        assert row["actual"] == metrics["m0"][0]

    def test_says_how_well_it_works(self, found):
        """The basin tells scores better than everyone's mean does, and the sentence says so."""
        held, _ = found

        assert held.summary["n_right"] == held.summary["n"] == 12
        assert held.summary["error"] < 0.03 < held.summary["error_everyone"]
        assert held.summary["inside"] > 0.9
        assert held.sentence.startswith(
            "Held out one by one, 12 of 12 members are put into their own basin; slice scores are "
            "predicted to 0.0"
        )

    def test_places_members_where_they_lie_on_the_map(self, found):
        """Held-out members of points in the plane are put back on the map."""
        gaps, _ = planted((7, 5))
        held, _ = found

        assert held.placements.select("x", "y").to_numpy() == pytest.approx(
            classical_scaling(gaps), abs=1e-5
        )

    def test_a_member_alone_belongs_nowhere(self):
        """A member alone in its basin, held out, lies in none and is not counted."""
        gaps, labels = planted((4, 1))
        held = hold_out(gaps, list("abcde"), labels, scores({}), tau=0.2)

        assert held.placements["basin"].to_list() == [0, 0, 0, 0, None]
        assert (held.summary["n"], held.summary["n_alone"]) == (4, 1)
        assert held.sentence.endswith("own basin.")

    def test_without_basins_nothing_is_claimed(self):
        """Where no basins were found each member has a nearest one, and there is no sentence."""
        gaps, _ = planted((4,))
        held = hold_out(gaps, list("abcd"), [-1] * 4, scores({"a": [0.5], "b": [0.7]}), tau=0.2)

        assert held.sentence == ""
        assert held.placements["nearest"].null_count() == 0
        assert held.predictions["predicted"].null_count() == held.predictions.height == 2

    def test_a_member_that_is_no_member_does_not_count(self, found):
        """Rows of new models change no figure."""
        held, _ = found
        new = held.placements.head(1).with_columns(held_out=pl.lit(False))
        both = pl.concat([held.placements, new])

        assert held_out_summary(both, held.predictions) == held.summary

    def test_other_shapes_are_refused(self):
        """Ids, labels and gaps of different numbers are an error."""
        with pytest.raises(ValueError, match="2 ids"):
            hold_out([[0.0]], ["a", "b"], [0], scores({}))


class TestCautioned:
    """A model nearer to another basin than members are."""

    AMONG = ((0, 0.1, 0.8), (0.1, 0, 0.9), (0.8, 0.9, 0))

    def test_a_member_of_its_basin_gets_none(self):
        """As far from the other basin as members are is no reason for doubt."""
        found = placed([0.05, 0.06, 0.85], [0, 0, 1], {0: 0.1, 1: 0.1})

        assert cautioned(found, [0.05, 0.06, 0.85], self.AMONG, [0, 0, 1]) == found

    def test_the_middle_gets_one(self):
        """A model half way up the ridge is told to lie between."""
        found = placed([0.05, 0.06, 0.3], [0, 0, 1], {0: 0.1, 1: 0.1})

        said = cautioned(found, [0.05, 0.06, 0.3], self.AMONG, [0, 0, 1])

        assert said.basin == 0
        assert "basin 1" in said.caution

    def test_no_basin_needs_none(self):
        """Where no basin takes the model there is nothing to doubt."""
        found = placed([0.5, 0.6, 0.7], [0, 0, 1], {0: 0.1, 1: 0.1})

        assert cautioned(found, [0.5, 0.6, 0.7], self.AMONG, [0, 0, 1]).caution is None
