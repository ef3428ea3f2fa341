"""Where a model lies: which members are looked at, which basin, which place on the map."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgeo.graph.maps import classical_scaling
from wsgeo.probing.held_out import held_out_summary, hold_out
from wsgeo.probing.intervals import wilson_interval
from wsgeo.probing.map_places import map_place
from wsgeo.probing.placement import NO_BASINS, cautioned, placed, reaches, representatives
from wsgeo.probing.predictions import inside, predicted
from wsgeo.probing.tables import PLACEMENTS, PREDICTIONS, SCORES

NAN = np.nan


def distances(points):
    """Return the distances between points."""
    points = np.asarray(points, np.float64)
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def planted(sizes=(5, 5), spread=0.02, apart=1.0, seed=0):
    """Return distances of clumps of points far apart, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    centres = np.stack([apart * np.arange(len(sizes)), np.arange(len(sizes)) % 2], axis=1)
    return distances(centres[labels] + spread * rng.standard_normal((len(labels), 2))), labels


def scores(metrics, slices=("x",)):
    """Return measured scores from {id: [metric per slice]}; None is a member that failed."""
    rows = [
        {
            "id": name, "set": "s", "slice": part, "metric": value,
            "outcome": "failed" if value is None else "measured",
        }
        for name, values in metrics.items()
        for part, value in zip(slices, values, strict=True)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCORES)


class TestRepresentatives:
    """The members of each basin that are looked at."""

    def test_the_first_is_the_medoid(self):
        """The first has the least mean gap to the others, by the plain formula."""
        gaps, labels = planted((7, 4))
        chosen = representatives(gaps, labels, 2)

        for label, rows in chosen.items():
            own = np.flatnonzero(labels == label)
            assert rows[0] == min(own, key=lambda i: gaps[i, own].sum())

    @pytest.mark.parametrize("n", [2, 3, 4])
    def test_covers_as_well_as_twice_the_best(self, n):
        """No member is more than twice as far from the chosen as the best choice would leave it."""
        gaps, labels = planted((8,), spread=1.0, seed=n)
        rows = representatives(gaps, labels, n)[0]

        def radius(chosen):
            return gaps[:, list(chosen)].min(axis=1).max()

        best = min(radius(chosen) for chosen in itertools.combinations(range(8), n))
        # The start is fixed to the medoid, which the bound does not mind.
        assert radius(rows) <= 2 * best + 1e-12

    def test_a_small_basin_is_looked_at_whole(self):
        """A basin with no more members than asked for gives them all."""
        gaps, labels = planted((3, 6))

        assert sorted(representatives(gaps, labels, 3)[0]) == [0, 1, 2]

    def test_members_of_no_basin_are_left_out(self):
        """A member with label -1 is never chosen."""
        gaps, labels = planted((4, 4))
        labels[[0, 5]] = -1

        chosen = representatives(gaps, labels, 10)
        assert {b: sorted(rows) for b, rows in chosen.items()} == {0: [1, 2, 3], 1: [4, 6, 7]}

    def test_pairs_that_were_not_measured_say_nothing(self):
        """A member without a gap to the others is chosen after those with one."""
        gaps, labels = planted((4,))
        gaps[2, :] = gaps[:, 2] = NAN

        assert representatives(gaps, labels, 4)[0][-1] == 2

    def test_order_of_members_does_not_matter(self, rng):
        """Members in another order give the same choice."""
        gaps, labels = planted((6, 5))
        order = rng.permutation(11)
        turned = representatives(gaps[np.ix_(order, order)], labels[order], 3)

        assert {b: order[rows].tolist() for b, rows in turned.items()} == representatives(
            gaps, labels, 3
        )

    def test_none_at_all_is_refused(self):
        """Looking at no member is an error, and so are labels of another number."""
        with pytest.raises(ValueError, match="none to look at"):
            representatives([[0.0]], [0], 0)
        with pytest.raises(ValueError, match="square"):
            representatives([[0.0]], [0, 1], 1)


class TestPlaced:
    """The basin of a model."""

    def test_a_member_of_a_clump_lies_in_it(self):
        """Each point of clear clumps is placed in its own by its gaps to three of each."""
        gaps, labels = planted((6, 5, 4))

        assert (
            hold_out(gaps, [f"m{i}" for i in range(15)], labels, scores({}), tau=0.3)
            .placements["basin"]
            .to_list()
            == labels.tolist()
        )

    def test_a_model_far_from_all_lies_in_none(self):
        """A model beyond the reach of the nearest basin lies in none, with both numbers."""
        found = placed([0.7, 0.8, 0.9], [0, 0, 1], {0: 0.1, 1: 0.1})

        assert found.basin is None
        assert found.reason == (
            "basin 0 is nearest, at a median gap of 0.75 nats; its own reach is 0.1 nats"
        )
        assert (found.nearest, found.gap, found.next_gap, found.n_lines) == (0, 0.75, 0.9, 3)

    def test_a_model_as_near_to_two_lies_in_none(self):
        """A model with equal gaps to two basins lies in neither."""
        found = placed([0.05, 0.05], [0, 1], {0: 0.1, 1: 0.1})

        assert found.basin is None
        assert found.reason.startswith("basins 0 and 1 are about as near")

    def test_one_outlier_does_not_move_it(self):
        """One large gap of three to its own basin changes nothing."""
        assert placed([0.01, 0.02, 5.0, 1.0], [0, 0, 0, 1], {0: 0.1, 1: 0.1}).basin == 0

    def test_the_upper_limit_must_be_within_reach(self, rng):
        """Resamples that often lie beyond the reach leave the model in none."""
        gaps, labels, reach = np.array([0.08, 0.9]), [0, 1], {0: 0.1, 1: 0.1}
        few, many = (gaps + s * rng.standard_normal((200, 2)) for s in (0.05, 0.001))

        assert placed(gaps, labels, reach, resampled=many).basin == 0
        assert "(up to" in placed(gaps, labels, reach, resampled=few).reason

    def test_resamples_are_compared_in_pairs(self, rng):
        """Noise that both gaps share does not hide which is smaller; noise of their own does."""
        gaps, labels, reach = np.array([0.10, 0.12]), [0, 1], {0: 1.0, 1: 1.0}
        shared = gaps + 0.05 * rng.standard_normal((200, 1))
        own = gaps + 0.05 * rng.standard_normal((200, 2))

        assert placed(gaps, labels, reach, resampled=shared).basin == 0
        assert "as near" in placed(gaps, labels, reach, resampled=own).reason

    def test_without_basins_the_nearest_member_is_told(self):
        """Where no basins were found there is a nearest member, and no basin."""
        found = placed([0.4, 0.2], [-1, -1], {})

        assert (found.basin, found.nearest, found.reason) == (None, 1, NO_BASINS)

    def test_without_a_line_nothing_is_said(self):
        """A model whose lines all failed has no nearest member."""
        found = placed([NAN, NAN], [0, 1], {0: 1.0, 1: 1.0})

        assert (found.basin, found.nearest, found.n_lines) == (None, None, 0)

    def test_nothing_is_within_an_unknown_reach(self):
        """Where neither tau nor gaps are known no model lies in a basin."""
        assert placed([0.0], [0], reaches([[0.0]], [0], None)).basin is None


class TestReaches:
    """How far a basin reaches."""

    def test_a_single_basin_ends_at_tau(self):
        """With one basin the reach is tau, however far its members lie apart."""
        assert reaches([[0, 5], [5, 0]], [0, 0], 0.1) == {0: 0.1}

    def test_a_wide_basin_reaches_as_far_as_its_members(self):
        """Beside others a basin reaches to the 95th percentile of its gaps, and at least to tau."""
        gaps, labels = planted((6, 6))
        own = gaps[:6, :6][np.triu_indices(6, 1)]

        assert reaches(gaps, labels, 1e-9)[0] == pytest.approx(np.percentile(own, 95))
        assert reaches(gaps, labels, 0.5) == {0: 0.5, 1: 0.5}


class TestMapPlace:
    """The place on the map."""

    @pytest.mark.parametrize("whole", [True, False])
    def test_a_member_is_put_back(self, rng, whole):
        """A member of points in the plane is put where it was, by all distances or by four."""
        values = distances(rng.standard_normal((9, 2)))
        xy = classical_scaling(values)
        gaps = values[4].copy()
        if not whole:
            gaps[[0, 3, 4, 5, 8]] = NAN

        assert map_place(gaps, xy, values) == pytest.approx(xy[4], abs=1e-6)

    def test_the_formula_is_exact_in_any_dimension(self, rng):
        """By all distances a member of points in five dimensions is put where it was."""
        values = distances(rng.standard_normal((9, 5)))
        xy = classical_scaling(values)

        assert map_place(values[2], xy, values) == pytest.approx(xy[2], abs=1e-9)

    def test_the_unit_does_not_matter(self, rng):
        """Gaps a million times smaller give a place a million times nearer."""
        values = distances(rng.standard_normal((6, 2)))
        gaps = values[1] + 0.1
        small = map_place(1e-6 * gaps, classical_scaling(1e-6 * values))

        assert np.array(small) * 1e6 == pytest.approx(
            map_place(gaps, classical_scaling(values)), abs=1e-6
        )

    def test_members_close_together_do_not_throw_it_off(self):
        """Gaps to two tight clumps, which no place fits, give one no farther away than they say."""
        values, _ = planted((3, 3), spread=1e-4)
        xy = classical_scaling(values)
        gaps = np.array([0.5, 0.6, 0.55, 1.3, 1.2, 1.25])
        place = np.array(map_place(gaps, xy))

        assert np.abs(np.linalg.norm(xy - place, axis=1) - gaps).max() < 0.15

    def test_one_gap_gives_the_member(self):
        """With one gap known the place is that of its member; with none there is no place."""
        xy = np.array([[0.0, 0.0], [1.0, 0.0]])

        assert map_place([0.0, NAN], xy) == pytest.approx((0.0, 0.0))
        assert map_place([NAN, NAN], xy) is None

    def test_members_off_the_map_do_not_count(self):
        """A member without coordinates is left out."""
        assert map_place([0.5, 0.5, 9.0], [[0.0, 0.0], [1.0, 0.0], [NAN, NAN]]) == pytest.approx(
            (0.5, 0.0), abs=1e-6
        )

    def test_other_shapes_are_refused(self):
        """Gaps and coordinates of different numbers are an error."""
        with pytest.raises(ValueError, match="2 gaps"):
            map_place([0.0, 1.0], [[0.0, 0.0]])


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


def test_gaps_that_are_rounding_errors_have_a_place():
    """A model without a ridge to anyone lies among them, and nothing overflows on the way."""
    xy = np.array([[0.004, 0.0], [-0.003, 0.001], [0.0, -0.002], [0.001, 0.002]])
    gaps = np.array([1e-16, 0.0, 3e-17, np.nan])

    x, y = map_place(gaps, xy)

    assert -0.003 <= x <= 0.004
    assert -0.002 <= y <= 0.002


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
