"""Centroids of a run: what is averaged, what is written, and that the figures are of that."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file
from scan_cases import SETTINGS
from trained_zoo import LABELS
from zoo_cases import bert_config, fine_tuned, make_base, random_tensors, write_adapter, write_model

from wsgeo.errors import WsgeoError
from wsgeo.regions.adapters import load_adapter
from wsgeo.regions.cards import Origin
from wsgeo.regions.tables import CentroidPlan, Evidence, Variant
from wsgeo.store import open_run
from wsgeo.weights.tensors import write_safetensors
from wsgeo.workflows.centring import centroid
from wsgeo.workflows.centroid_folders import Writer
from wsgeo.workflows.evidence import read_back, refuse_barriers
from wsgeo.workflows.scanning import scan
from wsgeo.workflows.selections import Selection
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


def card_of(row):
    """Return the model card of a written centroid."""
    return (Path(row["folder"]) / "README.md").read_text()


class TestModels:
    """Centroids of full fine-tunes."""

    def test_says_why_this_basin(self, zoo_with_run, tmp_path):
        """Where nobody named a basin, row and card say which was taken and why."""
        run = zoo_with_run.copy_run(tmp_path / "run")
        first = centroid(run, jobs=0, force=True)
        card = card_of(first)
        named = centroid(run, jobs=0, force=True, basin=int(first["group"]))

        assert first["reason"].startswith("No basins were found: all 6 members together.")
        assert "pairs are undecided at tau" in first["reason"]
        assert "No basins were found: all 6 members together." in card
        assert "pairs are undecided at tau" in card
        assert "the centre of group 0" in card
        assert first["variant"] == "mean"
        assert named["reason"] == first["reason"]
        assert first["loss"] == named["loss"]
        assert "\\" not in card
        assert open_run(run).table("centroids").height == 1

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"variant": "products"}, "full models.*--variant mean"),
            ({"variant": "factors"}, "full models.*--variant mean"),
            ({"rank": 2}, "Leave out --rank"),
            ({"variant": "sum"}, "Choose among mean, products, factors"),
            ({"basin": 99}, "no group 99 .*There is group"),
            ({"region": 99}, "no region 99 .*There (is|are) region"),
            ({"group": "g9"}, "no group is called g9.*Choose among g0.l0"),
            ({"region": 0, "group": "g9"}, "no group is called g9.*Choose among g0, g0.l0"),
        ],
    )
    def test_what_does_not_apply_is_one_line(self, zoo_with_run, tmp_path, given, told):
        """A variant, rank, group or cluster that does not apply is told with its remedy."""
        run = zoo_with_run.copy_run(tmp_path / "run")

        with pytest.raises(WsgeoError, match=told) as caught:
            centroid(run, jobs=0, **given)
        assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """Give a zoo of one base and two label sets, and a run of its weights alone."""
    folder = tmp_path_factory.mktemp("tasks")
    base = make_base(folder / "zoo" / "base", 0)
    for k in range(6):
        config = bert_config(labels=("no", "yes") if k % 2 else ("x", "y", "z"))
        tensors = fine_tuned(base, config, k)
        write_model(folder / "zoo" / f"run-{k}", tensors, config, facts={"base": "base"})
    run = scan(folder / "zoo", out=folder / "run", settings=SETTINGS, jobs=0)
    return folder / "zoo", run


class FakeRun:
    """A run that measured the first loss group only."""

    def read(self, _):
        """Give the summary."""
        return {"groups": [{"name": "g0.l0", "tau": {"value": 0.05}, "basins": []}]}

    def table(self, _):
        """Give no limits of the gaps."""
        columns = dict.fromkeys(("a", "b"), pl.String) | {"convexity_gap_lo": pl.Float64}
        return pl.DataFrame(schema=columns)


class TestRegions:
    """Centroids of clusters of task vectors."""

    def test_several_tasks_give_their_encoder(self, tasks):
        """The mean of the shared tensors stands in the base's frame; its head is the base's."""
        from transformers import AutoModelForMaskedLM, AutoTokenizer

        zoo, run = tasks
        region = int(run.table("clusters").filter(pl.col("is_default"))["label"].max())
        row = centroid(run.folder, region=region, jobs=0)

        base = load_file(zoo / "base/model.safetensors")
        members = [load_file(zoo / name / "model.safetensors") for name in row["members"]]
        _, info = AutoModelForMaskedLM.from_pretrained(row["folder"], output_loading_info=True)
        assert not any(info.values())
        for name, tensor in load_file(Path(row["folder"]) / "model.safetensors").items():
            shared = name.startswith("bert.")
            expected = np.mean([m[name] for m in members], axis=0) if shared else base[name]
            np.testing.assert_allclose(tensor, expected, atol=1e-6)
        assert AutoTokenizer.from_pretrained(row["folder"])("good film")["input_ids"]
        assert row["variant"] == Variant.ENCODERS
        assert row["loss"] is None
        assert "not measured" in row["reason"]
        card = (Path(row["folder"]) / "README.md").read_text()
        assert "It has no task head" in card
        assert not (Path(row["folder"]) / "mergekit.yml").exists()

    def test_an_encoder_of_one_is_its_own(self, tasks, tmp_path):
        """The encoder centroid of one member has that member's encoder to the bit."""
        zoo, _ = tasks
        member = read_zoo(zoo).members[2]
        plan = CentroidPlan("one", "region", "0", Variant.ENCODERS, (member.id,))
        Writer(tmp_path / "one", "F32", lambda _: Evidence()).write([member], Origin(plan))

        own = load_file(member.folder / "model.safetensors")
        written = load_file(tmp_path / "one/model.safetensors")
        shared = [name for name in written if name in own]
        assert len(shared) > 30
        for name in shared:
            np.testing.assert_array_equal(written[name], own[name])

    def test_one_task_without_data_keeps_its_head(self, tasks):
        """A region narrowed to one label set is a whole model, measured or not."""
        _, run = tasks
        labels = run.table("clusters").filter(pl.col("is_default"))
        region = int(labels["label"].max())
        row = centroid(run.folder, region=region, group="g0.l0", jobs=0)

        config = json.loads((Path(row["folder"]) / "config.json").read_text())
        assert config["architectures"] == ["BertForSequenceClassification"]
        assert row["name"] == f"region-{region}-g0.l0"
        assert row["variant"] == "mean"
        assert row["loss"] is None
        assert "no data" in row["reason"]

    def test_each_task_answers_for_its_own_pairs(self, tasks):
        """A barrier or an unmeasured pair within a task counts; pairs of two tasks do not."""
        members = read_zoo(tasks[0]).members
        selection = Selection("region", 0, members, None, "region-0")
        first = [i for i, member in enumerate(members) if member.loss_group == "g0.l0"]
        gaps = np.full((len(members), len(members)), np.nan)
        gaps[np.ix_(first, first)] = 0.01
        refuse_barriers(FakeRun(), selection, gaps)

        gaps[first[1], first[2]] = gaps[first[2], first[1]] = np.nan
        with pytest.raises(WsgeoError, match=r"1 of 3 pairs of members were not measured"):
            refuse_barriers(FakeRun(), selection, gaps)
        gaps[first[0], first[1]] = gaps[first[1], first[0]] = 0.2
        with pytest.raises(WsgeoError, match=r"a barrier of 0\.2 nats"):
            refuse_barriers(FakeRun(), selection, gaps)

    def test_without_data_there_is_no_basin(self, tasks):
        """A run of weights alone says what it lacks."""
        with pytest.raises(WsgeoError, match=r"no basins.*--region"):
            centroid(tasks[1].folder, jobs=0)
