"""The panel of centroids: methods, and layers."""

import polars as pl
import pytest
import report_cases as cases

from wsgeo.reporting import centroids, render, summarize


@pytest.fixture(scope="module")
def tables():
    """Give the tables of a zoo of twelve members."""
    return cases.tables(12)


def test_methods_and_settings_are_in_words(tables):
    """A centroid says how it was merged; a table of an earlier run has means only."""
    found = summarize(tables, {})["centroids"]
    old = summarize(tables | {"centroids": tables["centroids"].drop("method", "parameters")}, {})

    assert [row["method"] for row in found] == ["mean", "mean", "Model Stock", "Model Stock"]
    assert found[2]["settings"] == "unit layer"
    assert {row["method"] for row in old["centroids"]} == {"mean"}


def test_methods_that_have_seen_the_examples_are_never_called_better(tables):
    """The loss of a greedy soup below that of its best member is no finding."""
    loss = pl.col("best_member_loss") - 0.1
    rows = [
        centroids.centroids(tables["centroids"].with_columns(loss=loss, method=pl.lit(method)))
        for method in ("mean", "greedy", "fisher")
    ]

    assert [any(row["better"] for row in found) for found in rows] == [True, False, False]


def test_settings_that_are_no_object_are_shown_as_they_are(tables):
    """Whatever stands in the table, the page has it as text."""
    odd = tables["centroids"].with_columns(parameters=pl.Series(["[1", "[1]", None, "{}"]))

    found = [row["settings"] for row in centroids.centroids(odd)]
    assert found == ["[1", "[1]", "", ""]


def test_layers_are_in_the_order_of_the_model(tables):
    """Each centroid has its layers from the first to the last, with the ends of its norms."""
    shuffled = tables["centroid_layers"].sample(fraction=1, shuffle=True, seed=0)
    found = centroids.centroid_layers(shuffled)["views"]

    for view in found:
        assert [row["layer"] for row in view["rows"]] == [
            "embeddings",
            "layer 0",
            "layer 1",
            "rest",
        ]
        assert all(row["low"] <= row["norm"] <= row["high"] for row in view["rows"])


def test_what_has_no_room_is_counted(tables, monkeypatch):
    """Beyond the room centroids are in the table only, and the page says how many."""
    monkeypatch.setattr(centroids, "LAYER_LIMIT", 9)
    found = centroids.centroid_layers(tables["centroid_layers"])

    assert (len(found["views"]), found["left_out"]) == (2, 2)


@pytest.mark.slow
def test_only_model_stock_has_a_share(tables, whole_page):
    """Without a share there is no chart of it, and no empty place for one."""
    bare = tables["centroid_layers"].with_columns(share=pl.lit(None, pl.Float64))

    assert 'id="chart-centroid_shares"' in whole_page
    assert "Share of the mean" not in render(summarize(tables | {"centroid_layers": bare}, {}))
