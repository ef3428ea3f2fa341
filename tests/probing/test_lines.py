"""Slices along lines, with losses that are known functions of the place on the line."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from reference import convexity_gap

from wsgeo.evaluation.losses import AbstractEngine, Failure, Losses
from wsgeo.paths.sweeps import sweep
from wsgeo.probing.lines import choose_lines, measure_lines, ridge_sentences
from wsgeo.probing.tables import ATTRIBUTIONS, RIDGE_EXAMPLES, SLICE_PROFILES

T = np.linspace(0, 1, 11)
N = 40
HARD = np.arange(N) < 10
SLICES = {"mnli": {"all": np.ones(N, bool), "easy": ~HARD, "hard": HARD}, "hans": {}}
# Ids and content hashes are ordered differently, and basins lie about 0 and about 1.
PLACES = {"h5": 0.0, "h3": 0.05, "h4": 1.0, "h1": 0.95}
MEMBERS = [
    SimpleNamespace(id=name, content_hash=content)
    for name, content in zip("abcd", PLACES, strict=True)
]
LABELS = {"a": 0, "b": 0, "c": 1, "d": 1}
LINES = [("a", "c", False), ("b", "d", False), ("a", "b", True)]
TEXTS = {
    "mnli": ([f"e{i}" for i in range(N)], ["x"] * N, [f"{i}<b>" + "y" * 300 for i in range(N)])
}


def hill(x):
    """Return the height of a hill between two valleys, about 0 and 1 half-way."""
    return np.exp(-20 * (x - 0.5) ** 2) + (x - 0.5) ** 2


class Landscape(AbstractEngine):
    """A hill between two basins that only the hard examples climb, and a set that slopes."""

    def __init__(self, failing=(), stop_after=None, noise=0.0):
        self.failing, self.stop_after, self.noise, self.asked = failing, stop_after, noise, []

    def evaluate(self, items):
        """Yield the items backwards, so that nothing may lean on their order."""
        for done, i in enumerate(reversed(range(len(items)))):
            if done == self.stop_after:
                return
            self.asked.append(items[i])
            yield i, tuple(self.at(point, items[i].examples) for point in items[i].points)

    def at(self, point, name):
        """Return the outcome at one point."""
        if (name, len(point.members)) in self.failing:
            return self.failing[name, len(point.members)]
        mixed = zip(point.coefficients, point.members, strict=True)
        x = sum(c * PLACES[m] for c, m in mixed)
        steady = self.noise * np.random.default_rng(0).normal(size=N)
        if name == "hans":
            loss = 1 + 2 * x + steady
        else:
            loss = 0.4 + np.linspace(1, 0.5, N) * hill(x) * HARD + 0.1 * x**2 + steady * hill(x)
        return Losses(np.float32(loss), np.float32(loss < 1))


def measured(lines=LINES, engine=None, **settings):
    return measure_lines(engine or Landscape(), MEMBERS, lines, SLICES, T, **settings)


def row(table, **where):
    return table.row(
        by_predicate=pl.all_horizontal(pl.col(k) == v for k, v in where.items()), named=True
    )


class TestMeasureLines:
    """What is found along lines."""

    def test_tables_are_of_the_written_schemas(self):
        """The rows are those of lines, sets and slices in the order given, with a < b."""
        found = measured([("c", "a", False), *LINES[1:]], texts=TEXTS)
        lines = found.slice_profiles.select("a", "b", "within").unique(maintain_order=True)

        assert found.slice_profiles.schema == SLICE_PROFILES
        assert found.attributions.schema == ATTRIBUTIONS
        assert found.ridge_examples.schema == RIDGE_EXAMPLES
        assert lines.rows() == LINES
        assert found.slice_profiles["slice"].to_list() == ["all", "easy", "hard", "all"] * 3
        assert (found.n_failed, found.reasons) == (0, ())

    @pytest.mark.parametrize(("a", "b"), [("a", "c"), ("b", "d"), ("b", "c")])
    def test_curves_run_from_a_to_b(self, a, b):
        """Whatever the order of the hashes, each curve is that of its slice's examples."""
        table = measured([(a, b, False)]).slice_profiles
        ends = [PLACES[m.content_hash] for m in MEMBERS if m.id in (a, b)]
        expected = np.array([
            0.4 + np.linspace(1, 0.5, N) * hill(x) * HARD + 0.1 * x**2
            for x in ends[0] + T * (ends[1] - ends[0])
        ])  # fmt: skip
        for name, mask in SLICES["mnli"].items():
            found = row(table, set="mnli", slice=name)
            assert found["n_examples"] == mask.sum()
            assert found["t"] == pytest.approx(T)
            assert found["loss"] == pytest.approx(expected[:, mask].mean(axis=1), abs=1e-6)
            assert found["metric"] == pytest.approx((expected[:, mask] < 1).mean(axis=1), abs=1e-6)
            assert found["convexity_gap"] == pytest.approx(
                convexity_gap(T, expected[:, mask].mean(axis=1)), abs=1e-6
            )

    def test_an_uneven_grid_is_counted_from_a(self):
        """Positions run from a to b though the line is walked from the smaller hash."""
        grid = [0, 0.1, 0.5, 1]
        found = measure_lines(Landscape(), MEMBERS, [("a", "c", False)], SLICES, grid)

        assert found.slice_profiles["t"][0].to_list() == [0, 0.5, 0.9, 1]
        assert found.slice_profiles.filter(set="hans")["loss"][0].to_list() == pytest.approx(
            [1, 2, 2.8, 3]
        )

    @pytest.mark.parametrize("head", [None, lambda start, _: start])
    def test_points_are_those_of_a_scan(self, head):
        """A scan of the same line asks for the same points, so that nothing is evaluated twice."""
        ours, scan = Landscape(), Landscape()
        measured(LINES[:1], ours, head=head)
        dict(sweep(scan, [("h4", "h5")], "mnli", np.round(T, 12), head=head))
        own = next(item.points for item in ours.asked if item.examples == "mnli")

        assert set(own) == {point for item in scan.asked for point in item.points}
        assert own[0].members == ("h4",)
        assert own[-1].members == ("h5",)

    def test_a_head_is_that_of_the_line(self):
        """Every point but a checkpoint under its own head names the head."""
        engine = Landscape()
        measured(LINES[:1], engine, head=lambda start, _: start)

        assert [point.head for point in engine.asked[0].points] == [None] + ["h4"] * 10

    def test_the_hard_examples_carry_the_ridge(self):
        """The slice that climbs has all of the gap, though it is a quarter of the examples."""
        found = measured(LINES[:1], engine=Landscape(noise=0.05))
        table = found.attributions
        whole, hard, easy = (row(table, set="mnli", slice=s) for s in ("all", "hard", "easy"))
        profile = row(found.slice_profiles, set="mnli", slice="all")

        assert whole["mean_excess"] == pytest.approx(profile["convexity_gap"], abs=1e-12)
        assert whole["share_of_gap"] == pytest.approx(1)
        assert hard["share_of_examples"] == 0.25
        assert hard["share_of_gap"] == pytest.approx(1, abs=0.1)
        assert hard["share_of_gap"] + easy["share_of_gap"] == pytest.approx(1)
        assert hard["share_lo"] > 0.25 > easy["share_hi"]
        assert whole["t_left"] < whole["t_ridge"] < whole["t_right"]
        assert whole["t_ridge"] == pytest.approx(0.5)
        assert whole["half_on"] <= 0.2

    def test_a_line_without_a_ridge_has_no_shares(self):
        """A straight curve has sizes and nothing else."""
        found = row(measured(LINES[:1]).attributions, set="hans", slice="all")

        assert found["share_of_examples"] == 1
        assert {
            found[c] for c in ("mean_excess", "share_of_gap", "t_ridge", "share_lo", "half_on")
        } == {None}

    def test_ridge_examples_are_means_over_the_lines_between(self):
        """The examples that rise most lead, by their mean over lines between basins alone."""
        table = measured(texts=TEXTS).ridge_examples
        single = [measured([line], texts=TEXTS).ridge_examples for line in LINES[:2]]

        assert table["example"].to_list() == [f"e{i}" for i in range(10)]
        assert table["rank"].to_list() == list(range(1, 11))
        assert table["n_lines"].unique().to_list() == [2]
        assert table["mean_excess"].to_numpy() == pytest.approx(
            np.mean([each["mean_excess"].to_numpy() for each in single], axis=0)
        )
        assert table["mean_excess"].is_sorted(descending=True)
        assert table["share_of_gap"].sum() == pytest.approx(1, abs=0.1)
        assert measured(LINES[2:], texts=TEXTS).ridge_examples.is_empty()

    def test_texts_are_cut_and_nothing_else(self):
        """A text is its first 200 characters, as they are in the data."""
        assert measured(texts=TEXTS).ridge_examples["text"][3] == "3<b>" + "y" * 196

    def test_a_line_that_fails_is_counted_and_the_others_stay(self):
        """A failure on one set leaves the other set's rows, and says why."""
        failing = {("mnli", 2): Failure("failed", "The worker died.")}
        found = measured(LINES[:2], Landscape(failing), texts=TEXTS)

        assert found.n_failed == 2
        assert found.reasons == (
            "a to c on mnli: The worker died.", "b to d on mnli: The worker died.",
        )  # fmt: skip
        assert found.slice_profiles["set"].unique().to_list() == ["hans"]

    def test_a_loss_that_is_not_finite_is_a_failure(self):
        """Numbers that are none never reach a table."""
        bad = Losses(np.full(N, np.nan, np.float32), np.ones(N, np.float32))
        found = measured(LINES[:1], Landscape({("hans", 1): bad}))

        assert found.reasons == ("a to c on hans: A loss on the line is not finite.",)

    def test_a_run_that_stops_says_what_is_missing(self):
        """Lines that were not reached are failures too."""
        found = measured(LINES[:2], Landscape(stop_after=1))

        assert found.n_failed == 2
        assert len(found.reasons) == 3
        assert found.slice_profiles.height == 1

    def test_losses_that_are_not_one_per_example_are_a_failure(self):
        """A slice of another length cannot be read off, and is not guessed."""
        found = measure_lines(Landscape(), MEMBERS, LINES[:1], {"mnli": {"x": HARD[:9]}}, T)

        assert found.reasons == ("a to c on mnli: The losses are not one per example.",)

    def test_texts_that_do_not_fit_are_not_shown(self):
        """Examples are never shown with another's text."""
        found = measured(LINES[:1], texts={"mnli": (["e"], ["x"], ["y"])})

        assert found.ridge_examples.is_empty()
        assert found.reasons == ("mnli: its texts are not one per loss, and are not shown.",)
        assert found.n_failed == 0

    def test_progress_counts_to_the_end(self):
        """Progress is told after each line and set."""
        told = []
        measured(LINES[:1], progress=lambda *what: told.append(what))

        assert told == [(1, 2, "sets along lines"), (2, 2, "sets along lines")]

    def test_without_lines_there_are_empty_tables(self):
        """Nothing to measure gives empty tables of the written schemas."""
        found = measured([], texts=TEXTS)

        assert found.slice_profiles.schema == SLICE_PROFILES
        assert found.attributions.is_empty()


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
