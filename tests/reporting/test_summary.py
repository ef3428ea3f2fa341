"""The summary: everything a page shows, from the tables alone."""

import json
import math

import polars as pl
import pytest
import report_cases as cases
from hypothesis import given, settings
from hypothesis import strategies as st

from wsgeo.reporting import inputs
from wsgeo.reporting.summary import summarize
from wsgeo.reporting.tables import LABEL_MOST, short_labels


def leaves(value):
    """Yield every text, number and None of nested dicts and lists."""
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def four_digits(value):
    return None if value is None else float(f"{value:.4g}")


@pytest.fixture(scope="module")
def tables():
    return cases.tables(12)


@pytest.fixture(scope="module")
def summary(tables):
    return summarize(tables, cases.run())


class TestSummarize:
    """The whole summary."""

    @pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 12])
    def test_is_json_of_four_digits(self, n):
        """A zoo of any size gives finite numbers of at most four digits, texts and nulls."""
        found = summarize(cases.tables(n), cases.run())

        assert json.loads(json.dumps(found, allow_nan=False)) == found
        assert all(v == four_digits(v) for v in leaves(found) if isinstance(v, float))

    @pytest.mark.parametrize("n", [0, 1, 2, 3, 12])
    def test_an_empty_panel_says_why(self, n):
        """Each panel either has something to show or a sentence in the notes."""
        found = summarize(cases.tables(n), cases.run())

        shown = {
            "map": found["maps"],
            "graph": found["graph"],
            "tree": found["tree"]["bars"],
            "heatmap": found["quantities"],
            "paths": found["curves"]["pair"],
            "diagnostics": found["diagnosis"]["parts"],
            "nulls": found["nulls"]["statistic"],
            "centroids": found["centroids"],
            "exclusions": found["exclusions"],
            "probes": found["probes"]["measures"],
            "predictors": found["strategies"]["predictors"],
            "slice_curves": found["ridges"]["lines"],
            "attributions": found["ridges"]["attributions"],
            "region_map": any(x is not None for x in found["regions"]["map"]["x"]),
            "counts": found["regions"]["counts"]["views"],
            "losses": found["around"]["views"],
            "interpolation": found["region_lines"]["views"],
            "centroid_angles": found["centroid_layers"]["views"],
            "gains": found["starts"]["views"],
            "stages": found["starts"]["stages"],
        }
        for panel, content in shown.items():
            assert bool(content) != (panel in found["notes"]), panel

    @given(st.sets(st.sampled_from(sorted(inputs.COLUMNS))), st.sampled_from([0, 1, 2, 3, 5]))
    @settings(max_examples=60, deadline=None)
    def test_any_table_may_be_missing_or_empty(self, absent, n):
        """Without some tables, or with their rows gone, the summary is still whole."""
        tables = cases.tables(n)
        missing = {name: frame for name, frame in tables.items() if name not in absent}
        emptied = {name: f.clear() if name in absent else f for name, f in tables.items()}

        assert summarize(missing, {}).keys() == summarize(emptied, {}).keys()

    def test_a_pair_is_its_row(self, tables, summary):
        """Numbers of a pair are those of its row in the pair table, to four digits."""
        ids, packed = summary["members"]["id"], summary["pairs"]
        table = {(row["a"], row["b"]): row for row in tables["pairs"].to_dicts()}

        for k, (a, b) in enumerate(zip(packed["a"], packed["b"], strict=True)):
            row = table[ids[a], ids[b]]
            for column in ("convexity_gap", "barrier_height_lo", "l2", "cosine", "t_peak"):
                assert packed[column][k] == four_digits(row[column])
        assert len(packed["a"]) == len(table)

    def test_a_curve_is_its_profile(self, tables, summary):
        """Losses of a curve are those of its row in the profile table, to four digits."""
        ids, packed, curves = summary["members"]["id"], summary["pairs"], summary["curves"]
        table = {(row["a"], row["b"]): row for row in tables["profiles"].to_dicts()}

        for pair, grid, loss in zip(curves["pair"], curves["grid"], curves["loss"], strict=True):
            row = table.pop((ids[packed["a"][pair]], ids[packed["b"][pair]]))
            assert loss == [four_digits(x) for x in row["loss"]]
            assert curves["grids"][grid] == row["t"]
        assert not table

    def test_members_clusterings_and_scores_are_table_values(self, tables, summary):
        """Member columns, clusterings and scores repeat their tables."""
        members = summary["members"]
        for column in ("loss", "metric", "learning_rate", "seed"):
            assert members[column] == [four_digits(x) for x in tables["models"][column]]
        for column in ("silhouette", "p_value", "stability"):
            expected = [four_digits(x) for x in tables["clusterings"][column]]
            assert summary["clusterings"][column] == expected
        scores = tables["scores"].drop_nulls("metric").select("id", "set", "slice", "metric").rows()
        shown = {
            (name, part["set"], part["slice"]): metric
            for part in summary["diagnosis"]["parts"]
            for name, metric in zip(members["id"], part["metric"], strict=True)
            if metric is not None
        }
        assert shown == {tuple(key): four_digits(metric) for *key, metric in scores}

    def test_no_barrier_of_a_broken_end(self, tables):
        """A pair whose end fails the gate shows no barrier, whatever its row holds."""
        lying = tables["pairs"].with_columns(pl.col("convexity_gap").fill_null(0.0))
        found = summarize(tables | {"pairs": lying}, {})["pairs"]

        broken = [k for k, s in enumerate(found["status"]) if s == "endpoint_failed"]
        assert len(broken) == 11
        assert {found["convexity_gap"][k] for k in broken} == {None}

    def test_an_unfinished_run_says_n_of_m(self, tables):
        """Pending pairs are counted in an alert."""
        pairs = tables["pairs"].with_columns(
            status=pl.when(pl.int_range(pl.len()) < 6).then(pl.lit("pending")).otherwise("status")
        )
        found = summarize(tables | {"pairs": pairs}, {})

        assert found["alerts"][0] == "This run is not finished: 60 of 66 pairs are done."

    def test_what_the_user_left_out_is_no_alert(self, tables):
        """Entries that zoo.toml names are told below and counted, but nobody is warned of them."""
        chosen = tables["exclusions"].with_columns(code=pl.lit("excluded"))
        found = summarize(tables | {"exclusions": chosen}, {})

        assert not any("left out" in alert for alert in found["alerts"])
        assert found["cards"][0]["note"] == "1 left out"
        assert any("left out" in alert for alert in summarize(tables, {})["alerts"])

    def test_weights_alone(self, tables):
        """Without losses the page still has distances, and says how to get barriers."""
        bare = tables["pairs"].select("a", "b", "l2", "cosine").with_columns(measured=pl.lit("x"))
        found = summarize({"models": tables["models"], "pairs": bare}, {})

        assert [q["field"] for q in found["quantities"]] == ["l2", "cosine"]
        assert "--data" in found["notes"]["graph"]

    def test_several_groups_of_members(self):
        """Basins of two loss groups are numbered through and keep their names apart."""
        halves = []
        for name, tables in (("g0", cases.tables(6)), ("g1", cases.tables(5))):
            swap = pl.col(pl.String).str.replace("mnli", name)
            halves.append(
                {
                    key: frame.with_columns(swap).with_columns(group=pl.lit(name))
                    for key, frame in tables.items()
                    if frame.width
                }
            )
        stacked = {key: pl.concat([half[key] for half in halves]) for key in halves[0]}
        found = summarize(stacked, {})

        assert [g["name"] for g in found["groups"]] == [
            "basin 0 of g0", "basin 1 of g0", "basin 0 of g1", "basin 1 of g1", "noise",
        ]  # fmt: skip
        assert len(found["maps"]) == 4
        assert sorted(found["order"]) == list(range(11))
        assert len(found["tree"]["bars"]) == 3 * (4 + 4)

    def test_names_cannot_reorder_text(self):
        """Direction marks and control characters of a name are shown as escapes."""
        found = summarize(cases.tables(3, name="a\u202eb\x07c"), {})

        assert "a\\u202eb\\x07c" in found["members"]["id"]


class TestLabels:
    """Names along an axis."""

    @given(st.sets(st.text("ab-1", min_size=30, max_size=40), min_size=1, max_size=12))
    def test_are_short(self, ids):
        """No label is longer than what has room, whatever the names."""
        assert max(map(len, short_labels(sorted(ids)))) <= LABEL_MOST

    @pytest.mark.parametrize("tail", ["lr3e-4", "learning-rate-0.0003"])
    def test_stay_distinct(self, tail):
        """Names that differ at their start, middle or end keep different labels."""
        ids = [f"counter{k}0-order{n}-{tail}" for k in range(5) for n in range(6)]

        assert len(set(short_labels(ids))) == 30


class TestBands:
    """Percentiles along the paths."""

    def test_lie_between_the_extremes(self, tables, summary):
        """At every t the percentiles are ordered and within the curves' range."""
        losses = [x for row in tables["profiles"]["loss"] for x in row]

        for row in summary["bands"]:
            assert min(losses) - 1e-3 <= row["low"] <= row["middle"] <= row["high"]
            assert row["high"] <= max(losses) + 1e-3

    def test_count_every_pair_of_two_grouped_members_once(self, summary):
        """Within and between together hold all measured pairs but those with noise."""
        n_by_kind = {row["kind"]: row["n"] for row in summary["bands"]}

        assert n_by_kind == {"within": 21 + 3, "between": 7 * 3}


class TestTree:
    """The merge tree as drawn."""

    def test_order_is_a_permutation_that_keeps_groups_together(self, summary):
        """Members of a basin stand side by side in the leaf order."""
        labels = [summary["members"]["group"][k] for k in summary["order"]]
        runs = [a for a, b in zip(labels, [*labels[1:], None], strict=True) if a != b]

        assert sorted(summary["order"]) == list(range(12))
        assert len([r for r in runs if r >= 0]) == 2

    def test_bold_edges_are_the_merge_heights(self, tables, summary):
        """The gaps of the bold edges are the heights of the merge tree."""
        gaps = sorted(summary["pairs"]["convexity_gap"][k] for k in summary["bridges"])

        assert gaps == [four_digits(h) for h in sorted(tables["merge_tree"]["height"])]

    def test_bars_end_at_the_heights(self, tables, summary):
        """Each merge draws two stems and a bar at its height."""
        heights = [four_digits(h) for h in tables["merge_tree"]["height"]]
        level = [row["y"] for row in summary["tree"]["bars"] if row["y"] == row["y2"]]

        assert len(summary["tree"]["bars"]) == 3 * len(heights)
        assert all(any(math.isclose(h, y) for y in level) for h in heights)
