"""Centroids of adapters: the mean of products, of factors, and of merged models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from scan_cases import SETTINGS
from trained_zoo import LABELS
from zoo_cases import bert_config, random_tensors, write_adapter, write_model

from wsgeo.regions.adapters import load_adapter
from wsgeo.regions.cards import Origin
from wsgeo.regions.tables import CentroidPlan, Evidence
from wsgeo.weights.tensors import write_safetensors
from wsgeo.workflows.centring import centroid
from wsgeo.workflows.centroid_folders import Writer
from wsgeo.workflows.evidence import read_back
from wsgeo.workflows.scanning import scan
from wsgeo.zoo import load_adapter_parts, load_weights, read_zoo

N_ADAPTERS = 4
PREFIX = "base_model.model."


def make_lora_zoo(root: Path, trained: Path) -> Path:
    """Write a base with the body of a trained member, and adapters near it with its head.

    The labels of the last adapter stand in the other order.
    """
    tensors, config = load_file(trained / "model.safetensors"), bert_config()
    whole = random_tensors(config, 5)
    write_model(root / "base", {n: tensors.get(n, t) for n, t in whole.items()}, config)
    heads = {n: t for n, t in tensors.items() if "pooler" in n or n.startswith("classifier")}
    for k in range(N_ADAPTERS):
        labels = LABELS[:: -1 if k == N_ADAPTERS - 1 else 1]
        folder = root / f"lora-{k}"
        stored = write_adapter(folder, "base", config, seed=k, labels=labels, scale=0.03)
        rng = np.random.default_rng(k)
        for name, tensor in heads.items():
            moved = (tensor + 0.01 * rng.standard_normal(tensor.shape)).astype(np.float32)
            turned = name.startswith("classifier") and labels != LABELS
            stored[PREFIX + name] = np.ascontiguousarray(moved[::-1]) if turned else moved
        write_safetensors(folder / "adapter_model.safetensors", stored)
        facts = {"base": "base", "task": "film", "labels": list(labels)}
        (folder / "wsgeo.json").write_text(json.dumps(facts))
    return root


@pytest.fixture(scope="module")
def lora(zoo_with_run, tmp_path_factory):
    """Give a zoo of adapters and a finished run of it."""
    folder = tmp_path_factory.mktemp("lora")
    zoo = make_lora_zoo(folder / "zoo", zoo_with_run.zoo / "run-0")
    run = zoo_with_run.scan(zoo, folder / "run")
    return zoo, run, zoo_with_run.data


@pytest.fixture(scope="module")
def saved(lora):
    """Give the row of each variant of the basin of adapters, with the rank-one one."""
    _, run, _ = lora
    asked = {
        "default": {},
        "mean": {"variant": "mean"},
        "factors": {"variant": "factors"},
        "rank-1": {"rank": 1},
    }
    # The adapters are so near that tau is of the size of rounding.
    return {n: centroid(run.folder, jobs=0, force=True, **given) for n, given in asked.items()}


def effective(row, zoo):
    """Return the merged weights of a written centroid, read as a member would be."""
    like = read_zoo(zoo).members[0]
    return load_weights(read_back(Path(row["folder"]), like)).vector


@pytest.mark.slow
class TestAdapters:
    """Centroids of LoRA adapters of one base."""

    def test_products_are_the_default_and_keep_the_merged_mean(self, lora, saved):
        """The adapter of mean products is, merged, the mean of the merged members."""
        zoo, _, _ = lora
        row = saved["default"]
        expected = np.mean([load_weights(m).vector for m in read_zoo(zoo).members], axis=0)

        assert (row["name"], row["variant"]) == ("basin-0", "mean of products")
        assert len(row["members"]) == N_ADAPTERS
        np.testing.assert_allclose(effective(row, zoo), expected, atol=1e-6)
        np.testing.assert_allclose(effective(saved["mean"], zoo), expected, atol=1e-6)
        assert row["loss"] == pytest.approx(saved["mean"]["loss"], abs=1e-5)

    def test_each_variant_says_what_it_is(self, lora, saved):
        """Name, folder, table and card name variant and rank; none takes another's place."""
        names = {key: (row["name"], row["variant"]) for key, row in saved.items()}

        assert names["mean"] == ("basin-0-mean", "mean")
        assert names["factors"] == ("basin-0-factors", "mean of factors")
        assert names["rank-1"] == ("basin-0-rank-1", "mean of products")
        assert len({row["folder"] for row in saved.values()}) == len(saved)
        assert lora[1].table("centroids").height == len(saved)
        card = (Path(saved["factors"]["folder"]) / "README.md").read_text()
        assert "# basin-0-factors" in card
        assert "The mean of factors of 4 models fine-tuned from `base`" in card
        assert "The factors of the adapters are averaged" in card
        assert "lora-3 stand in another order" in card

    def test_an_adapter_is_read_without_its_base(self, lora, tmp_path):
        """The adapter of a member needs its own file alone, and has the group's label order."""
        zoo = shutil.copytree(lora[0], tmp_path / "zoo")
        first, *_, last = read_zoo(zoo).members
        merged = [load_weights(member) for member in (first, last)]
        (zoo / "base/model.safetensors").unlink()

        for member, weights in zip((first, last), merged, strict=True):
            adapter = load_adapter(member)
            assert adapter.updates
            assert {n for n in member.label_rows if n.startswith("classifier")} <= set(
                adapter.whole
            )
            for name, tensor in adapter.whole.items():
                np.testing.assert_array_equal(tensor, weights.tensor(name))

    def test_factors_are_another_point(self, lora, saved):
        """The mean of factors is not the mean of products, in weights and in loss."""
        zoo, _, _ = lora
        apart = abs(effective(saved["factors"], zoo) - effective(saved["default"], zoo)).max()

        assert apart > 1e-3
        assert saved["factors"]["loss"] != saved["default"]["loss"]

    def test_a_bounded_rank_tells_what_it_misses(self, lora, saved):
        """The file has the rank; the error and the loss are those of the file."""
        zoo, _, _ = lora
        row = saved["rank-1"]
        config = json.loads((Path(row["folder"]) / "adapter_config.json").read_text())
        exact, rough = effective(saved["default"], zoo), effective(row, zoo)
        base = effective_base(zoo)
        expected = np.linalg.norm(rough - exact) / np.linalg.norm((exact - base)[base != 0])

        assert config["r"] == 1
        assert f"misses {expected:.2g} of the mean change" in row["reason"]
        assert row["loss"] != saved["default"]["loss"]

    def test_losses_are_those_of_the_folders(self, lora, saved, tmp_path):
        """A scan of the written folders finds the losses that the rows hold."""
        zoo, _, data = lora
        again = shutil.copytree(zoo, tmp_path / "zoo")
        for key, row in saved.items():
            shutil.copytree(row["folder"], again / key)

        run = scan(again, data=data, out=tmp_path / "run", settings=SETTINGS, jobs=0)

        losses = dict(run.table("models").select("id", "loss").iter_rows())
        found = {key: losses[key] for key in saved}
        assert found == pytest.approx({key: row["loss"] for key, row in saved.items()}, abs=1e-7)

    @pytest.mark.parametrize("variant", ["mean of products", "mean of factors", "mean"])
    def test_of_one_is_that_adapter(self, lora, tmp_path, variant):
        """The centroid of one adapter is the same function."""
        zoo, _, _ = lora
        member = read_zoo(zoo).members[-1]
        plan = CentroidPlan("one", "basin", "0", variant, (member.id,))
        Writer(tmp_path / "one", "F32", lambda _: Evidence()).write(
            [member], Origin(plan, base="base")
        )

        again = read_back(tmp_path / "one", member)
        np.testing.assert_allclose(
            load_weights(again).vector, load_weights(member).vector, atol=1e-6
        )
        if variant != "mean":
            assert again.labels == member.labels
            updates, whole = load_adapter_parts(again)
            assert updates.keys() == member.lora.keys()
            assert whole.keys() == load_adapter_parts(member)[1].keys()

    @pytest.mark.slow  # importing peft takes longer than the test
    def test_peft_loads_the_same_function(self, lora, saved):
        """On the base, PEFT's logits are those of the merged mean, to 1e-5."""
        import torch
        from peft import PeftModel
        from transformers import AutoModelForSequenceClassification

        zoo, _, _ = lora
        base = AutoModelForSequenceClassification.from_pretrained(zoo / "base", num_labels=2)
        adapted = PeftModel.from_pretrained(base, saved["default"]["folder"]).eval()
        merged = AutoModelForSequenceClassification.from_pretrained(saved["mean"]["folder"]).eval()
        ids = torch.arange(5, 25).reshape(4, 5)
        with torch.inference_mode():
            torch.testing.assert_close(
                adapted(input_ids=ids).logits, merged(input_ids=ids).logits, atol=1e-5, rtol=0
            )


def effective_base(zoo):
    """Return the base over the tensors that adapters change, zero elsewhere."""
    member = read_zoo(zoo).members[0]
    tensors = load_file(zoo / "base/model.safetensors")
    parts = [
        tensors[name] if name in member.lora else np.zeros(shape, np.float32)
        for name, shape in zip(member.layout.names, member.layout.shapes, strict=True)
    ]
    return np.concatenate([part.reshape(-1) for part in parts])
