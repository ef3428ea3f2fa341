"""Settings of a recipe that change no member."""

from pathlib import Path

import pytest

from wsgeo.errors import WsgeoError
from wsgeo.training.effects import idle_settings
from wsgeo.training.grids import cells_of
from wsgeo.training.recipe_schema import Recipe

HERE = Path("recipe.toml")
TASK = {"name": "film", "train": "t", "validation": "v"}
MIXED = {**TASK, "mixture": "m"}
TRAINING = {"learning_rate": 3e-4, "steps": 10}


def idle(task=TASK, grid=None, **training):
    given = {"base": "base", "task": task, "training": {**TRAINING, **training}, "grid": grid or {}}
    recipe = Recipe.model_validate(given)
    return idle_settings(recipe, cells_of(recipe, HERE), HERE)


class TestIdleSettings:
    """What a recipe says in vain."""

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"lora": {"rank": 4}}, 'no member has the method lora. Give method = "lora" in'),
            ({"grid": {"adapter": {"width": [4, 8]}}}, "no member has the method adapter"),
            ({"grid": {"perturbation_seed": [0, 1]}}, "no member has a perturbation"),
            ({"perturbation_seed": 3}, "Give perturbation in [training] or [grid], or take it out"),
            (
                {"task": MIXED},
                "mixture of the task film has no effect on members: none takes a dose",
            ),
        ],
    )
    def test_a_slip_is_refused(self, given, said):
        """What would need another setting, which is not written, is one line."""
        with pytest.raises(WsgeoError) as caught:
            idle(**given)
        assert said in str(caught.value)

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"lora": {"rank": 4}, "method": "full"}, "training.lora has no effect"),
            ({"lora": {"rank": 4}, "grid": {"method": ["full", "probe"]}}, "training.lora has no"),
            ({"perturbation_seed": 3, "perturbation": 0.0}, "perturbation_seed has no effect"),
            ({"task": MIXED, "grid": {"dose": [0.0]}}, "none takes a dose"),
        ],
    )
    def test_a_part_of_a_recipe_is_told(self, given, said):
        """Where that other setting is written and turned off, one sentence says so."""
        (found,) = idle(**given)

        assert said in found

    @pytest.mark.parametrize(
        "given",
        [
            {},
            {"lora": {"rank": 4}, "grid": {"method": ["full", "lora"]}},
            {"perturbation_seed": 3, "grid": {"perturbation": [0.0, 0.1]}},
            {"task": MIXED, "dose": 0.1},
            {"task": [MIXED, {**TASK, "name": "news"}], "grid": {"task": ["news"]}},
            {"grid": {"together": [{"method": m, "lora": {"rank": 4}} for m in ("full", "lora")]}},
        ],
    )
    def test_silence_where_one_member_uses_it(self, given):
        """A setting that some member uses has an effect."""
        assert idle(**given) == []
