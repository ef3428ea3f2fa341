"""The panel of training settings."""

import polars as pl
import pytest
import report_cases as cases

from wsgeo.reporting import render, summarize
from wsgeo.reporting.trained import DRAWN


@pytest.fixture(scope="module")
def tables():
    """Give the tables of a zoo of twelve members."""
    return cases.tables(12)


def _panel(tables, **changes):
    return summarize(tables, cases.run(**changes))["settings"]


def _settings(tables, axis, values):
    ids = tables["models"]["id"].to_list()
    numbers = [None if isinstance(v, str) else float(v) for v in values]
    made = {"id": ids, "axis": axis, "value": list(map(str, values)), "number": numbers}
    return tables | {"settings": pl.DataFrame(made)}


def test_strongest_setting_comes_first(tables):
    """The setting that makes the basins stands above the one that does not, in chart and table."""
    found = _panel(tables)

    assert [axis["title"] for axis in found["axes"]] == ["seed", "learning rate"]
    assert [row["title"] for row in found["rows"]] == ["seed", "learning rate"]


def test_codes_give_each_members_value(tables):
    """Numbers stand in their order, and each member has the position of its own."""
    found = _panel(tables)["axes"][1]
    said = dict(tables["settings"].filter(axis="learning_rate").select("id", "number").iter_rows())
    ids = sorted(said)

    assert found["values"] == ["2e-5", "5e-5"]
    assert [[2e-5, 5e-5][code] for code in found["codes"]] == [said[name] for name in ids]


def test_a_member_without_a_value_has_no_code(tables):
    """A member that does not name a setting is in no row of it."""
    known = tables["settings"].filter(pl.col("id") != tables["models"]["id"][0])

    assert _panel(tables | {"settings": known})["axes"][0]["codes"][0] == -1


def test_values_that_look_alike_stay_apart(tables):
    """Long values that are cut to the same text are told apart."""
    found = _panel(_settings(tables, "subset", [f"{'x' * 80}{k % 3}" for k in range(12)]))

    assert len(set(found["axes"][0]["values"])) == 3


def test_a_setting_with_many_values_is_named_instead_of_drawn():
    """Beyond the bound a setting has no rows; the panel says which."""
    tables = cases.tables(DRAWN + 2)
    found = _panel(_settings(tables, "dose", range(DRAWN + 2)))

    assert found["axes"] == []
    assert found["undrawn"] == ["dose"]


def test_sentences_and_figures_are_on_the_page(tables):
    """The page says the run's sentences and shows the table of associations."""
    html = render(summarize(tables, cases.run(trained=["No setting goes with the basins."])))

    assert "No setting goes with the basins." in html
    assert "Cramer" in html
    assert "order seed" not in html


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "words"),
    [([], "Another scan reads it"), (["The members differ in no known setting."], "No known")],
)
def test_without_settings_the_panel_says_why(tables, said, words):
    """An earlier run, and a zoo of one setting, have a sentence instead of charts."""
    bare = {name: t for name, t in tables.items() if name not in ("settings", "associations")}
    html = render(summarize(bare, cases.run(trained=said)))

    assert words in html
    assert 'id="chart-settings"' not in html


def test_hostile_names_stay_text(tables):
    """Names and values of settings are escaped like every other text of the zoo."""
    hostile = _settings(tables, cases.HOSTILE, [cases.HOSTILE, "b"] * 6)

    assert "<img" not in render(summarize(hostile, cases.run()))


class TestAngles:
    """The part on task vectors."""

    SAID = "Task vectors follow the task: the mean distance (1 - cosine) is 0.73."

    def test_stands_apart_from_the_gaps(self, tables):
        """Rows of task vectors have a part of their own, with its group, and add no row to the gaps."""
        gaps = tables["associations"]
        angles = gaps.with_columns(matrix=pl.lit("task_vector"), group=pl.lit("g7"))
        both = pl.concat([gaps, angles], how="diagonal")
        found = _panel(tables | {"associations": both}, angles=[self.SAID])

        assert found["rows"] == _panel(tables)["rows"]
        assert found["angles"]["group"] == "g7"
        assert found["angles"]["said"] == [self.SAID]
        assert [row["title"] for row in found["angles"]["rows"]] == ["seed", "learning rate"]

    @pytest.mark.slow
    def test_is_on_the_page_where_there_are_rows(self, tables):
        """Heading, sentence and chart are there with rows of task vectors, and not without."""
        angles = tables["associations"].with_columns(matrix=pl.lit("task_vector"))
        page = render(summarize(tables | {"associations": angles}, cases.run(angles=[self.SAID])))

        assert "where their task vectors point" in page
        assert self.SAID in page
        assert 'id="chart-angles"' in page
        assert "where their task vectors point" not in render(summarize(tables, cases.run()))

    def test_only_the_first_geometry_group_is_shown(self, tables):
        """Rows of two geometry groups are never mixed."""
        angles = tables["associations"].with_columns(matrix=pl.lit("task_vector"))
        two = pl.concat([angles.with_columns(group=pl.lit(g)) for g in ("g0", "g1")])

        assert len(_panel(tables | {"associations": two})["angles"]["rows"]) == angles.height
