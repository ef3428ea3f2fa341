"""What ends a scan before its time: a full disk, a signal."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
from scan_cases import (
    N_EVALUATIONS,
    N_EXAMPLES,
    N_MEMBERS,
    N_PAIRS,
    OPTIONS,
    counts,
    unequal_tables,
)
from scan_command_cases import ends_with_one_line, run
from write_cases import fail_writes

from wsgeo.store import Run, create_run

COMMAND = (sys.executable, "-m", "wsgeo.cli", "scan")


def _told(database, pragma):
    database.execute(pragma)
    return database


def _wait_for_rows(process, path):
    """Wait until a ledger has rows, as another process sees them; return how many."""
    import sqlite3

    while process.poll() is None:
        time.sleep(0.05)
        if path.exists():
            database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
            try:
                n_rows = database.execute("SELECT count(*) FROM losses").fetchone()[0]
            except sqlite3.OperationalError:
                n_rows = 0
            finally:
                database.close()
            if n_rows:
                return n_rows
    raise AssertionError(process.stderr.read())


class TestFullDisk:
    """A write that fails costs one line; what was committed stays."""

    @pytest.mark.slow
    def test_the_ledger_is_full(self, zoo_with_run, tmp_path, monkeypatch):
        """When the ledger can grow no more the scan ends with 2, and goes on when it can."""
        from wsgeo.store import ledger

        whole, limit = ledger._open, "PRAGMA max_page_count = 5"
        with monkeypatch.context() as patch:
            patch.setattr(ledger, "_open", lambda path: _told(whole(path), limit))
            line = ends_with_one_line(run(zoo_with_run, zoo_with_run.zoo, tmp_path / "run"), 2)
        assert "full" in line
        assert "Free space" in line

        assert run(zoo_with_run, zoo_with_run.zoo, tmp_path / "run").exit_code == 0
        assert "profiles" not in unequal_tables(Run(zoo_with_run.run), Run(tmp_path / "run"))

    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EACCES])
    def test_a_file_cannot_be_written(self, zoo_with_run, out, monkeypatch, code):
        """A system fault on a file names the fault and the remedy, and ends with 2."""
        fail_writes(monkeypatch, at=4, code=code)

        line = ends_with_one_line(run(zoo_with_run, zoo_with_run.zoo, out), 2)

        assert os.strerror(code) in line
        assert "the command again" in line.replace("same ", "")

    @pytest.mark.slow
    def test_at_any_write(self, zoo_with_run, out, monkeypatch):
        """Whichever write fails, no file is torn, the code is 2, and the next scan mends all."""
        run(zoo_with_run, zoo_with_run.zoo, out)
        whole = Run(out).every_table()
        n_failed = 0
        while True:
            with monkeypatch.context() as patch:
                fail_writes(patch, at=n_failed, code=errno.ENOSPC)
                result = run(zoo_with_run, zoo_with_run.zoo, out)
            if result.exit_code == 0:
                break
            ends_with_one_line(result, 2)
            for name, frame in Run(out).every_table().items():
                assert frame.equals(whole[name], null_equal=True)
            assert not list(out.rglob("*.partial"))
            n_failed += 1
        assert n_failed > 20
        assert counts(Run(out)) == (0, N_EVALUATIONS)

    @pytest.mark.slow
    def test_a_limit_of_the_system(self, zoo_with_run, tmp_path):
        """Under a limit on file sizes the real command ends with 2 and one line, and goes on without."""
        arguments = [
            zoo_with_run.zoo,
            "-o",
            tmp_path / "run",
            "--data",
            zoo_with_run.data,
            *OPTIONS,
        ]
        script = 'ulimit -f 24; exec "$@"'
        found = subprocess.run(
            ["bash", "-c", script, "bash", *COMMAND, *map(str, arguments)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )

        assert found.returncode == 2
        assert found.stderr.splitlines()[-1].startswith("wsgeo: ")
        assert "Traceback" not in found.stderr
        assert run(zoo_with_run, zoo_with_run.zoo, tmp_path / "run").exit_code == 0


class TestSignals:
    """A signal in mid-scan ends everything and loses nothing that was committed."""

    @pytest.mark.slow
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_in_mid_scan(self, zoo_with_run, tmp_path, number):
        """The command ends with 130 and one line, no process is left, and the next scan goes on."""
        fine = ("--examples", N_EXAMPLES, "--points", "41", "--jobs", "2")
        arguments = [zoo_with_run.zoo, "-o", tmp_path / "run", "--data", zoo_with_run.data, *fine]
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        n_before = _wait_for_rows(process, tmp_path / "run" / "ledger.sqlite")
        os.killpg(process.pid, number)
        sent = time.monotonic()
        stdout, stderr = process.communicate(timeout=60)

        assert process.returncode == 130
        assert time.monotonic() - sent < 20
        assert stdout == ""
        assert stderr.splitlines()[-1].startswith("wsgeo: stopped;")
        assert "Traceback" not in stderr
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
        with create_run(tmp_path / "run").ledger() as ledger:
            n_kept = len(ledger)
        assert n_kept >= n_before
        result = run(zoo_with_run, zoo_with_run.zoo, tmp_path / "run", "--points", "41")
        assert result.exit_code == 0
        assert counts(Run(tmp_path / "run")) == (N_MEMBERS + 39 * N_PAIRS - n_kept, n_kept)
