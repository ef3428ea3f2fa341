"""``wsgeo train`` on the command line: how it ends, and what it leaves."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from recipe_cases import FINE_TUNING, PRETRAINING, write_bench
from write_cases import fail_writes

from wsgeo.cli import main
from wsgeo.training.states import StateKeeper

COMMAND = (sys.executable, "-m", "wsgeo.cli", "train")
LONG = {
    FINE_TUNING: ("training.steps=900", "training.save_at=[300]"),
    PRETRAINING: ("pretraining.steps=900", "pretraining.save_at=[300,900]"),
}
"""Settings by which a member takes some seconds."""

KINDS = pytest.mark.parametrize("recipe", [FINE_TUNING, PRETRAINING])


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Give a folder with recipes, their data and a base. Do not change it."""
    return write_bench(tmp_path_factory.mktemp("bench"))


def words(bench, recipe, zoo, *more):
    return [str(bench / recipe), "-o", str(zoo), *map(str, more)]


def run(bench, recipe, zoo, *more):
    return CliRunner().invoke(main, ["train", *words(bench, recipe, zoo, "-j", "0", *more)])


def weights(zoo):
    """Return the bytes of all weights of members, by their place."""
    return {
        path.relative_to(zoo): path.read_bytes()
        for path in sorted(zoo.rglob("*.safetensors"))
        if not any(part.startswith(".") for part in path.relative_to(zoo).parts)
    }


def last_line(result, code):
    """Return the error's line, after checking that it is the only one and the code."""
    assert result.exit_code == code, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("wsgeo: ")]
    assert result.stderr.splitlines()[-1:] == errors
    assert "Traceback" not in result.stderr
    return errors[0]


class TestDiverged:
    """Members whose loss is not finite."""

    @KINDS
    def test_it_is_told_once_and_not_repeated(self, bench, tmp_path, recipe):
        """The second call names it with its reason, trains nothing, says how, and ends with 4."""
        wild = ("--set", "grid.learning_rate=[1e-3, 1e30]", "--set", "grid.seed=[0]")
        first = run(bench, recipe, tmp_path / "zoo", *wild)
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "zoo").rglob("*.json")}
        again = run(bench, recipe, tmp_path / "zoo", *wild)
        told = [line for line in again.stdout.splitlines() if "nonfinite" in line]

        assert first.exit_code == again.exit_code == 4
        assert told[0].split(":")[0] == "seed0-lr1e+30  nonfinite"
        assert "Making" not in again.stderr
        state = tmp_path / "zoo" / ".unfinished" / "seed0-lr1e+30"
        assert f"to have it tried again, remove {state} first." in again.stdout
        assert state.is_dir()
        assert {path: path.stat().st_mtime_ns for path in before} == before
        assert "# seed0-lr1e+30" in (tmp_path / "zoo" / "zoo.toml").read_text()

    def test_a_dry_run_counts_it_as_settled(self, bench, tmp_path):
        """Nothing is left to make where the others are finished."""
        wild = ("--set", "grid.learning_rate=[1e-3, 1e30]", "--set", "grid.seed=[0]")
        run(bench, FINE_TUNING, tmp_path / "zoo", *wild)
        plan = run(bench, FINE_TUNING, tmp_path / "zoo", *wild, "--dry-run")

        assert "2 members, 1 finished, 1 diverged; 0 updates to make." in plan.stdout


class TestInterrupted:
    """Ctrl-C in the midst of training."""

    @pytest.mark.slow
    @KINDS
    def test_it_goes_on_to_the_same_bits(self, bench, tmp_path, recipe):
        """130 and one line with the command, no process left; then the weights of a run in one go."""
        settings = [word for text in LONG[recipe] for word in ("--set", text)]
        assert run(bench, recipe, tmp_path / "whole", *settings).exit_code == 0
        arguments = words(bench, recipe, tmp_path / "cut", "-j", "2", *settings)
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        wait_for(process, lambda: list((tmp_path / "cut").rglob("state.safetensors")))
        os.killpg(process.pid, signal.SIGINT)
        sent = time.monotonic()
        stdout, stderr = process.communicate(timeout=60)

        assert process.returncode == 130
        assert time.monotonic() - sent < 10
        assert stdout == ""
        assert "Traceback" not in stderr
        line = stderr.splitlines()[-1]
        assert line.startswith("wsgeo: stopped;")
        assert line.endswith(f"goes on from there: wsgeo train {shlex.join(arguments)}")
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
        assert list((tmp_path / "cut" / ".unfinished").rglob("state.safetensors"))
        assert run(bench, recipe, tmp_path / "cut", *settings).exit_code == 0
        assert weights(tmp_path / "cut") == weights(tmp_path / "whole")
        assert not (tmp_path / "cut" / ".unfinished").exists()


@pytest.mark.slow
class TestFullDisk:
    """A write that fails costs one line, and the next call finishes."""

    @KINDS
    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
    def test_at_any_write(self, bench, tmp_path, monkeypatch, recipe, code):
        """Whichever flush of a file fails, of states or of members: code 2, then all is made."""
        monkeypatch.setattr(StateKeeper, "is_due", True)
        assert run(bench, recipe, tmp_path / "whole").exit_code == 0
        n_failed = 0
        while True:
            with monkeypatch.context() as patch:
                fail_writes(patch, at=10 * n_failed, code=code)
                result = run(bench, recipe, tmp_path / "zoo")
            if result.exit_code == 0:
                break
            assert os.strerror(code) in last_line(result, 2)
            assert not list((tmp_path / "zoo").rglob("*.partial"))
            n_failed += 1
        assert n_failed > 2
        assert weights(tmp_path / "zoo") == weights(tmp_path / "whole")

    @pytest.mark.slow
    @KINDS
    def test_a_limit_of_the_system(self, bench, tmp_path, recipe):
        """Under a limit on file sizes a worker ends the command with 2, and it goes on without."""
        run(bench, recipe, tmp_path / "zoo")
        for seed in (0, 1):  # what remains is in place: only the members are written
            for folder in (tmp_path / "zoo").glob(f"seed{seed}*"):
                shutil.rmtree(folder)
        script = 'ulimit -f 8; exec "$@"'
        found = subprocess.run(
            ["bash", "-c", script, "bash", *COMMAND, *words(bench, recipe, tmp_path / "zoo")],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )

        assert found.returncode == 2
        assert found.stderr.splitlines()[-1].startswith("wsgeo: ")
        assert "Traceback" not in found.stderr
        assert run(bench, recipe, tmp_path / "zoo").exit_code == 0


def wait_for(process, found):
    """Wait until something is there, while a process runs."""
    while not found():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)


class TestOutput:
    """Results go to stdout, everything else to stderr."""

    @KINDS
    def test_json_is_pure(self, bench, tmp_path, recipe):
        """With --json stdout is the result and nothing else."""
        result = run(bench, recipe, tmp_path / "zoo", "--json")

        assert result.exit_code == 0
        assert [one["status"] for one in json.loads(result.stdout)["members"]] != []
        assert result.stderr.splitlines()[-1].startswith("Making 2 of 2 ")
