"""Which folders are entries."""

import pytest

from wsgeo.zoo.discovery import MAX_FOLDER_DEPTH, find_entries
from wsgeo.zoo.documents import Roots


@pytest.fixture
def tree(tmp_path):
    """Make empty files and return ids of the entries."""

    def make(*files, **options):
        for file in files:
            path = tmp_path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        found, excluded = find_entries(tmp_path, Roots.of(tmp_path), **options)
        return [entry.id for entry in found], [(row.id, row.code) for row in excluded]

    return make


def model(folder):
    return f"{folder}/config.json", f"{folder}/model.safetensors"


class TestFindEntries:
    """`find_entries`."""

    def test_models_and_adapters_at_any_depth(self, tree):
        """A folder with a config or weights is an entry, in the order of the ids."""
        found, _ = tree(*model("b"), *model("a/x"), "c/adapter_config.json", "d/notes.txt")

        assert found == ["a/x", "b", "c"]

    def test_the_last_step_stands_for_a_series(self, tree):
        """Of ``checkpoint-N`` the largest number counts, not the largest name."""
        files = [*model("run/checkpoint-900"), *model("run/checkpoint-1000")]

        assert tree(*files)[0] == ["run/checkpoint-1000"]
        assert len(tree(*files, all_steps=True)[0]) == 2

    def test_a_final_model_stands_for_its_series(self, tree):
        """Beside a final model its steps are entries only on request."""
        files = [*model("run"), *model("run/checkpoint-1")]

        assert tree(*files)[0] == ["run"]
        assert tree(*files, all_steps=True)[0] == ["run", "run/checkpoint-1"]

    def test_hidden_folders_runs_and_parts_are_no_entries(self, tree):
        """Caches, run folders, and configs of parts of a model are passed over."""
        found, excluded = tree(
            *model(".cache/x"),
            "out/ledger.sqlite",
            *model("out/centroids/b0"),
            *model("m"),
            "m/1_Pooling/config.json",
            "m/training_args.bin",
            "only_state/optimizer.pt",
        )

        assert (found, excluded) == (["m"], [])

    def test_pickled_weights_alone_are_an_entry(self, tree):
        """A folder with pickled weights gets a row."""
        assert tree("p/pytorch_model.bin", "q/pytorch_model-00001-of-00002.bin")[0] == ["p", "q"]

    def test_circles_and_ways_out(self, tree, tmp_path):
        """Links out of the zoo and to folders seen before are rows, and nothing runs for ever."""
        zoo = tmp_path / "a"
        zoo.mkdir()
        (zoo / "circle").symlink_to(tmp_path)
        (zoo / "self").symlink_to("self")
        (tmp_path / "out").symlink_to("/")
        _, excluded = tree(*model("m"))

        assert ("out", "leaves_folder") in excluded
        assert ("a/circle", "seen_before") in excluded

    def test_depth_has_a_limit(self, tree):
        """Folders deeper than the limit get a row and are not entered."""
        deep = "/".join("d" * (MAX_FOLDER_DEPTH + 1))
        found, excluded = tree(*model(deep))

        assert (found, [code for _, code in excluded]) == ([], ["too_deep"])

    def test_names_are_made_encodable(self, tmp_path, tree):
        """A name that is not UTF-8 becomes an id that is."""
        folder = tmp_path / b"m\xff".decode("utf-8", "surrogateescape")
        folder.mkdir()
        (folder / "config.json").touch()

        assert tree()[0] == ["m\\xff"]
