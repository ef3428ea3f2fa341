"""A recipe with its data read."""

import json
import tomllib

import numpy as np
import pytest
from trained_zoo import LABELS, sentences
from zoo_cases import make_base

from wsgeo.training.recipe_files import Places, read_document
from wsgeo.workflows.drafting import draft_of
from wsgeo.workflows.making import train
from wsgeo.zoo import read_zoo
from wsgeo.zoo.axes import settings_table

RECIPE = """\
base = "base"

[task]
name = "film"
train = "train.jsonl"
validation = "validation.jsonl"

[training]
batch_size = 8

[grid]
together = [
    { method = "full", learning_rate = 1e-3, epochs = 0.5, lora.rank = 8 },
    { method = "lora", learning_rate = 1e-2, epochs = 1.0, lora.rank = 2 },
]
subset = ["all", "rows.json"]
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Give a folder with a recipe, its data and its base. Do not change it."""
    root = tmp_path_factory.mktemp("draft")
    for name, n in (("train", 48), ("validation", 24)):
        rows = sentences(n, np.random.default_rng(n), agree=True)
        lines = [json.dumps({"text": text, "label": LABELS[label]}) for text, label, _ in rows]
        (root / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    (root / "rows.json").write_text(json.dumps(list(range(1, 25))))
    (root / "recipe.toml").write_text(RECIPE)
    make_base(root / "base")
    return root


class TestRows:
    """Settings that go together."""

    def test_each_member_has_its_row(self, bench, tmp_path):
        """Method, its settings, rate and length are those of the row, on the member's own data."""
        path = bench / "recipe.toml"
        orders = draft_of(read_document(path), Places(path), tmp_path / "zoo").orders
        found = [
            (o.folder.name, o.recipe.method.name, o.recipe.optimization.learning_rate,
             o.recipe.optimization.steps, o.recipe.facts["lora.rank"])
            for o in orders
        ]  # fmt: skip

        assert found == [
            ("full-all", "full", 1e-3, 3, 8), ("full-rows.json", "full", 1e-3, 2, 8),
            ("lora-all", "lora", 1e-2, 6, 2), ("lora-rows.json", "lora", 1e-2, 3, 2),
        ]  # fmt: skip
        assert orders[2].recipe.method.rank == 2

    def test_are_axes_of_the_zoo(self, bench, tmp_path):
        """What was made names each setting of a row as an axis, and a reader finds them all."""
        zoo = tmp_path / "zoo"
        train(bench / "recipe.toml", zoo, overrides=['grid.subset=["all"]'], jobs=0)
        own = json.loads((zoo / "lora-all" / "wsgeo.json").read_text())
        rows = settings_table(read_zoo(zoo)).filter(id="lora-all")
        settings = dict(rows.select("axis", "value").iter_rows())

        assert own["axes"] == {
            "method": "lora", "learning_rate": 1e-2, "epochs": 1.0, "lora.rank": 2, "subset": "all",
        }  # fmt: skip
        assert tomllib.loads((zoo / "zoo.toml").read_text())["member"][1]["facts"]["lora.rank"] == 2
        assert settings["lora.rank"] == "2"
        assert settings["method"] == "lora"


class TestBaseOfAnotherZoo:
    """A member of one zoo as the base of the next."""

    def test_has_another_head(self, bench, tmp_path):
        """A model of three labels is the base of one of two, whatever is trained of it."""
        changes = []
        for split in ("train", "validation"):
            rows = [{"text": f"{split} {i}", "label": "abc"[i % 3]} for i in range(24)]
            file = tmp_path / f"three-{split}.jsonl"
            file.write_text("\n".join(map(json.dumps, rows)) + "\n")
            changes.append(f'task.{split}="{file}"')
        one = ["grid={}", "training.learning_rate=1e-2", "training.steps=3"]
        train(bench / "recipe.toml", tmp_path / "bases" / "one", overrides=[*one, *changes], jobs=0)
        methods = 'grid.method=["full", "lora"]'
        found = train(
            bench / "recipe.toml", tmp_path / "two", weights_root=tmp_path / "bases",
            overrides=[*one, methods, "base=one/member"], jobs=0,
        )  # fmt: skip
        zoo = read_zoo(tmp_path / "two")

        assert {member["status"] for member in found["members"]} <= {"trained", "degenerate"}
        assert read_zoo(tmp_path / "bases" / "one").members[0].labels == ("a", "b", "c")
        assert {member.labels for member in zoo.members} == {tuple(sorted(LABELS))}
        assert {member.base.id for member in zoo.members} == {"base"}
        assert {member.loss_group for member in zoo.members} == {"g0.l0"}
