"""The scan on the command line: what it prints where, how it ends, and what a fault leaves."""

import json

import pytest
from click.testing import CliRunner
from scan_cases import (
    N_EVALUATIONS,
    N_MEMBERS,
    N_PAIRS,
    OPTIONS,
    change_weights,
    tree,
)
from scan_command_cases import ends_with_one_line, run

from wsgeo.cli import main
from wsgeo.store import Run, create_run


class TestOutput:
    """Results go to stdout, everything else to stderr."""

    def test_json_is_pure(self, zoo_with_run, out):
        """With --json stdout is the summary and nothing else."""
        result = run(zoo_with_run, zoo_with_run.zoo, out, "--json")

        assert result.exit_code == 0
        assert json.loads(result.stdout) == Run(out).read("summary")
        assert "evaluations" in result.stderr

    def test_people_read_the_verdict_first(self, zoo_with_run, out):
        """Without --json stdout has counts, verdict, report and a next step."""
        lines = run(zoo_with_run, zoo_with_run.zoo, out).stdout.splitlines()

        assert (
            f"{N_MEMBERS} members, {N_PAIRS} pairs (0 evaluations computed by the last scan"
            in lines[0]
        )
        assert lines[2] == Run(out).read("summary")["verdict"][0]
        assert any(line.startswith("Report") for line in lines)

    def test_a_dry_run_writes_nothing(self, zoo_with_run, tmp_path):
        """With --dry-run the plan is printed, and no folder is made."""
        result = run(zoo_with_run, zoo_with_run.zoo, tmp_path / "run", "--dry-run", "--json")

        plan = json.loads(result.stdout)
        assert result.exit_code == 0
        assert (plan["n_members"], plan["n_evaluations"]) == (N_MEMBERS, N_EVALUATIONS)
        assert list(tmp_path.iterdir()) == []

    def test_a_dry_run_refuses_what_a_scan_refuses(self, zoo_with_run):
        """A run folder inside the zoo is refused before anything is planned."""
        inside = zoo_with_run.zoo / "run"
        result = run(zoo_with_run, zoo_with_run.zoo, inside, "--dry-run")

        assert "lies inside the zoo" in ends_with_one_line(result, 2)

    @pytest.mark.slow
    def test_other_settings_are_announced(self, zoo_with_run, out):
        """Before results are replaced one sentence says what changes; the same scan is silent."""
        run(zoo_with_run, zoo_with_run.zoo, out)
        same = run(zoo_with_run, zoo_with_run.zoo, out)
        other = run(zoo_with_run, zoo_with_run.zoo, out, "--points", "3")

        assert "This run was scanned" not in same.stderr
        assert "This run was scanned with 5 points; its tables will be replaced by those with " in (
            other.stderr
        )
        assert other.stderr.count("This run was scanned") == 1

    def test_without_data_it_says_so(self, tiny_zoo_folder, tmp_path):
        """A zoo that names no data ends well, and the answer says that weights alone are compared."""
        result = CliRunner().invoke(
            main, ["scan", str(tiny_zoo_folder), "-o", str(tmp_path / "run"), "--jobs", "0"]
        )

        assert result.exit_code == 0
        assert "weights alone are compared" in result.stdout


class TestExitCodes:
    """Each end has its code and one line."""

    def test_a_rejected_member_is_4(self, zoo_with_run, tmp_path, out):
        """A zoo with a malformed member is scanned and ends with 4."""
        zoo = zoo_with_run.copy_zoo(tmp_path / "zoo")
        change_weights(zoo / "run-0", "classifier.bias", lambda bias: bias + float("nan"))

        result = run(zoo_with_run, zoo, out)

        assert result.exit_code == 4
        assert "Rejected: run-0" in result.stdout

    def test_no_fit_member_is_3(self, zoo_with_run, tmp_path):
        """Where no member beats a constant the answer says why, and the report is written."""
        rows = [json.loads(line) for line in zoo_with_run.data.read_text().splitlines()]
        labels = [row["label"] for row in rows]
        data = tmp_path / "film.jsonl"
        rows = [
            row | {"label": label} for row, label in zip(rows, labels[1:] + labels[:1], strict=True)
        ]
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
        given = [zoo_with_run.zoo, "-o", tmp_path / "run", "--data", data, *OPTIONS]

        result = CliRunner().invoke(main, ["scan", *map(str, given)])

        assert result.exit_code == 3
        assert "No member beats the constant predictor on this data" in result.stdout
        page = (tmp_path / "run" / "report" / "index.html").read_text()
        assert "No member beats the constant predictor" in page
        assert "Scan with data" not in page

    def test_labels_that_do_not_match_are_2(self, zoo_with_run, tmp_path):
        """The line names the file and the option, and with that option the scan runs."""
        text = (
            zoo_with_run.data.read_text().replace("bad_film", "awful").replace("good_film", "fine")
        )
        data = tmp_path / "film.jsonl"
        data.write_text(text)
        given = [zoo_with_run.zoo, "-o", tmp_path / "run", "--data", data, *OPTIONS, "--dry-run"]
        renamed = ["--label", "awful=bad_film", "--label", "fine=good_film"]

        line = ends_with_one_line(CliRunner().invoke(main, ["scan", *map(str, given)]), 2)
        assert str(data) in line
        assert "--label" in line
        assert CliRunner().invoke(main, ["scan", *map(str, given), *renamed]).exit_code == 0

    def test_an_empty_zoo_is_3(self, zoo_with_run, tmp_path):
        """A folder without models ends with 3 and one line."""
        (tmp_path / "zoo").mkdir()

        ends_with_one_line(run(zoo_with_run, tmp_path / "zoo", tmp_path / "run"), 3)

    def test_a_second_writer_is_2(self, zoo_with_run, out):
        """While a run is written, another scan into it ends with 2 and one line at once."""
        before = tree(out)
        with create_run(out).ledger():
            result = run(zoo_with_run, zoo_with_run.zoo, out)

        assert "another process is writing" in ends_with_one_line(result, 2)
        assert {path for path in tree(out) if path.suffix == ".parquet"} <= set(before)

    @pytest.mark.parametrize(
        ("options", "named"),
        [
            (("--tau", "x"), "--tau is 'x'"),
            (("--tau", "-1"), "--tau is -1.0"),
            (("--points", "4"), "--points is 4"),
            (("--examples", "1"), "--examples is 1"),
            (("--column", "text_a"), "--column is 'text_a'"),
            (("--column", "tex=sentence"), "'tex'"),
            (("--label", "=good"), "--label is '=good'"),
            (("--label", "fair=good_film"), "--label names 'fair'"),
        ],
    )
    def test_bad_options_are_2(self, zoo_with_run, tmp_path, options, named):
        """A value that cannot be meant ends with 2, one line, and no result."""
        result = run(zoo_with_run, zoo_with_run.zoo, tmp_path / "run", *options)

        assert named in ends_with_one_line(result, 2)
        assert not (tmp_path / "run" / "summary.json").exists()

    def test_a_bug_is_1(self, zoo_with_run, out, monkeypatch):
        """An error that nobody foresaw ends with 1 and one line that says so."""
        _break(monkeypatch, ZeroDivisionError("division\nby zero"))

        line = ends_with_one_line(run(zoo_with_run, zoo_with_run.zoo, out), 1)

        assert "this is a bug in wsgeo: ZeroDivisionError: division by zero" in line

    def test_a_bug_shows_its_trace_on_request(self, zoo_with_run, out, monkeypatch):
        """With --debug the error itself is raised."""
        _break(monkeypatch, ZeroDivisionError("division by zero"))
        options = [zoo_with_run.zoo, "-o", out, "--data", zoo_with_run.data, *OPTIONS]

        result = CliRunner().invoke(main, ["--debug", "scan", *map(str, options)])

        assert isinstance(result.exception, ZeroDivisionError)

    def test_an_interruption_is_130(self, zoo_with_run, out, monkeypatch):
        """Ctrl-C ends with 130 and one line that says how to go on."""
        _break(monkeypatch, KeyboardInterrupt())

        line = ends_with_one_line(run(zoo_with_run, zoo_with_run.zoo, out), 130)

        assert "The same command goes on from there" in line


def _break(monkeypatch, error):
    from wsgeo.workflows import stages

    def broken(*arguments, **more):
        raise error

    monkeypatch.setattr(stages, "measure_group", broken)
