"""``wsgeo place`` prints what `wsgeo.place` finds."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from wsgeo.cli import main
from wsgeo.workflows import placing

FOUND = {
    "cost": "1 model, 6 lines to members.",
    "sentences": ["model-x lies in basin 1 (median gap 0.004 nats; 3 members looked at)."],
    "notes": [],
    "held_out": {"g0.l0": "Held out one by one, 11 of 12 members are put into their own basin."},
    "refused": {"y": "its tokenizer is another"},
    "exit_code": 0,
}


@pytest.fixture
def asked(monkeypatch):
    """Give what the command asks of the function, which answers at once."""
    given = {}

    def place(run, models, **options):
        given.update(options, run=run, models=models)
        return FOUND | {"exit_code": 3 if models == ("alien",) else 0}

    monkeypatch.setattr(placing, "place", place)
    return given


def run(*arguments):
    return CliRunner().invoke(main, ["place", *map(str, arguments)])


class TestPlace:
    """The command."""

    def test_prints_sentences(self, asked, tmp_path):
        """Each model is told in a line, and below how well this works for members."""
        result = run(tmp_path, "a", "b", "--per-basin", 2, "-j", 0)

        assert result.exit_code == 0
        assert result.stdout.splitlines() == [
            FOUND["sentences"][0], "", *FOUND["held_out"].values()
        ]  # fmt: skip
        assert asked["models"] == ("a", "b")
        assert (asked["per_basin"], asked["jobs"], asked["check"]) == (2, 0, False)

    def test_prints_json(self, asked, tmp_path):
        """With --json the answer is an object and nothing else."""
        assert json.loads(run(tmp_path, "a", "--json").stdout) == FOUND

    def test_a_dry_run_prints_the_cost(self, asked, tmp_path):
        """With --dry-run the cost is told, and which models would be refused."""
        lines = run(tmp_path, "a", "--dry-run").stdout.splitlines()

        assert lines == [FOUND["cost"], "y will not be placed: its tokenizer is another."]
        assert asked["dry_run"]

    def test_nothing_placed_is_exit_code_3(self, asked, tmp_path):
        """Where no model could be compared the exit code is 3."""
        assert run(tmp_path, "alien").exit_code == 3

    def test_asks_for_a_model(self, tmp_path):
        """Without a model the command says what it lacks."""
        result = run(tmp_path)

        assert result.exit_code == 2
        assert "MODEL" in result.stderr
