"""The page in a browser: it draws, its views are linked, and it asks nobody for anything."""

import shutil
from itertools import pairwise

import polars as pl
import pytest
import report_cases as cases

from wsgeo.reporting.page import write_page
from wsgeo.reporting.summary import summarize

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: no page was opened"),
]


class Opened:
    """A report in a browser, with everything it said and asked for."""

    def __init__(self, browser, path, **settings):
        self.view = browser.new_page(**settings)
        self.said, self.asked, self.dialogs = [], [], []
        self.view.on("console", lambda message: self.said.append(message.text))
        self.view.on("pageerror", lambda error: self.said.append(str(error)))
        self.view.on("request", lambda request: self.asked.append(request.url))
        self.view.on(
            "dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss())
        )
        self.view.goto(path.as_uri())
        self.view.wait_for_selector("html[data-drawn=yes]", state="attached", timeout=30_000)

    def marks(self, chart, role, attribute="opacity"):
        """Return an attribute of each mark of a chart that is drawn as SVG."""
        marks = self.view.locator(f"#chart-{chart} [aria-roledescription='{role}']")
        return [marks.nth(k).get_attribute(attribute) for k in range(marks.count())]

    def faint(self, chart, role):
        """Return how many marks of a chart are dimmed, and how many there are."""
        found = [float(opacity or 1) for opacity in self.marks(chart, role)]
        return sum(opacity < 0.3 for opacity in found), len(found)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "index.html"
    write_page(summarize(cases.tables(12), cases.run()), path)
    return path


@pytest.fixture
def opened(browser, page_file):
    found = Opened(browser, page_file, viewport={"width": 1280, "height": 900})
    yield found
    found.view.close()


def drag(view, chart):
    """Drag a box over the left third of a chart."""
    view.locator(chart).scroll_into_view_if_needed()
    box = view.locator(f"{chart} svg").bounding_box()
    view.mouse.move(box["x"] + 5, box["y"] + 5)
    view.mouse.down()
    view.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] - 5, steps=5)
    view.mouse.up()


class TestPage:
    """A report of twelve members at desktop width."""

    def test_asks_for_nothing_and_reports_no_error(self, opened):
        """The only request is the file itself, and the console stays empty."""
        assert len(opened.asked) == 1
        assert opened.said == []

    def test_draws_every_chart(self, opened):
        """Each chart holds a drawing with marks."""
        for chart in (
            "map",
            "graph",
            "tree",
            "heatmap",
            "paths",
            "settings",
            "contrasts",
            "diagnostics",
            "transfer",
            "along",
            "probes",
            "likeness",
            "predictors",
            "own_curves",
            "slice_curves",
            "nulls",
            "region_map",
            "counts",
            "losses",
            "orders",
            "radii",
            "interpolation",
            "extrapolation",
            "radial",
            "centroid_angles",
            "centroid_norms",
            "centroid_shares",
            "gains",
            "stages",
        ):
            assert opened.view.locator(f"#chart-{chart} svg path").count() > 3, chart

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

    def test_placed_models_are_on_the_map_of_barriers_only(self, opened):
        """Their names stand on the map by classical scaling, and on no other."""
        names = opened.view.locator("#chart-map .mark-text text")
        assert names.all_text_contents() == ["mnli/new-1", "mnli/new-2"]

        opened.view.select_option("#pick-map", "1")
        opened.view.wait_for_timeout(300)
        assert names.count() == 0

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


def test_sets_of_many_slices_are_shown_on_demand(browser, tmp_path):
    """At first few slices are drawn; the list and the button bring the others."""
    path = tmp_path / "index.html"
    write_page(summarize(cases.tables(12, n_sets=10), cases.run()), path)
    opened = Opened(browser, path, viewport={"width": 1280, "height": 900})
    means = opened.view.locator("#chart-diagnostics [aria-roledescription='tick']")
    chart, rows = opened.view.locator("#chart-diagnostics"), opened.view.locator("#more-contrasts")
    tall = chart.bounding_box()["height"]
    assert rows.is_hidden()

    opened.view.select_option("#pick-view", index=1)
    opened.view.wait_for_timeout(300)
    opened.view.click("[data-shows='more-contrasts']")

    assert chart.bounding_box()["height"] < tall / 2
    assert means.count() > 0
    assert rows.is_visible()
    assert opened.said == []
    opened.view.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("n", [1, 3, 12, 45])
def test_a_phone_shows_no_wider_page(browser, tmp_path, n, scheme):
    """At 390 px nothing makes the page scroll sideways, in either theme."""
    path = tmp_path / "index.html"
    write_page(summarize(cases.tables(n), cases.run()), path)
    opened = Opened(browser, path, viewport={"width": 390, "height": 844}, color_scheme=scheme)

    assert opened.view.evaluate("document.documentElement.scrollWidth") == 390
    assert opened.said == []
    opened.view.close()


def test_a_phone_hints_at_what_lies_beyond(browser, page_file):
    """At 390 px a table that goes on has a shadow at that edge, and none where it ends."""
    opened = Opened(browser, page_file, viewport={"width": 390, "height": 844})
    frame = opened.view.locator("#centroids .frame").first
    assert frame.evaluate("(box) => box.scrollWidth > box.clientWidth")

    # What lies behind the text is compared.
    opened.view.locator("#centroids table").first.evaluate(
        "(table) => { table.style.opacity = 0; }"
    )
    edges = []
    for end in ("0", "box.scrollWidth"):
        frame.evaluate(f"(box) => {{ box.scrollLeft = {end}; }}")
        frame.scroll_into_view_if_needed()
        box = frame.bounding_box()
        right = {"x": box["x"] + box["width"] - 8, "y": box["y"] + 4, "width": 6, "height": 6}
        edges.append(opened.view.screenshot(clip=right))

    assert edges[0] != edges[1]
    opened.view.close()


def test_labels_of_an_axis_keep_apart_on_a_phone(browser, page_file):
    """At 390 px the numbers below the nulls do not touch."""
    opened = Opened(browser, page_file, viewport={"width": 390, "height": 844})
    labels = opened.view.locator("#chart-nulls .role-axis-label text").all()
    boxes = [box for box in (label.bounding_box() for label in labels) if box]
    lowest = max(box["y"] for box in boxes)
    below = sorted((box["x"], box["width"]) for box in boxes if abs(box["y"] - lowest) < 2)

    assert len(below) > 2
    for (x, width), (following, _) in pairwise(below):
        assert following - (x + width) > 10
    opened.view.close()


def test_a_hostile_name_stays_text(browser, tmp_path):
    """A name that holds scripts is shown as it is, and nothing of it runs."""
    path = tmp_path / "index.html"
    tables = cases.tables(12, name=cases.HOSTILE)
    tables["ridge_examples"] = tables["ridge_examples"].with_columns(text=pl.lit(cases.HOSTILE))
    tables["placements"] = tables["placements"].with_columns(pl.col("id") + cases.HOSTILE)
    tables["probes"] = tables["probes"].with_columns(pl.col("measure") + cases.HOSTILE)
    write_page(summarize(tables, cases.run(name=cases.HOSTILE)), path)
    opened = Opened(browser, path)

    for place in ("#member-table", "#ridges", "#placements", "#behaviour"):
        assert cases.HOSTILE in opened.view.inner_text(place)
    opened.view.hover("#chart-map [aria-roledescription='point'] >> nth=0")
    assert opened.dialogs == []
    assert opened.said == []
    assert len(opened.asked) == 1
    opened.view.close()


def test_a_hundred_members_paint_within_a_second(browser, tmp_path):
    """The first paint of a page of 4,950 pairs comes within a second."""
    path = tmp_path / "index.html"
    write_page(summarize(cases.tables(100), cases.run()), path)
    opened = Opened(browser, path)

    paint = opened.view.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    )
    assert paint < 1000
    assert opened.view.locator("#chart-heatmap canvas").count() == 1
    assert opened.said == []
    opened.view.close()


def test_prints(browser, page_file):
    """The page can be printed to a PDF of several sheets."""
    opened = Opened(browser, page_file)

    assert len(opened.view.pdf()) > 50_000
    opened.view.close()
