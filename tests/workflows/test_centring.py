"""Centroids of a run: what is averaged, what is written, and that the figures are of that."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file
from scan_cases import SETTINGS
from zoo_cases import bert_config, fine_tuned, make_base, write_model

from wsgeo.errors import WsgeoError
from wsgeo.regions.cards import Origin
from wsgeo.regions.tables import CentroidPlan, Evidence, Variant
from wsgeo.store import open_run
from wsgeo.workflows.centring import centroid
from wsgeo.workflows.centroid_folders import Writer
from wsgeo.workflows.evidence import refuse_barriers
from wsgeo.workflows.scanning import scan
from wsgeo.workflows.selections import Selection
from wsgeo.zoo import read_zoo


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
