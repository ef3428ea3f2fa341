"""Slices along lines, with losses that are known functions of the place on the line."""

import numpy as np
import polars as pl
import pytest
from line_cases import HARD, LINES, MEMBERS, PLACES, SLICES, Landscape, N, T, hill, measured
from reference import convexity_gap

from wsgeo.evaluation.losses import Failure, Losses
from wsgeo.paths.sweeps import sweep
from wsgeo.probing.lines import measure_lines
from wsgeo.probing.tables import ATTRIBUTIONS, RIDGE_EXAMPLES, SLICE_PROFILES

TEXTS = {
    "mnli": ([f"e{i}" for i in range(N)], ["x"] * N, [f"{i}<b>" + "y" * 300 for i in range(N)])
}


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
