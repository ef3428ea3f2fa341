"""A recipe with its data read."""

import json
import re
import tomllib

import numpy as np
import polars as pl
import pytest
from trained_zoo import LABELS, sentences
from zoo_cases import make_base

from wsgeo.errors import WsgeoError
from wsgeo.training import models
from wsgeo.training.examples import Prepared
from wsgeo.training.recipe_files import Places, read_document
from wsgeo.workflows.drafting import _add, draft_of
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
    for name, n in (("train", 48), ("validation", 24), ("other", 12)):
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


class TestDistinct:
    """Members that would be one."""

    @pytest.mark.parametrize(
        ("grid", "idle"),
        [
            ('{ lora.rank = [2, 4], method = ["lora", "full"] }', "lora.rank"),
            ("{ perturbation_seed = [0, 1], perturbation = [0.0, 0.1] }", "perturbation_seed"),
            ('{ subset = ["all", 1.0] }', "subset"),
            ("{ dose = [0.1, 0.101] }", "dose"),
            ("{ epochs = [0.5, 0.49] }", "epochs"),
        ],
    )
    def test_are_refused(self, bench, tmp_path, grid, idle):
        """Settings that differ and make the same model are one line, with the members."""
        path = bench / "recipe.toml"
        general = ["training.learning_rate=1e-3", "training.epochs=0.5", "training.dose=0"]
        changes = [f"grid={grid}", "task.mixture=validation.jsonl", *general]
        changes += ["task.validation=other.jsonl"]

        with pytest.raises(WsgeoError, match=f"would be the same model as .*: {idle} makes no"):
            draft_of(read_document(path, changes), Places(path), tmp_path / "zoo")

    def test_what_differs_passes(self, bench, tmp_path):
        """Seeds of a shift, ranks and doses that are felt are members of their own."""
        path = bench / "recipe.toml"
        changes = [
            "training.learning_rate=1e-3", "training.epochs=0.5", "training.perturbation=0.1",
            "task.mixture=validation.jsonl", "task.validation=other.jsonl",
            "grid={ perturbation_seed = [0, 1], lora.rank = [2, 4], dose = [0.1, 0.2] }",
            "training.method=lora",
        ]  # fmt: skip
        draft = draft_of(read_document(path, changes), Places(path), tmp_path / "zoo")

        assert len(draft.orders) == 8

    def test_two_tables_of_one_name(self, bench, tmp_path):
        """Examples never take the place of others under one name."""
        prepared = {}
        labels = ("a", "b")
        for text in ("x", "x", "y"):
            table = pl.DataFrame({"text_a": [text]})
            if text == "y":
                with pytest.raises(WsgeoError, match="two sets of examples would be data/one"):
                    _add(prepared, Prepared("one", table, labels))
            else:
                _add(prepared, Prepared("one", table, labels))

        assert prepared["data/one.parquet"].table["text_a"].to_list() == ["x"]


class TestNotices:
    """What a user should know."""

    def test_of_validation_examples_that_are_learned(self, bench, tmp_path):
        """A line for each file of which examples were left out, and for each idle setting."""
        path = bench / "recipe.toml"
        lines = (bench / "train.jsonl").read_text().splitlines()[:2]
        other = (bench / "other.jsonl").read_text()
        (tmp_path / "seen.jsonl").write_text("\n".join([*lines, other]))
        changes = [f'task.validation="{tmp_path / "seen.jsonl"}"', "training.prefix.tokens=3"]
        draft = draft_of(read_document(path, changes), Places(path), tmp_path / "zoo")

        assert draft.notices() == [
            "training.prefix has no effect: no member has the method prefix.",
            "data/film-validation.parquet: 2 examples left out, found in the training data too.",
        ]


def test_a_base_without_dropout(bench, tmp_path, monkeypatch):
    """A rate that no base could take is refused before anything is made."""
    path = bench / "recipe.toml"
    monkeypatch.setattr(models, "_DROPOUT", re.compile("none"))

    with pytest.raises(WsgeoError, match="a bert model has no dropout to set"):
        draft_of(read_document(path, ["training.dropout=0.1"]), Places(path), tmp_path / "zoo")


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
