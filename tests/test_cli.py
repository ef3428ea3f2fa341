"""The command line as a whole: quick help, every verb documented, errors that help."""

import json
import os
import subprocess
import sys

import click
import polars as pl
import pytest
import report_cases
from click.testing import CliRunner

from wsgeo.cli import VERBS, main
from wsgeo.errors import MissingAssetError, WsgeoError
from wsgeo.store import TABLES, create_run

HEAVY = {"torch", "transformers", "numpy", "polars", "scipy", "sklearn", "altair", "networkx"}
SLOW_TO_IMPORT = {"torch", "transformers", "peft", "sklearn", "scipy", "umap", "hdbscan", "altair"}
WITHOUT_JSON = {"cite", "export", "report"}
"""Verbs that print BibTeX or paths."""


def _command(verb):
    context = click.Context(main)
    return main.get_command(context, verb)


class TestHelp:
    """Help costs nothing and says everything."""

    @pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["scan", "--help"], ["scn"]])
    def test_loads_nothing_heavy(self, arguments):
        """Help, version and a mistyped verb import no numeric package."""
        loaded = _loaded(arguments)

        assert loaded & HEAVY == set()
        assert "click" in loaded

    @pytest.mark.parametrize("verb", VERBS)
    def test_every_verb_has_help(self, verb):
        """A verb's help starts with a sentence that ends, and each option says what it is for."""
        result = CliRunner().invoke(main, [verb, "--help"])

        assert result.exit_code == 0
        command = _command(verb)
        assert command.name == verb
        assert command.help.split("\n\n")[0].strip().endswith(".")
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, parameter.name

    @pytest.mark.parametrize("verb", sorted(VERBS.keys() - WITHOUT_JSON))
    def test_every_verb_has_json(self, verb):
        """A verb that prints results prints them as JSON on request."""
        assert "--json" in {flag for option in _command(verb).params for flag in option.opts}

    def test_the_list_of_verbs(self):
        """The help lists every verb with its sentence, and every module of commands is a verb."""
        text = CliRunner().invoke(main, ["--help"]).stdout

        assert all(verb in text for verb in VERBS)
        for sentence in VERBS.values():
            assert sentence.split()[0] in text

    @pytest.mark.parametrize(
        ("flag", "meaning"),
        [
            ("--out", "Folder to write"),
            ("--jobs", "worker processes"),
            ("--seed", "Seed of every draw."),
            ("--json", "Print JSON on stdout."),
            ("--dry-run", "Print the cost and stop."),
        ],
    )
    def test_options_mean_the_same_everywhere(self, flag, meaning):
        """The help of an option says the same in every verb."""
        texts = {
            option.help
            for verb in VERBS
            for option in _command(verb).params
            if isinstance(option, click.Option) and flag in option.opts
        }

        assert texts
        assert all(meaning in text for text in texts)


class TestReadingVerbs:
    """A verb that only reads a run imports only what it reads with."""

    @pytest.mark.parametrize("arguments", [["cite", "RUN"]])
    def test_json_needs_nothing_heavy(self, arguments, finished_run):
        """What stands in the run's JSON files is read without polars."""
        assert _loaded([str(finished_run) if a == "RUN" else a for a in arguments]) & HEAVY == set()

    @pytest.mark.parametrize(
        "arguments",
        [
            ["export", "RUN", "--format", "csv", "-o", "OUT"],
            ["compare", "RUN", "RUN"],
            ["show", "RUN"],
        ],
    )
    def test_tables_need_polars_alone(self, arguments, finished_run, tmp_path):
        """What stands in tables is read without models, charts or clustering packages."""
        places = {"RUN": str(finished_run), "OUT": str(tmp_path)}
        loaded = _loaded([places.get(argument, argument) for argument in arguments])

        assert loaded & SLOW_TO_IMPORT == set()
        assert "polars" in loaded


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory):
    """Give the folder of a finished run of a made-up zoo."""
    run = create_run(tmp_path_factory.mktemp("cli") / "run")
    for name, frame in report_cases.tables(6).items():
        whole = pl.concat([pl.DataFrame(schema=TABLES[name]), frame], how="diagonal_relaxed")
        run.write_table(name, whole.cast(dict(TABLES[name])))
    run.write("run", {**run.read("run"), "status": "complete", "references": ["juneja2022"]})
    summary = {"zoo": "made-up", "n_members": 6, "n_pairs": 15, "n_computed": 0, "n_reused": 0}
    names = ("verdict", "groups", "alerts", "exclusions", "next")
    rest = {**{name: [] for name in names}, "regions": {}, "report": ""}
    run.write("summary", {**summary, **rest})
    return run.folder


def _loaded(arguments):
    """Return the top-level packages that a call imports; the call must not be a bug."""
    script = (
        "import json, sys\n"
        "from wsgeo.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "finally:\n    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True
    )
    assert found.returncode in {0, 2}, found.stderr[:2000]
    return {name.split(".")[0] for name in json.loads(found.stderr.splitlines()[-1])}


class TestErrors:
    """An error is one line on stderr, with the code of its kind."""

    def test_an_unknown_verb_suggests(self):
        """A mistyped verb names the one that was meant."""
        result = CliRunner().invoke(main, ["scna"])

        assert result.exit_code == 2
        assert "Did you mean 'scan'?" in result.stderr

    def test_a_strange_verb_points_to_help(self):
        """A verb that is like no other points to the help."""
        assert "--help" in CliRunner().invoke(main, ["xyzzy"]).stderr

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (WsgeoError("the file is bad", where="a\nb", remedy="Mend it."), 2),
            (MissingAssetError("kaleido is missing"), 6),
            (PermissionError(13, "Permission denied", "/zoo/x"), 2),
            (OSError(28, "No space left on device"), 2),
            (FileNotFoundError(2, "No such file or directory", "/x"), 1),
            (RuntimeError("oh\nno \x1b[31m"), 1),
            (KeyboardInterrupt(), 130),
        ],
    )
    def test_one_line(self, monkeypatch, error, code):
        """Whatever is raised ends in one printable line."""
        result = _raising(monkeypatch, error)

        assert result.exit_code == code
        assert result.stdout == ""
        assert result.stderr.startswith("wsgeo: ")
        assert result.stderr.count("\n") == 1
        assert "\x1b" not in result.stderr
        assert ("bug" in result.stderr) == (code == 1)

    @pytest.mark.parametrize("error", [RuntimeError("oh"), WsgeoError("the file is bad")])
    def test_debug_raises(self, monkeypatch, error):
        """With --debug the error comes with its traceback."""
        assert _raising(monkeypatch, error, "--debug").exception is error

    def test_a_closed_pipe_is_quiet(self):
        """A reader that stops early, such as head, draws no error."""
        script = f"{sys.executable} -m wsgeo.cli --help | true"
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        found = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, env=environment
        )

        assert "Traceback" not in found.stderr


def _raising(monkeypatch, error, *options):
    from wsgeo.workflows import citing

    def broken(*arguments):
        raise error

    monkeypatch.setattr(citing, "cite", broken)
    return CliRunner().invoke(main, [*options, "cite"])
