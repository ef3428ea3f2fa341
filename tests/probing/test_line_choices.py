"""Which lines are walked for their slices, and what is said of the ridge between."""

import numpy as np
import polars as pl
import pytest
from line_cases import LINES, MEMBERS, PLACES, Landscape, N, T, hill, measured

from wsgeo.evaluation.losses import Losses
from wsgeo.probing.lines import choose_lines, measure_lines, ridge_sentences

LABELS = {"a": 0, "b": 0, "c": 1, "d": 1}


def blocks(*sizes):
    """Return ids, labels and gaps of basins of these sizes; members differ in how central they are."""
    basin = np.repeat(np.arange(len(sizes)), sizes)
    place = np.concatenate([np.arange(n) - n // 2 for n in sizes]) * 0.01
    gaps = (basin[:, None] != basin) + np.abs(place[:, None] - place)
    ids = [f"m{i:03}" for i in range(len(basin))]
    return ids, dict(zip(ids, basin.tolist(), strict=True)), gaps


class TestChooseLines:
    """Which lines are looked at."""

    def test_the_first_between_two_basins_joins_their_medoids(self, rng):
        """With one line per kind, medoids are joined and each basin has one line from its own."""
        ids, labels, gaps = blocks(5, 7, 3)
        lines = choose_lines(labels, gaps, ids, per_kind=1, rng=rng)

        assert lines[:3] == [
            ("m002", "m008", False),
            ("m002", "m013", False),
            ("m008", "m013", False),
        ]
        assert [within for *_, within in lines] == [False] * 3 + [True] * 3
        for (a, b, _), medoid in zip(lines[3:], ("m002", "m008", "m013"), strict=True):
            assert medoid in (a, b)
            assert labels[a] == labels[b]

    @pytest.mark.parametrize("per_kind", [1, 3, 6, 100])
    def test_lines_are_distinct_and_cover_the_members_evenly(self, rng, per_kind):
        """No line comes twice, and lines of one kind are dealt evenly to members."""
        ids, labels, gaps = blocks(4, 6)
        lines = choose_lines(labels, gaps, ids, per_kind=per_kind, rng=rng)
        between = [line for line in lines if not line[2]]

        assert len(set(lines)) == len(lines)
        assert len(between) == min(per_kind, 24)
        assert len(lines) - len(between) == min(per_kind, 6) + min(per_kind, 15)
        assert all(a < b and (labels[a] == labels[b]) == within for a, b, within in lines)
        # Within a basin the last lines may find only pairs that were taken.
        for kind, slack in ((between, 1), ([line for line in lines if line[2]], 2)):
            for basin in (0, 1):
                own = [name for name in ids if labels[name] == basin]
                used = [sum(name in line[:2] for line in kind) for name in own]
                assert max(used) - min(used) <= slack

    def test_equal_seeds_choose_equal_lines(self):
        """The choice is the generator's alone."""
        ids, labels, gaps = blocks(9, 9)
        one, two = (
            choose_lines(labels, gaps, ids, per_kind=4, rng=np.random.default_rng(5)) for _ in "ab"
        )

        assert one == two

    def test_one_basin_has_lines_within_only(self, rng):
        """Nothing between is claimed where there is one basin, and nothing at all where none."""
        ids, labels, gaps = blocks(4)

        assert [w for *_, w in choose_lines(labels, gaps, ids, per_kind=2, rng=rng)] == [True] * 2
        assert choose_lines(dict.fromkeys(ids, -1), gaps, ids, per_kind=2, rng=rng) == []
        assert choose_lines({}, np.zeros((0, 0)), [], per_kind=2, rng=rng) == []

    def test_members_without_a_basin_are_left_out(self, rng):
        """Neither noise nor a member that nobody named has a line."""
        ids, labels, gaps = blocks(3, 3)
        del labels["m000"]
        lines = choose_lines(labels | {"m003": -1}, gaps, ids, per_kind=9, rng=rng)

        assert {name for a, b, _ in lines for name in (a, b)} == {"m001", "m002", "m004", "m005"}

    def test_pairs_without_a_gap_come_last(self, rng):
        """A line that could not be measured before is tried only when no other is left."""
        ids, labels, gaps = blocks(2, 2)
        gaps[:2, 2:] = gaps[2:, :2] = np.nan
        gaps[0, 3] = gaps[3, 0] = 1.0
        lines = choose_lines(labels, gaps, ids, per_kind=2, rng=rng)

        assert lines[0] == ("m000", "m003", False)
        assert not lines[1][2]

    def test_a_basin_of_one_is_its_own_medoid(self, rng):
        """A basin of one has lines to others and none within."""
        ids, labels, gaps = blocks(1, 2)
        lines = choose_lines(labels, gaps, ids, per_kind=5, rng=rng)

        assert [within for *_, within in lines] == [False, False, True]


class TestRidgeSentences:
    """The tables in words."""

    def test_says_how_high_who_and_what_else(self):
        """Height, the slice that carries it, and the slope of another set are told."""
        found = measured(engine=Landscape(noise=0.05))
        (sentence,) = ridge_sentences(found.attributions, found.slice_profiles, LABELS)
        whole = found.slice_profiles.filter(~pl.col("within"), set="mnli", slice="all")
        height = whole["convexity_gap"].mean()

        assert sentence.startswith(
            f"Between basins 0 and 1 the loss on mnli rises by {height:.2g} nats (mean of 2 lines; "
        )
        assert "the slice hard, 25% of the examples, carries all of it. Along" in sentence
        assert sentence.endswith(
            "Along the same lines the loss on hans, all goes from 1.05 to 2.95 nats."
        )

    def test_the_names_of_the_basins_turn_the_change(self):
        """The change is told from the smaller basin to the larger."""
        found = measured(LINES[:1])
        labels = {"a": 1, "c": 0}
        (sentence,) = ridge_sentences(found.attributions, found.slice_profiles, labels)

        assert sentence.endswith(
            "Along the same line the loss on hans, all goes from 3.00 to 1.00 nats."
        )

    def test_a_slice_like_its_size_is_not_told(self):
        """Where every example rises alike, no slice is singled out."""
        half = np.arange(N) % 2 == 0
        slices = {"hans": {}, "mnli": {"half": half}}

        class Alike(Landscape):
            def at(self, point, name):
                x = sum(
                    c * PLACES[m] for c, m in zip(point.coefficients, point.members, strict=True)
                )
                rise = np.random.default_rng(0).uniform(0.5, 1, N) * hill(x)
                return Losses(np.float32(rise), np.ones(N, np.float32))

        found = measure_lines(Alike(), MEMBERS, LINES[:2], slices, T)
        (sentence,) = ridge_sentences(found.attributions, found.slice_profiles, LABELS, task="mnli")

        assert sentence.endswith("(mean of 2 lines); no slice of the examples stands out.")

    def test_a_ridge_within_the_noise_is_not_told(self):
        """Where the examples disagree whether there is a ridge, no height is claimed."""
        found = measured(LINES[:1], Landscape(noise=20.0))
        told = ridge_sentences(found.attributions, found.slice_profiles, LABELS)

        assert "has no ridge that stands out from the spread of the examples" in told[0]

    def test_a_change_as_within_a_basin_is_not_told(self):
        """A slope that lines within basins have too says nothing of the basins."""
        found = measured([LINES[0], ("b", "d", True)])
        labels = {"a": 0, "c": 1, "b": 1, "d": 1}
        (sentence,) = ridge_sentences(found.attributions, found.slice_profiles, labels)

        assert "hans" in sentence
        steep = found.slice_profiles.with_columns(
            pl.when(pl.col("a") == "b")
            .then(pl.lit([0.0] * 10 + [5.0]))
            .otherwise("loss")
            .alias("loss")
        )
        (sentence,) = ridge_sentences(found.attributions, steep, labels)
        assert "hans" not in sentence

    def test_three_pairs_of_basins_are_told(self):
        """The highest ridges are told, and how many pairs are left out."""
        lines = [(x, y, False) for x, y in ("ab", "ac", "ad", "bc", "bd", "cd")]
        found = measured(lines)
        *told, rest = ridge_sentences(
            found.attributions, found.slice_profiles, {m.id: i for i, m in enumerate(MEMBERS)}
        )

        assert len(told) == 3
        assert rest == "3 further pairs of basins: lower ridges."

    def test_without_lines_between_nothing_is_said(self):
        """Lines within a basin, or none, make no sentence."""
        for lines in (LINES[2:], []):
            found = measured(lines)
            assert ridge_sentences(found.attributions, found.slice_profiles, LABELS) == ()
