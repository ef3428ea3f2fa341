"""Recipes for mergekit: what they hold, and that mergekit makes the same models of them."""

from __future__ import annotations

import os
import shutil
import subprocess

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file
from zoo_cases import bert_config, fine_tuned, make_base, write_model, write_tokenizer

from wsgeo.regions.cards import Origin
from wsgeo.regions.mergekit_recipes import mergekit_recipe, recipe_gap, recipe_note
from wsgeo.regions.tables import CentroidPlan, Evidence
from wsgeo.weights.tensors import write_safetensors
from wsgeo.workflows.centroid_folders import Writer
from wsgeo.workflows.merge_methods import PreparedMerge
from wsgeo.workflows.merge_requests import MergeRequest
from wsgeo.zoo import read_zoo

N_MEMBERS = 3


def origin(method, variant="mean", whole_base="org/base@main", weights=(), **parameters):
    """Give the origin of a centroid of two members."""
    plan = CentroidPlan(
        "c", "basin", "0", variant, ("a", "b"), weights, method=method, parameters=parameters
    )
    return Origin(plan, whole_base=whole_base)


class TestRecipes:
    """`mergekit_recipe`."""

    @pytest.mark.parametrize("method", ["mean", "weighted", "greedy", "median"])
    def test_means_are_linear(self, method):
        """Each weighted mean is a linear merge of the members that have a share, without a base."""
        recipe = yaml.safe_load(mergekit_recipe(origin(method, weights=(1, 0)), "F32"))

        assert recipe["merge_method"] == "linear"
        assert "base_model" not in recipe
        assert recipe["models"] == [{"model": "a", "parameters": {"weight": 1.0}}]

    @pytest.mark.parametrize(
        ("method", "parameters", "name", "shared"),
        [
            ("arithmetic", {"scale": 0.5}, "task_arithmetic", {"normalize": False, "lambda": 0.5}),
            ("ties", {"scale": 1, "density": 0.25}, "ties", {"normalize": True, "lambda": 1.0}),
            ("dare", {"density": 1.0}, "dare_linear", {"normalize": False, "lambda": 1.0}),
            (
                "dare",
                {"density": 1, "elect": True},
                "dare_ties",
                {"normalize": True, "lambda": 1.0},
            ),
            ("stock", {"per": "tensor"}, "model_stock", None),
        ],
    )
    def test_the_others_start_from_the_base(self, method, parameters, name, shared):
        """The base is named, and the settings are those that mean the same to mergekit."""
        recipe = yaml.safe_load(mergekit_recipe(origin(method, **parameters), "BF16"))

        assert (recipe["merge_method"], recipe["base_model"]) == (name, "org/base@main")
        assert recipe.get("parameters") == shared
        assert (recipe["dtype"], recipe["out_dtype"]) == ("float32", "bfloat16")

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"method": "medoid"}, "one of its members"),
            ({"method": "fisher"}, "no Fisher-weighted mean"),
            ({"method": "stock", "per": "layer"}, "for each tensor"),
            ({"method": "ties", "whole_base": None}, "lacks some"),
            ({"method": "mean", "variant": "mean of encoders"}, "several tasks share"),
            ({"method": "mean", "variant": "mean of factors"}, "this is an adapter"),
        ],
    )
    def test_what_mergekit_cannot_make_is_said(self, given, told):
        """Where there is no recipe the card says why, and none is written."""
        found = origin(**given)

        assert told in recipe_gap(found)
        assert recipe_note(found) == recipe_gap(found)
        with pytest.raises(ValueError, match=told):
            mergekit_recipe(found, "F32")

    def test_a_draw_of_its_own_is_said(self):
        """Below density 1 mergekit drops other values than DARE here, and the card says so."""
        assert "not equal" in recipe_note(origin("dare", density=0.5))
        assert recipe_note(origin("dare", density=1.0)).startswith("The equal recipe")


@pytest.fixture(scope="module")
def language_zoo(tmp_path_factory):
    """Give a zoo of causal language models, whose base has all of their tensors."""
    from evaluation_cases import build
    from tokenizer_cases import vocabulary

    from wsgeo.tasks.task import Objective

    root = tmp_path_factory.mktemp("language")
    # An untied output layer is a head, which is averaged, and not one of the base's tensors.
    options = {"vocab_size": len(vocabulary()), "tie_word_embeddings": True}
    model = build("llama", Objective.CAUSAL_LM, **options)
    model.save_pretrained(root / "base")
    write_tokenizer(root / "base")
    (root / "zoo.toml").write_text('exclude = ["base"]')
    base, rng = load_file(root / "base/model.safetensors"), np.random.default_rng(0)
    common = {name: rng.standard_normal(tensor.shape) for name, tensor in base.items()}
    for k in range(N_MEMBERS):
        shutil.copytree(root / "base", root / f"run-{k}")
        moved = {
            name: tensor + 0.05 * (common[name] + rng.standard_normal(tensor.shape))
            for name, tensor in base.items()
        }
        moved = {name: tensor.astype(np.float32) for name, tensor in moved.items()}
        write_safetensors(root / f"run-{k}/model.safetensors", moved, metadata={"format": "pt"})
        (root / f"run-{k}/wsgeo.json").write_text('{"base": "base"}')
    return root


@pytest.fixture(scope="module")
def classifier_zoo(tmp_path_factory):
    """Give a zoo of classifiers, whose base lacks their heads."""
    root = tmp_path_factory.mktemp("classifiers")
    base, config = make_base(root / "base", 0), bert_config(labels=("no", "yes"))
    for k in range(N_MEMBERS):
        tensors = fine_tuned(base, config, k)
        write_model(root / f"run-{k}", tensors, config, facts={"base": "base"})
        write_safetensors(root / f"run-{k}/model.safetensors", tensors, metadata={"format": "pt"})
    return root


def write_centroid(zoo, folder, request):
    """Write a merge of all members of a zoo, with its recipe."""
    members = read_zoo(zoo).members
    ids, sources = tuple(m.id for m in members), {m.id: str(m.folder) for m in members}
    prepared = PreparedMerge(request.merge_of(ids))
    method = prepared.method
    plan = CentroidPlan(
        "c", "group", "0", "mean", ids, prepared.weights, method.name, prepared.parameters
    )
    base = members[0].base
    has_all = set(members[0].layout.names) <= set(base.tensors)
    found = Origin(plan, sources=sources, whole_base=str(base.folder) if has_all else None)
    Writer(folder, "F32", lambda _: Evidence(), method).write(members, found)
    return folder


def largest_difference(folder, target):
    """Have mergekit follow a folder's recipe; return its largest difference from the folder."""
    program = shutil.which("mergekit-yaml")
    if program is None:
        pytest.skip("NOT CHECKED AGAINST MERGEKIT: put its mergekit-yaml on the PATH")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    subprocess.run(
        [program, str(folder / "mergekit.yml"), str(target), "--copy-tokenizer"],
        check=True, capture_output=True, env=environment,
    )  # fmt: skip
    theirs: dict[str, np.ndarray] = {}
    for file in target.glob("*.safetensors"):
        theirs |= load_file(file)
    ours = load_file(folder / "model.safetensors")
    assert set(ours) <= set(theirs)
    return max(float(np.abs(ours[name] - theirs[name]).max()) for name in ours)


@pytest.mark.slow  # mergekit takes seconds to start
class TestMergekit:
    """mergekit's own merge of a recipe, where mergekit-yaml is on the PATH."""

    @pytest.mark.parametrize(
        "request_",
        [
            MergeRequest(),
            MergeRequest("weighted", (0.7, 0.2, 0.1)),
            MergeRequest("median"),
            MergeRequest("arithmetic", scale=0.7),
            MergeRequest("arithmetic", scale=1.3, weights=(3, 1, 1)),
            MergeRequest("ties", density=0.3),
            MergeRequest("ties", density=0.5, scale=0.8, weights=(2, 1, 1)),
            MergeRequest("stock", per="tensor"),
            MergeRequest("dare", density=1.0, scale=0.9),
        ],
        ids=lambda request: request.suffix("abc").removeprefix("-") or "mean",
    )
    def test_makes_the_same_model(self, language_zoo, tmp_path, request_):
        """Of language models mergekit's merge is the folder, to the rounding of float32."""
        folder = write_centroid(language_zoo, tmp_path / "ours", request_)

        difference = largest_difference(folder, tmp_path / "theirs")
        print(f"mergekit, {request_}: {difference:.3g}")
        assert difference < 5e-6

    def test_averages_classifiers_too(self, classifier_zoo, tmp_path):
        """Of classifiers the linear merge is the folder, heads included."""
        folder = write_centroid(classifier_zoo, tmp_path / "ours", MergeRequest())

        difference = largest_difference(folder, tmp_path / "theirs")
        print(f"mergekit, mean of classifiers: {difference:.3g}")
        assert difference < 5e-6

    def test_a_base_without_the_head_has_no_recipe(self, classifier_zoo, tmp_path):
        """Where the base lacks the head there is a folder, but no recipe."""
        folder = write_centroid(classifier_zoo, tmp_path / "ours", MergeRequest("ties"))

        assert not (folder / "mergekit.yml").exists()
        assert "lacks some" in (folder / "README.md").read_text()
