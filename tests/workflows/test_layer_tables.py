"""Distances, norms and layers reach the tables of a run, its exports and its report."""

import numpy as np
import polars as pl
import pytest

from wsgeo.store import open_run
from wsgeo.workflows.exporting import export
from wsgeo.workflows.reports import report


def test_squares_of_the_layers_sum_to_the_distance(zoo_with_run):
    """Every pair of the run has one row per layer, whose squares make up its distance."""
    run = open_run(zoo_with_run.run)
    layers, whole = run.table("layers"), run.table("distances")

    summed = layers.group_by("group", "a", "b").agg(pl.col("l2").pow(2).sum().sqrt().alias("sum"))
    both = whole.join(summed, on=["group", "a", "b"], how="full")

    assert both.height == whole.height > 0
    np.testing.assert_allclose(both["sum"], both["l2"], rtol=1e-9)
    assert layers["layer"].unique().len() > 1


def test_norms_fit_the_distances(zoo_with_run):
    """Norms and cosines of task vectors give the distances of the members."""
    run = open_run(zoo_with_run.run)
    norms = dict(run.table("models").select("id", "task_vector_norm").iter_rows())
    pairs = run.table("distances").drop_nulls("cosine")

    a, b = (np.array([norms[name] for name in pairs[end]]) for end in "ab")
    squared = a**2 + b**2 - 2 * a * b * pairs["cosine"].to_numpy()

    assert pairs.height > 0
    np.testing.assert_allclose(np.sqrt(squared), pairs["l2"], rtol=1e-5)


def test_are_exported(zoo_with_run, tmp_path):
    """The table is one of those that an export writes."""
    files = export(zoo_with_run.run, "csv", tmp_path)

    found = pl.read_csv(next(path for path in files if path.name == "layers.csv"))
    assert found.height == open_run(zoo_with_run.run).table("layers").height


@pytest.mark.parametrize("kept", [True, False])
def test_a_run_without_them_still_has_a_report(zoo_with_run, tmp_path, kept):
    """A run of an earlier version opens, and its page says what it lacks."""
    folder = zoo_with_run.copy_run(tmp_path / "run")
    if not kept:
        (folder / "tables" / "layers.parquet").unlink()

    page = report(folder).read_text(encoding="utf-8")

    assert ('id="chart-layers"' in page) == kept
    assert ("no distances by layer" in page) != kept
