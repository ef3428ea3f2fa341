"""One recipe and one process per zoo."""

import subprocess
import sys
import tomllib

import pytest

from wsgeo.errors import WsgeoError
from wsgeo.training.recipe_files import read_document
from wsgeo.workflows.zoo_claims import claimed

HOLD = """
import sys
from pathlib import Path
from wsgeo.training.recipe_files import read_document
from wsgeo.workflows.zoo_claims import claimed
recipe, zoo = map(Path, sys.argv[1:])
with claimed(zoo, read_document(recipe), recipe, ()):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def recipe(tmp_path):
    """Give a file that stands for a recipe."""
    path = tmp_path / "recipe.toml"
    path.write_text("steps = 4\n")
    return path


def claim(recipe, zoo, *overrides):
    with claimed(zoo, read_document(recipe, overrides), recipe, overrides):
        pass


class TestClaimed:
    """Who may write into a zoo."""

    def test_a_second_process_is_refused_until_the_first_ends(self, recipe, tmp_path):
        """Two processes never make one zoo at the same time."""
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(recipe), str(tmp_path / "zoo")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline() == "held\n"
        with pytest.raises(WsgeoError, match="another process is making this zoo"):
            claim(recipe, tmp_path / "zoo")
        process.communicate("\n", timeout=60)

        claim(recipe, tmp_path / "zoo")

    def test_a_zoo_that_another_recipe_began_meanwhile_is_refused(
        self, recipe, tmp_path, monkeypatch
    ):
        """Between the look at an empty folder and its lock another process may come and go."""
        import filelock

        acquire, copy = filelock.FileLock.acquire, tmp_path / "zoo" / "recipe.toml"

        def late(lock, *args, **kwargs):
            copy.write_text("steps = 9\n")
            return acquire(lock, *args, **kwargs)

        monkeypatch.setattr(filelock.FileLock, "acquire", late)
        with pytest.raises(WsgeoError, match=r"another recipe: steps is 9 there and 4 here"):
            claim(recipe, tmp_path / "zoo")
        monkeypatch.undo()
        assert copy.read_text() == "steps = 9\n"
        with claimed(tmp_path / "zoo", {"steps": 9}, recipe, ()):
            pass  # the refusal left no lock

    @pytest.mark.parametrize("text", ["title=a\nb", "title=\x1b[31m", 'title="a\\nb"'])
    def test_what_is_set_from_outside_breaks_no_copy(self, recipe, tmp_path, text):
        """The copy is TOML, whatever a user writes behind ``--set``, and the same recipe again."""
        claim(recipe, tmp_path / "zoo", text)
        copy = tomllib.loads((tmp_path / "zoo" / "recipe.toml").read_text())

        assert copy == read_document(recipe, [text])
        claim(recipe, tmp_path / "zoo", text)
