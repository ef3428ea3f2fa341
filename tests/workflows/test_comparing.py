"""What differs between two runs."""

import polars as pl
import pytest

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
