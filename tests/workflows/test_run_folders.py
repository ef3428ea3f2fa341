"""A scan takes up what a run folder holds, and writes nowhere else."""

import pytest
from scan_cases import tree

from wsgeo.errors import WsgeoError


@pytest.fixture
def zoo(zoo_with_run, tmp_path):
    """Give a copy of the zoo to spoil."""
    return zoo_with_run.copy_zoo(tmp_path / "zoo")


@pytest.fixture
def out(zoo_with_run, tmp_path):
    """Give a copy of the finished run, whose ledger spares the sound pairs."""
    return zoo_with_run.copy_run(tmp_path / "run")


@pytest.mark.slow
class TestTakingUp:
    """What another process left in a run folder is taken up or cleared away."""

    def test_half_written_files_are_cleared_away(self, zoo_with_run, out):
        """Temporary files of a killed writer are gone after the next scan."""
        for folder in (out, out / "tables", out / "report"):
            (folder / ".0123456789abcdef.partial").write_bytes(b"PAR1")

        zoo_with_run.scan(zoo_with_run.zoo, out)

        assert not list(out.rglob("*.partial"))

    def test_a_folder_with_a_half_written_start(self, zoo_with_run, tmp_path):
        """A writer killed at its first file leaves a folder that the same command takes up."""
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / ".0123456789abcdef.partial").write_text("{")

        run = zoo_with_run.scan(zoo_with_run.zoo, tmp_path / "run")

        assert run.read("run")["status"] == "complete"

    def test_an_unfinished_run_shows_no_old_summary(self, zoo_with_run, out, monkeypatch):
        """Once a scan has started anew, its run is unfinished until its report is written."""
        from wsgeo.workflows import scanning
        from wsgeo.workflows.showing import show

        assert show(out)["status"] == "complete"
        monkeypatch.setattr(scanning, "write_reports", _broken)
        with pytest.raises(ZeroDivisionError):
            zoo_with_run.scan(zoo_with_run.zoo, out)

        assert show(out)["status"] == "unfinished"


class TestZooIsLeftAlone:
    """A scan reads its zoo and writes elsewhere."""

    def test_a_read_only_zoo(self, zoo_with_run, zoo, tmp_path):
        """A zoo without write permission is scanned, and no file or time stamp in it changes."""
        before = tree(zoo)
        for path in [zoo, *zoo.rglob("*")]:
            path.chmod(path.stat().st_mode & ~0o222)

        zoo_with_run.scan(zoo, tmp_path / "run")

        assert tree(zoo) == before
        for path in [zoo, *zoo.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)

    @pytest.mark.parametrize("inside", [".", "run", "run-0/run"])
    def test_a_run_inside_the_zoo_is_refused(self, zoo_with_run, zoo, inside):
        """A run folder in the zoo is an error, and nothing is made."""
        before = tree(zoo)

        with pytest.raises(WsgeoError, match="inside the zoo"):
            zoo_with_run.scan(zoo, zoo / inside)
        assert tree(zoo) == before


def _broken(run):
    raise ZeroDivisionError
