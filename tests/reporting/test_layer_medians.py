"""The panel of layers."""

import statistics
from itertools import combinations

import polars as pl
import pytest
import report_cases as cases

from wsgeo.reporting import render, summarize
from wsgeo.reporting.layers import layer_medians


@pytest.fixture(scope="module")
def tables():
    """Give the tables of a zoo of twelve members."""
    return cases.tables(12)


def plain(layers, groups):
    """Return the medians by plain loops over pairs."""
    found = {}
    rows = {(row["a"], row["b"], row["layer"]): row for row in layers.to_dicts()}
    for layer in dict.fromkeys(layers.sort("position")["layer"]):
        for a, b in combinations(sorted(groups), 2):
            if min(groups[a], groups[b]) >= 0:
                kind = "within" if groups[a] == groups[b] else "between"
                found.setdefault((layer, kind), []).append(rows[a, b, layer])
    return {
        key: tuple(statistics.median(row[name] for row in own) for name in ("l2", "cosine"))
        for key, own in found.items()
    }


def test_medians_are_those_of_a_plain_loop(tables):
    """Each layer has the median within and between groups; members of no group are left out."""
    summary = summarize(tables, cases.run())
    members = summary["members"]
    expected = plain(tables["layers"], dict(zip(members["id"], members["group"], strict=True)))

    found = {(row["layer"], row["kind"]): (row["l2"], row["cosine"]) for row in summary["layers"]}

    assert min(members["group"]) < 0
    assert list(found) == list(expected)
    for key, values in expected.items():
        assert found[key] == pytest.approx(values, rel=1e-3)


def test_without_two_groups_all_pairs_count(tables):
    """Where there is one group, or none, the median is over all pairs, noise included."""
    ids = tables["models"]["id"].to_list()
    for labels in ([0] * 12, [-1] * 12, [0] * 6 + [-1] * 6):
        found = layer_medians(tables["layers"], dict(zip(ids, labels, strict=True)))

        assert {(row["kind"], row["n"]) for row in found} == {("all pairs", 66)}
        assert [row["layer"] for row in found] == ["embeddings", "layer 0", "layer 1", "rest"]


def test_only_members_of_the_page_count(tables):
    """Pairs with a member of another loss group are left out."""
    ids = tables["models"]["id"].to_list()[:4]

    found = layer_medians(tables["layers"], dict.fromkeys(ids, 0))

    assert {row["n"] for row in found} == {6}


def test_only_one_geometry_group_counts(tables):
    """Layers of two architectures are never mixed."""
    other = tables["layers"].with_columns(group=pl.lit("g1"), layer=pl.lit("layer 7"))
    both = pl.concat([tables["layers"], other])
    groups = dict.fromkeys(tables["models"]["id"], 0)

    assert layer_medians(both, groups) == layer_medians(tables["layers"], groups)


@pytest.mark.slow
class TestPage:
    """The panel on the page."""

    def test_shows_both_charts(self, tables):
        """Distance and angle are drawn, from medians alone."""
        html = render(summarize(tables, cases.run()))

        assert 'id="chart-layers"' in html
        assert 'id="chart-layer_angles"' in html
        assert "tables/layers.parquet" in html

    def test_without_a_base_there_are_distances_only(self, tables):
        """No cosine means no chart of angles, with the reason."""
        bare = tables["layers"].with_columns(cosine=pl.lit(None, pl.Float64))
        html = render(summarize(tables | {"layers": bare}, cases.run()))

        assert 'id="chart-layers"' in html
        assert 'id="chart-layer_angles"' not in html
        assert "Without a base there are no task vectors." in html

    def test_of_an_earlier_run_says_why_it_is_empty(self, tables):
        """A run without the table has a sentence instead."""
        old = {name: frame for name, frame in tables.items() if name != "layers"}
        html = render(summarize(old, cases.run()))

        assert 'id="chart-layers"' not in html
        assert "Another scan measures them." in html

    def test_takes_no_more_room_with_more_members(self, tables):
        """The page holds medians and no pairs."""
        few, many = (summarize(t, cases.run())["layers"] for t in (tables, cases.tables(30)))

        assert len(few) == len(many) == 8

    def test_hostile_names_stay_text(self, tables):
        """A layer named by a hostile tensor is text."""
        bad = tables["layers"].with_columns(layer=pl.lit(cases.HOSTILE))

        assert "<img" not in render(summarize(tables | {"layers": bad}, cases.run()))
