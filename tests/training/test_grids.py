"""The members of a grid."""

from pathlib import Path

import pytest

from wsgeo.errors import WsgeoError
from wsgeo.training.grids import bases_of, cells_of, steps_of
from wsgeo.training.recipe_schema import Recipe, Training

HERE = Path("recipe.toml")
TASK = {"name": "film", "train": "t", "validation": "v"}
TRAINING = {"learning_rate": 3e-4, "steps": 10}


def recipe(**given):
    return Recipe.model_validate({"base": "base", "task": TASK, "training": TRAINING, **given})


def cells(**given):
    return cells_of(recipe(**given), HERE)


class TestCells:
    """Every combination, once."""

    def test_the_product(self):
        """The last axis is the fastest, and each member has its own settings and axes."""
        found = cells(grid={"seed": [0, 1], "learning_rate": [3e-4, 1e-3]})

        assert [cell.name for cell in found] == [
            "seed0-lr3e-4", "seed0-lr1e-3", "seed1-lr3e-4", "seed1-lr1e-3",
        ]  # fmt: skip
        assert found[1].training.learning_rate == 1e-3
        assert found[2].axes == {"seed": 1, "learning_rate": 3e-4}

    def test_without_axes_there_is_one(self):
        """A recipe without a grid makes one member."""
        assert [cell.name for cell in cells()] == ["member"]

    def test_several_bases_and_tasks_are_axes(self):
        """They need not be named as such, and what is declared of them is declared of members."""
        bases = [
            {"name": f"b{i}", "path": str(i), "facts": {"pretraining_seed": i}} for i in (0, 1)
        ]
        tasks = [TASK, {**TASK, "name": "news", "facts": {"family": "topic"}}]
        found = cells(base=bases, task=tasks)

        assert [cell.name for cell in found] == ["film-b0", "film-b1", "news-b0", "news-b1"]
        assert found[3].axes == {
            "pretraining_seed": 1, "family": "topic", "task": "news", "base": "b1",
        }  # fmt: skip

    def test_a_grid_may_take_some_bases(self):
        """The axis ``base`` lists names."""
        bases = [{"name": f"b{i}", "path": str(i)} for i in range(3)]

        assert [c.base for c in cells(base=bases, grid={"base": ["b2", "b0"]})] == ["b2", "b0"]

    def test_rows_vary_together(self):
        """A row is one factor: its settings move together, and each is an axis of its own."""
        rows = [
            {"method": "full", "learning_rate": 3e-4, "epochs": 2.0},
            {"method": "lora", "learning_rate": 3e-3, "epochs": 4.0},
        ]
        found = cells(grid={"together": rows, "seed": [0, 1]})

        assert [c.name for c in found] == ["full-seed0", "full-seed1", "lora-seed0", "lora-seed1"]
        assert [(c.training.method, c.training.learning_rate) for c in found[1:3]] == [
            ("full", 3e-4), ("lora", 3e-3),
        ]  # fmt: skip
        assert (found[2].training.steps, found[2].training.epochs) == (None, 4.0)
        assert found[3].axes == {**rows[1], "seed": 1}

    def test_rows_may_name_tasks_and_bases(self):
        """Where rows take tasks and bases these are no axes besides."""
        rows = [
            {"task": "news", "base": "b1", "steps": 5},
            {"task": "film", "base": "b0", "steps": 9},
        ]
        bases = [{"name": f"b{i}", "path": str(i)} for i in (0, 1)]
        found = cells(base=bases, task=[TASK, {**TASK, "name": "news"}], grid={"together": rows})

        assert [c.name for c in found] == ["news", "film"]
        assert [(c.task.name, c.base, c.training.steps) for c in found] == [
            ("news", "b1", 5), ("film", "b0", 9),
        ]  # fmt: skip

    def test_settings_of_a_method_are_axes(self):
        """A setting of an inner table is an axis with a point in its name, alone or in rows."""
        training = {**TRAINING, "method": "lora", "lora": {"rank": 2, "alpha": 3.0}}
        for grid in (
            {"lora": {"rank": [4, 8]}},
            {"together": [{"lora": {"rank": r}} for r in (4, 8)]},
        ):
            found = cells(training=training, grid=grid)

            assert [c.name for c in found] == ["rank4", "rank8"]
            assert [(c.training.lora.rank, c.training.lora.alpha) for c in found] == [
                (4, 3.0),
                (8, 3.0),
            ]
            assert found[1].axes == {"lora.rank": 8}

    def test_epochs_of_the_grid_replace_steps(self):
        """An axis of epochs stands in place of the general number of steps."""
        found = cells(grid={"epochs": [1.0, 2.0]})

        assert [(c.training.steps, c.training.epochs) for c in found] == [(None, 1.0), (None, 2.0)]

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"grid": {"base": ["bse"]}}, "no base 'bse'. Did you mean 'base'"),
            ({"grid": {"task": ["flm"]}}, "no task 'flm'. Did you mean 'film'"),
            ({"training": {"steps": 3}}, "training.learning_rate is missing"),
            ({"training": {"learning_rate": 1e-3}}, "training.steps or epochs is missing"),
            ({"training": {**TRAINING, "dose": 0.1}}, "has no mixture"),
            ({"task": [TASK, {**TASK, "name": "FILM"}]}, "two tasks have the same name"),
            ({"base": [{"path": "a"}, {"path": "b"}]}, "needs a name of its own"),
            ({"grid": {"epochs": [1], "steps": [2]}}, "steps and epochs are one axis"),
            ({"grid": {"together": [{"epochs": 1, "steps": 2}]}}, "steps and epochs are one axis"),
            ({"grid": {"together": [{"task": "flm"}]}}, "no task 'flm'. Did you mean 'film'"),
        ],
    )
    def test_what_cannot_be(self, given, said):
        """A grid that names what is not there, or lacks a setting, is one line."""
        with pytest.raises(WsgeoError) as caught:
            cells(**given)
        assert said in str(caught.value)

    def test_random_bases(self):
        """Each seed of random weights is a base."""
        scratch = {"config": "c", "tokenizer": "t", "seeds": [4, 5]}
        found = recipe(base=[], scratch=scratch)

        assert bases_of(found, HERE) == {"scratch4": 4, "scratch5": 5}
        assert [c.axes["scratch_seed"] for c in cells_of(found, HERE)] == [4, 5]


class TestSteps:
    """Epochs of the member's own data."""

    @pytest.mark.parametrize(("epochs", "n", "steps"), [(2, 64, 4), (1, 65, 3), (0.001, 10, 1)])
    def test_are_rounded_up(self, epochs, n, steps):
        """Every example is seen, and there is one update at least."""
        assert steps_of(Training(epochs=epochs, batch_size=32), n) == steps
