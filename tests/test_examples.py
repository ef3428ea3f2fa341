"""Every recipe in ``examples/`` says what it is, and plans as it says."""

import itertools
import tomllib
from pathlib import Path

import polars as pl
import pytest

from wsgeo.counting import counted
from wsgeo.training.factors import points_of
from wsgeo.training.recipe_files import Places, check_recipe, read_document
from wsgeo.workflows.drafting import draft_of

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
RECIPES = sorted(EXAMPLES.glob("*.toml"))
MAX_UPDATES = 8000
"""About 30 minutes on two cores, with a base of four layers of width 192."""


def listed(value):
    return value if isinstance(value, list) else [value]


def is_pretraining(path):
    return "pretraining" in tomllib.loads(path.read_text())


FINE_TUNING = [path for path in RECIPES if not is_pretraining(path)]


def fake_roots(document, root):
    """Write small files under every name that a recipe gives, each of texts of its own."""
    for task in listed(document["task"]):
        names = task.get("labels") or ["first", "second", "third"]
        for key in ("train", "validation", "mixture"):
            for name in listed(task.get(key, [])):
                rows = [(f"{name} {i}.", i % len(names), names[i % len(names)]) for i in range(120)]
                table = pl.DataFrame(rows, schema=["text_a", "label", "label_name"], orient="row")
                (root / "data" / name).parent.mkdir(parents=True, exist_ok=True)
                table.write_parquet(root / "data" / name)
    bases = document["base"]
    for path in [bases] if isinstance(bases, str) else [base["path"] for base in bases]:
        (root / "weights" / path).mkdir(parents=True)
        (root / "weights" / path / "model.safetensors").touch()
    return root / "data", root / "weights"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_says_what_it_is(path):
    """A recipe begins with its question, what is small about it and its cost, and names its paper."""
    head = "".join(
        itertools.takewhile(lambda line: line[:1] == "#", path.read_text().splitlines(True))
    )
    document = tomllib.loads(path.read_text())

    assert "# Small: " in head
    assert "# Cost: " in head
    assert document["title"]
    assert document["source"]


@pytest.mark.parametrize("path", FINE_TUNING, ids=lambda path: path.stem)
def test_plans_as_it_says(path, tmp_path):
    """Each recipe is sound, and has as many members as its head says."""
    document = read_document(path)
    data, weights = fake_roots(document, tmp_path)
    draft = draft_of(document, Places(path, data, weights), tmp_path / "zoo")

    assert f"# Cost: {counted(len(draft.orders), 'member')} of " in path.read_text()
    assert len({order.folder.name for order in draft.orders}) == len(draft.orders)


@pytest.mark.parametrize("path", FINE_TUNING, ids=lambda path: path.stem)
def test_real_data_fit(path, data_root, weights_root, tmp_path):
    """On the real data each recipe plans the updates of its head, within half an hour."""
    places = Places(path, data_root, weights_root)
    draft = draft_of(read_document(path), places, tmp_path / "zoo")
    updates = [planned.steps for planned in draft.planned]

    assert (
        f"{counted(len(updates), 'member')} of {counted(updates[0], 'update')} " in path.read_text()
    )
    assert sum(updates) <= MAX_UPDATES


def test_the_questions_of_the_papers():
    """There is a recipe for each question that is varied in the papers."""
    axes = set()
    for path in FINE_TUNING:
        recipe = check_recipe(read_document(path), path)
        several = {"base": len(recipe.base) > 1, "task": len(recipe.task) > 1}
        axes |= {axis for point in points_of(recipe.grid) for axis in point}
        axes |= {axis for axis, varied in several.items() if varied}

    assert axes == {
        "seed", "order_seed", "learning_rate", "method", "subset", "dose", "task", "base",
    }  # fmt: skip
