"""The page: one file, no address, no script from a name."""

import json
import os
import re
from html.parser import HTMLParser

import altair as alt
import polars as pl
import pytest
import report_cases as cases

from wsgeo.errors import WsgeoError
from wsgeo.reporting import page
from wsgeo.reporting.charts import charts
from wsgeo.reporting.inputs import COLUMNS
from wsgeo.reporting.summary import summarize

ANSWERS = (
    *("scores", "probes", "agreements", "strategies", "contrasts", "coordinates", "predictors"),
    *("slice_profiles", "attributions", "ridge_examples", "placements", "predictions"),
)

REGIONS = (
    *("regions", "region_members", "region_scores", "region_counts", "region_points"),
    *("region_orders", "region_curves", "stars", "starts", "trials", "gains"),
)

CODES = {"region_orders": {"a", "b"}, "embedding": {"method"}}
"""Columns of the tool's own words, where other tables have names."""


class Elements(HTMLParser):
    """Every element with its attributes, and the text of scripts."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.found, self.blocks, self._open = [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Keep the element."""
        self.found.append((tag, dict(attrs)))
        self._open = f"{tag}:{dict(attrs).get('id', '')}"

    def handle_endtag(self, tag):
        """Close the block."""
        self._open = None

    def handle_data(self, data):
        """Add text to the open block."""
        if self._open:
            self.blocks[self._open] = self.blocks.get(self._open, "") + data

    def count(self, tag):
        """Return how many elements of a kind there are."""
        return sum(name == tag for name, _ in self.found)


def rendered(tables, **changes):
    return page.render(summarize(tables, cases.run(**changes)))


@pytest.fixture(scope="module")
def clean(whole_page):
    return whole_page


def _hostile(name, frame):
    """Return a table in which every name holds markup."""
    names = {"id", "a", "b", "set", "slice", "null", "method", "cause", "remedy", "file", "reason", "base",
             "task", "name", "best_member", "group", "parameters", "gate_reason", "medoid", "variant",
             "folder", "probe", "measure", "label", "text", "example", "nearest", "trait", "value",
             "point", "farthest", "line", "layer", "target", "start", "note"}  # fmt: skip
    texts = [c for c in frame.columns if c in names - CODES.get(name, set())]
    texts = [c for c in texts if frame[c].dtype == pl.String]
    lists = [c for c in ("members", "left_out") if c in frame.columns]
    bad = pl.lit(cases.HOSTILE)
    return frame.with_columns(
        *(pl.when(pl.col(c) == "*").then(pl.col(c)).otherwise(pl.col(c) + bad) for c in texts),
        *(pl.col(c).list.eval(pl.element() + bad) for c in lists),
    )


@pytest.fixture(scope="module")
def hostile():
    """Return a page in which every text of tables and run is hostile."""
    tables = {name: _hostile(name, frame) for name, frame in cases.tables(12).items()}
    bad = cases.HOSTILE
    return rendered(
        tables, name=bad, command=bad, verdict=[bad, bad], alerts=[bad], data={bad: bad},
        settings={bad: {bad: bad}}, version=bad,
        tau={"value": cases.TAU, "origin": bad}, strategies=[bad], ridges=[bad], held_out=bad,
        by={bad: bad}, probes={f"agreement{bad}": [bad, bad]}, regions=[bad], starts=[bad],
        around=[{"title": bad, "sentences": [bad]}], notes=[bad],
        start_notes=[bad], ranked_by=bad,
    )  # fmt: skip


class TestRender:
    """The whole page as HTML."""

    def test_names_no_other_place(self, clean):
        """No element fetches or links anywhere but inside the page."""
        for tag, attributes in Elements(clean).found:
            assert tag not in {"link", "iframe", "object", "embed", "img", "base", "form"}
            assert not attributes.keys() & {"src", "srcset", "action", "formaction", "data"}
            assert attributes.get("href", "#").startswith("#")
        assert "url(" not in Elements(clean).blocks["style:"]
        assert "@import" not in Elements(clean).blocks["style:"]

    def test_specifications_hold_no_address(self, clean):
        """The data and the charts hold no address at all."""
        blocks = Elements(clean).blocks

        assert "://" not in blocks["script:summary"] + blocks["script:charts"]

    def test_policy_allows_only_its_own_parts(self, clean):
        """The policy forbids all by default and holds no blanket leave."""
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', clean)[1]

        assert "default-src &#39;none&#39;" in policy
        assert "unsafe" not in policy
        assert policy.count("sha256-") == 3

    def test_a_hostile_text_stays_text(self, clean, hostile):
        """Names that hold markup change no element: the page has as many as a clean one."""
        before, after = Elements(clean), Elements(hostile)

        for tag in ("script", "img", "style", "meta", "svg", "td", "button", "option"):
            assert before.count(tag) == after.count(tag), tag
        assert not any(key.startswith("on") for _, found in after.found for key in found)

    def test_embedded_data_round_trips(self):
        """Any text survives the block, and the block holds no character that could end it."""
        value = [cases.HOSTILE, "&amp;", "\u2028\u2029", "<!--", "é 🦓"]
        text = str(page.embedded(value))

        assert json.loads(text) == value
        assert not set("<>&\u2028\u2029") & set(text)

    def test_a_number_that_is_not_finite_is_refused(self):
        """NaN never reaches the page."""
        with pytest.raises(ValueError, match="not finite"):
            page.embedded({"gap": float("nan")})

    @pytest.mark.slow
    @pytest.mark.parametrize("n", [0, 1, 2, 3])
    def test_a_tiny_zoo_has_a_page(self, n):
        """A zoo of none to three members gives a page that says what is missing."""
        text = rendered(cases.tables(n))

        assert Elements(text).count("section") >= 10
        assert 'class="empty"' in text

    def test_a_run_that_was_not_diagnosed_has_no_panel_of_answers(self):
        """Without probes, lines and placements the page says once how to get them."""
        tables = {name: frame.clear() if name in ANSWERS else frame
                  for name, frame in cases.tables(12).items()}  # fmt: skip
        said = dict.fromkeys(("strategies", "ridges", "held_out", "probes"))
        text = rendered(tables, **said)

        assert Elements(text).count("section") == 13
        assert text.count("wsgeo diagnose") == 1
        assert "Traceback" not in text

    def test_a_run_without_regions_has_no_panel_of_them(self):
        """Without regions and start models their panels are absent."""
        tables = {name: frame.clear() if name in REGIONS else frame
                  for name, frame in cases.tables(12).items()}  # fmt: skip
        text = rendered(tables, **dict.fromkeys(("regions", "around", "notes", "starts")))

        for panel in ("regions", "around", "starts"):
            assert f'<section id="{panel}">' not in text

    # Each table alone is the concern of the summary's tests; a page takes 1 s.
    @pytest.mark.slow
    @pytest.mark.parametrize("k", range(4))
    def test_any_tables_may_be_missing(self, k):
        """Without a quarter of its tables a run still has a page."""
        gone = sorted(COLUMNS)[k::4]
        tables = {key: frame for key, frame in cases.tables(5).items() if key not in gone}

        assert Elements(page.render(summarize(tables, {}))).count("section") >= 10

    def test_shows_the_verdict_and_the_alerts(self, clean):
        """The headline, the alerts and the command are there to read without a script."""
        for sentence in (*cases.run()["verdict"], *cases.run()["alerts"]):
            assert sentence in clean
        assert "wsgeo centroid RUN --basin 1 -o basin-1" in clean
        assert "RUN is this run's folder." in clean

    def test_the_run_is_named_where_it_is_known(self):
        """A command to copy names the folder, and nothing has to be explained."""
        text = rendered(cases.tables(12), folder="runs/one")

        assert 'data-copy="wsgeo centroid runs/one --basin 1 -o basin-1"' in text
        assert "RUN is" not in text

    def test_only_a_loss_below_the_best_member_is_bold(self):
        """The mark follows the losses before they are rounded, and no name is bold."""
        losses = {"loss": [0.40000001, 0.4], "best_member_loss": [0.4, 0.40000001]}
        frame = cases.tables(12)["centroids"].filter(method="mean")
        frame = frame.with_columns(pl.Series(name, values) for name, values in losses.items())
        text = rendered(cases.tables(12) | {"centroids": frame})
        first, second = re.findall(r'<tr class="lead-row">.*?</tr>', text)

        assert "<b>" not in first
        assert re.findall("<b>(.*?)</b>", second) == ["0.4"]

    @pytest.mark.slow
    def test_a_hundred_members_fit_in_two_megabytes(self):
        """At 4,950 pairs of 11 points, 60 slices, 15 regions and 12 targets the page stays below its limit."""
        assert len(rendered(cases.tables(100, n_sets=11, n_targets=12)).encode()) <= 2_000_000


class TestCharts:
    """The specifications."""

    @pytest.mark.slow
    def test_hold_no_text_of_the_zoo(self):
        """Specifications of two zoos that differ in their texts alone are equal."""
        tables = cases.tables(12)
        renamed = {
            name: frame.with_columns(
                pl.col(c) + "~"
                for c in {"id", "a", "b", "target", "start"} - CODES.get(name, set())
                if c in frame.columns
            )
            for name, frame in tables.items()
        }

        assert charts(summarize(tables, {})) == charts(summarize(renamed, {"name": "x"}))

    def test_are_valid(self):
        """Every specification is one of Vega-Lite by its schema."""
        for specification in charts(summarize(cases.tables(12), {})).values():
            alt.Chart.from_dict(specification, validate=True)

    def test_leave_out_what_has_nothing_to_show(self):
        """A chart is there exactly where no note explains its absence."""
        summary = summarize(cases.tables(3), {})

        assert not charts(summary).keys() & summary["notes"].keys()


class TestWritePage:
    """The file."""

    def test_the_old_page_stays_until_the_new_one_is_whole(self, tmp_path, monkeypatch):
        """A write that fails leaves the old page and no part of the new one."""
        target = tmp_path / "index.html"
        target.write_text("old")
        monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("full")))

        with pytest.raises(WsgeoError, match="full"):
            page.write_page(summarize({}, {}), target)

        assert target.read_text() == "old"
        assert [path.name for path in tmp_path.iterdir()] == ["index.html"]

    def test_is_what_render_returns(self, tmp_path):
        """The file holds the rendered page in UTF-8."""
        summary = summarize(cases.tables(2, name="zèbre 🦓"), cases.run())
        page.write_page(summary, tmp_path / "index.html")

        assert (tmp_path / "index.html").read_text(encoding="utf-8") == page.render(summary)
