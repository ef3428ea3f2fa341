"""States: an interrupted run ends in the bits of one that was not."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import signal
import threading

import pytest
import torch
from recipe_cases import same

from wsgeo.errors import WsgeoError
from wsgeo.processes.pool import WorkerPool
from wsgeo.processes.worker import attempt
from wsgeo.training import Optimization, Order, make_member
from wsgeo.training.descent import Hooks, descend
from wsgeo.training.fine_tuning import fine_tune
from wsgeo.training.methods import METHODS
from wsgeo.training.pair_pretraining import pretrain_masked_lm
from wsgeo.training.states import UNFINISHED, State, StateKeeper


class CutError(Exception):
    """Stands for whatever ends a run."""


def cut_at(k):
    """Return a callable that ends a run after ``k`` updates."""

    def tell(step, loss):
        if step == k:
            raise CutError

    return tell


@dataclasses.dataclass
class Mortal:
    """Makes a member in a worker that is killed twice, a moment after some save of its state."""

    n_saves: int
    seconds: float

    def __call__(self, order):
        saved, save = [], StateKeeper.save

        def counted(keeper, state):
            saved.append(state.step)
            if attempt() < 2 and len(saved) == self.n_saves:
                threading.Timer(self.seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
            save(keeper, state)

        StateKeeper.save = counted
        StateKeeper.is_due = property(bool)  # always: a keeper is something
        return make_member(order)


def bits(trained):
    """Return all weights of a trained model."""
    return {name: tensor.clone() for name, tensor in trained.model.state_dict().items()}


class TestGoingOn:
    """Interruptions."""

    @pytest.mark.parametrize(
        ("k", "precision"), [*((k, "float32") for k in (1, 3, 7, 8)), (3, "bfloat16")]
    )
    def test_a_run_cut_anywhere_ends_in_the_same_bits(self, recipe, tmp_path, k, precision):
        """With dropout, over an epoch's end, from whichever update it was cut at."""
        plan = Optimization(1e-2, 8, 16, precision=precision)
        recipe = dataclasses.replace(recipe, dropout=0.2, optimization=plan)
        whole = fine_tune(recipe)
        keeper = StateKeeper(tmp_path / "state", {}, every=0.0)
        with pytest.raises(CutError):
            fine_tune(recipe, keeper=keeper, tell=cut_at(k))
        told = []
        rest = fine_tune(recipe, keeper=keeper, tell=lambda step, _: told.append(step))

        assert told == list(range(k, 9))  # the update that was cut is made again
        assert same(bits(whole), bits(rest))
        assert rest.descended.train_loss == whole.descended.train_loss
        assert rest.evaluation == whole.evaluation

    @pytest.mark.parametrize("name", ["lora", "adapter", "bitfit"])
    def test_a_state_holds_what_a_method_trains(self, recipe, tmp_path, name):
        """Frozen weights are not in the state, and the run ends in the same bits."""
        recipe = dataclasses.replace(recipe, method=METHODS[name](), dropout=0.2)
        whole = fine_tune(recipe)
        keeper = StateKeeper(tmp_path / "state", {}, every=0.0)
        with pytest.raises(CutError):
            fine_tune(recipe, keeper=keeper, tell=cut_at(3))
        kept = {name for name in keeper.load().tensors if name.startswith("weight:")}
        trained = {f"weight:{n}" for n, p in whole.model.named_parameters() if p.requires_grad}

        assert kept == trained
        assert same(bits(whole), bits(fine_tune(recipe, keeper=keeper)))

    def test_masks_are_those_of_the_step(self, workshop, tmp_path):
        """Pre-training draws the same masks after an interruption."""
        whole = pretrain_masked_lm(workshop.pretraining)
        keeper = StateKeeper(tmp_path / "state", {}, every=0.0)
        with pytest.raises(CutError):
            pretrain_masked_lm(workshop.pretraining, keeper=keeper, tell=cut_at(3))

        assert same(bits(whole), bits(pretrain_masked_lm(workshop.pretraining, keeper=keeper)))

    def test_without_time_passed_nothing_is_kept(self, recipe, tmp_path):
        """A short run writes no state."""
        fine_tune(recipe, keeper=StateKeeper(tmp_path / "state", {}))

        assert list(tmp_path.iterdir()) == []


class TestMembers:
    """Members that are interrupted."""

    def test_a_finished_member_leaves_no_state(self, able, workshop, tmp_path):
        """Also where the process was killed between the folder's name and the end of its state."""
        order = Order(tmp_path / "one", able, workshop.root)
        make_member(order)
        left = StateKeeper(tmp_path / UNFINISHED / "one", {})
        left.save(State(1, {"weight:a": torch.ones(1)}))

        assert make_member(order).status == "kept"
        assert [path.name for path in tmp_path.iterdir()] == ["one"]

    def test_a_full_disk_is_one_line_and_the_next_call_finishes(self, able, workshop, tmp_path):
        """Nothing of the member stays but its state."""
        order = Order(tmp_path / "one", able, workshop.root)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        try:
            with pytest.raises(WsgeoError, match="cannot be written") as caught:
                make_member(order)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

        assert len(str(caught.value).splitlines()) == 1
        assert list(tmp_path.iterdir()) == []
        assert make_member(order).status == "trained"

    def test_a_tokenizer_that_cannot_be_written_is_one_line(self, recipe, tmp_path, monkeypatch):
        """The library tells a full disk by a bare exception; it would meet every member."""
        from transformers import PreTrainedTokenizerBase

        def full(*_args, **_kwargs):
            raise Exception("No space left on device (os error 28)")

        monkeypatch.setattr(PreTrainedTokenizerBase, "save_pretrained", full)
        with pytest.raises(WsgeoError, match=r"No space left .* Free some space"):
            make_member(Order(tmp_path / "one", recipe, tmp_path))

        assert list(tmp_path.iterdir()) == []

    @pytest.mark.slow
    @pytest.mark.parametrize("k", [1, 2])
    def test_killed_at_any_moment_it_ends_in_the_same_bits(self, able, workshop, tmp_path, k):
        """SIGKILL in the midst of work and saving: checkpoints and weights agree bit for bit."""
        recipe = dataclasses.replace(
            able, dropout=0.1, save_at=(40, 80), optimization=Optimization(1e-2, 120, 16)
        )
        whole, cut = (Order(tmp_path / name / "one", recipe, workshop.root) for name in ("a", "b"))
        make_member(whole)
        with WorkerPool(1) as pool:
            [(_, made)] = pool.run(Mortal(30 * k, 0.002 * k), [cut])

        assert made.status in {"trained", "degenerate"}
        files = [
            {p.relative_to(zoo): p.read_bytes() for p in zoo.rglob("*.safetensors")}
            for zoo in (tmp_path / "a", tmp_path / "b")
        ]
        assert len(files[0]) == 3
        assert files[0] == files[1]
        assert {p.name for p in (tmp_path / "b").iterdir()} == {
            "one", "one-step000040", "one-step000080",
        }  # fmt: skip


class TestTrajectories:
    """Checkpoints on the way."""

    def test_a_checkpoint_is_the_end_of_a_shorter_run(self, able, workshop, tmp_path):
        """Where the rate does not fall, step 30 of 60 is the end of a run of 30 steps."""
        plan = Optimization(1e-2, 60, 16, warmup=0.0, schedule="constant")
        longer = dataclasses.replace(able, dropout=0.1, save_at=(30, 60), optimization=plan)
        shorter = dataclasses.replace(
            able, dropout=0.1, optimization=dataclasses.replace(plan, steps=30)
        )
        make_member(Order(tmp_path / "long", longer, workshop.root))
        make_member(Order(tmp_path / "short", shorter, workshop.root))
        way, end = tmp_path / "long-step000030", tmp_path / "short"
        record = json.loads((way / "wsgeo.json").read_text())

        assert (way / "model.safetensors").read_bytes() == (end / "model.safetensors").read_bytes()
        assert (record["step"], record["trajectory"]) == (30, "long")
        assert json.loads((tmp_path / "long" / "wsgeo.json").read_text())["parent"] == way.name
        assert record["validation_loss"] > 0
        assert len(list(tmp_path.iterdir())) == 3

    def test_a_checkpoint_does_not_change_the_run(self, able, workshop, tmp_path):
        """Saving on the way leaves the end as it is."""
        able = dataclasses.replace(able, dropout=0.1)
        ends = []
        for name, save_at in (("plain", ()), ("saved", (7, 13))):
            make_member(
                Order(tmp_path / name, dataclasses.replace(able, save_at=save_at), workshop.root)
            )
            ends.append((tmp_path / name / "model.safetensors").read_bytes())

        assert ends[0] == ends[1]


class TestDescend:
    """The descent by itself."""

    def test_serves_any_model_and_batches(self, tmp_path):
        """A line is fitted; cut and resumed it is fitted to the same bits."""
        x = torch.linspace(-1, 1, 32)[:, None]

        def run(tell=None):
            torch.manual_seed(0)
            line = torch.nn.Linear(1, 1)
            keeper = StateKeeper(tmp_path / "s", {}, every=0.0)

            def loss_of(batch):
                noisy = x[batch] + 0.1 * torch.randn(len(batch), 1)
                return (line(noisy) - 3 * x[batch]).square().mean()

            batches = (torch.arange(k % 4, 32, 4) for k in range(400))
            descended = descend(
                line, Optimization(0.1, 400), batches, loss_of, seed=1, hooks=Hooks(keeper, tell)
            )
            keeper.remove()
            return line.weight.item(), descended.train_loss

        whole = run()
        with pytest.raises(CutError):
            run(cut_at(123))

        assert run() == whole
        assert whole[0] == pytest.approx(3, abs=0.3)
