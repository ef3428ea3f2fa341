"""What `show` tells of a run, beyond its scan."""

import polars as pl
import pytest
import report_cases as cases

from wsgeo.commands.summaries import page
from wsgeo.store import GROUPED, TABLES, create_run
from wsgeo.workflows.showing import show


def _group(name, clusters):
    kept = clusters.filter(pl.col("is_default"), pl.col("matrix") == "convexity_gap")
    basins = [
        {"label": label, "members": kept.filter(label=label)["id"].to_list()}
        for label in sorted(kept["label"].unique())
        if label >= 0
    ]
    tau = {"value": cases.TAU, "origin": "given"}
    return {"name": name, "verdict": "Basins.", "reasons": [], "basins": basins, "tau": tau}


@pytest.fixture
def tables():
    """Give the tables of twelve members in two basins, of which the first does better."""
    group = pl.lit("g0.l0").alias("group")
    return {
        name: frame.with_columns(group) if name in GROUPED else frame
        for name, frame in cases.tables(12).items()
    }


@pytest.fixture
def write(tmp_path):
    """Give a writer of a complete run with some tables."""

    def _write(tables, n_groups=1):
        run = create_run(tmp_path / "old name")
        for name, frame in tables.items():
            whole = pl.concat([pl.DataFrame(schema=TABLES[name]), frame], how="diagonal_relaxed")
            run.write_table(name, whole.cast(dict(TABLES[name])))
        groups = [_group("g0.l0", tables["clusters"])]
        empty = {"name": "g0.l1", "basins": [], "tau": {"value": None}}
        groups += [{**groups[0], **empty}] * (n_groups - 1)
        facts = {"zoo": "z", "regions": {}, "alerts": [], "exclusions": [], "verdict": ["Basins."]}
        counts = dict.fromkeys(("n_members", "n_pairs", "n_computed", "n_reused"), 12)
        old = {"run": "/then", "report": "/then/report/index.html", "next": ["wsgeo show /then"]}
        summary = {**facts, **counts, **old, "groups": groups, "verdict": ["Basins."] * n_groups}
        run.write("summary", summary)
        run.write("run", {**run.read("run"), "status": "complete", "settings": {"seed": 0}})
        return run

    return _write


def test_paths_are_those_of_the_folder_as_it_is_called_now(tables, write, tmp_path, monkeypatch):
    """A run that was moved names no place of the past, also from within another folder."""
    write(tables)
    moved = (tmp_path / "old name").rename(tmp_path / "new")
    monkeypatch.chdir(tmp_path)
    found = show(moved.relative_to(tmp_path))

    assert found["run"] == "new"
    assert found["report"] == "new/report/index.html"
    assert "then" not in "\n".join(page(found))


def test_the_basin_that_does_better_is_next(tables, write):
    """Not the larger basin is suggested but the one that is right more often."""
    turned = tables["scores"].with_columns(metric=1 - pl.col("metric"))
    nothing = tables["centroids"].clear()
    run = write(tables | {"scores": turned, "centroids": nothing})
    found = show(run.folder)

    assert len(found["groups"][0]["basins"][0]["members"]) == 7
    assert found["next"] == [f"wsgeo centroid '{run.folder}' --basin 1 -o centroid"]
    assert all("basin 1 is right on" in line for line in found["findings"][:1])
    assert set(found["findings"]) <= set(page(found))


def test_a_barrier_inside_a_basin_speaks_against_it(tables, write):
    """A basin with a separated pair inside is not suggested, however large it is."""
    first = tables["clusters"].filter(pl.col("label") == 0)["id"].unique().to_list()
    inside = pl.col("a").is_in(first) & pl.col("b").is_in(first)
    status = pl.col("status").cast(pl.String)
    separated = {
        "convexity_gap": pl.when(inside).then(2 * cases.TAU).otherwise("convexity_gap"),
        "status": pl.when(inside).then(pl.lit("separated")).otherwise(status),
    }
    pairs = tables["pairs"].with_columns(**separated)
    run = write(tables | {"pairs": pairs, "centroids": tables["centroids"].clear()})

    assert "--basin 1" in show(run.folder)["next"][0]


@pytest.mark.parametrize("passed", [True, False])
def test_where_every_basin_has_a_barrier_regions_are_next(tables, write, passed):
    """Then where to start; with members that learned nothing there is nothing to do."""
    barred = tables | {
        "pairs": tables["pairs"].with_columns(status=pl.lit("separated")),
        "models": tables["models"].with_columns(gate=pl.lit(passed)),
        "region_points": pl.DataFrame(),
    }
    run = write(barred)
    before = show(run.folder)["next"]
    measured = pl.DataFrame([{"name": "snli"}], schema=TABLES["region_points"])
    run.write_table("region_points", measured)

    assert before == ([f"wsgeo region '{run.folder}'"] if passed else [])
    assert show(run.folder)["next"] == (
        [f"wsgeo select '{run.folder}' --target DATA"] if passed else []
    )


def test_a_basin_of_undecided_pairs_wants_more_examples(tables, write):
    """A finer scan is next where most pairs are undecided and the data may hold more examples."""
    undecided = {
        "pairs": tables["pairs"].with_columns(status=pl.lit("undecided")),
        "centroids": tables["centroids"].clear(),
    }
    run = write(tables | undecided)
    facts = {
        **run.read("run"),
        "settings": {"n_examples": 100, "seed": 0},
        "zoo": {"root": "my zoo"},
    }
    found = []
    for used in (100, 60):
        run.write("run", {**facts, "data": [{"group": "g0.l0", "task": "t", "n_examples": used}]})
        found += show(run.folder)["next"]

    assert found[0] == f"wsgeo scan 'my zoo' --examples 400 -o '{run.folder}-finer'"
    assert found[1].startswith("wsgeo centroid")
    run.write("run", {**run.read("run"), "zoo": {"root": "z", "base": "b"}})
    assert show(run.folder)["next"][0].startswith("wsgeo centroid")


def test_a_chosen_start_is_next(tables, write, tmp_path):
    """Its card goes before what the scan alone would suggest; the base is none."""
    run = write(tables)
    (tmp_path / "chosen").mkdir()
    (tmp_path / "chosen" / "README.md").touch()
    rows = [
        {"start": "soup", "folder": str(tmp_path / "chosen")},
        {"start": "base", "folder": str(tmp_path)},
    ]
    run.write("run", {**run.read("run"), "starts": {"chosen": rows}})

    assert show(run.folder)["next"] == [f"cat {tmp_path}/chosen/README.md"]
    (tmp_path / "chosen").rename(run.subfolder("starts") / "chosen")
    assert show(run.folder)["next"] == [f"cat '{run.folder}/starts/chosen/README.md'"]


def test_saved_centroids_are_told_and_the_card_is_next(tables, write):
    """Name, loss beside the best member and folder; a saved centroid is not made again."""
    means = tables["centroids"].filter(pl.col("method") == "mean")
    run = write(tables | {"centroids": means})
    (run.subfolder("centroids") / "basin-0").mkdir()
    found = show(run.folder)
    folder = run.folder / "centroids" / "basin-0"

    assert found["centroids"][0]["folder"] == str(folder)
    assert found["next"] == [f"cat '{folder}/README.md'"]
    told = next(line for line in page(found) if line.startswith("Centroid basin-0:"))
    assert "loss 0.391, its best member" in told
    assert told.endswith(f"0.401; saved in {folder}")


def test_what_regions_and_starts_say_is_told(tables, write):
    """The sentences of later verbs stand among the findings, in the order of the verbs."""
    run = write(tables)
    said = {"regions": {"sentences": ["One region."]}, "starts": {"sentences": ["One start."]}}
    run.write("run", {**run.read("run"), **said})

    found = show(run.folder)

    assert found["findings"][-2:] == ["One region.", "One start."]
    assert set(found["findings"]) <= set(page(found))


def test_several_groups_are_named(tables, write):
    """Where there are several groups, findings, centroids and commands name theirs."""
    run = write(tables | {"centroids": tables["centroids"].filter(pl.col("name") == "basin-1")}, 2)
    lines = page(show(run.folder))

    assert any(line.startswith("g0.l0: On ") for line in lines)
    assert any(line.startswith("Centroid basin-1 of g0.l0: ") for line in lines)
    assert lines[-1].endswith("--basin 0 --group g0.l0 -o centroid")
