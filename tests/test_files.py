"""Files and folders appear whole, and each failure is laid at the right door."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from wsgeo import files
from wsgeo.errors import WsgeoError
from wsgeo.files import PARTIAL, remove_partial, replacing, replacing_folder


def leftovers(folder):
    return list(folder.rglob(PARTIAL))


def write_model(folder, name):
    with replacing_folder(folder) as staging:
        (staging / name).write_text("x")


def kill_after(n_renames, patch):
    """End the writer after so many renames; a process that is killed removes nothing either."""
    rename, done = Path.rename, []

    def counted(path, target):
        rename(path, target)
        done.append(path)
        if len(done) == n_renames:
            patch.setattr(shutil, "rmtree", lambda *_, **__: None)
            patch.setattr(files, "_put_back", lambda _: None)
            raise SystemExit

    patch.setattr(Path, "rename", counted)


class TestReplacing:
    """One file, whole or absent."""

    def test_an_error_of_another_file_passes_through(self, tmp_path):
        """A source that is missing is not reported as a target that cannot be written."""
        with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "target"):
            (tmp_path / "source").read_bytes()

        assert str(caught.value.filename).endswith("source")
        assert list(tmp_path.iterdir()) == []

    def test_a_failed_read_without_a_name_passes_through(self, tmp_path):
        """An input error of an open file is no failure to write."""
        with pytest.raises(OSError, match="Input"), replacing(tmp_path / "target"):
            raise OSError(errno.EIO, "Input/output error")

    @pytest.mark.parametrize(
        "error",
        [OSError(errno.ENOSPC, "No space left on device"), OSError("no space (os error 28)")],
    )
    def test_a_full_disk_is_told(self, tmp_path, error):
        """A full disk names the target, the cause and what to do."""
        told = r"target: it cannot be written \(.o space.*Free some"
        with pytest.raises(WsgeoError, match=told), replacing(tmp_path / "target"):
            raise error

    def test_an_error_in_words_alone_passes_through(self, tmp_path):
        """A library's text that says nothing of the disk is no failure to write."""
        with pytest.raises(OSError, match="cannot parse"), replacing(tmp_path / "target"):
            raise OSError("the source cannot parse")

    @pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
    def test_a_forbidden_place_asks_for_another(self, tmp_path, number):
        """Where writing is forbidden nobody is asked to free some space."""
        target = tmp_path / "target"
        with pytest.raises(WsgeoError) as caught, replacing(target) as temporary:
            raise OSError(number, os.strerror(number), str(temporary))

        assert caught.value.remedy.startswith("Choose a place where you may write")
        assert "bytes are free" not in str(caught.value)

    def test_a_missing_folder_is_told(self, tmp_path):
        """The folder of the target must exist."""
        missing, told = tmp_path / "none" / "target", "it cannot be written"
        with pytest.raises(WsgeoError, match=told), replacing(missing) as temporary:
            temporary.write_text("x")


class TestReplacingFolder:
    """One folder, whole or absent."""

    def test_takes_the_place_of_the_older_one(self, tmp_path):
        """Nothing of the older folder stays, and nothing hidden either."""
        for name in ("old", "new"):
            with replacing_folder(tmp_path / "deep" / "model") as staging:
                (staging / name).write_text(name)
                assert staging.match(PARTIAL)

        assert [path.name for path in tmp_path.rglob("*")] == ["deep", "model", "new"]

    def test_a_failure_keeps_the_older_one(self, tmp_path):
        """An error of the block passes through; the older folder stays as it was."""
        with replacing_folder(tmp_path / "model") as staging:
            (staging / "old").write_text("x")

        with pytest.raises(ZeroDivisionError), replacing_folder(tmp_path / "model") as staging:
            (staging / "new").write_text(str(1 // 0))

        assert [path.name for path in tmp_path.rglob("*")] == ["model", "old"]

    def test_a_place_that_cannot_be_written_is_told(self, tmp_path):
        """A file in the way of the parents is named, not a hidden folder."""
        (tmp_path / "file").write_text("x")

        target, told = tmp_path / "file" / "model", "model: it cannot be written"
        with pytest.raises(WsgeoError, match=told), replacing_folder(target):
            pass

    @pytest.mark.parametrize("n_renames", [1, 2])
    def test_a_kill_between_the_renames_costs_no_folder(self, tmp_path, monkeypatch, n_renames):
        """Whenever the writer is killed, cleaning up leaves one whole folder and nothing hidden."""
        write_model(tmp_path / "model", "old")

        with monkeypatch.context() as patch:
            kill_after(n_renames, patch)
            with pytest.raises(SystemExit):
                write_model(tmp_path / "model", "new")
        remove_partial(tmp_path)

        kept = "old" if n_renames == 1 else "new"
        assert [path.name for path in tmp_path.rglob("*")] == ["model", kept]

    def test_leftovers_are_removed(self, tmp_path):
        """What a killed writer left is found by its name, files and folders; the rest stays."""
        for name in (".1.partial", "kept"):
            (tmp_path / name / ".2.partial").mkdir(parents=True)
            (tmp_path / name / "model").write_text("x")
        (tmp_path / ".3.partial").write_text("x")

        remove_partial(tmp_path)

        assert leftovers(tmp_path) == []
        assert (tmp_path / "kept" / "model").exists()
        assert not (tmp_path / ".1.partial").exists()
