"""Asking the members of a run: sets, probes, lines, and what is kept."""

import dataclasses
import json
import shutil

import polars as pl
import pytest
from scan_cases import N_MEMBERS, counts, tree

from wsgeo.errors import DataError, WsgeoError
from wsgeo.store import open_run
from wsgeo.workflows.comparisons import DERIVED
from wsgeo.workflows.diagnosing import diagnose, plan_diagnosis
from wsgeo.workflows.suites import find_suite, training_task
from wsgeo.zoo import read_zoo

ASKED = ("scores", "probes", "agreements", "slice_profiles", "attributions")


@pytest.fixture(scope="module")
def swap(tmp_path_factory):
    """Give a folder of sets with one in it, in which the two words of a label part."""
    folder = tmp_path_factory.mktemp("sets") / "parted"
    folder.mkdir()
    (folder / "set.toml").write_text(
        """
        title = "Words at odds"
        source = "original"
        licence = "CC0"
        task = "film"
        labels = ["bad film", "good film"]
        n_examples = 16
        [words]
        n = ["man", "dog", "cat", "woman", "child"]
        v = ["saw", "heard"]
        [[template]]
        slice = "good"
        label = "good film"
        premise = "the {n1} {v} good sad {n2}"
        [[template]]
        slice = "happy"
        label = "good film"
        premise = "the {n1} {v} bad happy {n2}"
        """
    )
    return folder.parent


@pytest.fixture(scope="module")
def asked(zoo_with_run, swap, tmp_path_factory):
    """Give a diagnosed copy of the finished run, and the answer."""
    folder = zoo_with_run.copy_run(tmp_path_factory.mktemp("asked") / "run")
    said = []
    found = diagnose(folder, ["parted", "probes"], suite_path=swap, jobs=0, announce=said.append)
    return open_run(folder), found, said


class TestDiagnose:
    """One call fills every table that is made of answers."""

    def test_every_member_is_asked_every_slice(self, asked):
        """There is a score per member and slice, and each row of probes is of a member."""
        run, _, _ = asked
        scores = run.table("scores")

        assert scores.height == N_MEMBERS * 3
        assert scores["outcome"].cast(pl.String).unique().to_list() == ["measured"]
        assert run.table("probes")["id"].n_unique() == N_MEMBERS
        assert run.table("agreements").height == N_MEMBERS * (N_MEMBERS - 1) // 2

    def test_the_two_readings_are_told_apart(self, asked):
        """Members that learned one word each answer the parted words in opposite ways."""
        run, _, _ = asked
        metric = run.table("scores").filter(slice="good").sort("id")["metric"].to_list()

        assert min(metric[0::2]) > max(metric[1::2])

    def test_lines_are_followed(self, asked):
        """Both the task's own examples and the set have a curve along each line."""
        run, _, _ = asked
        profiles = run.table("slice_profiles")
        own = profiles.filter(pl.col("slice") == "all")

        assert set(own["set"]) == {"film", "parted"}
        assert own["t"].list.first().unique().to_list() == [0.0]

    def test_the_task_along_a_line_is_what_the_scan_measured(self, asked):
        """The curve of all examples is the profile of the scan, at the positions of its grid."""
        run, _, _ = asked
        own = run.table("slice_profiles").filter(set="film", slice="all")
        known = run.table("profiles").join(own.select("a", "b", "loss"), on=["a", "b"])

        assert known.height == own.height
        for row in known.iter_rows(named=True):
            t = dict(zip(row["t"], row["loss"], strict=True))
            grid = [t[k / 4] for k in range(5)]
            assert row["loss_right"] == pytest.approx(grid, abs=1e-6)

    def test_what_is_said_is_kept(self, asked):
        """Sentences are in run.json, by group, and the answer names the report."""
        run, found, said = asked
        kept = run.read("run")["diagnosis"]["groups"]

        assert list(kept) == ["g0.l0"]
        assert kept["g0.l0"]["sentences"] == found["sentences"]
        assert "texts through models" in said[0]
        known = run.read("run")["sets"]["parted"]
        assert known == {"title": "Words at odds", "source": "original", "chance": 0.5}

    def test_asking_again_evaluates_nothing(self, asked, swap, monkeypatch):
        """A second call finds everything done, and its tables are the same."""
        run, _, _ = asked
        before = run.every_table()
        monkeypatch.setattr(
            "wsgeo.evaluation.evaluator.Evaluator.__call__",
            lambda *_: pytest.fail("something was evaluated"),
        )

        diagnose(run.folder, ["parted", "probes"], suite_path=swap, jobs=0)

        assert [n for n, t in run.every_table().items() if not t.equals(before[n])] == []

    @pytest.mark.slow
    def test_a_scan_that_finds_nothing_new_changes_nothing(self, asked, zoo_with_run):
        """What was asked and said stays when the same zoo is scanned again."""
        run, _, _ = asked
        before, facts = run.every_table(), run.read("run")["diagnosis"]

        again = zoo_with_run.scan(zoo_with_run.zoo, run.folder)

        assert counts(again)[0] == 0
        assert [n for n, t in run.every_table().items() if not t.equals(before[n])] == []
        assert again.read("run")["diagnosis"] == facts

    def test_the_cost_is_told_alone(self, asked, swap):
        """A plan counts texts and writes nothing."""
        run, _, _ = asked
        before = tree(run.folder)

        plan = plan_diagnosis(run.folder, ["parted"], suite_path=swap, lines=0)

        assert plan.n_forwards == N_MEMBERS * 16
        assert json.dumps(plan.as_dict())
        assert {k: v for k, v in tree(run.folder).items() if k.name != ".lock"} == {
            k: v for k, v in before.items() if k.name != ".lock"
        }

    @pytest.mark.slow
    def test_values_of_a_setting_are_compared_too(self, asked, swap):
        """Each value stands for a basin, under its name; the answer is kept with the setting's."""
        run, _, _ = asked

        found = diagnose(run.folder, ["parted"], suite_path=swap, lines=0, jobs=0, by="seed")

        assert "none has two members" in found["by"][0]
        assert run.read("run")["diagnosis"]["groups"]["g0.l0"]["by"] == {"seed": found["by"]}

    def test_an_unknown_setting_costs_nothing(self, asked, swap, monkeypatch):
        """A wrong name is told before anything is read, with the nearest known one."""
        run, _, _ = asked
        monkeypatch.setattr(
            "wsgeo.workflows.diagnosing.reopen", lambda *_: pytest.fail("the zoo was read")
        )

        with pytest.raises(WsgeoError, match="do not differ in a setting") as error:
            diagnose(run.folder, ["parted"], suite_path=swap, lines=0, jobs=0, by="sead")

        assert "seed" in str(error.value)

    @pytest.mark.slow
    def test_sets_asked_before_keep_their_lines(self, asked, swap):
        """Another call with other sets replaces the rows of its own sets alone."""
        run, _, _ = asked

        diagnose(run.folder, ["sentiment_invariance"], jobs=0)

        assert set(run.table("slice_profiles")["set"]) == {"film", "parted"}
        assert "parted" in run.table("scores")["set"].to_list()


@pytest.mark.slow
class TestChanges:
    """What no longer holds goes."""

    def test_answers_of_changed_members_are_dropped(self, asked, zoo_with_run, swap, tmp_path):
        """A member that is gone takes its scores, probes, pairs and lines with it."""
        run, _, _ = asked
        folder = tmp_path / "run"
        zoo = zoo_with_run.copy_zoo(tmp_path / "zoo")
        shutil.copytree(run.folder, folder)
        diagnose(folder, ["parted"], suite_path=swap, lines=0, jobs=0)
        shutil.rmtree(zoo / "run-0")

        found = zoo_with_run.scan(zoo, folder)

        for name in ASKED:
            table = found.table(name)
            columns = [c for c in ("id", "a", "b") if c in table.columns]
            assert not any((table[c] == "run-0").any() for c in columns), name
        assert found.table("scores").filter(set="parted").height == (N_MEMBERS - 1) * 3
        assert not found.table("strategies").is_empty()
        assert "run-0" not in found.table("placements")["id"].to_list()

    def test_tables_of_comparisons_need_answers(self, zoo_with_run):
        """A run whose members were never asked has none."""
        run = open_run(zoo_with_run.run)

        assert all(run.table(name).is_empty() for name in DERIVED)
        assert "diagnosis" not in run.read("run")


class TestSuites:
    """Which sets are asked."""

    def test_without_names_only_sets_that_fit_are_asked(self, asked):
        """Labels of another task keep a set out without a word."""
        run, _, _ = asked

        plan = plan_diagnosis(run.folder, lines=0)

        assert plan.sets == ("sentiment_invariance",) or "heuristics" not in plan.sets
        assert plan.refused == {}

    def test_a_named_set_that_does_not_fit_is_told(self, asked):
        """The reason lists the labels of both."""
        run, _, _ = asked

        plan = plan_diagnosis(run.folder, ["heuristics"], lines=0)

        assert plan.sets == ()
        assert "entailment" in plan.refused["heuristics"]

    def test_two_sets_of_one_name_are_refused(self, swap, tmp_path):
        """A set that would hide another is an error that names it."""
        other = tmp_path / "parted"
        other.mkdir()
        (other / "set.toml").write_text((swap / "parted" / "set.toml").read_text())

        with pytest.raises(DataError, match="two sets are called 'parted'"):
            find_suite([str(other), str(swap / "parted")])

    def test_a_set_called_like_the_task_gets_another_name(self, swap):
        """Scores of the task and of the set can be told apart."""
        suite = find_suite(["parted"], swap)

        assert [one.name for one in suite.apart_from("parted").sets] == ["parted (set)"]
        assert suite.apart_from("film") == dataclasses.replace(suite)

    def test_training_data_must_lie_in_the_zoo(self, zoo_with_run, tmp_path):
        """A path inside a file of the zoo does not make us read elsewhere."""
        zoo = zoo_with_run.copy_zoo(tmp_path / "zoo")
        for member in zoo.glob("run-*"):
            facts = json.loads((member / "wsgeo.json").read_text())
            facts["data"] = {"train": str(zoo_with_run.data)}
            (member / "wsgeo.json").write_text(json.dumps(facts))
        members = read_zoo(zoo).members

        assert training_task(members, zoo, None) is None
        assert len(training_task(members, zoo, zoo_with_run.data)) == 32


def test_run_or_scores(tmp_path):
    """Neither and both are refused."""
    with pytest.raises(WsgeoError, match="one of them"):
        diagnose()
    with pytest.raises(WsgeoError, match="one of them"):
        diagnose(tmp_path, scores=tmp_path / "s.csv")
