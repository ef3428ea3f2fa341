"""Entries that a command line names: whatever is written, an entry, a row or a clear error."""

import shutil

import pytest
from zoo_cases import make_zoo

from wsgeo.errors import ZooError
from wsgeo.zoo import read_zoo


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    """Return a folder with a zoo of two members, and a model outside of it."""
    parent = tmp_path_factory.mktemp("parent")
    root = make_zoo(parent / "zoo", n_members=2)
    shutil.copytree(root / "run-0", parent / "other")
    (parent / "empty").mkdir()
    return parent


@pytest.fixture
def root(parent, monkeypatch):
    monkeypatch.chdir(parent / "zoo")
    return parent / "zoo"


class TestNamedEntries:
    """`read_zoo(root, ids=...)`."""

    @pytest.mark.parametrize(
        "text", ["run-0", "./run-0", "run-0/", "base/../run-0", "../zoo/run-0"]
    )
    def test_a_member_named_again(self, root, text):
        """A member is one member, however its folder is written."""
        assert read_zoo(root, ids=[text]).ids == ("run-0", "run-1")

    def test_by_its_absolute_path(self, root):
        """An absolute path names it too, and one outside the zoo adds a member."""
        ids = [str(root / "run-1"), str(root.parent / "other")]

        assert read_zoo(root, ids=ids).ids == ("other", "run-0", "run-1")

    @pytest.mark.parametrize(
        ("text", "name"), [(".", "zoo"), ("..", None), ("../empty", "empty"), ("/", "/")]
    )
    def test_a_folder_without_a_model(self, root, text, name):
        """A folder that holds no model is a row under its own name, and the others stay."""
        zoo = read_zoo(root, ids=[text])

        [row] = [row for row in zoo.excluded if row.code != "base"]
        assert zoo.ids == ("run-0", "run-1")
        assert (row.id, row.code) == (name or root.parent.name, "no_config")
        assert row.cause == "the folder is no model"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "the empty text: there is no such folder"),
            ("run-0/config.json", "run-0/config.json: this is a file, not a folder"),
            ("run-0+", "no such folder"),
            ("+run-0", "no such folder"),
            ("+", "no such folder"),
            ("a\0b", "no such folder"),
            ("a" * 5000, "no such folder"),
            ("größe/modell", "no such folder"),
            ("../nowhere", "no such folder"),
        ],
    )
    def test_no_folder(self, root, text, message):
        """What is neither a folder nor a hub id is an error that repeats it; nothing is asked for."""
        with pytest.raises(ZooError, match=message):
            read_zoo(root, ids=[text])

    def test_the_empty_root(self, root):
        """An empty root is an unset variable, not the current folder."""
        with pytest.raises(ZooError, match="no such folder"):
            read_zoo("")
