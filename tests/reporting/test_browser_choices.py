"""Choices in a browser: of members, which link the views, and of pairs."""

import polars as pl
import report_cases as cases
from browser_cases import BROWSER, drag

from wsgeo.reporting.summary import summarize

pytestmark = BROWSER


class TestPage:
    """A report of twelve members at desktop width."""

    def test_a_drag_on_the_map_links_the_views(self, opened):
        """Members outside the box are dimmed in map, graph, heat map, diagnostics and table."""
        drag(opened.view, "#chart-map")
        opened.view.wait_for_selector(".chosen:not([hidden])")

        assert opened.view.inner_text("#chosen-text") == "7 of 12 members"
        assert opened.faint("map", "point") == (4, 11)
        assert opened.faint("graph", "point") == (4, 11)
        faint, cells = opened.faint("heatmap", "rect mark")
        assert cells >= 132
        assert faint == 5 * 11
        assert opened.faint("diagnostics", "point")[0] == 5 * 6
        assert opened.view.locator("#member-table tr.faint").count() == 5

    def test_a_cell_of_the_settings_chooses_its_members(self, opened):
        """A click on the count of a value follows its members; a second click shows all."""
        count = opened.view.locator("#chart-settings .mark-text text").first
        n = int(count.text_content())
        count.click()
        opened.view.wait_for_selector(".chosen:not([hidden])")

        assert opened.view.inner_text("#chosen-text") == f"{n} of 12 members"
        assert opened.view.locator("#member-table tr.faint").count() == 12 - n

        opened.view.locator("#chart-settings .mark-text text").first.click()
        opened.view.wait_for_selector(".chosen", state="hidden")

    def test_a_choice_dims_the_map_of_regions(self, opened):
        """A basin that is chosen stands out among all members of the geometry group."""
        opened.view.click(".chip[data-group='1']")

        faint, all_of = opened.faint("region_map", "point")
        assert (all_of - faint, all_of) == (3, 11)

    def test_a_point_of_likeness_picks_its_pair(self, opened):
        """A click shows that pair's path and figures."""
        opened.view.select_option("#pick-a", label="mnli/seed-04")
        opened.view.select_option("#pick-b", label="mnli/seed-03")
        before = opened.view.inner_text("#readout")
        opened.view.locator("#chart-likeness [aria-roledescription='point']").last.click()

        assert opened.view.inner_text("#readout") != before

    def test_a_choice_dims_probes_and_lines(self, opened):
        """A basin that is chosen stands out in the panels of answers too."""
        opened.view.click(".chip[data-group='1']")
        opened.view.wait_for_timeout(200)

        faint, all_of = opened.faint("probes", "point")
        assert 0 < faint < all_of
        faint, all_of = opened.faint("likeness", "point")
        assert (all_of - faint, all_of) == (3, 24 + 21)

    def test_show_all_undoes_a_choice(self, opened):
        """After the button nothing is dimmed and the box is gone."""
        drag(opened.view, "#chart-map")
        opened.view.click("#clear")
        opened.view.wait_for_timeout(100)

        assert opened.faint("map", "point")[0] == opened.faint("graph", "point")[0] == 0
        box = opened.view.locator("#chart-map .brush_brush path").first.bounding_box()
        assert box is None or box["width"] == 0
        assert opened.view.locator(".chosen").is_hidden()

    def test_a_legend_button_chooses_its_group(self, opened):
        """The button of a basin dims all members outside of it."""
        opened.view.click(".chip[data-group='1']")

        assert opened.view.inner_text("#chosen-text") == "3 of 12 members"
        assert opened.faint("map", "point") == (8, 11)

    def test_a_choice_elsewhere_lets_go_of_the_box(self, opened):
        """After a drag, a legend button's choice stands alone, and a new drag starts afresh."""
        drag(opened.view, "#chart-map")
        opened.view.click(".chip[data-group='1']")
        assert opened.view.inner_text("#chosen-text") == "3 of 12 members"

        drag(opened.view, "#chart-map")
        opened.view.wait_for_timeout(100)
        assert opened.view.inner_text("#chosen-text") == "7 of 12 members"

    def test_a_click_on_a_member_chooses_it_alone(self, opened):
        """One click on a point keeps that member, a second shows all."""
        point = opened.view.locator("#chart-graph [aria-roledescription='point']").first
        point.click()
        assert opened.view.inner_text("#chosen-text") == "1 of 12 members"

        point.click()
        assert opened.view.locator(".chosen").is_hidden()

    def test_a_click_on_the_heat_map_shows_that_pair(self, opened):
        """The clicked cell's members and status stand in the readout, its curve is drawn."""
        before = opened.view.locator("#chart-paths svg").inner_html()
        opened.view.locator("#chart-heatmap [aria-roledescription='rect mark']").first.click()

        ids = summarize(cases.tables(12), {})["members"]["id"]
        first = min(summarize(cases.tables(12), {})["pairs"]["a"])
        assert opened.view.input_value("#pick-a") == str(first)
        assert opened.view.input_value("#pick-b") == str(ids.index("mnli/seed-01"))
        assert opened.view.locator("#chart-paths svg").inner_html() != before
        assert "connected" in opened.view.inner_text("#readout")

    def test_the_two_lists_pick_a_pair_too(self, opened):
        """A pair can be picked without a pointer, in either order."""
        opened.view.select_option("#pick-a", label="mnli/seed-04")
        opened.view.select_option("#pick-b", label="mnli/seed-03")

        shown = opened.view.inner_text("#readout")
        same = (pl.col("a") == "mnli/seed-03") & (pl.col("b") == "mnli/seed-04")
        row = cases.tables(12)["pairs"].row(by_predicate=same, named=True)
        assert f"{row['convexity_gap']:.4g}" in shown
