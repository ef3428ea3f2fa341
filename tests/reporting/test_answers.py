"""What the page says of the members' answers: slices, probes, ridges, predictors, placements."""

import numpy as np
import polars as pl
import pytest
import report_cases as cases

from wsgeo.reporting import placements, ridges
from wsgeo.reporting.diagnosis import SHOWN
from wsgeo.reporting.page import render
from wsgeo.reporting.summary import summarize


@pytest.fixture(scope="module")
def tables():
    return cases.tables(12, n_sets=10)


@pytest.fixture(scope="module")
def summary(tables):
    return summarize(tables, cases.run())


def changed(tables, **frames):
    return summarize(tables | frames, cases.run())


class TestSlices:
    """Which slices are shown, and in which order."""

    def test_few_are_shown_at_first_and_all_on_demand(self, summary):
        """The first view holds the slices that tell most; those of the sets hold each slice."""
        first, *others = summary["diagnosis"]["views"]

        assert len(first["parts"]) == SHOWN
        assert {k for view in others for k in view["parts"]} == set(range(54))

    def test_significant_slices_come_first_and_then_the_largest_spread(self, tables, summary):
        """No slice without evidence stands before one with it; within both the spread falls."""
        parts, shown = summary["diagnosis"]["parts"], summary["diagnosis"]["views"][0]["parts"]
        found = {
            (row["set"], row["slice"]): row["p_adjusted"] < 0.05
            for row in tables["contrasts"].to_dicts()
        }
        order = [
            (not found[parts[k]["set"], parts[k]["slice"]], -parts[k]["spread"]) for k in shown
        ]

        assert order == sorted(order)

    def test_subcases_wait_until_they_are_asked_for(self, summary):
        """A slice/label/subcase is in no view but that of its set with subcases."""
        parts = summary["diagnosis"]["parts"]
        for view in summary["diagnosis"]["views"]:
            deepest = max(parts[k]["depth"] for k in view["parts"])
            assert (deepest == 3) == view["title"].endswith("with subcases")

    def test_a_score_is_told_with_what_it_counts(self, summary):
        """Pairs that are judged for likeness have no tick at the chance of single answers."""
        sets = {
            "set_3_of_minimal_pairs": {"chance": 0.5},
            "set_4_of_minimal_pairs": {"chance": 0.5},
        }
        found = summarize(cases.tables(12, n_sets=10), {"sets": sets})["diagnosis"]["parts"]
        chance = {part["set"]: (part["counts"], part["chance"]) for part in found}

        assert chance["set_3_of_minimal_pairs"] == ("pairs that are answered alike", None)
        assert chance["set_4_of_minimal_pairs"] == ("right examples", 0.5)


class TestStrategies:
    """The table of contrasts and the predictors."""

    def test_every_contrast_has_a_row_with_the_means_of_the_basins(self, tables, summary):
        """Each row repeats the contrast and the profile of its slice."""
        rows = {(row["set"], row["slice"]): row for row in summary["strategies"]["rows"]}
        mean = {
            (row["set"], row["slice"], row["basin"]): row["mean"]
            for row in tables["strategies"].to_dicts()
        }

        assert len(rows) == tables["contrasts"].height
        for key, row in rows.items():
            assert row["means"] == pytest.approx([mean[(*key, 0)], mean[(*key, 1)]], rel=1e-3)

    def test_what_could_have_been_found_stands_only_where_nothing_was(self, summary):
        """A detectable difference is told exactly in the rows without evidence."""
        for row in summary["strategies"]["rows"]:
            assert (row["detectable"] is None) == row["found"]

    def test_rows_are_shown_once(self, summary):
        """The rows at once and those on demand are all rows."""
        found = summary["strategies"]

        assert sorted(found["first"] + found["rest"]) == list(range(len(found["rows"])))

    def test_the_best_distance_comes_first(self, summary):
        """Distances are ordered by how many slices they tell, and then by rho."""
        rows = summary["strategies"]["matrices"]

        assert rows[0]["matrix"] == "convexity gap"
        assert [row["found"] for row in rows] == sorted((r["found"] for r in rows), reverse=True)


class TestProbes:
    """Behaviour on the task's own texts."""

    def test_what_all_share_is_told_and_not_drawn(self, summary):
        """The word-count model is the same for every member, so it is no strip."""
        found = summary["probes"]
        view = next(view for view in found["views"] if view["title"] == "bag of words")

        assert [found["measures"][k]["name"] for k in view["same"]] == ["baseline accuracy"]
        assert [found["measures"][k]["name"] for k in view["measures"]] == ["agreement"]

    def test_the_probe_that_parts_the_basins_is_shown_first(self, summary):
        """Overlap, where the means lie farthest apart for the spread, is chosen."""
        assert summary["probes"]["views"][summary["probes"]["first"]]["title"] == "overlap"

    def test_bins_share_a_scale(self, summary):
        """A profile over bins is read along one scale, other measures have their own."""
        measures = summary["probes"]["measures"]
        bins = {(m["low"], m["high"]) for m in measures if m["name"].startswith("positive")}
        slope = next(m for m in measures if m["name"] == "overlap slope")

        assert len(bins) == 1
        assert (slope["low"], slope["high"]) not in bins

    def test_a_meaning_may_be_that_of_one_probe_alone(self, tables):
        """A key with the probe's name goes before that of the measure."""
        meanings = {"consistency": ["fraction", "all"], "words_shuffled.consistency": ["%", "one"]}
        found = summarize(tables, {"probes": meanings})["probes"]["measures"]

        assert next(m for m in found if m["name"] == "consistency")["meaning"] == "one"

    def test_what_does_not_apply_is_listed_with_its_reason(self, summary):
        """A probe that asks nothing of a task is there, with the number of members."""
        (row,) = summary["probes"]["missing"]

        assert (row["probe"], row["outcome"], row["n"]) == ("second only", "not applicable", 12)


class TestRidges:
    """Lines between basins, slice by slice."""

    def test_lines_start_in_the_basin_of_the_smaller_number(self, tables, summary):
        """With the two numbers exchanged every line between them is turned around."""
        other = pl.when(pl.col("label") >= 0).then(1 - pl.col("label")).otherwise("label")
        turned = changed(tables, clusters=tables["clusters"].with_columns(label=other))

        for one, two in zip(summary["ridges"]["parts"], turned["ridges"]["parts"], strict=True):
            before, after = (
                next(band for band in part["bands"] if band["kind"] == "between")["middle"]
                for part in (one, two)
            )
            assert before == after[::-1]

    def test_a_mean_is_that_of_its_lines(self, summary):
        """Each band holds the lines of its kind, and its middle is their mean."""
        found = summary["ridges"]
        lines = [k for k, line in enumerate(found["lines"]) if line["kind"] == "between"]
        for part in found["parts"]:
            band = next(band for band in part["bands"] if band["kind"] == "between")
            losses = np.array([part["loss"][k] for k in lines])
            assert band["n"] == len(lines) == 2
            assert band["middle"] == pytest.approx(losses.mean(axis=0), rel=1e-3)

    def test_the_task_stands_beside_a_slice_that_tells(self, summary):
        """The own part is the whole task, and the first beside it one of another set."""
        found = summary["ridges"]

        assert (found["task"], found["parts"][found["own"]]["slice"]) == ("mnli", "all")
        assert found["parts"][found["first"]]["set"] != "mnli"

    def test_many_lines_stay_in_the_means_only(self, tables, monkeypatch):
        """Without room for every line the bands count them all, and the page says how many."""
        monkeypatch.setattr(ridges, "NUMBER_LIMIT", 10)
        found = summarize(tables, {})["ridges"]

        assert (len(found["lines"]), found["left_out"]) == (2, 2)
        assert sum(band["n"] for band in found["parts"][0]["bands"]) == 4

    def test_many_basins_share_a_band_per_kind(self, tables, monkeypatch):
        """Where basins would crowd the picture there is one mean within and one between them."""
        monkeypatch.setattr(ridges, "BANDS", 2)
        bands = summarize(tables, {})["ridges"]["parts"][0]["bands"]

        assert [(band["kind"], band["n"]) for band in bands] == [("within", 2), ("between", 2)]

    def test_shares_are_means_over_lines_between_basins(self, tables, summary):
        """A row's share is the mean of the table's rows that are no line within a basin."""
        own = pl.col("slice") == "label/neutral", ~pl.col("within")
        mean = tables["attributions"].filter(*own)["share_of_gap"].mean()
        row = next(r for r in summary["ridges"]["attributions"] if r["slice"] == "label/neutral")

        assert row["share_of_gap"] == pytest.approx(mean, rel=1e-3)
        assert summary["ridges"]["attributions"][0] is row

    def test_a_loss_that_is_not_finite_is_left_out(self, tables):
        """A broken line vanishes and takes nothing else with it."""
        broken = pl.col("loss").list.eval(pl.lit(float("nan")))
        found = changed(tables, slice_profiles=tables["slice_profiles"].with_columns(broken))

        assert found["ridges"]["lines"] == []
        assert "slice_curves" in found["notes"]

    def test_texts_of_examples_are_text(self, tables):
        """Markup in an example is shown as it stands."""
        bad = tables["ridge_examples"].with_columns(text=pl.lit(cases.HOSTILE))
        text = render(changed(tables, ridge_examples=bad))

        assert "<img src=x" not in text
        assert "&lt;img src=x" in text


class TestPlacements:
    """Models that were placed, and members that were held out."""

    def test_held_out_members_are_counted_by_basin(self, summary):
        """One member of ten was placed elsewhere."""
        rows = summary["placements"]["held"]

        assert [(row["own"], row["n"], row["right"], row["elsewhere"]) for row in rows] == [
            (0, 7, 6, 1), (1, 3, 3, 0),
        ]  # fmt: skip

    def test_errors_are_those_of_the_table(self, summary):
        """Predictions by basin-mates miss by 0.02, the mean of all by 0.07."""
        for row in summary["placements"]["errors"]:
            assert (row["by_basin"], row["by_all"], row["covered"]) == (0.02, 0.07, 1)

    def test_new_models_are_on_the_map_of_barriers(self, summary):
        """Their places belong to the map by classical scaling."""
        assert summary["placed_on"] == 0
        assert [m["id"] for m in summary["placements"]["models"]] == ["mnli/new-1", "mnli/new-2"]

    @pytest.mark.slow
    def test_a_long_list_is_cut_and_says_so(self, tables, monkeypatch):
        """Beyond the limit predictions are counted, those of telling slices are kept."""
        monkeypatch.setattr(placements, "LISTED", 5)
        found = summarize(tables, {})

        assert len(found["placements"]["predictions"]) == 5
        assert found["placements"]["left_out"] == 49
        assert "49 more" in render(found)
