"""Which members a region that has a name is made of."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from wsgeo.errors import WsgeoError
from wsgeo.regions.region_tables import REGIONS
from wsgeo.workflows.named_regions import choose_named_region


class FakeRun:
    """A run with a table of regions, all of whose members can do their task."""

    folder = Path("run")

    def __init__(self, *rows, groups=()):
        frame = pl.DataFrame(
            [{"level": level, "name": name, "members": ids} for level, name, ids in rows],
            schema_overrides={"members": pl.List(pl.String)},
        )
        self.regions = frame.with_columns(
            *(pl.lit(None).alias(key) for key in REGIONS if key not in frame.columns),
            group=pl.Series(groups or ["g0"] * len(rows)),
        )

    def table(self, name):
        """Give the regions, or verdicts of the gate."""
        gates = pl.DataFrame({"id": ["a", "b", "c"], "gate": [True, None, False]})
        return self.regions if name == "regions" else gates


class TestNamedRegions:
    """`choose_named_region`."""

    RUN = FakeRun(
        ("dataset", "snli", ["a", "b"]),
        ("task", "snli", ["a", "b", "c"]),
        ("general", "all", ["a", "b", "c"]),
        ("basin", "g0.l0 basin 0", ["c"]),
    )
    INPUTS = SimpleNamespace(
        zoo=SimpleNamespace(members=[SimpleNamespace(id=i, loss_group="g0.l0") for i in "abc"]),
        groups=[SimpleNamespace(name="g0.l0")],
    )

    def test_members_that_can_do_their_task_are_taken(self):
        """A region is taken by name and level, without members that failed the gate."""
        found = choose_named_region(self.RUN, self.INPUTS, "snli", "task")

        assert (found.kind, found.label, found.name) == ("task", "snli", "task-snli")
        assert found.ids == ("a", "b")
        assert found.data.name == "g0.l0"

    def test_an_unambiguous_name_needs_no_level(self):
        """A name that only one level has is enough; odd characters leave the folder's name."""
        assert choose_named_region(self.RUN, self.INPUTS, "all").name == "general-all"
        with pytest.raises(WsgeoError, match=r"no member of the region g0\.l0 basin 0 can do"):
            choose_named_region(self.RUN, self.INPUTS, "g0.l0 basin 0")

    def test_no_two_regions_have_one_name(self):
        """Regions of several groups, and names that no folder can have, are told apart."""
        names = ["snli", "snli", "a b", "a-b", "\u00e9\u00e9"]
        groups = ["g0", "g1", "g0", "g0", "g0"]
        run = FakeRun(*(("task", name, ["a"]) for name in names), groups=groups)
        found = [
            choose_named_region(run, self.INPUTS, name, group=group).name
            for name, group in zip(names, groups, strict=True)
        ]

        assert found[:2] == ["task-snli-g0", "task-snli-g1"]
        assert found[3] == "task-a-b"
        assert found[4].startswith("task-region-")
        assert len(set(found)) == 5

    @pytest.mark.parametrize(
        ("name", "level", "told"),
        [
            ("snli", None, "2 regions are called snli.*--level dataset or --level task"),
            ("mnli", None, "no region is called mnli.*dataset: snli; task: snli; general: all"),
            ("all", "task", "called all at the level task.*task: snli"),
        ],
    )
    def test_other_names_are_refused(self, name, level, told):
        """An unknown or ambiguous name is told with what there is."""
        with pytest.raises(WsgeoError, match=told):
            choose_named_region(self.RUN, self.INPUTS, name, level)

    def test_a_run_without_regions_says_what_to_run(self):
        """Where the table is empty the remedy is the command that fills it, if any member passed."""
        failures = SimpleNamespace(zoo=SimpleNamespace(members=[SimpleNamespace(id="c")]))
        with pytest.raises(WsgeoError, match=r"no regions by name.*`wsgeo region run` first"):
            choose_named_region(FakeRun(), self.INPUTS, "snli")
        with pytest.raises(WsgeoError, match=r"no regions by name.*show run` says why no member"):
            choose_named_region(FakeRun(), failures, "snli")
