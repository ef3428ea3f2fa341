"""A scan measures what its definition says, once, and the same however it is asked."""

import dataclasses
import itertools
import shutil
from datetime import datetime, timedelta

import numpy as np
import pytest
import reference
from scan_cases import (
    N_EVALUATIONS,
    N_INNER,
    N_MEMBERS,
    N_PAIRS,
    SETTINGS,
    change_weights,
    counts,
    gaps,
    unequal_tables,
)
from zoo_cases import edit_json

from wsgeo.store import Run
from wsgeo.workflows import stages


@pytest.fixture(scope="module")
def plain(zoo_with_run):
    """Give the losses of every pair, from whole models, one example at a time."""
    folders = sorted(zoo_with_run.zoo.glob("run-*"))
    return reference.losses_along_lines(folders, zoo_with_run.data, SETTINGS.positions)


class TestAgainstTheReference:
    """The tables hold what a plain loop over transformers models finds."""

    def test_profiles(self, zoo_with_run, plain):
        """The loss at each position of each pair is that of the plain loop to 1e-6."""
        rows = Run(zoo_with_run.run).table("profiles").select("a", "b", "loss").iter_rows()
        found = {(a, b): loss for a, b, loss in rows}

        assert found.keys() == plain.keys()
        for pair, loss in plain.items():
            assert found[pair] == pytest.approx(loss, abs=1e-6), pair

    @pytest.mark.parametrize("name", ["barrier_height", "convexity_gap", "area"])
    def test_barriers(self, zoo_with_run, plain, name):
        """Each barrier of each pair is the plain formula of the plain losses to 1e-6."""
        rows = Run(zoo_with_run.run).table("pairs").select("a", "b", name).iter_rows()
        formula = getattr(reference, name)

        for a, b, value in rows:
            assert value == pytest.approx(formula(SETTINGS.positions, plain[a, b]), abs=1e-6)

    def test_the_zoo_is_a_fair_sample(self, zoo_with_run):
        """Every member passes the gate, every pair is measured, and gaps are of all sizes."""
        run = Run(zoo_with_run.run)
        values = list(gaps(run).values())

        assert run.table("models")["gate"].to_list() == [True] * N_MEMBERS
        assert len(values) == N_PAIRS
        assert min(values) < 0.1 < 0.3 < max(values)


class TestResume:
    """What is in the ledger is not computed again, and nothing else is taken from it."""

    def test_the_first_scan_computes_all(self, zoo_with_run):
        """A first scan evaluates each end once and each inner point once."""
        assert counts(Run(zoo_with_run.run)) == (N_EVALUATIONS, 0)

    def test_a_second_scan_computes_nothing(self, zoo_with_run, tmp_path):
        """The same scan again evaluates no point and yields the same tables."""
        again = zoo_with_run.scan(zoo_with_run.zoo, zoo_with_run.copy_run(tmp_path / "run"))

        assert counts(again) == (0, N_EVALUATIONS)
        assert unequal_tables(Run(zoo_with_run.run), again) == []

    @pytest.mark.slow
    def test_a_new_run_yields_the_same_tables(self, zoo_with_run, tmp_path):
        """A scan from nothing yields the same tables to the last bit."""
        again = zoo_with_run.scan(zoo_with_run.zoo, tmp_path / "run")

        assert unequal_tables(Run(zoo_with_run.run), again) == []

    @pytest.mark.slow
    def test_one_more_member_costs_its_paths(self, zoo_with_run, tmp_path):
        """Adding a checkpoint to n costs one end and n paths."""
        zoo = zoo_with_run.copy_zoo(tmp_path / "zoo")
        (zoo / "run-2").rename(tmp_path / "aside")
        zoo_with_run.scan(zoo, tmp_path / "run")
        (tmp_path / "aside").rename(zoo / "run-2")

        whole = zoo_with_run.scan(zoo, tmp_path / "run")

        added = 1 + (N_MEMBERS - 1) * N_INNER
        assert counts(whole) == (added, N_EVALUATIONS - added)
        assert unequal_tables(Run(zoo_with_run.run), whole) == ["models"]  # the folder's path
        assert gaps(whole) == gaps(Run(zoo_with_run.run))

    @pytest.mark.slow
    def test_a_finer_grid_costs_its_new_points(self, zoo_with_run, tmp_path):
        """Twice as fine a grid evaluates only the positions that are new."""
        fine = dataclasses.replace(SETTINGS, n_points=2 * SETTINGS.n_points - 1)
        run = zoo_with_run.copy_run(tmp_path / "run")

        found = zoo_with_run.scan(zoo_with_run.zoo, run, fine)

        # Where a peak hides between positions, further ones are added.
        positions = found.table("pairs")["n_points"].sum()
        assert counts(found) == (positions - N_PAIRS * SETTINGS.n_points, N_EVALUATIONS)

    @pytest.mark.slow
    @pytest.mark.parametrize("value", ["one weight", "one bit"])
    def test_changed_weights_are_measured_anew(self, zoo_with_run, tmp_path, value):
        """A changed value under the same size and time stamp costs its member's pairs only."""
        zoo = zoo_with_run.copy_zoo(tmp_path / "zoo")
        change_weights(zoo / "run-3", "classifier.weight", _change(value))

        changed = zoo_with_run.scan(zoo, zoo_with_run.copy_run(tmp_path / "run"))

        assert counts(changed)[0] == 1 + (N_MEMBERS - 1) * N_INNER
        before, after = gaps(Run(zoo_with_run.run)), gaps(changed)
        assert [p for p in before if "run-3" not in p and before[p] != after[p]] == []
        if value == "one weight":
            assert all(before[pair] != after[pair] for pair in before if "run-3" in pair)

    @pytest.mark.slow
    def test_a_changed_function_is_measured_anew(self, zoo_with_run, tmp_path):
        """The same weights under another activation share no result with the old ones."""
        zoo = zoo_with_run.copy_zoo(tmp_path / "zoo")
        for member in [*zoo.glob("run-*"), zoo / "base"]:
            edit_json(member / "config.json", hidden_act="relu")

        changed = zoo_with_run.scan(zoo, zoo_with_run.copy_run(tmp_path / "run"))

        assert counts(changed)[1] == 0
        assert gaps(changed) != gaps(Run(zoo_with_run.run))

    @pytest.mark.slow
    def test_other_examples_are_measured_anew(self, zoo_with_run, tmp_path):
        """A changed example shares no result with the old data."""
        data = tmp_path / "film.jsonl"
        first, rest = zoo_with_run.data.read_text().split("\n", 1)
        data.write_text(first.replace('"text": "', '"text": "very ') + "\n" + rest)
        run = zoo_with_run.copy_run(tmp_path / "run")

        assert counts(zoo_with_run.scan(zoo_with_run.zoo, run, data=data)) == (N_EVALUATIONS, 0)


@pytest.mark.slow
def test_the_duration_is_no_matter_of_the_clock(zoo_with_run, tmp_path, monkeypatch):
    """A wall clock that is put back during a scan makes no negative duration."""
    times = itertools.count(0, -3600)

    class PutBack(datetime):
        """A clock that somebody puts back by an hour whenever it is read."""

        @classmethod
        def now(cls, tz=None):
            """Give an hour less than before."""
            return datetime.now(tz) + timedelta(seconds=next(times))

    monkeypatch.setattr(stages, "datetime", PutBack)
    again = zoo_with_run.scan(zoo_with_run.zoo, zoo_with_run.copy_run(tmp_path / "run"))

    assert 0 <= again.read("summary")["seconds"] < 3600


class TestInvariance:
    """No barrier depends on names, order, batches or processes."""

    def test_names(self, zoo_with_run, tmp_path):
        """Members under other names, in another order, have the gaps they had."""
        zoo, names = tmp_path / "zoo", {}
        shutil.copytree(zoo_with_run.zoo / "base", zoo / "base")
        for k, old in enumerate(sorted(zoo_with_run.zoo.glob("run-*"))):
            names[old.name] = f"{(5 * k + 3) % N_MEMBERS}-{old.name}"
            shutil.copytree(old, zoo / names[old.name])

        renamed = gaps(zoo_with_run.scan(zoo, tmp_path / "run"))

        assert len(renamed) == N_PAIRS
        for (a, b), gap in gaps(Run(zoo_with_run.run)).items():
            assert renamed[tuple(sorted((names[a], names[b])))] == gap

    def test_each_pair_has_one_row(self, zoo_with_run):
        """A pair stands once in the table, with its smaller id first."""
        pairs = Run(zoo_with_run.run).table("pairs")

        assert (pairs["a"] < pairs["b"]).all()
        assert pairs.select("a", "b").is_unique().all()

    @pytest.mark.parametrize("budget", [100, pytest.param(1, marks=pytest.mark.slow)])
    def test_batches(self, zoo_with_run, tmp_path, budget):
        """The number of tokens per batch changes no gap by more than 1e-6."""
        settings = dataclasses.replace(SETTINGS, token_budget=budget)
        found = gaps(zoo_with_run.scan(zoo_with_run.zoo, tmp_path / "run", settings))

        assert found == pytest.approx(gaps(Run(zoo_with_run.run)), abs=1e-6)

    @pytest.mark.slow
    @pytest.mark.parametrize("jobs", [1, 2])
    def test_processes(self, zoo_with_run, tmp_path, jobs):
        """The number of processes changes no gap by more than 1e-6."""
        found = gaps(zoo_with_run.scan(zoo_with_run.zoo, tmp_path / "run", jobs=jobs))

        assert found == pytest.approx(gaps(Run(zoo_with_run.run)), abs=1e-6)


def _change(what):
    """Return a function that changes the first value of an array."""

    def changed(values):
        flat = values.copy().ravel()
        flat[0] = np.nextafter(flat[0], np.inf) if what == "one bit" else flat[0] + 0.5
        return flat.reshape(values.shape)

    return changed


def test_settings_reach_tables_and_summary(zoo_with_run):
    """The settings in which members differ are a table, and the group says what goes with them."""
    run = Run(zoo_with_run.run)
    settings, found = run.table("settings"), run.table("associations")
    group = run.read("summary")["groups"][0]

    assert set(settings["id"]) <= set(run.table("models")["id"])
    assert set(found["axis"]) == set(settings["axis"]) != set()
    assert set(run.table("contingency")["axis"]) == set(found["axis"])
    assert len(group["associations"]) >= 1
