"""Further models on the map of a run: copies, kin, strangers, and what their basins predict."""

from __future__ import annotations

import json
import shutil

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file, save_file
from scan_cases import tree
from trained_zoo import LABELS, train_zoo, write_data
from zoo_cases import bert_config, edit_json, random_tensors, write_model

from wsgeo.errors import StoreError, WsgeoError, ZooError
from wsgeo.store import TABLES, open_run
from wsgeo.workflows.group_members import read_members
from wsgeo.workflows.new_models import entries_named, read_new_models
from wsgeo.workflows.placing import place
from wsgeo.workflows.reopening import reopen
from wsgeo.workflows.scanning import scan
from wsgeo.workflows.settings import ScanSettings

SET = "words"
N_EACH = 4
SETTINGS = ScanSettings(n_examples=32, n_points=3, n_resamples=50, n_draws=20)


def mixed(one, other, target, share=0.5):
    """Write the model between two members."""
    shutil.copytree(one, target)
    a, b = load_file(one / "model.safetensors"), load_file(other / "model.safetensors")
    tensors = {name: ((1 - share) * a[name] + share * b[name]).astype(np.float32) for name in a}
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    return target


def basins(run):
    """Return the members of each basin."""
    rows = run.table("clusters").filter(
        pl.col("is_default") & (pl.col("matrix") == "convexity_gap")
    )
    return {label: sorted(part["id"]) for (label,), part in rows.group_by("label") if label >= 0}


def write_scores(run, by_basin):
    """Write the score of each member on one slice, by its basin."""
    rows = [
        {
            "id": name, "set": SET, "slice": "all", "n_examples": 10, "outcome": "measured",
            "metric": by_basin[label] + 0.01 * i,
        }
        for label, names in basins(run).items()
        for i, name in enumerate(names)
    ]  # fmt: skip
    run.write_table("scores", pl.DataFrame(rows, schema=TABLES["scores"]))


def near(member, target, seed):
    """Write a model a little beside a member: one more of its basin."""
    shutil.copytree(member, target)
    tensors, rng = load_file(member / "model.safetensors"), np.random.default_rng(seed)
    moved = {
        name: (a + 0.003 * rng.standard_normal(a.shape)).astype(np.float32)
        for name, a in tensors.items()
    }
    save_file(moved, target / "model.safetensors", metadata={"format": "pt"})


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """Give a folder of models, a run of two basins with scores, and the members of each."""
    folder = tmp_path_factory.mktemp("placing")
    zoo = train_zoo(folder / "zoo", 2)
    for k in range(2, 2 * N_EACH):
        near(zoo / f"run-{k % 2}", zoo / f"run-{k}", k)
    data = write_data(folder / "film.jsonl", 32)
    run = scan(zoo, out=folder / "run", data=data, settings=SETTINGS, jobs=0)
    own = basins(run)
    assert own == {0: ["run-0", "run-2", "run-4", "run-6"], 1: ["run-1", "run-3", "run-5", "run-7"]}
    write_scores(run, {label: 0.9 - 0.5 * label for label in own})
    mixed(zoo / own[0][0], zoo / own[0][1], folder / "between")
    shutil.copytree(zoo / own[1][0], folder / "copy")
    config = bert_config(labels=LABELS)
    weights = load_file(zoo / "run-0" / "model.safetensors")
    # With the head turned about it says the contrary of the truth, whatever it learned.
    head = {name: -a if name.startswith("classifier") else a for name, a in weights.items()}
    write_model(folder / "contrary", head, config)
    write_model(folder / "noise", random_tensors(config, 77), config)
    wide = bert_config(labels=LABELS, intermediate_size=48)
    write_model(folder / "wide", random_tensors(wide, 5), wide)
    shutil.copytree(zoo / own[0][0], folder / "other-labels")
    edit_json(
        folder / "other-labels" / "config.json",
        id2label={"0": "no", "1": "yes"}, label2id={"no": 0, "yes": 1},
    )  # fmt: skip
    return folder, run, own


@pytest.fixture(scope="module")
def answer(ground):
    """Give the answer for all models at once."""
    folder, run, _ = ground
    names = ("between", "copy", "contrary", "noise", "wide", "other-labels")
    return place(run.folder, [folder / name for name in names], jobs=0)


def row_of(answer, name):
    (row,) = (row for row in answer["placements"] if row["id"] == name)
    return row


class TestPlace:
    """``wsgeo.place``."""

    def test_a_model_between_two_members_lies_in_their_basin(self, answer, ground):
        """The mean of two members of a basin lies in it, nearer than to the other."""
        row = row_of(answer, "between")

        assert row["basin"] == 0
        assert row["gap"] < row["next_gap"]
        assert row["nearest"] in ground[2][0]
        assert row["reason"] is None
        assert np.isfinite([row["x"], row["y"]]).all()

    def test_its_scores_are_those_of_its_basin(self, answer, ground):
        """The prediction is the mean of the basin's members, with an interval and everyone's mean."""
        _, run, own = ground
        metrics = dict(run.table("scores").select("id", "metric").iter_rows())
        (row,) = (row for row in answer["predictions"] if row["id"] == "between")

        assert row["predicted"] == pytest.approx(np.mean([metrics[m] for m in own[0]]))
        assert row["everyone"] == pytest.approx(np.mean(list(metrics.values())))
        assert row["lo"] < row["predicted"] < row["hi"]
        assert row["actual"] is None

    def test_a_copy_lies_where_its_twin_does(self, answer, ground):
        """A copy of a member is told by its content, and no line of it is measured."""
        _, _, own = ground
        row = row_of(answer, "copy")

        assert (row["basin"], row["n_lines"], row["nearest"]) == (1, 0, own[1][0])
        assert (
            f"copy is an exact duplicate of {own[1][0]}, which lies in basin 1."
            in answer["sentences"]
        )

    def test_a_model_that_cannot_do_the_task_is_not_placed(self, answer):
        """A model that fails the end-point gate is told so, with its loss beside chance."""
        row = row_of(answer, "contrary")

        assert row["basin"] is None
        assert row["n_lines"] == 0
        assert row["reason"].startswith("it fails the end-point gate: no better than a constant")

    def test_a_random_model_is_of_no_group(self, answer):
        """A random model of the same shapes comes from no pre-training of the run."""
        assert answer["refused"]["noise"].startswith(
            "it cannot be compared with the members of g0.l0: it names no base, and its weights are "
            "unlike those of 'base'"
        )

    def test_other_shapes_are_refused_with_the_reason(self, answer):
        """A model of other shapes is not placed, and the others are."""
        row = row_of(answer, "wide")

        assert row["group"] is None
        assert "its tensors have other names or shapes" in answer["refused"]["wide"]
        assert answer["exit_code"] == 0

    def test_other_labels_are_refused_with_the_reason(self, answer):
        """A model of other labels is not placed, and both label sets are told."""
        assert "its labels are 'no', 'yes', and theirs" in answer["refused"]["other-labels"]

    def test_tables_hold_new_models_only(self, answer, ground):
        """The run's tables gain a row per model, and none of members that are held out."""
        _, run, _ = ground

        assert run.table("placements")["held_out"].to_list() == [False] * 6
        assert run.table("predictions")["id"].to_list() == ["between"]

    @pytest.mark.slow
    def test_rows_of_members_held_out_stay(self, ground, tmp_path):
        """Rows that a diagnosis wrote of members stay, though other members are looked at."""
        folder, run, own = ground
        copy = open_run(shutil.copytree(run.folder, tmp_path / "run"))
        row = {"group": "g0.l0", "id": own[0][0], "held_out": True, "n_lines": 6}
        held = pl.DataFrame([row], schema=TABLES["placements"])
        copy.write_table("placements", held)
        member = place(copy.folder, [folder / "zoo" / own[0][0]], per_basin=1, jobs=0)
        rows = copy.table("placements")

        assert rows.filter("held_out").equals(held)
        assert rows.height == 2
        assert member["held_out"]["g0.l0"].startswith("Held out one by one, ")

    def test_says_how_well_it_works(self, answer):
        """The answer tells how many members are put into their own basin."""
        (sentence,) = answer["held_out"].values()

        assert sentence.startswith("Held out one by one, ")

    @pytest.mark.slow
    def test_a_second_time_costs_nothing(self, answer, ground, monkeypatch):
        """What was measured is found in the ledger, and rows are replaced, not added."""
        from wsgeo.workflows import placing_lines

        engines = []
        make = placing_lines.engine_for
        monkeypatch.setattr(
            placing_lines, "engine_for", lambda *a: engines.append(make(*a)) or engines[-1]
        )
        folder, run, _ = ground
        before = run.table("placements").height
        again = place(run.folder, [folder / "between"], jobs=0)

        assert again["placements"] == [row_of(answer, "between")]
        assert run.table("placements").height == before
        assert engines[0].n_computed == 0

    def test_a_dry_run_tells_the_cost_and_writes_nothing(self, answer, ground):
        """A dry run counts lines and evaluations, and leaves every file as it is."""
        folder, run, own = ground
        before = tree(run.folder)
        found = place(run.folder, [folder / "between", folder / "copy"], per_basin=2, dry_run=True)
        n_lines = sum(min(2, len(names)) for names in own.values())

        assert found["plan"]["n_lines"] == n_lines
        assert found["plan"]["n_evaluations"] == 1 + n_lines
        assert found["cost"].startswith(f"1 model, {n_lines} lines to members: ")
        assert found["placements"] == []
        assert tree(run.folder) == before

    @pytest.mark.slow
    def test_none_that_can_be_compared_is_exit_code_3(self, ground):
        """Where no model can be compared, or none passes the gate, the exit code is 3."""
        folder, run, _ = ground

        for name in ("wide", "contrary"):
            assert place(run.folder, [folder / name], jobs=0)["exit_code"] == 3

    @pytest.mark.slow
    def test_a_member_itself_is_its_own_duplicate(self, ground):
        """A member's own folder is told to be that member."""
        folder, run, own = ground
        found = place(run.folder, [folder / "zoo" / own[0][0]], jobs=0)

        assert found["placements"][0]["basin"] == 0
        assert "exact duplicate" in found["sentences"][0]


@pytest.mark.slow
class TestNames:
    """What models are called."""

    def test_refused_models_of_one_name_stay_apart(self, ground, tmp_path):
        """Two models of one name that are refused have a row, a reason and a sentence each."""
        folder, run, _ = ground
        copy = open_run(shutil.copytree(run.folder, tmp_path / "run"))
        for name in ("a", "b"):
            shutil.copytree(folder / "between", tmp_path / name / "model")
        (tmp_path / "a" / "model" / "model.safetensors").write_bytes(b"cut off")
        (tmp_path / "b" / "model" / "config.json").write_text("{")
        found = place(copy.folder, [tmp_path / "a" / "model", tmp_path / "b" / "model"], jobs=0)

        assert [row["id"] for row in found["placements"]] == ["model", "model#2"]
        assert "model.safetensors" in found["refused"]["model"]
        assert "config.json" in found["refused"]["model#2"]
        assert len(set(found["sentences"])) == 2
        assert copy.table("placements")["id"].to_list()[-2:] == ["model", "model#2"]

    def test_another_model_of_the_name_takes_no_row(self, answer, ground, tmp_path):
        """A model named like one placed before is numbered; the same model replaces its row."""
        folder, run, _ = ground
        copy = open_run(shutil.copytree(run.folder, tmp_path / "run"))
        shutil.copytree(folder / "between", tmp_path / "cut" / "between")
        (tmp_path / "cut" / "between" / "model.safetensors").write_bytes(b"cut off")
        shutil.copytree(folder / "wide", tmp_path / "wide" / "between")
        models = [tmp_path / name / "between" for name in ("cut", "wide")]
        before = copy.table("placements")
        for _ in range(2):
            found = place(copy.folder, models, jobs=0)

            assert list(found["refused"]) == ["between#2", "between#3"]
        again = place(copy.folder, [folder / "between"], jobs=0)
        rows = copy.table("placements")

        assert again["placements"] == [row_of(answer, "between")]
        assert rows["id"].n_unique() == rows.height == before.height + 2
        assert copy.table("predictions").equals(run.table("predictions"))

    def test_a_model_named_like_a_member_is_numbered(self, ground, tmp_path):
        """A model with the name of a member is told from it, refused or not."""
        folder, run, own = ground
        inputs, _ = reopen(run)
        wide, between = (tmp_path / name / own[0][0] for name in ("wide", "between"))
        for path in (wide, between):
            shutil.copytree(folder / path.parent.name, path)
        found = read_new_models(inputs, entries_named([str(wide), str(between)]))

        assert [one.id for one in found] == [f"{own[0][0]}#2", f"{own[0][0]}#3"]
        assert found[1].checkpoint.id == found[1].id


SET_FILE = """
title = "Words that the members read"
source = "mccoy2019"
licence = "CC0"
task = "sentiment"
labels = ["bad_film", "good_film"]
n_examples = 4

[words]
n = ["film", "movie"]

[[template]]
slice = "alike"
label = "good_film"
premise = "good {n} happy"

[[template]]
slice = "alike"
label = "bad_film"
premise = "bad {n} sad"
"""


@pytest.mark.slow
class TestChecks:
    """``wsgeo.place`` with ``check``."""

    def test_a_model_is_scored_beside_the_prediction(self, ground, tmp_path):
        """With ``check`` the model is scored where it can be; a set that is gone is told."""
        folder, run, _ = ground
        copy = open_run(shutil.copytree(run.folder, tmp_path / "run"))
        (tmp_path / "sets" / SET).mkdir(parents=True)
        (tmp_path / "sets" / SET / "set.toml").write_text(SET_FILE)
        scores = copy.table("scores")
        gone = scores.with_columns(set=pl.lit("gone"))
        copy.write_table("scores", pl.concat([scores, gone]))
        found = place(
            copy.folder, [folder / "between"], check=True, suite_path=tmp_path / "sets", jobs=0
        )
        actual = {row["set"]: row["actual"] for row in found["predictions"]}

        assert 0 <= actual[SET] <= 1
        assert actual["gone"] is None
        assert found["notes"][0].startswith("Scores on gone are predicted and not checked: ")
        assert "measured" in found["sentences"][1] + found["sentences"][2]
        assert found["plan"]["n_texts"] > 0


class TestRefusals:
    """What cannot be placed at all."""

    def test_a_run_without_pairs(self, ground, tmp_path):
        """A run that measured no pairs is refused with the remedy."""
        folder, run, _ = ground
        bare = open_run(shutil.copytree(run.folder, tmp_path / "bare"))
        bare.write_table("pairs", pl.DataFrame(schema=TABLES["pairs"]))

        with pytest.raises(StoreError, match="measured no pairs"):
            place(bare.folder, [folder / "between"], jobs=0)

    def test_an_unfinished_run(self, ground, tmp_path):
        """An unfinished run is refused."""
        folder, run, _ = ground
        copy = open_run(shutil.copytree(run.folder, tmp_path / "started"))
        copy.write("run", {**copy.read("run"), "status": "started"})

        with pytest.raises(StoreError, match="unfinished"):
            place(copy.folder, [folder / "between"], jobs=0)

    def test_a_folder_that_is_not_there(self, ground):
        """A mistyped folder is one line, before anything is measured."""
        with pytest.raises(ZooError, match="no such folder"):
            place(ground[1].folder, ["./no/such/folder"], jobs=0)

    def test_no_model(self, ground):
        """No model, or no member to look at, is refused."""
        with pytest.raises(WsgeoError, match="no model is named"):
            place(ground[1].folder, [], jobs=0)
        with pytest.raises(WsgeoError, match="--per-basin is 0"):
            place(ground[1].folder, ["x"], per_basin=0, jobs=0)


@pytest.mark.slow
class TestGroupMembers:
    """What a run is to further models."""

    def test_scores_of_unfit_members_are_no_evidence(self, ground, tmp_path):
        """Members that fail the gate, or say one label, predict nothing and are not predicted."""
        _, run, own = ground
        copy = open_run(shutil.copytree(run.folder, tmp_path / "run"))
        (failed, *fit), (same, *others) = own[0], own[1]
        models = copy.table("models")
        copy.write_table("models", models.with_columns(gate=pl.col("id") != failed))
        row = {"group": "g0.l0", "id": same, "measure": "degenerate", "value": 1.0}
        copy.write_table("probes", pl.DataFrame([row], schema=TABLES["probes"]))
        members = read_members(copy, "g0.l0")
        metrics = dict(copy.table("scores").select("id", "metric").iter_rows())
        told = members.predicted(0).row(0, named=True)

        assert told["n"] == len(fit)
        assert told["predicted"] == pytest.approx(np.mean([metrics[one] for one in fit]))
        assert told["everyone"] == pytest.approx(np.mean([metrics[one] for one in fit + others]))
        assert sorted(members.held_out(3).predictions["id"]) == sorted(fit + others)

    def test_without_basins_there_is_a_nearest_member_only(self, ground, tmp_path):
        """Where a run found no basins the nearest member is told, and no strategy."""
        folder, run, _ = ground
        copy = open_run(shutil.copytree(run.folder, tmp_path / "flat"))
        summary = copy.read("summary")
        groups = [{**group, "basins_found": False} for group in summary["groups"]]
        copy.write("summary", {**summary, "groups": groups})
        found = place(copy.folder, [folder / "between"], jobs=0)

        assert (
            "no basins were found among the members. The nearest member is" in found["sentences"][0]
        )
        assert [row["predicted"] for row in found["predictions"]] == [None]
        assert found["predictions"][0]["everyone"] > 0

    def test_models_do_not_change_the_groups_of_members(self, ground):
        """A model takes the group's name from the run, and its members keep theirs."""
        folder, run, _ = ground
        inputs, _ = reopen(run)
        (model,) = read_new_models(inputs, entries_named([str(folder / "between")]))

        assert model.checkpoint.loss_group == inputs.groups[0].name
        assert model.checkpoint.label_order == inputs.groups[0].members[0].label_order


def write_set(folder):
    """Write a set whose texts have the words that the members read."""
    folder.mkdir(parents=True)
    rows = [
        {"text": f"{one} film {two}", "label": LABELS[one == "good"], "slice": slice_}
        for one in ("good", "bad")
        for two, slice_ in (("happy", "up"), ("sad", "down"))
    ]
    (folder / "examples.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder
