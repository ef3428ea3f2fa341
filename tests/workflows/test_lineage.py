"""From which models the members of a zoo come, by their files."""

import numpy as np
import pytest
from zoo_cases import NLI_LABELS, bert_config, edit_json, fine_tuned, make_zoo, write_model

from wsgeo.weights.tensors import read_tensors
from wsgeo.workflows.lineage import read_lineage
from wsgeo.zoo import read_zoo

CONFIG = bert_config(labels=NLI_LABELS)


@pytest.fixture
def root(tmp_path):
    """Make a zoo of five members of one base."""
    return make_zoo(tmp_path / "zoo", n_members=5, step=0.02)


def add(root, name, tensors, *, base="base", dtype="F32"):
    """Write one more member."""
    return write_model(root / name, tensors, CONFIG, dtype=dtype, facts={"base": base})


def weights(root, name):
    """Return a member's weights."""
    return read_tensors(root / name / "model.safetensors")


def lineage(root):
    """Return what is told, by member."""
    return {row["id"]: row for row in read_lineage(read_zoo(root))}


def test_members_come_from_their_base(root):
    """All lie at about the distance that they were moved from the base."""
    found = lineage(root)

    assert {row["relation"] for row in found.values()} == {"base"}
    assert {row["other"] for row in found.values()} == {"base"}
    assert all(0.05 < row["distance"] < 0.08 for row in found.values())  # 0.02 of 0.3


def test_a_planted_pedigree_is_found(root):
    """A child, copies of several kinds and a stranger that claims the base are told."""
    first = weights(root, "run-0")
    add(root, "child", fine_tuned(first, CONFIG, 50, 0.02))
    add(root, "same", first | {"classifier.bias": np.float32([1, 2, 3])})
    add(root, "twin", first)
    add(root, "bf16", weights(root, "run-1"), dtype="BF16")
    step = {name: np.abs(value).max() / 127 for name, value in weights(root, "run-2").items()}
    add(root, "int8", {
        name: np.float32(np.round(value / step[name]) * step[name])
        for name, value in weights(root, "run-2").items()
    })  # fmt: skip
    stranger = make_zoo(root.parent / "other", n_members=1, seed=9)
    add(root, "stranger", weights(stranger, "run-0"))
    found = lineage(root)

    told = {name: (row["relation"], row["other"]) for name, row in found.items()}
    assert told["child"] == ("parent", "run-0")
    assert told["same"] == ("near_duplicate", "run-0")
    assert told["twin"] == ("duplicate", "run-0")
    assert found["same"]["words"] == "same has the matrices of run-0"
    assert told["bf16"] == ("rounded", "run-1")
    assert told["int8"] == ("rounded", "run-2")
    assert told["stranger"] == ("contradiction", "base")
    assert found["bf16"]["words"] == "bf16 is run-1, rounded to bf16"
    assert all(told[f"run-{k}"] == ("base", "base") for k in range(5))


def test_without_a_base_it_is_estimated(root):
    """Members that name a base that is nowhere are told to share one."""
    for k in range(5):
        edit_json(root / f"run-{k}" / "wsgeo.json", base="elsewhere")
    found = lineage(root)

    assert {row["other"] for row in found.values() if row["id"] != "base"} == {"estimated base"}


def test_models_of_other_shapes_are_apart(root):
    """What cannot be compared is not told of."""
    wide = bert_config(labels=NLI_LABELS, intermediate_size=48)
    write_model(root / "wide", fine_tuned({}, wide, 3), wide)

    assert "wide" not in lineage(root)
