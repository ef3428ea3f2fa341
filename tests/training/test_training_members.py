"""Members as folders."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from wsgeo.errors import WsgeoError
from wsgeo.processes.pool import WorkerPool
from wsgeo.training import Optimization, Order, crews, finished, make_member, make_members, members
from wsgeo.training.fact_names import refused
from wsgeo.training.records import described


@pytest.fixture
def order(able, workshop, tmp_path):
    """Give an order for one member."""
    return Order(tmp_path / "zoo" / "one", able, workshop.root)


class TestMakeMember:
    """One member."""

    def test_loads_as_a_hugging_face_folder(self, order):
        """The folder loads by itself and keeps the label names."""
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        made = make_member(order)
        model = AutoModelForSequenceClassification.from_pretrained(made.folder)
        tokenizer = AutoTokenizer.from_pretrained(made.folder)

        assert made.status == "trained"
        assert model.config.id2label == {0: "same", 1: "other"}
        assert tokenizer("otter heron", "lynx")["token_type_ids"] == [0, 0, 0, 0, 1, 1]

    def test_writes_every_setting_down(self, order):
        """Seeds, rates, hashes, results and versions stand in ``wsgeo.json``."""
        make_member(order)
        facts = json.loads((order.folder / "wsgeo.json").read_text())

        assert facts["base"] == "base"
        assert set(facts["data"].values()) == {"easy-train.parquet", "easy-validation.parquet"}
        assert (facts["learning_rate"], facts["step"], facts["share"]) == (3e-3, 90, 0.25)
        assert 0 <= facts["validation_metric"] <= 1
        assert len(facts["base_hash"]) == len(facts["data_hash"]["train"]) == 64
        assert "torch" in facts["versions"]

    def test_no_fact_may_have_a_name_of_its_record(self, order):
        """Whatever stands there beside the facts, a recipe may not call a fact so."""
        trajectory = dataclasses.replace(order.recipe, save_at=(2,), start=order.recipe.base)
        make_member(order)
        names = json.loads((order.folder / "wsgeo.json").read_text()).keys()
        names |= described(dataclasses.replace(order, recipe=trajectory), 90).keys()

        assert [name for name in names if not refused(name)] == ["share"]

    def test_is_accepted_into_a_zoo(self, order, workshop):
        """Ingest takes the member as it is written."""
        from wsgeo.zoo import load_weights, read_zoo

        make_member(order)
        zoo = read_zoo(order.folder.parent, base=str(workshop.root / "base"))

        assert zoo.ids == ("one",)
        assert zoo.members[0].facts["learning_rate"].value == 3e-3
        assert np.isfinite(load_weights(zoo.members[0]).vector).all()

    def test_a_finished_member_is_not_trained_again(self, order, monkeypatch):
        """The second call reads one file."""
        make_member(order)
        monkeypatch.setattr(members, "fine_tune", None)

        assert make_member(order).status == "kept"

    def test_refuses_a_folder_of_other_settings(self, order):
        """A member of another recipe is never passed off as this one."""
        make_member(order)
        other = dataclasses.replace(order.recipe, order_seed=9)

        with pytest.raises(WsgeoError, match="order_seed"):
            make_member(dataclasses.replace(order, recipe=other))

    def test_a_run_that_is_killed_leaves_nothing(self, order, monkeypatch):
        """No name, half a file or hidden folder stays when writing is cut off."""

        def cut(*_args, **_kwargs):
            raise KeyboardInterrupt

        monkeypatch.setattr(finished, "write_text", cut)
        with pytest.raises(KeyboardInterrupt):
            make_member(order)

        assert list(order.folder.parent.iterdir()) == []

    def test_a_diverged_run_is_an_outcome(self, order):
        """A loss that is not finite is told, and no folder is written."""
        wild = dataclasses.replace(
            order.recipe, optimization=Optimization(1e38, 20, 16, warmup=0.0)
        )

        made = make_member(dataclasses.replace(order, recipe=wild))

        assert made.status == "nonfinite"
        assert "step" in made.reason
        assert not order.folder.exists()

    def test_a_diverged_run_is_not_repeated(self, order, monkeypatch):
        """The second call tells what the first one found; without the record it trains again."""
        plan = Optimization(1e38, 20, 16, warmup=0.0)
        wild = dataclasses.replace(
            order, recipe=dataclasses.replace(order.recipe, optimization=plan)
        )
        made = make_member(wild)
        with monkeypatch.context() as patch:
            patch.setattr(members, "fine_tune", None)
            assert make_member(wild) == made
        assert members.diverged(wild) == made.reason
        assert members.diverged(order) == ""

        assert make_member(order).status == "trained"
        assert not (order.folder.parent / ".unfinished").exists()


@pytest.mark.slow
class TestMakeMembers:
    """Many members."""

    @pytest.mark.slow
    def test_workers_make_what_this_process_makes(self, able, workshop, tmp_path):
        """A member does not depend on the process that trains it."""
        for n_jobs in (0, 1):
            with WorkerPool(n_jobs) as pool:
                order = Order(tmp_path / str(n_jobs) / "one", able, workshop.root)
                assert [made.status for made in make_members([order], pool)] == ["trained"]
        inline, worker = (tmp_path / name / "one" / "model.safetensors" for name in "01")

        assert inline.read_bytes() == worker.read_bytes()

    def test_makes_only_what_is_missing(self, able, workshop, tmp_path):
        """Resuming trains the members that are not there."""
        orders = [
            Order(tmp_path / f"m{s}", dataclasses.replace(able, seed=s), workshop.root)
            for s in (0, 1)
        ]
        told = []
        with WorkerPool(0) as pool:
            make_members(orders[:1], pool)
            made = make_members(orders, pool, lambda *report: told.append(report))

        assert [m.status for m in made] == ["kept", "trained"]
        assert told[-1] == (2, 2, "members")

    @pytest.mark.parametrize("n_jobs", [0, pytest.param(1, marks=pytest.mark.slow)])
    def test_watches_members_in_work(self, able, workshop, tmp_path, monkeypatch, n_jobs):
        """Step and loss of each are told, and of all together; one that is kept is not counted."""
        orders = [
            Order(tmp_path / f"m{s}", dataclasses.replace(able, seed=s), workshop.root)
            for s in (0, 1)
        ]
        make_member(orders[0])
        monkeypatch.setattr(crews, "_SECOND", 0.0)
        seen = []
        with WorkerPool(n_jobs) as pool:
            make_members(orders, pool, watch=seen.append)
        working = [standing for standing in seen if standing.running]

        assert (seen[0].n_made, seen[0].n_members, seen[0].done) == (0, 2, 0)
        assert {one.member for standing in working for one in standing.running} == {"m1"}
        assert all(standing.running[0].n_steps == standing.total == 90 for standing in working)
        assert all(standing.done == standing.running[0].step >= 1 for standing in working)
        assert all(standing.running[0].loss > 0 for standing in working)
        assert working[0].seconds_left is None
        assert all(standing.seconds_left >= 0 for standing in working[1:])
        assert seen[-1].running == ()
        assert (seen[-1].n_made, seen[-1].done) == (2, 90)

    def test_a_model_that_learned_nothing_is_kept_and_flagged(self, able, workshop, tmp_path):
        """The folder is there, its record gives the reason, and it is told again at a second call."""
        still = dataclasses.replace(able, optimization=Optimization(1e-9, 2, 16))
        order = Order(tmp_path / "one", still, workshop.root)
        made = [make_member(order) for _ in range(2)]
        record = json.loads((order.folder / "wsgeo.json").read_text())

        assert made[0].status == record["status"] == "degenerate"
        assert made[0] == made[1]
        assert "class" in made[0].reason
        assert (order.folder / "model.safetensors").is_file()
