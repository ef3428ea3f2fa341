"""Folders that are not there."""

import pytest
from click.testing import CliRunner

from wsgeo.cli import main


@pytest.mark.parametrize("verb", ["scan", "show", "check", "centroid"])
def test_a_missing_folder_is_one_line(verb, tmp_path):
    """The line names the folder and what to do, without the usage of the verb."""
    answer = CliRunner().invoke(main, [verb, str(tmp_path / "gone")])

    assert answer.exit_code == 2
    assert "gone: there is no such folder. Check its name" in answer.output
    assert "Usage" not in answer.output
