"""Lists, slider and headings in a browser: each redraws what it is for."""

from browser_cases import BROWSER

pytestmark = BROWSER


class TestPage:
    """A report of twelve members at desktop width."""

    def test_another_setting_redraws_the_counts(self, opened):
        """The list of settings changes the rows of the counts."""
        axis = opened.view.locator("#chart-settings .role-axis-label").last
        before = axis.text_content()
        opened.view.select_option("#pick-axis", "1")
        opened.view.wait_for_timeout(300)

        after = opened.view.locator("#chart-settings .role-axis-label").last.text_content()
        assert after != before
        assert opened.said == []

    def test_another_slice_redraws_the_scores(self, opened):
        """A row of the table of contrasts and the list choose the slice that is drawn."""
        before = opened.view.locator("#chart-transfer svg").inner_html()
        opened.view.locator("#contrast-table tr[data-part]").last.click()
        opened.view.wait_for_timeout(300)
        said = opened.view.inner_text("#along-text")

        assert opened.view.locator("#chart-transfer svg").inner_html() != before
        assert opened.view.input_value("#pick-slice") != "0"
        assert said == "Correlation with the coordinate: 0.94 [0.86, 0.98], 95 % over members."

    def test_another_probe_shows_its_measures(self, opened):
        """The list of probes changes the strips and the words beside them."""
        assert "overlap slope" in opened.view.inner_text("#behaviour")
        opened.view.select_option("#pick-probe", label="bag of words")
        opened.view.wait_for_timeout(300)

        assert "overlap slope" not in opened.view.inner_text("#behaviour .terms:not([hidden])")
        assert "0.61 for all" in opened.view.inner_text("#behaviour")
        labels = opened.view.locator("#chart-probes .role-axis-label text")
        assert labels.count() == 1

    def test_another_slice_redraws_its_lines(self, opened):
        """The list above the lines changes what is drawn along them, and not the task beside it."""
        own = opened.view.locator("#chart-own_curves svg").inner_html()
        before = opened.view.locator("#chart-slice_curves svg").inner_html()
        opened.view.select_option("#pick-curve", label="paws · constituent")
        opened.view.wait_for_timeout(300)

        assert opened.view.locator("#chart-slice_curves svg").inner_html() != before
        assert opened.view.locator("#chart-own_curves svg").inner_html() == own

    def test_another_level_recolours_the_map_of_regions(self, opened):
        """The list of levels changes colours, crosses and the names below; shapes stay those of tasks."""
        crosses = opened.view.locator("#chart-region_map .mark-symbol.layer_1_marks path")
        assert crosses.count() == 2
        assert "rte" in opened.view.inner_text("#regions .keys:not([hidden]) >> nth=0")

        opened.view.select_option("#pick-level", label="all members")
        opened.view.wait_for_timeout(300)
        assert opened.view.inner_text("#regions .keys:not([hidden]) >> nth=0").strip() == "all"
        assert opened.said == []

    def test_another_region_redraws_what_is_in_and_around_it(self, opened):
        """The lists of regions change their charts, and say what was not measured."""
        charts = ("losses", "orders", "radii", "interpolation", "extrapolation")
        before = {c: opened.view.locator(f"#chart-{c} svg").inner_html() for c in charts}
        last = opened.view.locator("#pick-inside option").count() - 1
        opened.view.select_option("#pick-inside", index=last)
        opened.view.select_option("#pick-line", label="nli (task), head refitted (linear probe)")
        opened.view.wait_for_timeout(500)

        for chart in charts:
            assert opened.view.locator(f"#chart-{chart} svg").inner_html() != before[chart], chart
        assert opened.view.locator("[data-lacks='random origin base']").is_visible()
        assert opened.view.locator("[data-lacks='interpolation']").is_hidden()
        assert opened.said == []

    def test_another_choice_redraws_gains_stages_layers_and_clusters(self, opened):
        """Each further list changes its own chart."""
        for pick, chart in (
            ("gain", "gains"), ("stage", "stages"), ("score", "stages"),
            ("centroid", "centroid_angles"), ("count", "counts"),
        ):  # fmt: skip
            before = opened.view.locator(f"#chart-{chart} svg").inner_html()
            last = opened.view.locator(f"#pick-{pick} option").count() - 1
            opened.view.select_option(f"#pick-{pick}", index=last)
            opened.view.wait_for_timeout(300)
            assert opened.view.locator(f"#chart-{chart} svg").inner_html() != before, pick
        assert opened.said == []

    def test_placed_models_are_on_the_map_of_barriers_only(self, opened):
        """Their names stand on the map by classical scaling, and on no other."""
        names = opened.view.locator("#chart-map .mark-text text")
        assert names.all_text_contents() == ["mnli/new-1", "mnli/new-2"]

        opened.view.select_option("#pick-map", "1")
        opened.view.wait_for_timeout(300)
        assert names.count() == 0

    def test_the_threshold_changes_the_edges(self, opened):
        """At the lowest threshold no edge is drawn, at the highest all are."""
        slider = opened.view.locator("#threshold")
        drawn = []
        for value in ("0", "0.043", str(10)):
            slider.evaluate(
                "(s, v) => { s.value = v; s.dispatchEvent(new Event('input')); }", value
            )
            opened.view.wait_for_timeout(100)
            drawn.append(len(opened.marks("graph", "rule mark")))

        assert drawn == [0, 24, 55]
        assert "55 of 55 edges" in opened.view.inner_text("#threshold-text")

    def test_a_heading_sorts_the_table(self, opened):
        """Numbers sort as numbers, up and then down; a dash comes last or first."""
        cells = opened.view.locator("#member-table tbody td:nth-child(4)")
        heading = opened.view.locator("#member-table th:nth-child(4) button")
        heading.click()
        up = [float(text) for text in cells.all_inner_texts()]
        heading.click()
        down = [float(text) for text in cells.all_inner_texts()]

        assert up == sorted(up)
        assert down == sorted(down, reverse=True)
