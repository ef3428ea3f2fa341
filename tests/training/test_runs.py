"""Runs that are kept: of one making, whole or made again."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch

from wsgeo.errors import WsgeoError
from wsgeo.training import finished, runs
from wsgeo.training.runs import Run, refuse_nonfinite
from wsgeo.training.states import State

STEPS = (1, 2, 3)


class Cut(Exception):  # noqa: N818 - it stands for a signal
    """Stands for whatever ends a run."""


def run_in(root):
    """Return a run of three steps, each of which is kept."""
    folders = {step: root / f"run-step{step}" for step in STEPS}
    settings = {step: {"step": step, "algorithm": finished.ALGORITHM} for step in STEPS}
    return Run(root / "run", folders, settings, "cpu")


def made_by(run, word, *, cut_after=9):
    """Make a run whose models hold a word; cut off after a step, its state is kept."""

    def train(keeper):
        for step in STEPS[max(0, keeper.step()) :]:
            if step > cut_after:
                raise Cut
            model = SimpleNamespace(
                parameters=lambda: iter([torch.zeros(1)]),
                save_pretrained=lambda folder: (folder / "model").write_text(word),
            )
            tokenizer = SimpleNamespace(save_pretrained=lambda _: None)
            results = {"status": "trained", "reason": "", "train_loss": float(step)}
            run.write(step, model, tokenizer, results)
            keeper.save(State(step, {"weight": torch.zeros(1)}))

    return run.make(train)


def words(run):
    """Return what the models hold that are there, by step."""
    return {
        step: (path / "model").read_text() for step, path in run.folders.items() if path.exists()
    }


@pytest.fixture
def elsewhere(monkeypatch):
    """Return a callable after which other versions are installed."""

    def change():
        monkeypatch.setattr(runs, "versions", lambda: {"torch": "99"})

    return change


class TestMake:
    """What is made again, and what is kept."""

    def test_a_whole_run_is_kept(self, tmp_path, elsewhere):
        """A second call trains nothing, whatever is installed by then."""
        run = run_in(tmp_path)
        assert not finished.are_whole(run.folders.values())
        assert made_by(run, "first").status == "trained"
        assert finished.are_whole(run.folders.values())
        elsewhere()

        assert made_by(run, "second").status == "kept"
        assert set(words(run).values()) == {"first"}

    def test_goes_on_from_its_state(self, tmp_path):
        """What the same versions made before an interruption is left."""
        run = run_in(tmp_path)
        with pytest.raises(Cut):
            made_by(run, "first", cut_after=1)

        assert made_by(run, "second").train_loss == 3.0
        assert words(run) == {1: "first", 2: "second", 3: "second"}
        assert not (tmp_path / ".unfinished").exists()

    @pytest.mark.parametrize("cut_after", [1, 2])
    def test_no_run_is_of_two_makings(self, tmp_path, elsewhere, cut_after):
        """Under other versions it begins again, and leaves no model of the ones before."""
        run = run_in(tmp_path)
        with pytest.raises(Cut):
            made_by(run, "first", cut_after=2)
        elsewhere()
        with pytest.raises(Cut):
            made_by(run, "second", cut_after=cut_after)
        assert set(words(run).values()) == {"second"}
        made_by(run, "second")

        assert words(run) == dict.fromkeys(STEPS, "second")

    @pytest.mark.parametrize("gone", STEPS)
    def test_a_model_that_is_gone_is_made_again(self, tmp_path, gone):
        """Whichever of them; the others are of the same making and stay."""
        run = run_in(tmp_path)
        made_by(run, "first")
        (run.folders[gone] / "model").unlink()
        (run.folders[gone] / "wsgeo.json").unlink()
        run.folders[gone].rmdir()

        assert made_by(run, "again").status == "trained"
        assert words(run) == {step: "again" if step == gone else "first" for step in STEPS}

    def test_a_state_behind_a_gap_is_not_taken(self, tmp_path):
        """It cannot give back the model that is gone."""
        run = run_in(tmp_path)
        with pytest.raises(Cut):
            made_by(run, "first", cut_after=2)
        runs._remove(run.folders[1])
        made_by(run, "again")

        assert words(run) == {1: "again", 2: "first", 3: "again"}

    def test_a_mixed_run_is_made_again(self, tmp_path, elsewhere):
        """Models of two makings, however they came together, are no finished run."""
        run = run_in(tmp_path)
        made_by(run, "first")
        record = run.folders[2] / "wsgeo.json"
        record.write_text(json.dumps({**json.loads(record.read_text()), "versions": {}}))
        assert not finished.are_whole(run.folders.values())
        made_by(run, "again")

        assert words(run) == {1: "first", 2: "again", 3: "first"}
        assert finished.are_whole(run.folders.values())


class TestRecords:
    """Records of finished models."""

    @pytest.mark.parametrize(("number", "age"), [(None, "an earlier"), (99, "a later")])
    def test_another_algorithm_is_refused(self, tmp_path, number, age):
        """What was trained in another way is never taken for one's own; none says the first."""
        run = run_in(tmp_path)
        made_by(run, "first")
        for path in run.folders.values():
            record = json.loads((path / "wsgeo.json").read_text())
            record.pop("algorithm")
            more = {} if number is None else {"algorithm": number}
            (path / "wsgeo.json").write_text(json.dumps(record | more))

        with pytest.raises(WsgeoError, match=f"made by {age} version of wsgeo"):
            made_by(run, "second")
        assert set(words(run).values()) == {"first"}

    def test_a_loss_that_is_not_finite_is_refused(self):
        """A model may break after its last update."""
        refuse_nonfinite(0.5, 3)
        with pytest.raises(ArithmeticError, match="nan after step 3"):
            refuse_nonfinite(float("nan"), 3)
