"""Choices: the folder of a recommended start, and what its card says."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest
from study_cases import QUICK

from wsgeo.workflows.start_choices import _folder_name, barriers_inside, write_chosen


def name_of(name, shots=None, method="full"):
    """Return the name of the folder of a cell."""
    target = SimpleNamespace(name=name, key="1f2e3d4c" if name != "a-b" else "00000000")
    return _folder_name(
        SimpleNamespace(ranking=SimpleNamespace(target=target, shots=shots)), method
    )


class TestFolderName:
    """No two cells share a folder."""

    def test_is_plain_where_it_can_be(self):
        """A plain name, all examples and full fine-tuning need nothing beside the name."""
        assert name_of("films") == "chosen-films"

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (("a b",), ("a-b",)),
            (("x", 100), ("x-100",)),
            (("x", 100), ("x-100-shots",)),
            (("x",), ("x", None, "bitfit")),
            (("x", None, "bitfit"), ("x-bitfit",)),
            (("x--bitfit",), ("x", None, "bitfit")),
        ],
    )
    def test_tells_cells_apart(self, first, second):
        """Names of targets, shots and methods never run into each other."""
        assert name_of(*first) != name_of(*second)


def test_what_is_recommended_no_more_is_removed(tmp_path):
    """Where the base becomes the answer, the folder of an earlier answer goes; others stay."""
    folders = [tmp_path / f"chosen-{name}" for name in ("films", "films--8-shots", "other")]
    for folder in folders:
        folder.mkdir()
    row = {"target": "films", "shots": None, "method": "full", "is_chosen": True, "start": "base"}
    schema = {"target": pl.String, "shots": pl.Int64, "method": pl.String, "is_chosen": pl.Boolean,
              "start": pl.String}  # fmt: skip
    run = SimpleNamespace(table=lambda _: pl.DataFrame([row], schema=schema))
    rounds = SimpleNamespace(
        starts=tmp_path,
        study=SimpleNamespace(base=SimpleNamespace(folder="models/base")),
        bench=SimpleNamespace(settings=QUICK),
    )
    target = SimpleNamespace(name="films", key="1f2e3d4c")
    cell = SimpleNamespace(ranking=SimpleNamespace(target=target, shots=None))

    [found] = write_chosen(run, rounds, [cell], out=None, command=())

    assert (found["start"], found["folder"]) == ("base", "models/base")
    assert [folder.exists() for folder in folders] == [False, True, True]


class TestBarriers:
    """What a card says of barriers between members that are averaged."""

    @pytest.fixture
    def run(self):
        """Give a run of which three pairs are known, one across a barrier."""
        rows = [("p", "q", 0.5, "separated"), ("p", "r", 0.01, "connected"), ("q", "r", None, None)]
        pairs = pl.DataFrame(rows, schema=["a", "b", "convexity_gap", "status"], orient="row")
        return SimpleNamespace(table=lambda _: pairs)

    def test_counts_what_is_separated_and_what_nobody_measured(self, run):
        """The numbers of pairs are told with the largest gap."""
        [said], gap = barriers_inside(run, ["p", "q", "r"])

        assert said == (
            "Of 3 pairs of its members 1 is separated by a barrier, and 1 was not measured. "
            "The largest convexity gap inside is 0.5 nats per example."
        )
        assert gap == 0.5

    def test_is_silent_where_all_is_well(self, run):
        """Members that no barrier separates need no word, and neither does one alone."""
        assert barriers_inside(run, ["p", "r"]) == ([], 0.01)
        assert barriers_inside(run, ["p"]) == ([], None)
        assert barriers_inside(run, ["p", "x"])[1] is None
