"""Trials: fine-tunings of starts."""

from __future__ import annotations

import dataclasses
import shutil

import polars as pl
import pytest
from study_cases import AS_ASKED, QUICK

from wsgeo.training import FineTuneRecipe
from wsgeo.workflows import start_trials
from wsgeo.workflows.start_folders import write_plain
from wsgeo.workflows.start_settings import TRIED, Tuning
from wsgeo.workflows.start_targets import read_target
from wsgeo.workflows.start_trials import Bench, Start, make_trial


class TestTrials:
    """Fine-tunings of starts."""

    @pytest.fixture
    def bench(self, tmp_path):
        """Give a bench of a few updates."""
        return Bench(tmp_path / "run" / "trials", QUICK, AS_ASKED)

    @pytest.fixture
    def start(self, members, frame, tmp_path):
        """Give a start that is written."""
        folder = tmp_path / "run" / "starts" / "base"
        write_plain(folder, frame.weights, frame, members[0].tokenizer_folder)
        return Start("base", "a" * 40, folder)

    def test_equal_starts_have_equal_results(self, bench, start, film):
        """One encoder under two names comes out the same: head, order and shots are the seed's."""
        target = read_target(str(film))
        twin = dataclasses.replace(start, name="twin", key="b" * 40)

        made = [make_trial(bench.trial(target, 12, one, 1)) for one in (start, twin)]

        assert made[0].validation_loss == made[1].validation_loss

    def test_its_weights_go_and_its_result_stays(self, bench, start, film):
        """After a trial its folder is gone, and asking again trains nothing."""
        trial = bench.trial(read_target(str(film)), None, start, 0)
        made = make_trial(trial)
        start.folder.rename(start.folder.with_name("gone"))

        assert not trial.folder.exists()
        assert trial.is_known
        assert make_trial(trial).validation_loss == made.validation_loss

    def test_its_answers_stay(self, bench, start, film):
        """Which held-out examples it gets right is kept, and is the metric in the mean."""
        target = read_target(str(film))
        trial = bench.trial(target, None, start, 0)
        assert trial.right is None
        made = make_trial(trial)
        right = trial.row(made)["right"]

        assert len(right) == len(target.held_out)
        assert sum(right) / len(right) == pytest.approx(made.validation_metric)

    def test_one_that_was_stopped_before_its_record_is_made_again(self, bench, start, film):
        """Weights without a record tell no answers; what comes out is the same."""
        trial = dataclasses.replace(bench.trial(read_target(str(film)), None, start, 0), keep=True)
        made = make_trial(trial)
        right, records = trial.right, trial.records.folder
        shutil.rmtree(records)
        again = make_trial(trial)

        assert (again.status, again.validation_loss) == (made.status, made.validation_loss)
        assert trial.right == right

    @pytest.mark.slow
    @pytest.mark.parametrize("method", TRIED)
    def test_every_method_makes_trials(self, bench, start, film, method):
        """Each method trains a start and leaves nothing but its result."""
        settings = dataclasses.replace(QUICK, method=method)
        trial = dataclasses.replace(bench, settings=settings).trial(
            read_target(str(film)), 16, start, 0
        )

        made = make_trial(trial)

        assert made.status in {"trained", "degenerate"}
        assert (trial.row(made)["method"], trial.row(made)["steps"]) == (method, QUICK.steps)
        assert not trial.folder.exists()

    def test_all_that_decides_is_in_the_key(self, bench, start, film):
        """Another seed, number of shots, start or rate is another trial; a new name is not."""
        target = read_target(str(film))
        other = dataclasses.replace(bench, tuning=Tuning(1e-3, 16, "as asked"))
        trials = [
            bench.trial(target, None, start, 0),
            bench.trial(target, None, start, 1),
            bench.trial(target, 8, start, 0),
            bench.trial(target, None, dataclasses.replace(start, key="c" * 40), 0),
            other.trial(target, None, start, 0),
        ]

        assert len({trial.key for trial in trials}) == len(trials)
        renamed = bench.trial(target, None, dataclasses.replace(start, name="x"), 0)
        assert renamed.key == trials[0].key

    def test_reads_no_more_than_it_sees(self, bench, film):
        """Where updates end before a pass does, only as many examples are written."""
        recipe = bench.recipe(read_target(str(film)), None, 0)

        assert isinstance(recipe, FineTuneRecipe)
        assert pl.read_parquet(recipe.train).height == QUICK.steps * QUICK.batch_size

    def test_another_making_is_another_trial(self, bench, start, film, monkeypatch):
        """What another device or version of a library made is not paired."""
        target = read_target(str(film))
        keys = {bench.trial(target, 8, start, 0).key}
        for made in ("cuda", "torch 3"):
            monkeypatch.setattr(start_trials, "making", lambda _, made=made: made)
            keys.add(bench.trial(target, 8, start, 0).key)

        assert len(keys) == 3
