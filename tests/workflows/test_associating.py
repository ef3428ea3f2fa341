"""Settings of training against the task vectors of a whole geometry group."""

import shutil

import numpy as np
import polars as pl
import pytest
from scan_cases import N_MEMBERS

from wsgeo.commands.summaries import page
from wsgeo.store import Run
from wsgeo.workflows.reports import report

HEADING = "where their task vectors point"


@pytest.fixture(scope="module")
def unmeasured(zoo_with_run, tmp_path_factory):
    """Give a run without data of a zoo with a copy of one member and a fact in two values."""
    zoo = zoo_with_run.copy_zoo(tmp_path_factory.mktemp("copied") / "zoo")
    shutil.copytree(zoo / "run-0", zoo / "run-0-again")
    facts = [
        f'[[member]]\npath = "{folder.name}"\nfacts = {{ half = "{k % 2}" }}\n'
        for k, folder in enumerate(sorted(zoo.glob("run-*")))
    ]
    (zoo / "zoo.toml").write_text("\n".join(facts))
    return zoo_with_run.scan(zoo, zoo.parent / "run", data=None)


def _angles(run, table="associations"):
    return run.table(table).filter(matrix="task_vector")


def _means(run, axis):
    """Return the mean of 1 - cosine within and between values, pair by pair, copies left out."""
    distinct = set(run.table("models").filter(pl.col("duplicate_of").is_null())["id"])
    value = dict(run.table("settings").filter(axis=axis).select("id", "value").iter_rows())
    apart = {True: [], False: []}
    for a, b, cosine in run.table("distances").select("a", "b", "cosine").iter_rows():
        if {a, b} <= distinct:
            apart[value[a] == value[b]].append(1 - cosine)
    return tuple(np.mean(found) if found else None for found in apart.values())


def test_every_setting_of_the_zoo_is_compared_with_its_angles(zoo_with_run):
    """The rows are those of the geometry group, with the means of a plain loop over its pairs."""
    run = Run(zoo_with_run.run)
    found = _angles(run)

    assert set(found["axis"]) == set(run.table("settings")["axis"]) != set()
    assert set(found["group"]) == set(run.table("distances")["group"])
    for axis, *means in found.select("axis", "gap_within", "gap_between").iter_rows():
        assert tuple(means) == pytest.approx(_means(run, axis))


def test_weights_alone_are_compared_and_copies_count_once(unmeasured):
    """Without data there is no loss group, yet a table of the distinct members."""
    found = _angles(unmeasured)
    row = found.row(by_predicate=pl.col("axis") == "half", named=True)

    assert unmeasured.read("summary")["groups"] == []
    assert unmeasured.table("associations").equals(found)
    assert (row["n_values"], row["n_members"]) == (2, N_MEMBERS)
    assert _angles(unmeasured, "contingency").filter(axis="half")["n"].sum() == N_MEMBERS
    assert (row["gap_within"], row["gap_between"]) == pytest.approx(_means(unmeasured, "half"))
    assert HEADING in (unmeasured.folder / "report" / "index.html").read_text()


def test_sentences_stand_under_the_verdict_of_the_task_vectors(zoo_with_run):
    """The summary of the region holds them, and the lines for people follow its verdict."""
    summary = Run(zoo_with_run.run).read("summary")
    ((name, region),) = summary["regions"].items()
    lines = page(summary)
    place = lines.index(f"Task vectors of {name}: {region['verdict']}")

    assert region["associations"]
    assert lines[place + 1 :][: len(region["associations"])] == [
        f"  {sentence}" for sentence in region["associations"]
    ]


def test_runs_of_earlier_versions_are_shown_and_rendered(zoo_with_run, tmp_path):
    """Tables without the column and regions without sentences give the page and lines they had."""
    run = Run(zoo_with_run.copy_run(tmp_path / "run"))
    for name in ("associations", "contingency"):
        old = run.table(name).filter(matrix="convexity_gap").drop("matrix")
        file = run.folder / "tables" / f"{name}.parquet"
        old.write_parquet(file, metadata={"wsgeo.schema": f"{name}/1"})
    summary = run.read("summary")
    for region in summary["regions"].values():
        del region["associations"]
    run.write("summary", summary)

    text = report(run.folder).read_text()

    assert HEADING not in text
    assert "Gaps in nats per example" in text
    assert run.table("associations")["matrix"].is_null().all()
    assert any(line.startswith("Task vectors of") for line in page(summary))
