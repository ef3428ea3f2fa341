"""``wsgeo select`` prints what `wsgeo.select` finds."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from wsgeo.commands.select import command
from wsgeo.errors import WsgeoError
from wsgeo.workflows import selecting
from wsgeo.workflows.start_plans import StartPlan

FOUND = {
    "run": "run",
    "targets": [],
    "sentences": ["trec: start from the centroid of all: +3.1 points."],
    "notes": [],
    "table": [
        {"target": "trec", "base": "80.0", "centroid of all": "83.1, +3.1, win"},
        {"target": "sst2", "base": "80.0", "centroid of all": None},
    ],
    "gains": [],
    "chosen": [
        {"target": "trec", "shots": None, "start": "centroid of all", "folder": "starts/chosen"},
        {"target": "sst2", "shots": None, "start": "base", "folder": "base"},
    ],
    "n_trials": 4,
    "n_new": 4,
    "report": "report/index.html",
    "exit_code": 0,
}

PLAN = StartPlan({"trec": 9}, 10, 12, (60,), (5.0, 600.0), 2, ("Learning rate 0.01, as asked.",))


@pytest.fixture
def asked(monkeypatch):
    """Give what the command asks of the functions, which answer at once."""
    given = {}

    def select(run, targets, **options):
        given.update(options, run=run, targets=targets)
        return FOUND | {"exit_code": 5 if options["budget"] == 0 else 0}

    def plan_selection(run, targets, **options):
        given.update(options, run=run, targets=targets)
        return PLAN

    monkeypatch.setattr(selecting, "select", select)
    monkeypatch.setattr(selecting, "plan_selection", plan_selection)
    return given


def run(*arguments):
    return CliRunner().invoke(command, [*map(str, arguments)])


class TestSelect:
    """The command."""

    def test_prints_sentences_and_the_table(self, asked, tmp_path):
        """What to start from comes first, then targets by starts, then where the starts lie."""
        result = run(tmp_path, "--target", "trec", "-j", 0)

        assert result.exit_code == 0
        assert result.stdout.splitlines() == [
            FOUND["sentences"][0], "",
            "target  base  centroid of all",
            "trec    80.0  83.1, +3.1, win",
            "sst2    80.0", "",
            "trec: centroid of all, saved in starts/chosen", "Base    base", "",
            "Report  report/index.html",
        ]  # fmt: skip
        assert asked["targets"] == ("trec",)

    def test_hands_over_what_is_asked(self, asked, tmp_path):
        """Options become settings; shots are numbers or all."""
        run(
            tmp_path, "--target", "a", "--target", "b=c", "--shots", 100, "--shots", "all",
            "--method", "bitfit", "--seeds", 5, "--start", "run-0", "--leave-out", "nli",
        )  # fmt: skip
        settings = asked["settings"]

        assert (settings.shots, settings.method, settings.seeds) == ((100, None), "bitfit", 5)
        assert (asked["start"], asked["leave_out"]) == (("run-0",), ("nli",))

    def test_prints_json(self, asked, tmp_path):
        """With --json the answer is an object and nothing else."""
        assert json.loads(run(tmp_path, "--each-task", "--json").stdout) == FOUND

    def test_a_dry_run_prints_the_cost(self, asked, tmp_path):
        """With --dry-run nothing is made: candidates, fine-tunings and times are told."""
        result = run(tmp_path, "--target", "trec", "--dry-run")

        assert result.stdout.splitlines() == [
            "trec: 9 candidates",
            "Scoring 10 encoders: about 5 s.",
            "At most 12 fine-tunings of 60 updates: about 10 min in 2 workers, less where some were made before or starts are decided early.",
            "Learning rate 0.01, as asked.",
        ]
        assert json.loads(run(tmp_path, "--target", "t", "--dry-run", "--json").stdout)["n_trials"]

    def test_a_dry_run_counts_what_is_asked(self, asked, tmp_path):
        """Starts that are tried too are part of the plan."""
        run(tmp_path, "--target", "trec", "--start", "run-0", "--dry-run")

        assert asked["start"] == ("run-0",)

    def test_a_budget_is_exit_code_5(self, asked, tmp_path):
        """Where the budget ended the work the exit code is 5, and the page says how to go on."""
        result = run(tmp_path, "--target", "trec", "--budget", 0)

        assert result.exit_code == 5
        assert "the same command goes on" in result.stdout

    def test_asks_for_a_target(self, tmp_path):
        """Without a target the command says what it lacks."""
        result = run(tmp_path)

        assert result.exit_code == 2
        assert "--target" in result.stderr

    def test_refuses_settings_that_exclude_each_other(self, tmp_path):
        """A faulty setting is told before the run is opened."""
        result = run(tmp_path, "--target", "t", "--steps", 3, "--epochs", 1)

        assert isinstance(result.exception, WsgeoError)
