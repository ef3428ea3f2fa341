"""``wsgeo diagnose`` asks what it is told and prints what was found."""

import json

import pytest
from click.testing import CliRunner

from wsgeo.cli import main
from wsgeo.workflows import diagnosing

FOUND = {
    "sentences": ["On heuristics, subsequence: basin 1 is right on 61% of the examples."],
    "headlines": [],
    "behaviour": [],
    "by": [],
    "ridges": ["Between basins 0 and 1 the loss on nli rises by 0.07 nats."],
    "held_out": ["Held out one by one, 11 of 12 members are put into their own basin."],
    "refused": {"sentiment_contrast": "the task's labels are not the model's"},
    "failures": [],
    "report": "report/index.html",
}


@pytest.fixture
def asked(monkeypatch):
    """Give what the command asks of the function, which answers at once."""
    given = {}

    def diagnose(run, suite, **options):
        given.update(options, run=run, suite=suite)
        return dict(FOUND) if run is not None else {"n_models": 3, "lines": ["Three models."]}

    monkeypatch.setattr(diagnosing, "diagnose", diagnose)
    return given


def run(*arguments):
    return CliRunner().invoke(main, ["diagnose", *map(str, arguments)])


class TestDiagnose:
    """The command."""

    def test_prints_sentences(self, asked, tmp_path):
        """What was found stands before what does not apply, and the report comes last."""
        lines = run(tmp_path, "--suite", "heuristics, probes", "--by", "dose").stdout.splitlines()

        assert lines[:3] == [*FOUND["sentences"], *FOUND["ridges"], *FOUND["held_out"]]
        assert lines[3].startswith("Not applicable: sentiment_contrast")
        assert lines[-1] == "Report  report/index.html"
        assert (asked["suite"], asked["by"]) == (["heuristics", "probes"], "dose")

    def test_without_a_suite_everything_is_asked(self, asked, tmp_path):
        """No name of a set means all that fit, with one line of each kind."""
        run(tmp_path)

        assert (asked["suite"], asked["lines"]) == (None, 1)

    def test_prints_json(self, asked, tmp_path):
        """With --json the answer is an object and nothing else."""
        assert json.loads(run(tmp_path, "--json").stdout) == FOUND

    def test_scores_stand_in_place_of_a_run(self, asked, tmp_path):
        """A file of scores is analysed without weights."""
        shown = run("--scores", tmp_path / "s.csv", "--clusters", tmp_path / "c.csv")

        assert shown.stdout.splitlines() == ["Three models."]
        assert (asked["run"], asked["scores"]) == (None, tmp_path / "s.csv")

    def test_a_line_that_failed_is_told_and_exits_with_4(self, asked, tmp_path, monkeypatch):
        """What could not be followed is a line of its own, and the rest is there."""
        lost = {**FOUND, "failures": ["a to b on heuristics: out of memory"]}
        monkeypatch.setattr(diagnosing, "diagnose", lambda *_, **__: lost)

        shown = run(tmp_path)

        assert shown.exit_code == 4
        assert "Not followed: a to b on heuristics: out of memory" in shown.stdout

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], "Give a run folder"),
            (["RUN", "--scores", "s.csv"], "Give a run folder"),
            (["RUN", "--clusters", "c.csv"], "goes with --scores"),
            (["--scores", "s.csv", "--dry-run"], "--dry-run goes with a run"),
            (["--scores", "s.csv", "--by", "dose"], "--by goes with a run"),
            (["--scores", "s.csv", "--suite-path", "RUN"], "--suite-path goes with a run"),
            (["RUN", "--seed", "1"], "--seed goes with --scores"),
        ],
    )
    def test_refuses_what_does_not_go_together(self, asked, tmp_path, arguments, said):
        """A usage error says which option goes with which."""
        shown = run(*(tmp_path if one == "RUN" else one for one in arguments))

        assert shown.exit_code == 2
        assert said in shown.stderr
        assert asked == {}
