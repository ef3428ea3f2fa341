"""Centroids of each method: what is merged, what is chosen on data, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file
from zoo_cases import bert_config, fine_tuned, make_base, write_adapter, write_model

from wsgeo.errors import WsgeoError
from wsgeo.evaluation.fisher import write_fisher
from wsgeo.regions.cards import Origin
from wsgeo.regions.tables import CentroidPlan, Evidence, Variant
from wsgeo.store import open_run
from wsgeo.workflows.centring import centroid
from wsgeo.workflows.centroid_folders import Writer
from wsgeo.workflows.evidence import read_back
from wsgeo.workflows.merge_requests import MergeRequest
from wsgeo.workflows.reopening import reopen
from wsgeo.workflows.variants import variant_of
from wsgeo.zoo import load_base, load_weights, read_zoo

FIRST_HEAVY = (5, 1, 1, 1, 1, 1)


@pytest.fixture(scope="module")
def run(zoo_with_run, tmp_path_factory):
    """Give a run whose centroids may be written."""
    return zoo_with_run.copy_run(tmp_path_factory.mktemp("methods") / "run")


@pytest.fixture(scope="module")
def members(zoo_with_run):
    """Give the members of the trained zoo, in the order of their ids."""
    return read_zoo(zoo_with_run.zoo).members


def saved(run, method, **given):
    """Write the centroid of all members across whatever barriers there are."""
    return centroid(run, method=method, jobs=0, force=True, **given)


def tensors(row):
    """Return what the folder of a centroid holds."""
    return load_file(Path(row["folder"]) / "model.safetensors")


def card(row):
    """Return the model card of a centroid."""
    return (Path(row["folder"]) / "README.md").read_text()


def stacked(members, name):
    """Return a tensor of all members, in float64."""
    return np.array([load_weights(m).tensor(name) for m in members], np.float64)


@pytest.mark.slow
class TestMethods:
    """`centroid` with a method."""

    def test_linear_methods_are_the_mean_by_their_shares(self, run, members):
        """The folder is the mean of the members by the shares that the row holds."""
        rows = [saved(run, "weighted", weights=FIRST_HEAVY), saved(run, "median")]

        assert rows[0]["weights"] == pytest.approx([0.5, *[0.1] * 5])
        for row in rows:
            for name, tensor in tensors(row).items():
                expected = np.tensordot(row["weights"], stacked(members, name), 1)
                np.testing.assert_allclose(tensor, expected, atol=1e-6)
        assert json.loads(rows[0]["parameters"]) == {}
        assert json.loads(rows[1]["parameters"]) == {"tolerance": 1e-6}
        assert "vardi2000" in open_run(run).read("run")["references"]

    def test_the_medoid_is_a_member(self, run, members):
        """The folder of the medoid has the bits of one member, and its loss."""
        row = centroid(run, method="medoid", jobs=0)  # no barrier stands against it
        [chosen] = [m for m, share in zip(members, row["weights"], strict=True) if share]

        for name, tensor in tensors(row).items():
            np.testing.assert_array_equal(tensor, load_weights(chosen).tensor(name))
        losses = dict(open_run(run).table("models").select("id", "loss").iter_rows())
        assert row["loss"] == pytest.approx(losses[chosen.id], abs=1e-7)
        assert f"It is {chosen.id}, from whose weights" in row["reason"]
        assert "it is one of its members" in card(row)
        assert "Head policy: own" in card(row)

    def test_task_arithmetic_scales_what_is_shared_with_the_base(self, run, members):
        """The body is the base and a multiple of the mean change; the head is the mean head."""
        row, base = saved(run, "arithmetic", scale=0.5), load_base(members[0])

        for name, tensor in tensors(row).items():
            mean = stacked(members, name).mean(0)
            if name in base.layout.names:
                mean = (base.tensor(name) + mean) / 2
            np.testing.assert_allclose(tensor, mean, atol=1e-6)
        assert row["name"].endswith("-arithmetic-scale-0.5")
        assert json.loads(row["parameters"]) == {"scale": 0.5}
        assert "the others are the mean of the members'" in card(row)

    def test_fisher_weights_each_value(self, run, members, zoo_with_run, tmp_path):
        """The folder is the mean by the members' empirical Fisher information, and says so."""
        row = saved(run, "fisher", seed=3)

        inputs, _ = reopen(open_run(run))
        for member in members:
            write_fisher(member, inputs.groups[0].encoded, tmp_path / member.id, seed=3)
        files = [load_file(tmp_path / member.id) for member in members]
        for name, tensor in tensors(row).items():
            weight = np.maximum([file[name] for file in files], 1e-12)
            expected = (weight * stacked(members, name)).sum(0) / weight.sum(0)
            np.testing.assert_allclose(tensor, expected, atol=1e-5)
        assert "empirical Fisher information" in row["reason"]
        assert json.loads(row["parameters"])["fisher_examples"] == 32
        assert "mergekit has no Fisher-weighted mean" in card(row)

    def test_layers_are_told_for_each_centroid(self, run, members):
        """Each centroid has one row per layer, its share only under Model Stock; none doubles."""
        stock, ties = saved(run, "stock"), saved(run, "ties", density=0.5)
        saved(run, "stock")
        layers = open_run(run).table("centroid_layers")
        mine = {row["name"]: layers.filter(pl.col("name") == row["name"]) for row in (stock, ties)}

        for frame in mine.values():
            assert frame["layer"].to_list() == ["embeddings", "layer 0", "layer 1"]
        assert mine[stock["name"]]["share"].is_between(0, 1).all()
        assert mine[ties["name"]]["share"].is_null().all()
        assert mine[ties["name"]]["norm"].min() > 0

    def test_a_method_has_a_row_and_folder_of_its_own(self, run):
        """The mean keeps its name; methods and settings are in those of the others."""
        mean, dare = saved(run, "mean"), saved(run, "dare", density=0.5, seed=1)

        assert dare["name"] == f"{mean['name']}-dare-density-0.5-seed-1"
        assert dare["folder"] != mean["folder"]
        assert (mean["method"], mean["parameters"]) == ("mean", "{}")
        facts = json.loads((Path(dare["folder"]) / "wsgeo.json").read_text())
        assert facts["merge"]["method"] == "dare"
        assert facts["merge"]["head"] == "interpolate"
        assert "The DARE merge of 6 models" in card(dare)

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"method": "sum"}, "no method is called sum.*Choose among mean"),
            ({"method": "mean", "scale": 2}, "--scale is for --method arithmetic or ties or dare"),
            ({"method": "ties", "per": "tensor"}, "--per is for --method stock"),
            ({"method": "weighted"}, "needs weights.*--weights"),
            ({"method": "weighted", "weights": "1,2"}, "6 members need as many weights, not 2"),
            ({"method": "weighted", "weights": "1,x"}, "'x', which is no number"),
            ({"method": "weighted", "weights": "run-9=1"}, "'run-9', which is no member"),
            ({"method": "weighted", "weights": "run-0=1"}, "no weight for run-1; 0 leaves"),
            ({"method": "weighted", "weights": [0] * 6}, "not all 0"),
            ({"method": "ties", "density": 1.5}, "density 1.5 is not"),
            ({"level": "task"}, "--level is that of a region.*--region NAME"),
            ({"region": "film"}, "no regions by name.*wsgeo region"),
        ],
    )
    def test_what_does_not_apply_is_one_line(self, run, given, told):
        """A setting that the method does not take, or a value out of range, is told."""
        with pytest.raises(WsgeoError, match=told) as caught:
            centroid(run, jobs=0, **given)
        assert "\n" not in str(caught.value)


def test_a_greedy_soup_is_written_and_measured(run, members):
    """Of real members the soup has equal shares of some, and its card tells both halves."""
    row = saved(run, "greedy")

    kept = [share for share in row["weights"] if share]
    assert kept == pytest.approx([1 / len(kept)] * len(kept))
    assert "The soup was chosen on 16 examples" in row["reason"]
    assert "On the other 16 examples" in card(row)
    assert "those that it was chosen on too" in row["reason"]
    facts = json.loads((Path(row["folder"]) / "wsgeo.json").read_text())
    assert facts["evidence"]["caveat"] in row["reason"]
    for name, tensor in tensors(row).items():
        expected = np.tensordot(row["weights"], stacked(members, name), 1)
        np.testing.assert_allclose(tensor, expected, atol=1e-6)


@pytest.fixture(scope="module")
def adapters(tmp_path_factory):
    """Give the members of a zoo of LoRA adapters."""
    root, config = tmp_path_factory.mktemp("adapters"), bert_config()
    make_base(root / "base", 0)
    for k in range(3):
        write_adapter(root / f"lora-{k}", "base", config, seed=k, labels=("no", "yes"))
    return read_zoo(root).members


def written(members, folder, request, variant):
    """Write a merge of members and read it back."""
    method = request.merge_of([m.id for m in members])
    plan = CentroidPlan("c", "group", "0", variant, tuple(m.id for m in members))
    Writer(folder, "F32", lambda _: Evidence(), method).write(members, Origin(plan, base="base"))
    return load_weights(read_back(folder, members[0])).vector


class TestAdapters:
    """LoRA members."""

    @pytest.mark.parametrize(
        "given",
        [("weighted", (3, 1, 0)), ("median",), ("medoid",), ("arithmetic", None, 0.5)],
        ids=lambda given: given[0],
    )
    def test_linear_methods_keep_adapters(self, adapters, tmp_path, given):
        """An adapter of the products is, merged, the merge of the merged members."""
        request = MergeRequest(*given)
        lora = written(adapters, tmp_path / "lora", request, Variant.PRODUCTS)
        whole = written(adapters, tmp_path / "whole", request, Variant.MEAN)

        assert (tmp_path / "lora/adapter_config.json").exists()
        np.testing.assert_allclose(lora, whole, atol=2e-6)

    def test_other_methods_give_a_whole_model(self, adapters, tmp_path):
        """Without a word the variant is a whole model; adapters are refused with a line."""
        from wsgeo.workflows.selections import Selection

        chosen = Selection("group", 0, adapters, None, "group-0")
        ties = MergeRequest("ties")

        assert variant_of(chosen, None, None, ties) is Variant.MEAN
        assert variant_of(chosen, None, None, MergeRequest("median")) is Variant.PRODUCTS
        with pytest.raises(WsgeoError, match=r"ties gives a whole model.*--variant mean"):
            variant_of(chosen, "products", None, ties)
        written(adapters, tmp_path / "c", ties, Variant.MEAN)
        assert not (tmp_path / "c/adapter_config.json").exists()


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """Give the members of a zoo of one base and two label sets."""
    root = tmp_path_factory.mktemp("tasks")
    base = make_base(root / "base", 0)
    for k in range(4):
        config = bert_config(labels=("no", "yes") if k % 2 else ("x", "y", "z"))
        write_model(root / f"run-{k}", fine_tuned(base, config, k), config, facts={"base": "base"})
    return read_zoo(root).members


@pytest.mark.parametrize(
    "given",
    [("weighted", (3, 1, 0, 0)), ("median",), ("arithmetic", None, 0.5), ("ties",)],
    ids=lambda given: given[0],
)
def test_encoders_of_several_tasks_take_every_method(tasks, tmp_path, given):
    """What members share is merged in the frame of the base, whose head stays; the card says so."""
    method, ids = MergeRequest(*given).merge_of([m.id for m in tasks]), [m.id for m in tasks]
    plan = CentroidPlan("c", "region", "0", Variant.ENCODERS, tuple(ids), method=given[0])
    Writer(tmp_path / "c", "F32", lambda _: Evidence(), method).write(tasks, Origin(plan))

    found, base = (
        load_file(folder / "model.safetensors") for folder in (tmp_path / "c", tasks[0].base.folder)
    )
    assert found.keys() == base.keys()
    moved = {name for name in found if not np.array_equal(found[name], base[name])}
    assert moved
    assert all(name.startswith("bert.") for name in moved)
    text = (tmp_path / "c/README.md").read_text()
    assert "Head policy: none: the members' heads serve different tasks" in text
