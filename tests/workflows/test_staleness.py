"""What of earlier answers a rescan keeps, and what it drops."""

import polars as pl
import pytest

from wsgeo.store import TABLES, create_run
from wsgeo.workflows.staleness import drop_changed, drop_stale, note_answers

KEPT_BY_TASK = ("probes", "agreements")
KEPT_BY_BASINS = ("slice_profiles", "attributions", "ridge_examples", "placements", "predictions")


def frame(name, rows):
    """Return rows of a table, all columns that are not named null."""
    found = pl.DataFrame(rows)
    missing = [pl.lit(None, t).alias(c) for c, t in TABLES[name].items() if c not in found.columns]
    return found.with_columns(missing).select(list(TABLES[name])).cast(dict(TABLES[name]))


@pytest.fixture
def run(tmp_path):
    """Give a run of three members in two basins, with an answer in every table, and noted."""
    run = create_run(tmp_path / "run")
    facts = {"data": [{"group": "g", "key": "k"}], "settings": {"n_points": 5, "seed": 0}}
    run.write("run", {**run.read("run"), **facts})
    write_members(run, {"p": "1", "q": "2", "r": "3"}, {"p": 0, "q": 0, "r": 1})
    pair = {"group": "g", "a": "p", "b": "q"}
    rows = {"probes": [{"group": "g", "id": "p"}, {"group": "g", "id": "r"}], "agreements": [pair]}
    rows |= {"slice_profiles": [pair], "attributions": [pair], "ridge_examples": [{"group": "g"}]}
    rows |= {name: [{"group": "g", "id": "p", "held_out": True}] for name in KEPT_BY_BASINS[3:]}
    rows |= {"scores": [{"id": "p"}, {"id": "r"}]}
    rows |= {"regions": [{"group": "g", "name": "all"}], "trials": [{"target": "t"}]}
    for name, each in rows.items():
        run.write_table(name, frame(name, each))
    note_answers(run)
    return run


def write_members(run, hashes, labels):
    """Write the tables of a scan that found these members in these basins."""
    models = [{"id": k, "content_hash": v, "loss_group": "g"} for k, v in hashes.items()]
    run.write_table("models", frame("models", models))
    fixed = {"group": "g", "matrix": "convexity_gap", "is_default": True}
    rows = [{"id": name, "label": label, **fixed} for name, label in labels.items()]
    run.write_table("clusters", frame("clusters", rows))


def heights(run, names):
    return [run.table(name).height for name in names]


class TestDropStale:
    """Answers hold while data, settings, members and basins are those they were given under."""

    def test_nothing_changed(self, run):
        """A scan that finds the same keeps every row."""
        before = run.every_table()

        drop_stale(run)

        assert [name for name, t in run.every_table().items() if not t.equals(before[name])] == []

    def test_other_data(self, run):
        """What was measured on other examples goes, all of it."""
        run.write("run", {**run.read("run"), "data": [{"group": "g", "key": "other"}]})

        drop_stale(run)

        assert not any(heights(run, KEPT_BY_TASK + KEPT_BY_BASINS))

    def test_other_settings(self, run):
        """Lines of another grid are other lines."""
        facts = run.read("run")
        run.write("run", {**facts, "settings": {**facts["settings"], "n_points": 11}})

        drop_stale(run)

        assert not any(heights(run, KEPT_BY_BASINS))

    def test_other_basins(self, run):
        """What is said of basins goes, held-out members too; what members answered stays."""
        write_members(run, {"p": "1", "q": "2", "r": "3"}, {"p": 0, "q": 1, "r": 1})

        drop_stale(run)

        assert heights(run, KEPT_BY_TASK) == [2, 1]
        assert not any(heights(run, KEPT_BY_BASINS))

    def test_a_changed_member(self, run):
        """Its rows go, and those of pairs that it is in."""
        write_members(run, {"p": "1", "q": "new", "r": "3"}, {"p": 0, "q": 0, "r": 1})

        drop_stale(run)

        assert heights(run, KEPT_BY_TASK) == [2, 0]
        assert heights(run, ("slice_profiles", "attributions")) == [0, 0]

    def test_a_member_more(self, run):
        """Basins are others with one more member, even where the old labels are the same."""
        hashes = {"p": "1", "q": "2", "r": "3", "s": "4"}
        write_members(run, hashes, {"p": 0, "q": 0, "r": 1, "s": 1})

        drop_stale(run)

        assert heights(run, KEPT_BY_TASK) == [2, 1]
        assert not any(heights(run, KEPT_BY_BASINS))

    @pytest.mark.parametrize("hashes", [{"p": "1", "q": "2", "r": "3", "s": "4"}, {"p": "1"}])
    def test_regions_of_other_members(self, run, hashes):
        """Regions and starts are of all members, so that one more or less makes them others."""
        before = heights(run, ("regions", "trials"))
        write_members(run, hashes, dict.fromkeys(hashes, 0))

        drop_stale(run)

        assert before == [1, 1]
        assert heights(run, ("regions", "trials")) == [0, 0]

    def test_regions_around_another_base(self, run):
        """Task vectors from another base are others, and so is what a start gains over it."""
        base = {"id": "p", "base_files": {"base/model.safetensors": "new"}}
        run.write("zoo.lock", {"members": [base]})

        drop_stale(run)

        assert heights(run, ("regions", "trials")) == [0, 0]
        assert heights(run, KEPT_BY_TASK) == [2, 1]

    def test_regions_of_other_traits(self, run):
        """Regions are named by settings: where one was corrected, they are others."""
        row = {"id": "p", "axis": "task", "value": "snli"}
        run.write_table("settings", frame("settings", [row]))

        drop_stale(run)

        assert heights(run, ("regions", "trials")) == [0, 0]

    def test_other_names_of_groups(self, run):
        """Rows of a group that is called otherwise now are not taken for another's."""
        models = run.table("models").with_columns(loss_group=pl.lit("h"))
        run.write_table("models", models)

        drop_stale(run)

        assert heights(run, KEPT_BY_TASK) == [0, 0]

    def test_twice_is_once(self, run):
        """What was dropped is noted, so that the next scan finds nothing stale."""
        write_members(run, {"p": "1", "q": "2", "r": "3"}, {"p": 0, "q": 1, "r": 1})
        drop_stale(run)
        before = run.every_table()

        drop_stale(run)

        assert [name for name, t in run.every_table().items() if not t.equals(before[name])] == []


def test_scores_of_a_changed_member_go(run):
    """The table of the scan that is about to be written decides."""
    models = run.table("models").with_columns(
        content_hash=pl.when(pl.col("id") == "r").then(pl.lit("new")).otherwise("content_hash")
    )

    drop_changed(run, models)

    assert run.table("scores")["id"].to_list() == ["p"]
