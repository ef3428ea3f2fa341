"""The engine: each point once, the same losses whatever the way they are computed."""

from __future__ import annotations

import dataclasses
import os
import signal
from itertools import combinations
from pathlib import Path

import evaluation_cases as cases
import numpy as np
import pytest

from wsgeo.errors import DataError, EntryError
from wsgeo.evaluation.engine import Engine
from wsgeo.evaluation.heads import halves
from wsgeo.evaluation.losses import Failure, Item, Losses, Point
from wsgeo.processes.pool import WorkerPool
from wsgeo.tasks.task import Objective

LIGHT = ("torch", "transformers.models.bert.modeling_bert", "wsgeo.evaluation.hf")
TOYS = {
    "load": cases.load,
    "head_names": cases.head_names,
    "backends": cases.ToyBackends(),
}


class Memory(dict):
    """A ledger in memory that counts what is put."""

    def __init__(self, *given):
        super().__init__(*given)
        self.failed = {}

    def put(self, key, losses):
        """Store what is not there yet."""
        assert key not in self
        self[key] = losses

    def put_failure(self, key, failure):
        """Note a failure."""
        self.failed[key] = failure


def load_or_die(checkpoint):
    """Load, but kill this process at the checkpoint called ``m1``."""
    if checkpoint.id == "m1":
        os.kill(os.getpid(), signal.SIGKILL)
    return cases.load(checkpoint)


def load_or_die_once(checkpoint):
    """Load, but kill this process the first time that ``m1`` is asked for."""
    marker = checkpoint.folder / "died"
    if checkpoint.id == "m1" and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return cases.load(checkpoint)


def load_or_refuse(checkpoint):
    """Load, but refuse the checkpoint called ``m1``, and note every attempt."""
    if checkpoint.id == "m1":
        with (checkpoint.folder / "attempts").open("a") as file:
            file.write("x")
        raise EntryError("file_changed", "the file has changed", where="m1")
    return cases.load(checkpoint)


def complain(checkpoint):
    raise DataError("the data are gone", where="data.tsv")


class _Small:
    """A backend that runs out of memory with more than 100 tokens in a batch."""

    def __init__(self, backend, budget):
        self.backend, self.budget, self.buffer = backend, budget, backend.buffer

    def losses(self, vector, examples, *, logits=False):
        if self.budget > 100:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return self.backend.losses(vector, examples, logits=logits)


class SmallBackends(cases.ToyBackends):
    """Toy backends with little memory."""

    def make(self, checkpoint, token_budget):
        return _Small(super().make(checkpoint, token_budget), token_budget)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """Return five checkpoints of one architecture, the last with another label set."""
    root = tmp_path_factory.mktemp("zoo")
    kinds = [3, 3, 3, 3, 5]
    return [
        cases.write_checkpoint(
            cases.build("bert", Objective.CLASSIFICATION, seed=i, num_labels=n_labels),
            root / f"m{i}",
            f"m{i}",
        )
        for i, n_labels in enumerate(kinds)
    ]


@pytest.fixture(scope="module")
def examples():
    return cases.classification(n=40)


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2, preload=LIGHT) as pool:
        yield pool


def lines(zoo, ts=(0.0, 0.25, 0.5, 1.0), name="toy"):
    return [
        Item(tuple(Point.on_line(a.content_hash, b.content_hash, t) for t in ts), name)
        for a, b in combinations(zoo[:4], 2)
    ]


def engine(zoo, examples, **options):
    return Engine(zoo, {"toy": examples}, **{**TOYS, **options})


def means(outcomes):
    return np.array([[point.mean for point in item] for item in outcomes])


@pytest.fixture(scope="module")
def expected(zoo, examples):
    """Return the outcomes of all lines, in this process."""
    with engine(zoo, examples) as plain:
        return plain.evaluate_all(lines(zoo))


class TestDeterminism:
    """What does not change a loss."""

    @pytest.mark.parametrize("budget", [25, 7 * 25, 32 * 25, 10**6])
    def test_batch_size(self, zoo, examples, expected, budget):
        """Batches of 1, 7, 32 and all examples: mean losses differ by at most 1e-6."""
        with engine(zoo, examples, token_budget=budget) as other:
            found = other.evaluate_all(lines(zoo))

        assert np.abs(means(found) - means(expected)).max() <= 1e-6

    @pytest.mark.slow
    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_processes(self, zoo, examples, expected, n_jobs):
        """Losses do not depend on the number of processes, to the bit on one thread."""
        with engine(zoo, examples, n_jobs=n_jobs) as other:
            found = other.evaluate_all(lines(zoo))

        assert np.abs(means(found) - means(expected)).max() <= 1e-6
        with engine(zoo, examples, pool=None, n_jobs=1) as again:
            assert (means(again.evaluate_all(lines(zoo))) == means(found)).all()

    def test_order_of_items(self, zoo, examples, expected):
        """Items in another order, and points in another order, have the same bits."""
        items = [Item(item.points[::-1], item.examples) for item in lines(zoo)[::-1]]
        with engine(zoo, examples) as other:
            found = other.evaluate_all(items)

        assert (means(found)[::-1, ::-1] == means(expected)).all()

    def test_order_of_checkpoints(self, zoo, examples, expected):
        """The order in which checkpoints are given does not matter."""
        with engine(zoo[::-1], examples) as other:
            assert (means(other.evaluate_all(lines(zoo))) == means(expected)).all()

    def test_little_memory(self, zoo, examples, expected):
        """With no room to keep weights they are loaded again, with the same bits."""
        with engine(zoo, examples, cache_bytes=0) as other:
            assert (means(other.evaluate_all(lines(zoo))) == means(expected)).all()

    def test_two_ways_along_a_line(self, zoo, examples):
        """From b to a the line has the same losses, mirrored, to 1e-6."""
        a, b = zoo[0].content_hash, zoo[1].content_hash
        there = Item(tuple(Point.on_line(a, b, t) for t in (0.0, 0.3, 1.0)), "toy")
        back = Item(tuple(Point.on_line(b, a, t) for t in (1.0, 0.7, 0.0)), "toy")
        with engine(zoo, examples) as other:
            found = means(other.evaluate_all([there, back]))

        assert np.abs(found[0] - found[1]).max() <= 1e-6


@pytest.mark.slow
def test_agrees_with_a_plain_loop(zoo, examples, expected):
    """A loop that loads each model, mixes state dicts and evaluates one by one agrees to 1e-6."""
    import torch
    import transformers

    def load(checkpoint):
        cls = getattr(transformers, checkpoint.model_class)
        return cls.from_pretrained(checkpoint.folder, attn_implementation="eager").eval()

    for (a, b), item in zip(combinations(zoo[:4], 2), expected, strict=True):
        ends = [load(a).state_dict(), load(b).state_dict()]
        for t, outcome in zip((0.0, 0.25, 0.5, 1.0), item, strict=True):
            model = load(a)
            model.load_state_dict({k: (1 - t) * v + t * ends[1][k] for k, v in ends[0].items()})
            total = 0.0
            for i, length in enumerate(examples.attention_mask.sum(1)):
                inputs = {
                    "input_ids": torch.tensor(examples.input_ids[i : i + 1, :length]).long(),
                    "token_type_ids": torch.tensor(
                        examples.token_type_ids[i : i + 1, :length]
                    ).long(),
                    "labels": torch.tensor(examples.targets[i : i + 1]),
                }
                with torch.no_grad():
                    total += model(**inputs).loss.double().item()
            assert abs(total / len(examples) - outcome.mean) <= 1e-6


class TestLedger:
    """What is remembered."""

    def test_nothing_twice(self, zoo, examples, expected):
        """Each end is evaluated once, and a second engine evaluates nothing."""
        ledger = Memory()
        with engine(zoo, examples, ledger=ledger) as first:
            assert (means(first.evaluate_all(lines(zoo))) == means(expected)).all()
            assert (first.n_computed, first.n_reused) == (6 * 2 + 4, 0)
        with engine(zoo, examples, ledger=ledger, load=complain) as second:
            assert (means(second.evaluate_all(lines(zoo))) == means(expected)).all()
            assert (second.n_computed, second.n_reused) == (0, 6 * 2 + 4)

    def test_only_what_is_missing(self, zoo, examples):
        """More points on a line cost those points; one more checkpoint costs its lines."""
        ledger = Memory()
        with engine(zoo, examples, ledger=ledger) as first:
            first.evaluate_all(lines(zoo[:3]))
            before = first.n_computed
            first.evaluate_all(lines(zoo[:3], ts=(0.0, 0.25, 0.5, 0.75, 1.0)))
            assert first.n_computed - before == 3
            before = first.n_computed
            first.evaluate_all(lines(zoo))
            assert first.n_computed - before == 3 * 2 + 1

    def test_what_is_known_comes_first(self, zoo, examples):
        """Items that the ledger knows are answered before anything is evaluated."""
        ledger = Memory()
        with engine(zoo, examples, ledger=ledger) as first:
            first.evaluate_all(lines(zoo)[3:])
        with engine(zoo, examples, ledger=ledger) as second:
            assert [i for i, _ in second.evaluate(lines(zoo))][:3] == [3, 4, 5]

    def test_kept_as_they_come(self, zoo, examples):
        """When an item is answered, its points are in the ledger already."""
        ledger = Memory()
        with engine(zoo, examples, ledger=ledger) as first:
            next(first.evaluate(lines(zoo)))

        assert len(ledger) >= 4

    def test_a_key_is_precise(self, zoo, examples):
        """Other examples or another precision are other work."""
        ledger = Memory()
        with engine(zoo, examples, ledger=ledger) as first:
            first.evaluate_all(lines(zoo))
        n = len(ledger)
        with engine(zoo, cases.classification(n=40, seed=1), ledger=ledger) as second:
            second.evaluate_all(lines(zoo))
        with engine(zoo, examples, ledger=ledger, precision="bf16") as third:
            third.evaluate_all(lines(zoo))

        assert len(ledger) == 3 * n

    def test_logits_of_checkpoints_only(self, zoo, examples, expected):
        """Ends keep their logits, points between do not."""
        assert [point.logits is not None for point in expected[0]] == [True, False, False, True]

    def test_progress(self, zoo, examples):
        """Progress ends at the number of distinct points and never goes back."""
        told = []
        with engine(zoo, examples, progress=lambda *news: told.append(news)) as first:
            first.evaluate_all(lines(zoo))

        assert told[-1] == (16, 16, "losses")
        assert [done for done, *_ in told] == sorted(done for done, *_ in told)

    def test_no_process_for_nothing(self, zoo, examples):
        """A complete ledger starts no process."""
        ledger = Memory()
        with engine(zoo, examples, ledger=ledger) as first:
            first.evaluate_all(lines(zoo))
        with engine(zoo, examples, ledger=ledger, n_jobs=2) as second:
            second.evaluate_all(lines(zoo))
            assert second._pool._nursery is None


class TestHeads:
    """Heads that are not mixed."""

    def test_own_head_at_its_end(self, zoo, examples, expected):
        """At its own end, a path under one end's head is that checkpoint, to the bit."""
        a, b = zoo[0].content_hash, zoo[1].content_hash
        points = (Point((a,), (1.0,), a), Point.on_line(a, b, 0.5, a))
        with engine(zoo, examples) as other:
            own, middle = other.evaluate_all([Item(points, "toy")])[0]

        assert (own.loss == expected[0][0].loss).all()
        assert (middle.loss != expected[0][2].loss).any()

    def test_unequal_label_sets(self, zoo, examples):
        """Under the head of one, checkpoints of other label sets can be crossed."""
        a, five = zoo[0].content_hash, zoo[4].content_hash
        points = (Point.on_line(a, five, 0.5, a), Point.on_line(a, five, 0.5, "refit:0"))
        with engine(zoo, examples) as other:
            own, refitted = other.evaluate_all([Item(points, "toy")])[0]

        assert np.isfinite(own.loss).all()
        assert np.isfinite(refitted.loss).all()
        assert len(refitted.loss) == len(halves(examples.targets, 0)[1])

    def test_unequal_label_sets_cannot_be_mixed(self, zoo, examples):
        """Without a head policy such a point is a failure with its reason."""
        points = (Point.on_line(zoo[0].content_hash, zoo[4].content_hash, 0.5),)
        with engine(zoo, examples) as other:
            [[failure]] = other.evaluate_all([Item(points, "toy")])

        assert isinstance(failure, Failure)
        assert "head" in failure.reason


class TestFaults:
    """What a fault costs."""

    @pytest.mark.parametrize("n_jobs", [0, pytest.param(2, marks=pytest.mark.slow)])
    def test_a_refused_checkpoint(self, zoo, examples, expected, n_jobs):
        """A checkpoint that cannot be loaded costs its own points, and one attempt a process."""
        attempts = zoo[1].folder / "attempts"
        attempts.unlink(missing_ok=True)
        with engine(zoo, examples, load=load_or_refuse, n_jobs=n_jobs) as other:
            found = other.evaluate_all(lines(zoo))

        _check_only_m1(zoo, found, expected, "the file has changed")
        assert len(attempts.read_text()) <= max(1, n_jobs)

    def test_an_error_of_the_user(self, zoo, examples):
        """An error that is not about one checkpoint stops the work."""
        with (
            engine(zoo, examples, load=complain) as other,
            pytest.raises(DataError, match="data are gone"),
        ):
            other.evaluate_all(lines(zoo))

    @pytest.mark.slow
    def test_a_worker_dies_once(self, zoo, examples, expected, pool):
        """A worker that dies costs nothing but time."""
        (zoo[1].folder / "died").unlink(missing_ok=True)
        with engine(zoo, examples, load=load_or_die_once, pool=pool) as other:
            found = other.evaluate_all(lines(zoo))

        assert np.abs(means(found) - means(expected)).max() <= 1e-6

    @pytest.mark.slow
    def test_a_deadly_checkpoint(self, zoo, examples, expected, pool):
        """A checkpoint that kills every worker costs its own points; all others are finished."""
        with engine(zoo, examples, load=load_or_die, pool=pool) as other:
            found = other.evaluate_all(lines(zoo))

        _check_only_m1(zoo, found, expected, "died 3 times")

    def test_too_little_memory(self, zoo, examples, expected):
        """Where memory does not suffice, smaller batches are tried, then it is a failure."""
        with engine(zoo, examples, backends=SmallBackends(), token_budget=400) as other:
            found = other.evaluate_all(lines(zoo))
        assert np.abs(means(found) - means(expected)).max() <= 1e-6

        with engine(zoo, examples, backends=SmallBackends(), token_budget=4000) as other:
            [[failure]] = other.evaluate_all([Item((Point.of(zoo[0].content_hash),), "toy")])
        assert failure.reason.startswith("out of memory")

    def test_not_finite(self, zoo, examples):
        """Coefficients that overflow give a failure for that point only."""
        a, b = zoo[0].content_hash, zoo[1].content_hash
        points = (Point((a, b), (1e30, -1e30)), Point.of(a))
        with engine(zoo, examples) as other:
            [[bad, good]] = other.evaluate_all([Item(points, "toy")])

        assert bad.status == "nonfinite"
        assert isinstance(good, Losses)

    def test_failures_are_noted_and_tried_again(self, zoo, examples):
        """The ledger is told why a point failed; the same point is evaluated again when asked for."""
        a, b = zoo[0].content_hash, zoo[1].content_hash
        item, ledger = Item((Point((a, b), (1e30, -1e30)),), "toy"), Memory()
        for _ in range(2):
            with engine(zoo, examples, ledger=ledger) as other:
                [[bad]] = other.evaluate_all([item])

                assert list(ledger.failed.values()) == [bad]
                assert (other.n_computed, other.n_reused) == (1, 0)
        assert not ledger

    def test_token_ids_out_of_range(self, zoo, examples):
        """An error inside the model is a failure with one line."""
        wild = dataclasses.replace(examples, input_ids=examples.input_ids + 10**6, key="wild")
        with engine(zoo, wild) as other:
            [[failure]] = other.evaluate_all([Item((Point.of(zoo[0].content_hash),), "toy")])

        assert failure.status == "failed"
        assert "\n" not in failure.reason

    def test_unknown_names(self, zoo, examples):
        """Checkpoints and example sets that the engine was not given are misuse."""
        with engine(zoo, examples) as other:
            with pytest.raises(ValueError, match="nobody"):
                other.evaluate_all([Item((Point.of("nobody"),), "toy")])
            with pytest.raises(ValueError, match="other"):
                other.evaluate_all([Item((Point.of(zoo[0].content_hash),), "other")])


def _check_only_m1(zoo, found, expected, reason):
    bad = zoo[1].content_hash
    for item, outcomes, sound in zip(lines(zoo), found, expected, strict=True):
        for point, outcome, other in zip(item.points, outcomes, sound, strict=True):
            if bad in point.members:
                assert isinstance(outcome, Failure)
                assert reason in outcome.reason
            else:
                assert abs(outcome.mean - other.mean) <= 1e-6


def test_the_evaluator_leaves_behind_what_it_loaded(zoo, examples):
    """What is sent to a worker does not grow with what was evaluated here."""
    import pickle

    with engine(zoo, examples) as other:
        before = len(pickle.dumps(other._evaluator))
        other.evaluate_all(lines(zoo))
        assert len(pickle.dumps(other._evaluator)) == before
    assert Path(zoo[0].folder).exists()


@pytest.mark.slow
def test_a_zoo_from_disk(tmp_path):
    """With nothing but a zoo that was read, losses are those of the loaded models."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    from wsgeo.zoo import read_zoo

    vocabulary = {f"w{i}": i for i in range(cases.VOCABULARY)}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocabulary, unk_token="w0")), pad_token="w1"
    )
    models_of = {}
    for objective in (Objective.CLASSIFICATION, Objective.MASKED_LM):
        for seed in range(2):
            folder = tmp_path / f"{objective.value}-{seed}"
            models_of[folder.name] = cases.build("bert", objective, seed=seed)
            models_of[folder.name].save_pretrained(folder)
            tokenizer.save_pretrained(folder)
    members = read_zoo(tmp_path).members
    sets = {
        "classification": cases.classification(),
        "masked_lm": cases.language(Objective.MASKED_LM),
    }
    items = [Item((Point.of(m.content_hash),), m.id.split("-")[0]) for m in members]

    with Engine(members, sets) as found:
        outcomes = found.evaluate_all(items)

    assert len(members) == 4
    for member, item, (outcome,) in zip(members, items, outcomes, strict=True):
        backend, weights = cases.backend_of(models_of[member.id])
        expected = backend.losses(weights.vector, sets[item.examples])
        assert abs(outcome.mean - expected.mean) <= 1e-6
