"""The supervised pool: every piece of work is answered, whatever happens to its worker."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wsgeo.errors import DataError, EntryError
from wsgeo.processes.pool import WorkerPool, WorkFailure
from wsgeo.processes.worker import attempt, report

LIGHT = ("wsgeo.processes.worker",)


def double(x: int) -> int:
    return 2 * x


def count(x: int) -> int:
    for k in range(x):
        report(k)
    return x


def refuse(x: int) -> int:
    if x == 1:
        raise ArithmeticError("one is\nno good")
    return x


def complain(x: int) -> int:
    if x == 1:
        raise EntryError("bad_row", "row 3 is empty", where="data.tsv", remedy="Fill it.")
    return x


def leave(x: int) -> int:
    if x == 1:
        sys.exit(3)
    return x


def return_an_error(x: int) -> Exception:
    return DataError("returned, not raised")


def unpicklable(x: int) -> object:
    return lambda: x


def die_once(order: tuple[str, int]) -> int:
    marker, number = order
    path = Path(marker)
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), number)
    return attempt()


def die_on_one(x: int) -> int:
    if x == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def exit_on_one(x: int) -> int:
    if x == 1:
        os._exit(7)
    return x


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def surroundings(_: int) -> tuple[int, str, int, bool]:
    import torch

    return (
        torch.get_num_threads(),
        os.environ["OMP_NUM_THREADS"],
        os.getpid(),
        "" in sys.path or str(Path.cwd()) in sys.path,
    )


def shout(x: int) -> int:
    os.write(1, b"loud")
    return x


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2, preload=LIGHT) as pool:
        yield pool


def results(pool, function, arguments, **options):
    return dict(pool.run(function, arguments, **options))


class TestRun:
    """What a run gives."""

    @pytest.mark.parametrize("n_jobs", [0, 1, 2, 3])
    def test_answers_every_argument(self, n_jobs):
        """Each argument has one result, whatever the number of processes."""
        with WorkerPool(n_jobs, preload=LIGHT) as pool:
            assert results(pool, double, range(20)) == {i: 2 * i for i in range(20)}

    @pytest.mark.parametrize("n_jobs", [0, 2])
    def test_hears_what_is_reported(self, n_jobs):
        """Reports arrive in their order, with the position of the argument, before its result."""
        heard = {}
        with WorkerPool(n_jobs, preload=LIGHT) as pool:
            for i, n in pool.run(
                count, [3, 5], hear=lambda i, k: heard.setdefault(i, []).append(k)
            ):
                assert heard[i] == list(range(n))
            assert results(pool, count, [3]) == {0: 3}

    def test_runs_again(self, pool):
        """A pool serves one run after the other."""
        assert results(pool, double, [1]) == {0: 2}
        assert results(pool, double, [2, 3]) == {0: 4, 1: 6}

    def test_nothing_to_do(self, pool):
        """No argument, no result."""
        assert results(pool, double, []) == {}

    def test_arguments_are_drawn_as_needed(self, pool):
        """No more arguments are drawn than there are processes to take them."""
        drawn = []

        def arguments():
            for i in range(10):
                drawn.append(i)
                yield i

        run = pool.run(double, arguments())
        next(run)

        assert len(drawn) <= 3
        run.close()

    def test_one_run_at_a_time(self, pool):
        """A second run while the first is unfinished is misuse."""
        run = pool.run(double, range(9))
        next(run)
        with pytest.raises(ValueError, match="at work"):
            next(pool.run(double, [1]))
        run.close()
        assert results(pool, double, [1]) == {0: 2}

    def test_negative(self):
        """A negative number of processes is misuse."""
        with pytest.raises(ValueError, match="-1"):
            WorkerPool(-1)

    def test_a_closed_pool_starts_again(self):
        """A run after `close` starts new processes."""
        pool = WorkerPool(1, preload=LIGHT)
        assert results(pool, double, [1]) == {0: 2}
        pool.close()
        assert results(pool, double, [2]) == {0: 4}
        pool.close()

    def test_function_of_a_script(self, pool):
        """A function that workers cannot import is refused before any work starts."""

        def function(x):
            return x

        function.__module__ = "__main__"
        with pytest.raises(ValueError, match="script"):
            next(pool.run(function, [1]))


class TestSurroundings:
    """What a worker sees."""

    @pytest.mark.slow
    def test_single_threaded(self, pool):
        """Workers run torch on one thread, in other processes, and import nothing from here."""
        threads, omp, pid, here = results(pool, surroundings, [0])[0]

        assert (threads, omp) == (1, "1")
        assert pid != os.getpid()
        assert not here or str(Path.cwd()) in sys.path

    def test_standard_output_is_left_alone(self, capfd):
        """What a worker prints goes to standard error."""
        with WorkerPool(1, preload=LIGHT) as pool:
            assert results(pool, shout, [1]) == {0: 1}
        out, err = capfd.readouterr()

        assert out == ""
        assert "loud" in err


@pytest.mark.parametrize("n_jobs", [0, 2])
class TestErrors:
    """What becomes of exceptions."""

    def test_an_exception_is_a_failure(self, n_jobs):
        """An exception costs its own piece of work and is told in one line."""
        with WorkerPool(n_jobs, preload=LIGHT) as pool:
            found = results(pool, refuse, range(3))

        assert (found[0], found[2]) == (0, 2)
        assert found[1].cause == "raised"
        assert found[1].reason == "ArithmeticError: one is"
        assert "refuse" in found[1].trace

    def test_a_user_error_is_raised(self, n_jobs):
        """An error that the user can mend stops the run with all its fields."""
        with WorkerPool(n_jobs, preload=LIGHT) as pool:
            with pytest.raises(EntryError, match="row 3 is empty") as caught:
                results(pool, complain, range(5))
            assert results(pool, double, [4]) == {0: 8}

        assert (caught.value.code, caught.value.where) == ("bad_row", "data.tsv")

    def test_a_returned_error_is_a_value(self, n_jobs):
        """Only raised errors are raised."""
        with WorkerPool(n_jobs, preload=LIGHT) as pool:
            assert isinstance(results(pool, return_an_error, [1])[0], DataError)

    def test_an_exit_is_a_failure(self, n_jobs):
        """`sys.exit` inside a function ends neither the worker nor the caller."""
        with WorkerPool(n_jobs, preload=LIGHT) as pool:
            found = results(pool, leave, range(3))

        assert found[1] == WorkFailure("raised", "SystemExit: 3", found[1].trace)


class TestPickling:
    """What cannot travel."""

    def test_a_result_that_cannot_travel(self, pool):
        """A result that cannot be pickled is a failure with the reason."""
        failure = results(pool, unpicklable, [1])[0]

        assert isinstance(failure, WorkFailure)
        assert "ickl" in failure.reason or "local object" in failure.reason


class TestDeath:
    """What the death of a worker costs."""

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
    def test_the_work_is_done_again(self, pool, tmp_path, number):
        """A worker that dies is replaced and its work redone, once here."""
        marker = str(tmp_path / "died")

        assert results(pool, die_once, [(marker, number)]) == {0: 1}

    @pytest.mark.parametrize("retries", [0, 2])
    def test_deadly_work(self, tmp_path, retries):
        """Work that always kills its worker fails after the retries; the rest is done."""
        with WorkerPool(2, preload=LIGHT, retries=retries) as pool:
            found = results(pool, die_on_one, range(6))

        failure = found.pop(1)
        assert found == {0: 0, 2: 2, 3: 3, 4: 4, 5: 5}
        assert failure.cause == "died"
        assert "SIGKILL" in failure.reason
        assert ("3 times" if retries else "once") in failure.reason

    def test_exit_code(self, pool):
        """The reason names the code with which the worker left."""
        assert "exit code 7" in results(pool, exit_on_one, range(3))[1].reason

    def test_death_while_idle(self, pool):
        """A worker killed between two runs costs nothing."""
        results(pool, double, range(4))
        for worker in pool._workers.values():
            os.kill(worker.pid, signal.SIGKILL)

        assert results(pool, double, range(4)) == {i: 2 * i for i in range(4)}

    def test_death_of_the_nursery(self):
        """If the process that forks workers is killed, its workers go and all is started anew."""
        with WorkerPool(2, preload=LIGHT) as pool:
            results(pool, double, range(4))
            pool._nursery._process.kill()

            assert results(pool, double, range(4)) == {i: 2 * i for i in range(4)}

    def test_a_broken_start(self):
        """If the nursery cannot start at all, the run says so instead of hanging."""
        pool = WorkerPool(1, preload=LIGHT)
        path = list(sys.path)
        sys.path[:] = [place for place in sys.path if "site-packages" not in place and place]
        sys.path[:] = [place for place in sys.path if not (Path(place) / "wsgeo").exists()]
        try:
            with pytest.raises(RuntimeError, match="died twice"):
                results(pool, double, [1])
        finally:
            sys.path[:] = path
            pool.close()

    @pytest.mark.slow
    def test_a_hundred_deaths(self, tmp_path):
        """A hundred workers may die, by three signals, and every piece of work is done."""
        signals = [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT]
        orders = [(str(tmp_path / str(i)), signals[i % 3]) for i in range(100)]
        with WorkerPool(2, preload=LIGHT) as pool:
            assert results(pool, die_once, orders) == dict.fromkeys(range(100), 1)


class TestHang:
    """What becomes of workers that say nothing."""

    def test_timeout(self, pool):
        """Work that takes too long is given up; the rest is done."""
        found = results(pool, sleep, [0.0, 60.0, 0.1], timeout=0.5)

        assert found.pop(1).cause == "timeout"
        assert found == {0: 0.0, 2: 0.1}

    @pytest.mark.slow
    def test_a_stopped_worker(self, tmp_path):
        """A worker that gives no sign of life is killed and its work redone."""
        with WorkerPool(1, preload=LIGHT, silence=5) as pool:
            order = (str(tmp_path / "stopped"), signal.SIGSTOP)
            assert results(pool, die_once, [order]) == {0: 1}

    @pytest.mark.slow
    def test_slow_work_is_not_a_hang(self):
        """Work longer than the silence limit is left alone while its worker lives."""
        with WorkerPool(1, preload=LIGHT, silence=3) as pool:
            assert results(pool, sleep, [7.0]) == {0: 7.0}


def alive(pids: list[int]) -> list[int]:
    """Return the processes that still run (zombies do not)."""
    running = []
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                running.append(pid)
    return running


SCRIPT = """
import sys
sys.path.insert(0, {here!r})
import test_pool
from wsgeo.processes.pool import WorkerPool
with WorkerPool(2, preload=("wsgeo.processes.worker",)) as pool:
    list(pool.run(test_pool.double, range(8)))
    print(pool._nursery._process.pid, *[w.pid for w in pool._workers.values()], flush=True)
    list(pool.run(test_pool.sleep, [60.0] * 4))
"""


@pytest.fixture
def caller():
    """Start a process whose pool is at work; give it, and the ids of its nursery and workers."""
    script = SCRIPT.format(here=str(Path(__file__).parent))
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pids = [int(pid) for pid in process.stdout.readline().split()]
    time.sleep(0.3)
    assert len(pids) == 3
    assert alive(pids) == pids
    yield process, pids
    process.kill()
    process.communicate()


def gone_within(pids: list[int], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while alive(pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
class TestNoOrphans:
    """What is left when the caller ends."""

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_the_caller_is_killed(self, caller, number):
        """However the caller is killed, its processes end within seconds."""
        process, pids = caller
        process.send_signal(number)

        assert gone_within(pids, 5)

    def test_ctrl_c(self, caller):
        """Ctrl-C on the whole process group interrupts the caller only, and nothing is left."""
        process, pids = caller
        os.killpg(process.pid, signal.SIGINT)
        process.wait(5)
        _, err = process.communicate()

        assert "KeyboardInterrupt" in err
        assert "SIGKILL" not in err
        assert gone_within(pids, 1)

    def test_ctrl_c_twice(self, caller):
        """A second Ctrl-C during the end leaves nothing behind either."""
        process, pids = caller
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(5)

        assert gone_within(pids, 5)
