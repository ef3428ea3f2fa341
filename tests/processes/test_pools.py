"""The laws of every pool: each piece of work is answered once, and drawn for a slot."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from pool_cases import (
    LIGHT,
    Learner,
    complain,
    count,
    die_on_one,
    die_once,
    double,
    exit_on_one,
    leave,
    refuse,
    return_an_error,
    sleep,
    surroundings,
    unpicklable,
    whose,
)

from wsgeo.errors import DataError, EntryError
from wsgeo.processes import DaskPool, WorkerPool, WorkFailure

OTHERS = ["processes", pytest.param("dask", marks=pytest.mark.slow)]
HERE = ["here", *OTHERS]


@pytest.fixture(scope="module")
def pool(request):
    """Give a pool that works in this process, or has two workers."""
    if request.param == "dask":
        made = DaskPool(n_jobs=2, preload=LIGHT)
    else:
        made = WorkerPool(2 if request.param == "processes" else 0, preload=LIGHT)
    with made as pool:
        yield pool


def results(pool, function, arguments, **options):
    return dict(pool.run(function, arguments, **options))


@pytest.mark.parametrize("pool", HERE, indirect=True, scope="module")
class TestRun:
    """What a run gives."""

    def test_answers_every_argument(self, pool):
        """Each argument has one result, at its position."""
        assert results(pool, double, range(20)) == {i: 2 * i for i in range(20)}

    def test_runs_again(self, pool):
        """A pool serves one run after the other."""
        assert results(pool, double, [1]) == {0: 2}
        assert results(pool, double, [2, 3]) == {0: 4, 1: 6}

    def test_nothing_to_do(self, pool):
        """No argument, no result."""
        assert results(pool, double, []) == {}

    def test_none(self, pool):
        """None among the arguments is misuse: it would end the run."""
        with pytest.raises(ValueError, match="None"):
            results(pool, double, [1, None, 2])

    def test_arguments_are_drawn_as_needed(self, pool):
        """No more arguments are drawn than there are workers to take them."""
        drawn = []

        def arguments():
            for i in range(10):
                drawn.append(i)
                yield i

        run = pool.run(double, arguments())
        next(run)

        assert len(drawn) <= 3
        run.close()

    def test_hears_what_is_reported(self, pool):
        """Reports arrive in their order, with the position of the argument, before its result."""
        heard = {}
        for i, n in pool.run(count, [3, 5], hear=lambda i, k: heard.setdefault(i, []).append(k)):
            assert heard[i] == list(range(n))
        assert results(pool, count, [3]) == {0: 3}


@pytest.mark.parametrize("pool", HERE, indirect=True, scope="module")
class TestErrors:
    """What becomes of exceptions."""

    def test_an_exception_is_a_failure(self, pool):
        """An exception costs its own piece of work and is told in one line."""
        found = results(pool, refuse, range(3))

        assert (found[0], found[2]) == (0, 2)
        assert found[1].cause == "raised"
        assert found[1].reason == "ArithmeticError: one is"
        assert "refuse" in found[1].trace

    def test_a_user_error_is_raised(self, pool):
        """An error that the user can mend stops the run with all its fields."""
        with pytest.raises(EntryError, match="row 3 is empty") as caught:
            results(pool, complain, range(5))
        assert results(pool, double, [4]) == {0: 8}

        assert (caught.value.code, caught.value.where) == ("bad_row", "data.tsv")

    def test_a_returned_error_is_a_value(self, pool):
        """Only raised errors are raised."""
        assert isinstance(results(pool, return_an_error, [1])[0], DataError)

    def test_an_exit_is_a_failure(self, pool):
        """`sys.exit` inside a function ends neither the worker nor the caller."""
        found = results(pool, leave, range(3))

        assert found[1] == WorkFailure("raised", "SystemExit: 3", found[1].trace)


@pytest.mark.parametrize("pool", HERE, indirect=True, scope="module")
class TestDraws:
    """How work is drawn."""

    def test_numbers_are_those_of_the_draws(self, pool):
        """A result comes with the number of its draw, draws that gave none not counted."""
        left, drawn = list(range(12)), []

        def draw(slot):
            if not left:
                return None
            drawn.append(left.pop())
            return drawn[-1]

        assert dict(pool.drawn(double, draw)) == {i: 2 * x for i, x in enumerate(drawn)}
        assert len(drawn) == 12

    def test_slots(self, pool):
        """Only numbers of slots are asked for."""
        asked, left = set(), list(range(12))

        def draw(slot):
            asked.add(slot)
            return left.pop() if left else None

        list(pool.drawn(double, draw))
        assert asked <= set(range(max(1, pool.n_jobs)))

    def test_asked_again_after_a_result(self, pool):
        """What a result makes possible is drawn after it, until there is nothing more."""
        queue, found = [1], []

        for _, result in pool.drawn(double, lambda _: queue.pop() if queue else None):
            found.append(result)
            if result < 32:
                queue.append(result)
        assert found == [2, 4, 8, 16, 32]


@pytest.mark.parametrize("pool", OTHERS, indirect=True, scope="module")
class TestSlots:
    """What a slot is."""

    def test_none_for_one_slot_only(self, pool):
        """A slot that is given nothing does not keep another from its work."""
        left = list(range(5))

        found = dict(pool.drawn(double, lambda slot: left.pop() if slot == 1 and left else None))
        assert sorted(found.values()) == [0, 2, 4, 6, 8]

    def test_a_slot_is_a_process(self, pool):
        """What is drawn for a slot is done by its process, in this run and the next."""
        workers = {}
        for _ in range(2):
            left, slots = [10, 10], []

            def draw(slot, left=left, slots=slots):
                if not left[slot]:
                    return None
                left[slot] -= 1
                slots.append(slot)
                return slot

            for number, pid in pool.drawn(whose, draw):
                workers.setdefault(slots[number], set()).add(pid)

        assert sorted(map(len, workers.values())) == [1, 1]
        assert workers[0] != workers[1]

    def test_what_is_learnt_stays(self, pool):
        """What an object learns in a worker, it has at its next call there."""
        learner, calls = Learner(), {}
        for _ in range(2):
            for _, (pid, n) in pool.run(learner, range(10)):
                calls.setdefault(pid, []).append(n)

        assert len(calls) == 2
        assert all(ns == list(range(1, len(ns) + 1)) for ns in calls.values())
        assert sum(map(len, calls.values())) == 20
        assert learner.n_calls == 0

    def test_a_new_object_has_learnt_nothing(self, pool):
        """An object starts as it was sent."""
        for _ in range(2):
            [(_, (_, n))] = pool.run(Learner(), [1])
            assert n == 1

    def test_one_run_at_a_time(self, pool):
        """A second run while the first is unfinished is misuse."""
        run = pool.run(sleep, [0.0, 0.5, 0.5])
        next(run)
        with pytest.raises(ValueError, match="at work"):
            next(pool.run(double, [1]))
        run.close()
        assert results(pool, double, [1]) == {0: 2}

    def test_a_run_that_is_closed(self, pool):
        """Work in flight is ended with its run, and the pool is free at once."""
        run = pool.run(sleep, [0.0, 60.0, 60.0])
        next(run)
        run.close()

        assert results(pool, double, range(4)) == {i: 2 * i for i in range(4)}

    def test_function_of_a_script(self, pool):
        """A function that workers cannot import is refused before any work starts."""

        def function(x):
            return x

        function.__module__ = "__main__"
        with pytest.raises(ValueError, match="script"):
            next(pool.run(function, [1]))

    def test_a_result_that_cannot_travel(self, pool):
        """A result that cannot be pickled is a failure with the reason."""
        failure = results(pool, unpicklable, [1])[0]

        assert isinstance(failure, WorkFailure)
        assert "ickl" in failure.reason or "local object" in failure.reason

    @pytest.mark.slow
    def test_surroundings(self, pool):
        """Workers have one thread, are offline, and import nothing from the current folder."""
        threads, omp, offline, works, here = results(pool, surroundings, [0])[0]

        assert (threads, omp, offline, works) == (1, "1", "1", True)
        assert not here or str(Path.cwd()) in sys.path


@pytest.mark.parametrize("pool", OTHERS, indirect=True, scope="module")
class TestDeath:
    """What the death of a worker costs."""

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
    def test_the_work_is_done_again(self, pool, tmp_path, number):
        """A worker that dies is replaced and its work redone, once here."""
        assert results(pool, die_once, [(str(tmp_path / "died"), number)]) == {0: 1}

    def test_no_draw_for_what_was_left_undone(self, pool, tmp_path):
        """Work whose worker died is done by any slot, and not drawn again."""
        left = [(str(tmp_path / "died"), signal.SIGKILL)]

        found = dict(pool.drawn(die_once, lambda slot: left.pop() if slot == 0 and left else None))
        assert found == {0: 1}

    def test_deadly_work(self, pool):
        """Work that always kills its worker fails after the retries; the rest is done."""
        found = results(pool, die_on_one, range(6))

        failure = found.pop(1)
        assert found == {0: 0, 2: 2, 3: 3, 4: 4, 5: 5}
        assert failure.cause == "died"
        assert "SIGKILL" in failure.reason
        assert "3 times" in failure.reason

    def test_exit_code(self, pool):
        """The reason names the code with which the worker left."""
        assert "exit code 7" in results(pool, exit_on_one, range(3))[1].reason

    def test_timeout(self, pool):
        """Work that takes too long is given up; the rest is done."""
        found = results(pool, sleep, [0.0, 60.0, 0.1], timeout=0.5)

        assert found.pop(1).cause == "timeout"
        assert found == {0: 0.0, 2: 0.1}
