"""Regions as sources of starts."""

from __future__ import annotations

import polars as pl
import pytest

from wsgeo.store import open_run
from wsgeo.workflows.region_levels import find_levels, write_levels
from wsgeo.workflows.start_regions import keep_levels, missing_levels, regions_in


class TestRegions:
    """Those that a run has, or lacks."""

    def test_titles_are_distinct(self):
        """Regions of two levels that share a name are told apart."""
        rows = [("dataset", "nli", ["a"]), ("task", "nli", ["a"]), ("general", "all", ["a"])]
        frame = pl.DataFrame(rows, schema=["level", "name", "members"], orient="row")

        assert [one.title for one in regions_in(frame)] == ["all", "nli", "nli (dataset)"]

    @pytest.mark.slow
    def test_what_a_run_has_is_kept(self, zoo_with_run, tmp_path):
        """Regions are found where there are none, written when asked, and never written over."""
        run = open_run(zoo_with_run.copy_run(tmp_path / "run"))
        write_levels(run, find_levels(run, dataset_axis="seed", seed=0))
        other = run.table("regions").with_columns(group=pl.lit("g1"))
        run.write_table("regions", other)

        found = missing_levels(run, "g0", 0)
        keep_levels(run, found)

        kept = run.table("regions")
        assert kept.filter(group="g1").equals(other)
        assert kept.filter(group="g0").equals(found["regions"])
        assert missing_levels(run, "g0", 0) == missing_levels(run, "g1", 0) == {}
