"""``wsgeo region`` asks what it is told and prints what was found."""

import json

import pytest
from click.testing import CliRunner

from wsgeo.commands.region import command
from wsgeo.workflows import regioning
from wsgeo.workflows.region_plans import RegionPlan

FOUND = {
    "run": "run",
    "levels": ["Task vectors find 2 of 2 data sets again."],
    "headlines": ["2 regions of level dataset: P_B 0.80 to 0.90."],
    "regions": [
        {"level": "dataset", "name": "snli", "title": "data set snli", "sentences": ["P_B 0.90."]}
    ],
    "notes": ["Data set bbc has one member: it has no inside to sample."],
    "failures": [],
    "report": "report/index.html",
}


@pytest.fixture
def asked(monkeypatch):
    """Give what the command asks of the functions, which answer at once."""
    given = {}

    def region(run, **options):
        given.update(options, run=run)
        return dict(FOUND, failures=given.get("failing", []))

    def plan_region(run, **options):
        given.update(options, run=run)
        return RegionPlan((("dataset", "snli", 4),), (("g0.l0", 10, 100),), ("A note.",))

    monkeypatch.setattr(regioning, "region", region)
    monkeypatch.setattr(regioning, "plan_region", plan_region)
    return given


def run(*arguments):
    return CliRunner().invoke(command, [*map(str, arguments)])


class TestRegion:
    """The command."""

    def test_prints_sentences(self, asked, tmp_path):
        """Levels come first, then each region under its name, what is not known, and the report."""
        lines = run(tmp_path).stdout.splitlines()

        assert lines[:2] == [*FOUND["levels"], *FOUND["headlines"]]
        assert lines[3:5] == ["Data set snli", "  P_B 0.90."]
        assert FOUND["notes"][0] in lines
        assert lines[-1] == "Report  report/index.html"

    def test_what_is_named_comes_first(self, asked, tmp_path):
        """Regions that were asked for by name stand before the sentences on all levels."""
        lines = run(tmp_path, "--region", "snli", "--region", "bbc").stdout.splitlines()

        assert lines[:2] == ["Data set snli", "  P_B 0.90."]
        assert lines[3:5] == [*FOUND["levels"], *FOUND["headlines"]]
        assert asked["name"] == ("snli", "bbc")

    def test_says_nothing_of_what_it_was_not_told(self, asked, tmp_path):
        """Without options every region of the usual levels is sampled as the function has it."""
        run(tmp_path)

        assert asked["level"] is asked["samples"] is asked["head"] is None
        assert (asked["lines"], asked["directions"]) == (regioning.LINES, regioning.DIRECTIONS)

    def test_prints_json(self, asked, tmp_path):
        """With --json the answer is an object and nothing else."""
        assert json.loads(run(tmp_path, "--json").stdout) == FOUND

    def test_tells_the_cost_alone(self, asked, tmp_path):
        """--dry-run prints the plan and its notes, or the same as JSON."""
        lines = run(tmp_path, "--dry-run").stdout.splitlines()

        assert lines[0].startswith("10 evaluations, less those found done")
        assert lines[1] == "A note."
        assert json.loads(run(tmp_path, "--dry-run", "--json").stdout)["n_forwards"] == 1000

    def test_what_failed_gives_another_code(self, asked, tmp_path):
        """A point that could not be evaluated is told, and the exit code is 4."""
        asked["failing"] = ["data set snli, random-0, on g0.l0: no memory"]
        done = run(tmp_path)

        assert done.exit_code == 4
        assert "Not measured: data set snli, random-0, on g0.l0: no memory" in done.stdout
