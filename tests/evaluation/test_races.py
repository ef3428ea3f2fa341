"""Races in the engine: what they compute, where, and that it is computed once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import combinations

import evaluation_cases as cases
import numpy as np
import pytest

from wsgeo.errors import EntryError
from wsgeo.evaluation.engine import Engine
from wsgeo.evaluation.losses import Failure, Item, Losses, Point
from wsgeo.evaluation.races import (
    STRIDE,
    AbstractRace,
    AbstractRacer,
    n_seen,
    replay,
    steps,
    unfolded,
)
from wsgeo.processes.pool import WorkerPool
from wsgeo.tasks.task import Objective

LIGHT = ("torch", "transformers.models.bert.modeling_bert", "wsgeo.evaluation.hf")
N = 100


@dataclass(frozen=True, eq=False)
class Staircase(AbstractRace):
    """Goes on with a point while its mean loss so far is above a bar."""

    points: tuple
    examples: str
    bar: float
    known: Losses | None = None

    @property
    def rule(self):
        """The bar."""
        return str(self.bar)

    def wanted(self, losses):
        """Return the next step of every point that is above the bar, or was not looked at."""
        found = []
        for i, row in enumerate(losses):
            seen = n_seen(row)
            following = next((end for end in steps(len(row)) if end > seen), None)
            if following and (not seen or row[:seen].mean() > self.bar):
                found.append((i, following))
        return found


class Slow(AbstractRacer):
    """The plain way: everything is evaluated first."""

    def __init__(self, engine):
        self.engine = engine

    def evaluate(self, items):
        """Evaluate as the engine does."""
        return self.engine.evaluate(items)


class Memory(dict):
    """A ledger in memory."""

    put = dict.__setitem__
    put_failure = dict.__setitem__


def refuse_m1(checkpoint):
    """Load, but refuse one member."""
    if checkpoint.id == "m1":
        raise EntryError("file_changed", "the file has changed", where="m1")
    return cases.load(checkpoint)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """Return four checkpoints of one architecture."""
    root = tmp_path_factory.mktemp("zoo")
    return [
        cases.write_checkpoint(
            cases.build("bert", Objective.CLASSIFICATION, seed=i), root / f"m{i}", f"m{i}"
        )
        for i in range(4)
    ]


@pytest.fixture(scope="module")
def races(zoo):
    """Return one race for each pair, whose bars end them at different steps."""
    pairs = combinations(zoo, 2)
    return [
        Staircase(
            tuple(Point.on_line(a.content_hash, b.content_hash, t) for t in (0.25, 0.5)), "toy", bar
        )
        for (a, b), bar in zip(pairs, (0.5, 1.0, 1.5, 2.0, 2.5, 9.0), strict=True)
    ]


def engine(zoo, **options):
    """Return an engine of toys."""
    given = {"load": cases.load, "head_names": cases.head_names, "backends": cases.ToyBackends()}
    return Engine(zoo, {"toy": cases.classification(n=N)}, **given | options)


@pytest.fixture(scope="module")
def expected(zoo, races):
    """Return what the plain way finds."""
    with engine(zoo) as plain:
        return dict(Slow(plain).race(races))


def assert_equal(found, expected):
    """Check that the same examples were computed, with the same losses."""
    assert found.keys() == expected.keys()
    for i, outcome in found.items():
        assert outcome.loss == pytest.approx(expected[i].loss, abs=1e-5, nan_ok=True)
        assert outcome.hit == pytest.approx(expected[i].hit, nan_ok=True)


class TestRaces:
    """Races in the engine."""

    @pytest.mark.parametrize("budget", [1, 100, 4096])
    def test_equals_the_plain_way(self, zoo, races, expected, budget):
        """A race computes a prefix of what evaluating everything gives, and stops where that says."""
        with engine(zoo, token_budget=budget) as fast:
            assert_equal(dict(fast.race(races)), expected)

    @pytest.mark.slow
    def test_equals_in_processes(self, zoo, races, expected):
        """Two processes find what one does."""
        with WorkerPool(2, preload=LIGHT) as pool, engine(zoo, pool=pool) as fast:
            assert_equal(dict(fast.race(races)), expected)

    def test_races_stop_where_they_may(self, expected):
        """The races of this test end at different steps, so that the others mean something."""
        seen = {n_seen(row) for outcome in expected.values() for row in unfolded(outcome, 2)[0]}

        assert {STRIDE, N} <= seen

    def test_each_is_run_once(self, zoo, races, expected):
        """What is in the ledger is not computed again, by this engine or another."""
        ledger = Memory()
        with engine(zoo, ledger=ledger) as first:
            dict(first.race(races))
        with engine(zoo, ledger=ledger) as second:
            assert_equal(dict(second.race(races)), expected)

        assert (first.n_computed, first.n_reused) == (len(races), 0)
        assert (second.n_computed, second.n_reused) == (0, len(races))

    def test_another_rule_is_another_race(self, zoo, races):
        """A race under another rule is not taken from the ledger."""
        ledger = Memory()
        with engine(zoo, ledger=ledger) as both:
            dict(both.race(races[:1]))
            dict(both.race([Staircase(races[0].points, "toy", 0.75)]))

        assert both.n_computed == 2

    def test_only_what_is_picked_is_run(self, zoo, races, expected):
        """Races that are not picked cost nothing."""
        picked = iter([4, 1])
        with engine(zoo) as fast:
            found = dict(fast.race(races, lambda: next(picked, None)))

        assert_equal(found, {i: expected[i] for i in (4, 1)})
        assert fast.n_computed == 2

    def test_a_start_is_not_computed_again(self, zoo, races):
        """A race that knows all it needs is not evaluated, whatever it knows."""
        known = np.full((2, N), 0.25, np.float32)
        race = Staircase(races[0].points, "toy", 0.5, Losses(known.ravel(), known.ravel()))
        with engine(zoo) as fast:
            [(_, outcome)] = fast.race([race])

        assert (outcome.loss == 0.25).all()

    def test_a_refused_member_costs_its_own_races(self, zoo, races, expected):
        """A checkpoint that cannot be read fails the races it is in, and no other."""
        with engine(zoo, load=refuse_m1) as fast:
            found = dict(fast.race(races))
        failed = {i for i, outcome in found.items() if isinstance(outcome, Failure)}

        assert failed == {i for i, (a, b) in enumerate(combinations(range(4), 2)) if 1 in (a, b)}
        assert_equal(
            {i: found[i] for i in found.keys() - failed},
            {i: expected[i] for i in found.keys() - failed},
        )

    def test_nothing_is_begun_after_the_deadline(self, zoo, races):
        """Past the deadline only what the ledger knows is yielded."""
        ledger = Memory()
        with engine(zoo, ledger=ledger) as late:
            dict(late.race(races[:2]))
            late.deadline = time.monotonic() - 1

            assert dict(late.race(races)).keys() == {0, 1}
            assert list(late.evaluate([Item(races[5].points, "toy")])) == []

    def test_unknown_names_raise(self, zoo, races):
        """A race about an example set that the engine was not given raises."""
        with engine(zoo) as fast, pytest.raises(ValueError, match="example set"):
            next(fast.race([Staircase(races[0].points, "other", 1.0)]))


@pytest.mark.parametrize("n", [1, 31, 32, 33, 500, 2000])
def test_steps_end_with_all(n):
    """Prefixes grow to all examples, in strides that never shrink."""
    found = steps(n)

    assert found[-1] == n
    assert found[0] == min(n, STRIDE)
    assert all(np.diff(np.diff(found[:-1])) >= 0)


def test_replay_reads_only_what_is_wanted():
    """What a race did not ask for is absent from what is kept of it."""
    complete = [
        Losses(np.full(N, level, np.float32), np.zeros(N, np.float32)) for level in (0.1, 3.0)
    ]
    race = Staircase((Point.of("a"), Point.of("b")), "toy", 1.0)
    grid, _ = unfolded(replay(race, complete), 2)

    assert [n_seen(row) for row in grid] == [STRIDE, N]
