"""The page in a browser: it draws, it fits, and it asks nobody for anything."""

from itertools import pairwise

import polars as pl
import pytest
import report_cases as cases
from browser_cases import BROWSER, Opened

from wsgeo.reporting.page import write_page
from wsgeo.reporting.summary import summarize

pytestmark = BROWSER


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
