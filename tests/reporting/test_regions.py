"""The panels of regions: what is found again, losses in and around, lines, and stars."""

import statistics

import polars as pl
import pytest
import report_cases as cases

from wsgeo.reporting import region_curves, region_losses, regions, render, summarize
from wsgeo.reporting.packing import table


@pytest.fixture(scope="module")
def tables():
    """Give the tables of a zoo of twelve members."""
    return cases.tables(12)


@pytest.fixture(scope="module")
def summary(tables):
    return summarize(tables, cases.run())


def view_of(views, title):
    return next(view for view in views if view["title"] == title)


class TestRegions:
    """The map, the table, and what is found again."""

    def test_codes_give_each_members_region(self, tables, summary):
        """At each level a member has the code of the region that the table puts it in."""
        found = summary["regions"]
        rows = tables["regions"].to_dicts()

        for level in found["levels"]:
            for member, code in zip(found["ids"], level["codes"], strict=True):
                name = level["names"][code]
                titled = [r for r in rows if regions.LEVELS[r["level"]] == level["title"]]
                assert member in next(r["members"] for r in titled if r["name"] == name)

    def test_a_member_of_no_region_has_no_code(self, tables):
        """Who is in no region of a level is on the map all the same."""
        fewer = tables["regions"].filter(name="snli")
        found = summarize(tables | {"regions": fewer}, {})["regions"]

        assert len(found["ids"]) == 12
        assert found["levels"][0]["codes"].count(regions.OUTSIDE) == 8

    def test_a_centre_is_the_mean_of_places(self, tables, summary):
        """The cross of a region stands at the mean of its members' places by classical scaling."""
        rows = tables["embedding"].filter(matrix="task_vector", method="mds")
        at = {name: (x, y) for name, x, y in rows.select("id", "x", "y").iter_rows()}
        failed = "mnli/seed-11"
        for centre in summary["regions"]["centres"]:
            name = summary["regions"]["levels"][centre["level"]]["names"][centre["region"]]
            own = tables["regions"].filter(name=name)["members"][0]
            assert failed not in own
            assert centre["u"] == pytest.approx(statistics.mean(at[m][0] for m in own), rel=1e-3)
        assert len(summary["regions"]["centres"]) == 3

    def test_a_map_that_is_not_linear_is_not_used(self, tables):
        """A mean has no place on a map by UMAP, so such a map is not drawn."""
        bent = tables["embedding"].with_columns(method=pl.lit("umap"))
        found = summarize(tables | {"embedding": bent}, {})

        assert found["regions"]["centres"] == []
        assert found["notes"]["region_map"] == "There is no map of task vectors."

    def test_flagged_members_are_told_of(self, whole_page):
        """Who is too little trained is listed with the reason, and unknown ones are counted."""
        assert "Its norm is a tenth of its peers&#39;." in whole_page
        assert "Of 1 member it cannot be said" in whole_page

    def test_shares_of_a_value_sum_to_one(self, summary):
        """The cells of a value share its members out."""
        for view in summary["regions"]["counts"]["views"]:
            for code in range(len(view["values"])):
                own = [s for s, v in zip(view["share"], view["value"], strict=True) if v == code]
                assert sum(own) == pytest.approx(1, abs=0.01)

    def test_clusters_that_were_found_are_drawn_once(self, tables):
        """A clustering whose number is not given is the same at both levels."""
        counts = tables["region_counts"]
        task = counts.with_columns(level=pl.lit("task"))
        found = summarize(tables | {"region_counts": pl.concat([counts, task])}, {})["regions"][
            "counts"
        ]

        titles = [view["title"] for view in found["views"]]
        assert titles.count("task; clusters found") == 1
        assert "task; as many clusters as tasks" in titles
        assert found["left_out"] == 0

    def test_raw_weights_are_in_the_table_only(self, summary):
        """Clusters of raw weights are scored for comparison and drawn nowhere."""
        scores = summary["regions"]["scores"]

        assert [row["space"] for row in scores].count("raw weights (Euclidean)") == 1
        assert len(summary["regions"]["counts"]["views"]) == 3

    def test_only_the_first_geometry_group_is_shown(self, tables, summary):
        """Regions of another architecture are never mixed in."""
        names = [name for name in tables if name.startswith("region") or name == "stars"]
        two = {n: pl.concat([tables[n], tables[n].with_columns(group=pl.lit("g1"))]) for n in names}
        found = summarize(tables | two, cases.run())

        for part in ("regions", "around", "region_lines"):
            assert found[part] == summary[part]


class TestLosses:
    """Points in and around regions."""

    def test_a_point_has_its_mean_loss_over_tasks(self, tables, summary):
        """The mean of a kind is that of its points' means over all tasks of the region."""
        rows = tables["region_points"].filter(name="snli", head="refit", kind="uniform")
        by_point = {}
        for point, loss in rows.select("point", "loss").iter_rows():
            by_point.setdefault(point, []).append(loss)
        view = view_of(summary["around"]["views"], "snli (data set), head refitted (linear probe)")
        found = next(row for row in view["means"] if row["kind"] == "uniform")

        expected = statistics.mean(map(statistics.mean, by_point.values()))
        assert found["loss"] == pytest.approx(expected, rel=1e-3)
        assert found["n"] == len(by_point)

    def test_a_point_that_lacks_a_task_is_left_out_and_told_of(self, summary):
        """A mean over fewer tasks would be another quantity; the failure is counted with its reason."""
        view = summary["around"]["views"][0]
        n = {row["kind"]: row["n"] for row in view["means"]}

        assert n["random"] == n["members"] - 1
        assert summary["around"]["failed"][0]["reason"] == "The loss is not finite."

    def test_large_zoos_draw_an_even_sample(self, tables, summary, monkeypatch):
        """Beyond the room the extremes of each kind stay, means count all, and the rest is counted."""
        monkeypatch.setattr(region_losses, "POINT_LIMIT", 300)
        few, all_of = summarize(tables, {})["around"]["views"], summary["around"]["views"]
        losses = [
            [row["loss"] for row in view["points"] if row["kind"] == "outside"]
            for view in (few[0], all_of[0])
        ]

        assert (min(losses[0]), max(losses[0])) == (min(losses[1]), max(losses[1]))
        assert few[0]["means"] == all_of[0]["means"]
        assert few[0]["left_out"] == len(all_of[0]["points"]) - len(few[0]["points"]) > 0

    def test_orders_are_those_of_the_table(self, tables, summary):
        """Each cell of the matrix is the probability of its two kinds."""
        view = view_of(summary["around"]["views"], "nli (task), head refitted (linear probe)")
        kinds = view["orders"]["kinds"]
        table = tables["region_orders"].filter(name="nli", head="refit")
        expected = {(a, b): p for a, b, p in table.select("a", "b", "probability").iter_rows()}

        assert kinds[0] == "members"
        for k, p in enumerate(view["orders"]["p"]):
            cell = (kinds[k // len(kinds)], kinds[k % len(kinds)])
            assert p == pytest.approx(expected[cell], abs=0.0051)

    def test_a_pair_without_a_common_task_has_no_probability(self, tables):
        """An unknown probability stays unknown, in matrix and table."""
        unknown = tables["region_orders"].with_columns(probability=pl.lit(None, pl.Float64))
        found = summarize(tables | {"region_orders": unknown}, {})["around"]

        assert set(found["views"][0]["orders"]["p"]) == {None}
        assert found["table"][0]["cells"][0]["p"] is None

    def test_without_members_outside_random_directions_are(self, summary):
        """The region of all members is compared with random directions, and the table says so."""
        told = {row["name"]: row["outside"] for row in summary["around"]["table"]}

        assert told["all"] == "base + random direction"
        assert told["snli"] == "members outside"

    def test_where_nothing_is_outside_the_table_says_so(self, tables):
        """A region that was measured on its members and hull alone is compared with nothing else."""
        inner = pl.col("a").is_in(["members", "hull"]) & pl.col("b").is_in(["members", "hull"])
        orders = tables["region_orders"].filter(inner)
        row = summarize(tables | {"region_orders": orders}, {})["around"]["table"][0]

        assert row["outside"] == "not measured"
        assert [cell["p"] is None for cell in row["cells"]] == [True, True, False]

    def test_the_refitted_head_comes_first(self, summary):
        """Of each region the head that points outside can have too leads."""
        titles = [view["title"] for view in summary["around"]["views"]]

        assert titles[:2] == [
            "bbc (data set), head refitted (linear probe)", "bbc (data set), mean of the heads",
        ]  # fmt: skip

    def test_the_star_is_marked_and_comes_first(self, summary):
        """In each region the point of the lowest largest gap leads."""
        stars = summary["around"]["stars"]
        first = {}
        for row in stars:
            first.setdefault(row["name"], row)

        assert all(row["is_star"] for row in first.values())
        assert sum(row["is_star"] for row in stars) == len(first) == 3


class TestCurves:
    """Lines through regions."""

    @pytest.mark.parametrize(
        ("position", "x"), [(1.0, 1.0), (32.0, 32.0), (0.0, 1.0), (-31.0, 32.0)]
    )
    def test_both_ends_are_drawn_outwards(self, tables, position, x):
        """Beyond either end a place is its distance from the far one, in lengths of the line."""
        row = tables["region_curves"].filter(curve="extrapolation").head(1)
        moved = row.with_columns(position=pl.lit(position))

        assert region_curves.region_curves(moved)["views"][0]["points"][0]["x"] == x

    def test_medians_are_over_all_lines(self, tables, summary):
        """At each place the bold line is the median of the thin ones."""
        view = view_of(summary["region_lines"]["views"], "nli (task), head refitted (linear probe)")
        rows = tables["region_curves"].filter(name="nli", curve="interpolation", position=0.5)
        found = next(m for m in view["medians"] if (m["curve"], m["x"]) == ("interpolation", 0.5))

        assert found["loss"] == pytest.approx(rows["loss"].median(), rel=1e-3)
        assert found["n"] == rows.height == 3

    def test_large_zoos_keep_all_medians(self, tables, summary, monkeypatch):
        """Beyond the room lines are left out whole, and the medians stay."""
        monkeypatch.setattr(region_curves, "POINT_LIMIT", 60)
        few = summarize(tables, {})["region_lines"]["views"]

        for view, whole in zip(few, summary["region_lines"]["views"], strict=True):
            assert view["medians"] == whole["medians"]
            n_lines = len({row["line"] for row in view["points"]})
            assert n_lines + view["left_out"] == len({row["line"] for row in whole["points"]})

    def test_what_a_region_lacks_is_missing_there_alone(self, summary):
        """A region without ways out of it has the other curves."""
        kinds = {
            view["title"].split(" ")[0]: view["kinds"] for view in summary["region_lines"]["views"]
        }

        assert kinds["nli"] == ["interpolation", "extrapolation"]
        assert "random" in kinds["snli"]


class TestPage:
    """The panels on the page."""

    def test_sentences_are_there_to_read(self, whole_page):
        """What the run says of regions stands on the page, of each region in its turn."""
        for sentence in (*cases.run()["regions"], *cases.run()["notes"]):
            assert sentence in whole_page
        assert "Its hull does as well as its members." in whole_page

    @pytest.mark.slow
    def test_scores_alone_make_a_panel(self, tables):
        """A run whose regions were not sampled has the first panel and not the second."""
        names = ("region_points", "region_orders", "region_curves", "stars")
        text = render(summarize(tables | {n: tables[n].clear() for n in names}, {}))

        assert '<section id="regions">' in text
        assert '<section id="around">' not in text

    def test_rows_become_columns(self):
        """Rows of no table have no column."""
        assert table([]) == {}
