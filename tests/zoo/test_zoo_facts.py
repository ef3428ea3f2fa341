"""Facts and their sources."""

import json

import pytest

from wsgeo.zoo.documents import Roots
from wsgeo.zoo.facts import read_facts

CARD = """---
license: mit
base_model: org/base
datasets:
- glue
---
# A model

### Training hyperparameters

- learning_rate: 2e-05
- seed: 42
- optimizer: adamw
"""


@pytest.fixture
def folder(tmp_path):
    """Make an entry whose name holds a seed and a step."""
    folder = tmp_path / "zoo" / "mnli-seed7" / "checkpoint-500"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def facts(folder, tmp_path):
    """Read the facts as pairs."""

    def read():
        zoo = tmp_path / "zoo"
        found = read_facts(folder, Roots.of(zoo), zoo)
        return {name: (fact.value, fact.source) for name, fact in found.items()}

    return read


class TestReadFacts:
    """`read_facts`."""

    def test_the_folders_name(self, facts):
        """Seed and step are taken from the names of the folders below the zoo."""
        assert facts() == {"seed": (7, "folder name"), "step": (500, "folder name")}

    def test_the_card(self, folder, facts):
        """The model card's hyperparameters come before the folder's name."""
        (folder / "README.md").write_text(CARD)
        found = facts()

        assert found["seed"] == (42, "README.md")
        assert found["learning_rate"] == (2e-5, "README.md")
        assert found["base"] == ("org/base", "README.md")
        assert found["data"] == ("glue", "README.md")

    def test_our_own_file_comes_first(self, folder, facts):
        """``wsgeo.json`` holds over every other file, and nested values are joined by dots."""
        (folder / "README.md").write_text(CARD)
        own = {"seed": 3, "base": "b", "data": {"train": "t.csv", "validation": "v.csv"}}
        (folder / "wsgeo.json").write_text(json.dumps(own))
        found = facts()

        assert found["seed"] == (3, "wsgeo.json")
        assert found["base"] == ("b", "wsgeo.json")
        assert found["data"] == ("v.csv", "wsgeo.json")
        assert found["data.train"] == ("t.csv", "wsgeo.json")
        assert found["learning_rate"] == (2e-5, "README.md")

    def test_the_trainers_state_comes_last(self, folder, facts):
        """The trainer's step is used where nothing else names one."""
        (folder / "trainer_state.json").write_text('{"global_step": 9, "epoch": 2.0}')
        found = facts()

        assert found["step"] == (500, "folder name")
        assert found["epoch"] == (2.0, "trainer_state.json")

    @pytest.mark.parametrize("text", ["{", '{"seed": NaN}', '{"seed": 1, "seed": 2}', "[]"])
    def test_a_malformed_side_file_says_nothing(self, folder, facts, text):
        """A broken side file is no reason to lose the model, and no source."""
        (folder / "wsgeo.json").write_text(text)

        assert facts()["seed"] == (7, "folder name")
