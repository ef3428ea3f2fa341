"""What differs between two runs."""

import polars as pl
import pytest

from wsgeo.commands.compare import _page
from wsgeo.store import TABLES, create_run
from wsgeo.workflows.comparing import compare


def _run(folder, labels, group="g1.1"):
    """Return a run that holds nothing but a default clustering."""
    run = create_run(folder)
    facts = {"group": group, "id": list(labels), "label": list(labels.values())}
    rows = pl.DataFrame(facts).with_columns(matrix=pl.lit("convexity_gap"), is_default=pl.lit(True))
    whole = pl.concat([pl.DataFrame(schema=TABLES["clusters"]), rows], how="diagonal_relaxed")
    run.write_table("clusters", whole.cast(dict(TABLES["clusters"])))
    return run.folder


def test_names_of_basins_do_not_matter(tmp_path):
    """Basins that were only numbered anew agree fully."""
    first = _run(tmp_path / "a", {"x": 0, "y": 0, "z": 1})
    second = _run(tmp_path / "b", {"x": 1, "y": 1, "z": 0})

    assert compare(first, second)["basins"] == pytest.approx(1.0)


def test_basins_of_two_groups_are_not_one(tmp_path):
    """Basin 0 of one group and basin 0 of another are two basins."""
    labels = dict.fromkeys("wxyz", 0)
    apart = _run(tmp_path / "a", labels, group=["g1.1", "g1.1", "g1.2", "g1.2"])
    together = _run(tmp_path / "b", labels)

    assert compare(apart, together)["basins"] == pytest.approx(0.0)


def test_runs_without_pairs(tmp_path):
    """Runs that measured no loss have no pair in common, and no agreement of basins."""
    found = compare(*(create_run(tmp_path / name).folder for name in "ab"))

    assert found["pairs"]["n_common"] == 0
    assert found["pairs"]["largest_change"] is None
    assert found["basins"] is None


def _measured(folder, source, key, hashes):
    """Return a run of some members that was measured on one data set."""
    run = create_run(folder)
    data = [{"group": "g0.l0", "source": source, "n_examples": 64, "key": key}]
    run.write("run", {**run.read("run"), "data": data})
    models = pl.DataFrame({"id": list(hashes), "content_hash": list(hashes.values())})
    whole = pl.concat([pl.DataFrame(schema=TABLES["models"]), models], how="diagonal_relaxed")
    run.write_table("models", whole.cast(dict(TABLES["models"])))
    return run.folder


def test_unrelated_runs_are_said_to_be_so(tmp_path):
    """Other data are named with source and hash, and that no weights are in both."""
    first = _measured(tmp_path / "a", "film.jsonl", "6c1cb2fb584523b8", {"x": "1", "y": "2"})
    second = _measured(tmp_path / "b", "news.jsonl", "a75d5d1e7b8ce34d", {"x": "3", "z": "4"})
    found = compare(first, second)
    lines = _page(found)

    assert found["n_shared"] == 0
    assert "No member is in both runs." in lines
    assert (
        "The data differ: film.jsonl (64 examples, hash 6c1cb2fb5845) -> "
        "news.jsonl (64 examples, hash a75d5d1e7b8c)"
    ) in lines


def test_related_runs_are_not(tmp_path):
    """The same examples under another path are the same data; renamed members are shared."""
    first = _measured(tmp_path / "a", "film.jsonl", "6c1c", {"x": "1", "y": "2"})
    second = _measured(tmp_path / "b", "moved/film.jsonl", "6c1c", {"z": "2"})
    found = compare(first, second)

    assert found["n_shared"] == 1
    assert found["data"] is None
    assert not any("differ" in line or "No member" in line for line in _page(found))
