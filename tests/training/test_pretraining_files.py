"""Recipes of pre-training."""

from __future__ import annotations

from pathlib import Path

import pytest
from series_cases import write_texts

from wsgeo.errors import WsgeoError
from wsgeo.training.pretraining_files import (
    VALIDATION,
    check_pretraining,
    planned_series,
    series_orders,
)
from wsgeo.training.recipe_files import Places, read_document
from wsgeo.training.series import log_steps

BASE = {"text": "plain.txt", "validation": "valid.txt", "n_tokens": 60, "steps": 20}


def document(grid=None, **changes):
    """Return a recipe."""
    return {"pretraining": {**BASE, **changes}, "grid": grid or {}}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Give a folder of texts with a recipe beside them."""
    return Places(write_texts(tmp_path_factory.mktemp("recipe")) / "recipe.toml")


class TestCheckPretraining:
    """What a recipe may say."""

    @pytest.mark.parametrize(
        ("wrong", "match"),
        [
            (document(step=5), "unknown key 'pretraining.step'.*steps"),
            ({**document(), "tile": "x"}, "unknown key 'tile'.*title"),
            (document({"sed": [0]}), "unknown key 'grid.sed'.*seed"),
            (document({"text": ["a"]}), "unknown key 'grid.text'"),
            (document({"seed": [0, 0]}), "a value stands twice"),
            (document({"width": [190]}), "no multiple"),
            (document({"together": [{"sed": 1}]}), "'grid.together.sed'.*seed"),
            (document(architecture="gpt2"), "gpt2 does not learn masked_lm"),
            (document(objective="causal_lm", architecture="bert"), "bert does not learn"),
            (document(objective="causal_lm", causal_share=0.5), "causal_share"),
            (document(save_at=[30]), "beyond the 20 steps"),
            (document(save_at=[4, 4]), "pretraining.save_at: 4 stands twice"),
            (document(save_at=[4, -1]), "pretraining.save_at.2: input should be greater"),
            (document(save_at="lg"), "pretraining.save_at: input should be 'log'"),
            (document(seed=True), "pretraining.seed"),
            (document({"seed": [0, True]}), "grid.seed: True: input should be a valid integer"),
            (document({"together": [{"width": 9}]}), "grid: a width of 9 is no multiple"),
            ({"pretraining": {"text": "a", "validation": "b"}}, "pretraining.steps is missing"),
            ({**document(), "source": "verma2042"}, "verma2024"),
        ],
    )
    def test_refuses_what_is_wrong_by_key(self, places, wrong, match):
        """Each refusal names file, key and remedy in one line."""
        with pytest.raises(WsgeoError, match=f"recipe.toml.*{match}") as caught:
            check_pretraining(wrong, places.recipe)

        assert "\n" not in str(caught.value)

    def test_the_example_is_sound(self):
        """The recipe in ``examples/`` has two seeds and log-spaced steps."""
        path = Path(__file__).resolve().parents[2] / "examples" / "pretraining.toml"
        recipe = check_pretraining(read_document(path), path)

        assert recipe.grid == {"seed": [0, 1]}
        assert recipe.pretraining.save_at == "log"


class TestPlannedSeries:
    """The product of the axes."""

    def test_names_each_point(self, places):
        """Names are the values of the axes; the last axis is the fastest."""
        recipe = check_pretraining(
            document({"seed": [0, 1], "embeddings": ["cooccurrence", "random"]}), places.recipe
        )
        series = planned_series(recipe, places, "cpu")

        assert len({one.name for one in series}) == 4
        assert [one.settings.seed for one in series] == [0, 0, 1, 1]
        assert series[0].axes == {"seed": 0, "embeddings": "cooccurrence"}

    def test_rows_vary_together(self, places):
        """A width goes with its heads, and the names say no more than they must."""
        rows = [{"width": 16, "heads": 2}, {"width": 24, "heads": 3}]
        recipe = check_pretraining(document({"together": rows}), places.recipe)
        series = planned_series(recipe, places, "cpu")

        assert [one.name for one in series] == ["width16", "width24"]
        assert [one.axes for one in series] == rows

    def test_fills_in_what_the_recipe_leaves_out(self, places):
        """Steps lie on a logarithmic scale; a masked model begins with the next token."""
        (one,) = planned_series(check_pretraining(document(), places.recipe), places, "cpu")
        run = one.recipe(places.recipe.parent)

        assert one.save_at == run.save_at == log_steps(20, 8)
        assert (run.causal_share, run.architecture) == (0.45, "bert")

    def test_keeps_the_steps_that_are_listed_and_the_end(self, places):
        """A list of steps is taken, and the last step with it."""
        recipe = check_pretraining(document(save_at=[10, 5]), places.recipe)

        assert planned_series(recipe, places, "cpu")[0].save_at == (5, 10, 20)

    def test_a_missing_text_is_told(self, places):
        """The file is named."""
        recipe = check_pretraining(document(text=["plain.txt", "none.txt"]), places.recipe)

        with pytest.raises(WsgeoError, match=r"none\.txt"):
            planned_series(recipe, places, "cpu")

    def test_estimates_the_disk(self, places, tmp_path):
        """The estimate is near the size of a model that is written."""
        recipe = check_pretraining(
            document(width=16, heads=2, layers=2, steps=1, max_length=16), places.recipe
        )
        (one,) = planned_series(recipe, places, "cpu")
        (order,) = series_orders([one], tmp_path)
        from wsgeo.training.series_members import make_series

        make_series(order)
        written = sum(f.stat().st_size for f in order.folder.rglob("model.safetensors"))

        assert one.n_bytes == pytest.approx(written, rel=0.3)


class TestSeriesOrders:
    """What workers are given."""

    def test_seeds_share_a_corpus(self, places, tmp_path):
        """The tokenizer is trained once; validation texts are written for a scan."""
        recipe = check_pretraining(document({"seed": [0, 1]}, width=24), places.recipe)
        orders = series_orders(planned_series(recipe, places, "cpu"), tmp_path)

        assert len({order.recipe.corpus for order in orders}) == 1
        assert [order.folder.name for order in orders] == ["seed0", "seed1"]
        assert (tmp_path / VALIDATION).is_file()
        assert (orders[0].recipe.corpus / "vectors-24.safetensors").is_file()
