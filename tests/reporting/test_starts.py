"""The panel of start models."""

import polars as pl
import pytest
import report_cases as cases

from wsgeo.reporting import render, starts, summarize


@pytest.fixture(scope="module")
def tables():
    """Give the tables of a zoo of twelve members."""
    return cases.tables(12)


@pytest.fixture(scope="module")
def found(tables):
    return summarize(tables, cases.run())["starts"]


def test_all_targets_together_come_first(tables, found):
    """Rows over all targets lead the table and the list of views; no row is lost."""
    assert [row["overall"] for row in found["gains"][:3]] == [True, True, False]
    assert found["views"][0]["title"].startswith("all targets: every start")
    assert len(found["gains"]) == tables["gains"].height


def test_of_a_target_the_largest_gain_leads(found):
    """Starts of one target are in the order of their gains."""
    own = [row["gain"] for row in found["gains"] if row["target"] == "trec"]

    assert own == sorted(own, reverse=True)


def test_the_base_is_no_start_of_its_own_chart(found):
    """Each view names one recipe's gains, the base left out, for its gain is nought."""
    for view in found["views"]:
        rows = [found["dots"][k] for k in view["rows"]]
        assert "base" not in {row["start"] for row in rows}
        assert len({row["recipe"] for row in rows}) == 1
        assert len({row[view["by"]] for row in rows}) == len(rows)


def test_a_start_is_shown_across_targets(found):
    """A view by target holds one start on every target of a recipe."""
    across = [view for view in found["views"] if view["by"] == "target"]

    assert across
    assert {found["dots"][k]["start"] for k in across[0]["rows"]} == {"centroid of all"}


def test_a_cheap_score_stands_beside_its_result(tables, found):
    """Each point has the score of its own target, shots and start."""
    view = found["stages"][0]
    target = view["title"].split(";")[0]
    for point in view["points"]:
        row = tables["starts"].filter(target=target, start=point["start"]).to_dicts()[0]
        assert point["probe_loss"] == row["probe_loss"]
    assert view["agreement"] == 0.8


def test_a_score_that_nobody_has_is_not_offered(found):
    """Updates were not asked for, so their loss is not among the scores."""
    assert "few_step_loss" not in {score["field"] for score in found["scores"]}
    assert len(found["scores"]) == 4


def test_the_score_that_chose_is_shown_first(found, tables):
    """The run says which score ranked the candidates; an unknown one leaves the first."""
    assert found["scores"][found["first_score"]]["field"] == "logme"
    assert summarize(tables, {"ranked_by": "else"})["starts"]["first_score"] == 0


def test_failed_fine_tunings_are_told_of(found, whole_page):
    """A fine-tuning without a result is counted with its reason."""
    assert found["missing"][0]["reason"] == "out of memory"
    assert "fine-tuning failed (out of memory)" in whole_page


@pytest.mark.parametrize("n", [12, 100])
def test_each_target_lists_its_best_candidates(n):
    """However many there are, each target keeps its best and its base, and the rest is counted."""
    tables = cases.tables(4, n_targets=n)
    found = starts.starts(tables, [])

    assert len(found["candidates"]) <= starts.LISTED
    assert len(found["candidates"]) + found["candidates_left_out"] == tables["starts"].height
    if n == 12:
        assert sum(row["rank"] is None for row in found["candidates"]) == n
    else:
        assert found["left_out"] == tables["gains"].height - starts.LISTED


@pytest.mark.slow
def test_without_targets_there_is_no_panel(tables):
    """A run in which nothing was chosen has no panel of starts."""
    names = ("starts", "trials", "gains")
    bare = tables | {name: tables[name].clear() for name in names}
    summary = summarize(bare, cases.run(starts=[]))

    assert {"gains", "stages"} <= summary["notes"].keys()
    assert '<section id="starts">' not in render(summary)


def test_one_seed_has_no_whisker(tables):
    """Without an interval the gain is shown alone."""
    alone = tables["gains"].with_columns(
        pl.lit(None, pl.Float64).alias(end) for end in ("gain_lo", "gain_hi")
    )
    found = summarize(tables | {"gains": alone}, {})["starts"]

    assert {row["gain_lo"] for row in found["dots"]} == {None}
    assert found["views"]
