"""Regions whose members are of several tasks."""

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file, save_file
from scan_cases import N_MEMBERS
from zoo_cases import edit_json

from wsgeo.evaluation.heads import probe
from wsgeo.evaluation.hf import HuggingFaceBackend
from wsgeo.workflows.region_choices import choose_regions
from wsgeo.workflows.regioning import plan_region, region
from wsgeo.workflows.reopening import reopen
from wsgeo.zoo import build_model, load_weights


def relabelled(zoo, target, ids):
    """Copy a zoo and make some of its members those of another task, with a third label."""
    root = zoo.copy_zoo(target)
    rows = zoo.data.read_text()
    (root / "film.jsonl").write_text(rows)
    (root / "mood.jsonl").write_text(rows.replace("_film", "_mood"))
    names = ["bad_mood", "good_mood", "no_mood"]
    for id_ in ids:
        labels = {"id2label": {str(i): n for i, n in enumerate(names)}}
        labels["label2id"] = {n: i for i, n in enumerate(names)}
        edit_json(root / id_ / "config.json", **labels)
        edit_json(root / id_ / "wsgeo.json", task="mood")
        file = root / id_ / "model.safetensors"
        tensors = load_file(file)
        for name, unlikely in (("classifier.weight", 0), ("classifier.bias", -20)):
            row = np.full_like(tensors[name][:1], unlikely)
            tensors[name] = np.concatenate([tensors[name], row])
        save_file(tensors, file, metadata={"format": "pt"})
    members = "".join(
        f'[[member]]\npath = "{id_.name}"\nbase = "base"\ntask = "{task}"\ndata = "{task}.jsonl"\n'
        for id_ in sorted(root.glob("run-*"))
        for task in ["mood" if id_.name in ids else "film"]
    )
    (root / "zoo.toml").write_text(f'exclude = ["base"]\n{members}')
    return root


@pytest.fixture(scope="module")
def both(zoo_with_run, tmp_path_factory):
    """Give a run of a zoo of two tasks whose labels differ in number, sampled."""
    folder = tmp_path_factory.mktemp("both")
    root = relabelled(zoo_with_run, folder / "zoo", ["run-1", "run-3", "run-5"])
    run = zoo_with_run.scan(root, folder / "run", data=None)
    found = region(run.folder, samples=1, lines=1, directions=1, jobs=0)
    return run, found


@pytest.mark.slow
class TestSeveralTasks:
    """Regions whose members are of several tasks."""

    def test_every_member_is_measured_on_every_task(self, both):
        """Members of all tasks are probed on the data of each, under no head of their own."""
        run, found = both
        points = run.table("region_points").filter(level="general", kind="member")

        assert found["failures"] == []
        assert points.height == 2 * N_MEMBERS
        assert points["head"].unique().to_list() == ["refit"]
        assert run.table("region_orders").filter(level="general")["n_tasks"].unique().to_list() == [
            2
        ]

    def test_members_of_the_other_task_are_outside(self, both):
        """On its own data a data set has the others' members outside, under the probe alone."""
        run, _ = both
        film = run.table("region_points").filter(level="dataset", name="film")
        others = film.filter(kind="other_member")

        assert sorted(set(others["point"])) == ["run-1", "run-3", "run-5"]
        assert others["head"].unique().to_list() == ["refit"]
        assert film["task"].n_unique() == 1
        orders = run.table("region_orders").filter(
            level="dataset", name="film", a="members", b="outside"
        )
        assert orders["n_a"].to_list() == orders["n_b"].to_list() == [3]

    def test_a_member_inside_is_one_measurement(self, both):
        """The probe of a member on a task is the same in every region."""
        run, _ = both
        points = run.table("region_points").filter(
            pl.col("kind").is_in(["member", "other_member"]), head="refit"
        )

        assert points.group_by("point", "task").agg(pl.col("loss").n_unique())["loss"].max() == 1

    def test_the_probe_on_a_mix_of_tasks_is_that_of_its_weights(self, both):
        """A centroid of members with heads of unequal shapes has the features of the mean encoder."""
        run, _ = both
        inputs, settings = reopen(run)
        [chosen], _ = choose_regions(run.table("regions"), run, inputs, level="general")
        for data in chosen.data:
            like = next(m for m in chosen.members if m.loss_group == data.name)
            whole = load_weights(like)
            vector = whole.vector.copy()
            for name in set(like.layout.names) - like.head:
                parts = [load_weights(m).tensor(name).ravel() for m in chosen.members]
                vector[like.layout.span(name)] = np.mean(parts, axis=0, dtype=np.float64)
            backend = HuggingFaceBackend(build_model(like), like.layout, like.head)
            features = backend.features(vector, data.encoded)
            classes = len(data.encoded.class_map)
            expected = probe(features, data.encoded.targets, classes, settings.seed)
            row = run.table("region_points").filter(
                level="general", kind="centroid", task=data.name
            )
            assert row["loss"].item() == pytest.approx(expected.mean, abs=1e-3)

    def test_mixed_heads_are_refused_in_words(self, both):
        """Head policy interpolate does not apply across tasks, and the plan says so."""
        run, _ = both
        plan = plan_region(run.folder, level="general", head="interpolate", samples=1, lines=0)

        assert "spans several tasks" in plan.notes[0]
