"""The choice of a start: what is ranked and tried, that trials are paired, and what is kept."""

from __future__ import annotations

import dataclasses
import json

import pytest
from recipe_cases import write_examples
from safetensors.numpy import load_file
from scan_cases import tree
from study_cases import QUICK

from wsgeo.store import open_run
from wsgeo.workflows.selecting import plan_selection, select
from wsgeo.workflows.start_candidates import GENERAL


@pytest.fixture(scope="module")
def asked(zoo_with_run, tmp_path_factory):
    """Give a run, its target, and the first answer; do not change them."""
    place = tmp_path_factory.mktemp("select")
    write_examples(place / "films" / "train.jsonl", 40, 5)
    write_examples(place / "films" / "validation.jsonl", 24, 6)
    run = zoo_with_run.copy_run(place / "run")
    found = select(run, [place / "films"], settings=QUICK, start=["medoid of all"], jobs=0)
    return open_run(run), place / "films", found


@pytest.mark.slow
class TestSelect:
    """The whole choice, on a trained zoo."""

    def test_tries_the_best_beside_base_and_centroid(self, asked):
        """Base, centroid of all, the best by rank and what was asked for are tried with each seed."""
        run, _, found = asked
        starts = run.table("starts")
        tried = starts.filter("is_tried")

        assert {"base", GENERAL, "medoid of all"} <= set(tried["start"])
        assert 1 in tried["rank"].to_list()
        assert run.table("trials")["start"].n_unique() == tried.height
        assert found["n_trials"] == found["n_new"] == tried.height * QUICK.seeds
        assert found["exit_code"] == 0
        assert run.table("gains").filter(target="films", start="base")["gain"].item() == 0.0

    def test_the_report_and_the_run_know(self, asked):
        """What was found stands in the run, ready for its report."""
        run, _, found = asked
        told = run.read("run")["starts"]

        assert told["sentences"] == found["sentences"]
        assert told["targets"][0]["n_held_out"] == 16
        assert "drawn anew" in told["head"]
        json.dumps(found, allow_nan=False)

    def test_a_second_call_computes_nothing(self, asked, monkeypatch):
        """Scores and fine-tunings are looked up: no encoder is built again but the chosen one."""
        from wsgeo.workflows import start_features, start_trials

        run, target, first = asked
        monkeypatch.setattr(start_features, "features_of", None)
        monkeypatch.setattr(start_trials, "make_member", None)

        again = select(run.folder, [target], settings=QUICK, start=["medoid of all"], jobs=0)

        assert again["n_new"] == 0
        assert again["gains"] == first["gains"]

    def test_a_spent_budget_changes_nothing(self, asked):
        """With a budget of no fine-tuning a finished choice is looked up and stays as it is."""
        run, target, first = asked
        tables = [run.table(name) for name in ("trials", "gains")]

        again = select(
            run.folder, [target], settings=QUICK, start=["medoid of all"], jobs=0, budget=0
        )

        assert (again["gains"], again["exit_code"]) == (first["gains"], 0)
        for name, before in zip(("trials", "gains"), tables, strict=True):
            assert run.table(name).equals(before, null_equal=True)

    def test_the_chosen_start_is_a_model_folder(self, asked):
        """The chosen start is in a folder with a card, or the base is named."""
        run, _, found = asked
        [row] = found["chosen"]
        folder = run.folder / "starts" / "chosen-films"

        assert (row["start"] == "base") != folder.exists()
        if folder.exists():
            assert "films" in (folder / "README.md").read_text()
            assert not [n for n in load_file(folder / "model.safetensors") if "classifier" in n]

    def test_a_budget_stops_and_the_next_call_goes_on(self, zoo_with_run, film, tmp_path):
        """Calls with a budget make so many each, and end in the answer of one call."""
        run = zoo_with_run.copy_run(tmp_path / "run")
        first = select(run, [film], settings=QUICK, jobs=0, budget=2)
        second = select(run, [film], settings=QUICK, jobs=0)
        third = select(run, [film], settings=QUICK, jobs=0)

        assert (first["n_new"], first["exit_code"]) == (2, 5)
        assert (second["exit_code"], third["n_new"]) == (0, 0)
        assert first["n_new"] + second["n_new"] == second["n_trials"]
        assert not list((run / "starts").glob("base-*"))

    def test_several_shots_and_a_few_updates(self, zoo_with_run, film, tmp_path):
        """Each number of shots has its own ranks and gains, by scores of no more examples."""
        run = zoo_with_run.copy_run(tmp_path / "run")
        settings = dataclasses.replace(
            QUICK, shots=(8, None), few_steps=2, rank_by="few-step", seeds=1
        )

        found = select(run, [film], settings=settings, jobs=0)

        starts = open_run(run).table("starts")
        assert set(starts["shots"]) == {8, None}
        assert starts["few_step_loss"].null_count() == 0
        assert {row["shots"] for row in found["gains"]} == {8, None}
        assert all(row["start"] == "base" for row in found["chosen"])

    def test_a_target_that_all_know_is_told(self, zoo_with_run, film, tmp_path):
        """Where every member knows the target nothing is fine-tuned, and that is said."""
        run = zoo_with_run.copy_run(tmp_path / "run")

        found = select(run, [f"film={film}"], settings=QUICK, jobs=0)

        assert found["n_trials"] == 0
        assert any("nothing to compare" in note for note in found["notes"])

    def test_a_plan_changes_nothing(self, zoo_with_run, film, tmp_path):
        """The plan counts fine-tunings, and leaves tables and folders as they are."""
        run = zoo_with_run.copy_run(tmp_path / "run")
        before = tree(run / "tables")
        plan = plan_selection(run, [film], settings=QUICK, jobs=0)

        assert plan.n_trials == 3 * QUICK.seeds
        assert "films" in str(plan)
        assert tree(run / "tables") == before
        assert not (run / "trials").exists()
        assert not (run / "starts").exists()
