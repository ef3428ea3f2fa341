"""``wsgeo check``."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from zoo_cases import make_zoo

from wsgeo.cli import main
from wsgeo.weights.tensors import read_tensors, write_safetensors
from wsgeo.workflows.checking import check


@pytest.fixture
def root(tmp_path):
    """Make a zoo of three members."""
    return make_zoo(tmp_path / "zoo", n_members=3)


def run(*arguments):
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def spoil(root):
    path = root / "run-2" / "model.safetensors"
    tensors = read_tensors(path)
    tensors["classifier.bias"][0] = np.nan
    write_safetensors(path, tensors)


class TestCheck:
    """The verb and its function."""

    def test_a_sound_zoo(self, root):
        """Members are listed by group with facts and sources, and the code is 0."""
        result = run(root)

        assert result.exit_code == 0
        assert "3 members in 1 group, 3 pairs to compare" in result.stdout
        assert "run-1  seed 1 (wsgeo.json)" in result.stdout
        assert "labels contradiction, entailment, neutral" in result.stdout

    def test_json_is_all_there_is_on_stdout(self, root):
        """With ``--json`` stdout is what the function returns."""
        result = run(root, "--json")

        assert json.loads(result.stdout) == check(root)

    def test_lineage_is_told_when_it_is_asked_for(self, root):
        """With ``--lineage`` members with one base are told in one line, and JSON has each."""
        result = run(root, "--lineage")
        rows = check(root, lineage=True)["lineage"]

        assert "  3 members come from base: relative distance " in result.stdout
        assert [row["id"] for row in rows] == ["run-0", "run-1", "run-2"]
        assert json.loads(run(root, "--lineage", "--json").stdout)["lineage"] == rows
        assert check(root)["lineage"] is None

    def test_a_rejected_entry(self, root):
        """A rejected entry is listed with file, cause and remedy, and the code is 4."""
        spoil(root)
        result = run(root)

        assert result.exit_code == 4
        assert "run-2  [nonfinite_weights]" in result.stdout
        assert (
            "run-2/model.safetensors: tensor 'classifier.bias' is not finite in 1 value"
            in result.stdout
        )

    def test_nothing_comparable(self, tmp_path):
        """An empty zoo, and a zoo of one member, end with code 3."""
        (tmp_path / "empty").mkdir()

        assert run(tmp_path / "empty").exit_code == 3
        assert run(make_zoo(tmp_path / "one", n_members=1)).exit_code == 3

    def test_write(self, root):
        """``--write`` writes ``zoo.toml`` once, and never over another."""
        assert run(root, "--write").exit_code == 0
        assert (root / "zoo.toml").exists()
        again = run(root, "--write")

        assert again.exit_code == 2
        assert "zoo.toml already" in again.stderr

    def test_usage(self, tmp_path):
        """A missing zoo and no zoo are usage errors."""
        assert run().exit_code == 2
        assert run(tmp_path / "missing").exit_code == 2

    def test_hostile_names_are_shown_as_text(self, root):
        """Control codes, direction marks and line breaks of a name reach no terminal."""
        (root / "run-0").rename(root / "a\x1b[31m\n\u202eb")
        result = run(root)

        assert result.exit_code == 0
        assert "a\\x1b[31m\\n\\u202eb" in result.stdout
        assert not {"\x1b", "\u202e"} & set(result.stdout + result.stderr)
