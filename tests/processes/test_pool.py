"""The pool of this machine: no process is left behind, and one that dies is replaced."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pool_cases
import pytest
from pool_cases import LIGHT, die_on_one, die_once, double, shout, sleep

from wsgeo.processes.pool import WorkerPool


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


class TestSurroundings:
    """What a worker sees."""

    def test_standard_output_is_left_alone(self, capfd):
        """What a worker prints goes to standard error."""
        with WorkerPool(1, preload=LIGHT) as pool:
            assert results(pool, shout, [1]) == {0: 1}
        out, err = capfd.readouterr()

        assert out == ""
        assert "loud" in err


class TestDeath:
    """What the death of a worker costs."""

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
import pool_cases
from wsgeo.processes.pool import WorkerPool
with WorkerPool(2, preload=("wsgeo.processes.worker",)) as pool:
    list(pool.run(pool_cases.double, range(8)))
    print(pool._nursery._process.pid, *[w.pid for w in pool._workers.values()], flush=True)
    list(pool.run(pool_cases.sleep, [60.0] * 4))
"""


@pytest.fixture
def caller():
    """Start a process whose pool is at work; give it, and the ids of its nursery and workers."""
    script = SCRIPT.format(here=str(Path(pool_cases.__file__).parent))
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
