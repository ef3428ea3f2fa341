"""The pool on a Dask cluster: its workers may go and come, and everything is answered."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pool_cases
import pytest
from pool_cases import LIGHT, Learner, double, read, sleep, slow_whose, variable, whose

from wsgeo.errors import MissingAssetError, WsgeoError
from wsgeo.processes import DaskPool, WorkerPool, dask_cluster, dask_worker


@contextlib.contextmanager
def dask_worker_at(address, *options):
    """Start a Dask worker of an installation's own command, and kill it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-dashboard", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(pool_cases.__file__).parent)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def pids_of(pool):
    """Return the processes of the Dask workers."""
    return list(pool._cluster._client.run(os.getpid).values())


class TestWithoutCluster:
    """What is said when there is nothing to work with."""

    def test_the_extra_is_missing(self, monkeypatch):
        """Without Dask, one line says how to install it, and the exit code is 6."""
        monkeypatch.setitem(sys.modules, "distributed", None)
        with pytest.raises(MissingAssetError) as caught:
            DaskPool()

        assert str(caught.value) == "Dask is not installed. Run `pip install wsgeo[dask]`."
        assert caught.value.exit_code == 6

    @pytest.mark.slow
    @pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere"])
    def test_no_scheduler(self, monkeypatch, address):
        """An address at which no scheduler answers is named, with the command that starts one.

        Nothing is left for the garbage collector to close, which could wait for itself.
        """
        monkeypatch.setattr(dask_cluster, "_CONNECTING", 0.5)
        client = pytest.importorskip("distributed").Client
        with pytest.raises(WsgeoError, match="no scheduler of Dask answers") as caught:
            DaskPool(address)

        assert caught.value.where == address
        assert "dask scheduler" in str(caught.value)
        assert "\n" not in str(caught.value)
        left = [one.status for one in gc.get_objects() if type(one) is client]
        assert set(left) <= {"closed"}

    def test_no_workers_asked_for(self):
        """A cluster of no workers is misuse."""
        with pytest.raises(ValueError, match="n_jobs is 0"):
            DaskPool(n_jobs=0)


class TestSlotOfAWorker:
    """What a Dask worker does with an errand, tried without Dask."""

    @staticmethod
    def errand(**changes):
        """Return the first errand of a slot."""
        given = {
            "session": "s",
            "slot": 0,
            "function": "f",
            "content": pickle.dumps(Learner()),
            "argument": pickle.dumps(1),
            "folder": "/",
            "timeout": None,
            "deaths": 0,
            "hears": False,
            "key": "k",
            "preload": LIGHT,
            "silence": 60.0,
        }
        return dask_worker.Errand(**{**given, **changes})

    @pytest.fixture(autouse=True)
    def clean(self):
        """End what a test started."""
        yield
        dask_worker.release("s")

    def n_calls(self, errand):
        """Return how often the function at hand was called in its process."""
        done, value = dask_worker.answer(errand)
        assert done
        return pickle.loads(value)[1]

    def test_the_function_is_sent_once(self):
        """A slot keeps the function that it was sent, with what it has learnt."""
        assert self.n_calls(self.errand()) == 1
        assert self.n_calls(self.errand(content=None)) == 2

    def test_relative_paths(self, tmp_path):
        """Relative paths are those of the caller; one that is not there is named."""
        (tmp_path / "here.txt").write_text("found")
        content, argument = pickle.dumps(read), pickle.dumps("here.txt")
        errand = self.errand(content=content, argument=argument, folder=str(tmp_path))
        elsewhere = dataclasses.replace(errand, slot=1, folder=str(tmp_path / "nowhere"))

        assert pickle.loads(dask_worker.answer(errand)[1]) == "found"
        done, failure = dask_worker.answer(elsewhere)
        assert not done
        assert "here.txt" in failure.reason

    def test_memory_is_kept(self, monkeypatch):
        """What Dask sets to give memory back at once does not reach the process of a slot."""
        monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")
        content, argument = pickle.dumps(variable), pickle.dumps("MALLOC_TRIM_THRESHOLD_")

        done, value = dask_worker.answer(self.errand(content=content, argument=argument))
        assert (done, pickle.loads(value)) == (True, None)

    def test_an_unknown_function(self):
        """A function that a slot was not sent, or another one, is asked for."""
        assert dask_worker.answer(self.errand(content=None)) is None
        self.n_calls(self.errand())
        assert dask_worker.answer(self.errand(content=None, function="g")) is None
        assert dask_worker.answer(self.errand(content=None, slot=1)) is None

    def test_an_idle_slot_is_given_up(self, monkeypatch):
        """The process of a slot without work ends by itself: its caller may be gone."""
        monkeypatch.setattr(dask_worker, "IDLE", 0.05)
        self.n_calls(self.errand())
        place = dask_worker._places["s/0"]
        until = time.monotonic() + 5
        while dask_worker._places or place.pool._workers:
            assert time.monotonic() < until
            time.sleep(0.01)

    def test_release(self):
        """What belongs to a session ends with it, and nothing else."""
        self.n_calls(self.errand())
        self.n_calls(self.errand(session="t"))
        dask_worker.release("s")
        until = time.monotonic() + 5
        while "s/0" in dask_worker._places:
            assert time.monotonic() < until
            time.sleep(0.01)

        assert self.n_calls(self.errand(session="t", content=None)) == 2
        dask_worker.release("t")


@pytest.mark.slow
class TestLoss:
    """What the loss of Dask workers costs."""

    def test_one_of_two_is_killed(self):
        """A Dask worker killed in the middle costs no result; all are those of a local pool."""
        arguments = [0.05] * 30
        with WorkerPool(2, preload=LIGHT) as pool:
            expected = dict(pool.run(sleep, arguments))
        found = {}
        with DaskPool(n_jobs=2, preload=LIGHT) as pool:
            for number, result in pool.run(sleep, arguments):
                assert number not in found
                found[number] = result
                if len(found) == 5:
                    os.kill(pids_of(pool)[0], signal.SIGKILL)

        assert found == expected

    def test_between_two_runs(self):
        """A Dask worker killed while idle costs nothing, and its slot goes to its successor."""
        with DaskPool(n_jobs=2, preload=LIGHT, retries=1) as pool:
            assert dict(pool.run(double, range(4))) == {i: 2 * i for i in range(4)}
            os.kill(pids_of(pool)[1], signal.SIGKILL)
            assert dict(pool.run(double, range(4))) == {i: 2 * i for i in range(4)}
            assert len(list(pool.run(sleep, [0.1] * 40))) == 40
            assert pool.n_jobs == 2

    def test_nobody_is_left(self):
        """When no Dask worker is left for longer than patience allows, one line says so."""
        with DaskPool(n_jobs=1, preload=LIGHT) as host:
            host._cluster._client.retire_workers(close_workers=True)
            address = host._cluster.address
            with (
                dask_worker_at(address, "--nthreads", "1", "--no-nanny") as worker,
                DaskPool(address, preload=LIGHT, patience=15.0) as pool,
            ):
                pool._patience = 1.0
                run = pool.run(sleep, [0.0, 30.0])
                assert next(run) == (0, 0.0)
                worker.kill()
                with pytest.raises(WsgeoError, match="no Dask worker to use for 1 s") as caught:
                    next(run)

        assert caught.value.where == address
        assert "\n" not in str(caught.value)

    def test_the_scheduler_is_killed(self, capfd, monkeypatch):
        """Without its scheduler a run ends with one line, and nothing else is printed."""
        monkeypatch.setattr(dask_cluster, "_CONNECTING", 3.0)
        with DaskPool(n_jobs=1, preload=LIGHT, patience=1.0) as pool:
            run = pool.run(sleep, [0.0, 30.0])
            next(run)
            os.killpg(pool._cluster._own._process.pid, signal.SIGKILL)
            with pytest.raises(WsgeoError, match="no Dask worker"):
                next(run)

        assert capfd.readouterr() == ("", "")


@pytest.mark.slow
class TestCluster:
    """What a pool does with a cluster that is not its own."""

    def test_a_worker_that_joins(self):
        """A Dask worker that joins during a run is given work, one slot for each thread."""
        with DaskPool(n_jobs=1, preload=LIGHT) as pool:
            found, slots = set(), []
            left = list(range(400))

            def draw(slot):
                slots.append(slot)
                return left.pop() if left and len(found) < 3 else None

            with dask_worker_at(pool._cluster.address, "--nthreads", "2"):
                for _, pid in pool.drawn(slow_whose, draw):
                    found.add(pid)
                assert pool.n_jobs == 3

        assert len(found) == 3
        assert set(slots) == {0, 1, 2}

    def test_a_pool_leaves_the_cluster(self):
        """A pool that is closed ends its processes and leaves the cluster to others."""
        with DaskPool(n_jobs=1, preload=LIGHT) as host:
            with DaskPool(host._cluster.address, preload=LIGHT) as guest:
                [(_, first)] = guest.run(whose, [0])
                [(_, second)] = host.run(whose, [0])
                assert first != second
            until = time.monotonic() + 5
            while Path(f"/proc/{first}").exists():
                assert time.monotonic() < until
                time.sleep(0.05)
            assert list(guest.run(double, [1])) == [(0, 2)]
            guest.close()
            assert list(host.run(whose, [0])) == [(0, second)]

    def test_versions_that_differ(self, monkeypatch):
        """A Dask worker of other versions is named in a warning, and given no work."""
        words = iter(["", "torch 1.0 instead of 2.0"])
        monkeypatch.setattr(dask_cluster, "_differing", lambda _: next(words))
        with (
            pytest.warns(UserWarning, match=r"tcp://.* differs .*: torch 1\.0 instead of 2\.0"),
            pytest.raises(WsgeoError, match="no Dask worker to use"),
        ):
            DaskPool(n_jobs=1, patience=0.5)

    def test_a_scheduler_of_other_versions(self, monkeypatch):
        """A scheduler of other versions is refused in one line."""
        monkeypatch.setattr(dask_cluster, "_differing", lambda _: "Python 3.9 instead of 3.11")
        with pytest.raises(WsgeoError, match=r"scheduler at tcp://.*: Python 3\.9"):
            DaskPool(n_jobs=1)

    def test_a_large_function(self):
        """A function of many megabytes is sent without a word, once for each slot."""
        learner = Learner(ballast=12 << 20)
        with DaskPool(n_jobs=2, preload=LIGHT) as pool:
            started = time.monotonic()
            assert len(list(pool.run(learner, range(4)))) == 4
            first = time.monotonic() - started
            started = time.monotonic()
            calls = [n for _, (_, n) in pool.run(learner, range(20))]
            assert time.monotonic() - started < 20 * first

        assert max(calls) > 2


SCRIPT = """
import sys
sys.path.insert(0, {here!r})
import pool_cases
from wsgeo.processes import DaskPool
with DaskPool(n_jobs=2, preload=pool_cases.LIGHT) as pool:
    pids = {{pid for _, pid in pool.run(pool_cases.slow_whose, range(8))}}
    print(pool._cluster._own._process.pid, *pool._cluster._client.run(__import__("os").getpid)
          .values(), *pids, flush=True)
    list(pool.run(pool_cases.sleep, [60.0] * 4))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_orphans(number):
    """However the caller ends, its own cluster and the work in flight end within seconds."""
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
    assert len(pids) == 5
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=20)

    assert (number == signal.SIGINT) == ("KeyboardInterrupt" in err)
    assert "distributed" not in err.partition("Traceback")[0]
    until = time.monotonic() + 10
    while left := [pid for pid in pids if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < until, left
        time.sleep(0.1)
