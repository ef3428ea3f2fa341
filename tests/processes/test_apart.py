"""The process apart: whatever a function does there, the caller gets an answer and goes on."""

import os
import signal
import time

import pytest

from wsgeo.errors import EntryError
from wsgeo.processes import WorkerPool, WorkFailure, apart
from wsgeo.processes.apart import MEMORY_BYTES


def where_and_twice(x):
    return os.getpid(), 2 * x


def panic(what):
    class PanicException(BaseException):
        pass

    raise PanicException(what)


def refuse(code):
    raise EntryError(code, "it is of no use", where="a file", remedy="Mend it.")


def sleep(seconds):
    time.sleep(seconds)


def kill(number):
    os.kill(os.getpid(), number)


def grow(n_bytes):
    return len(bytearray(n_bytes))


def speak(text):
    os.write(1, text)
    os.write(2, text)


def ask_for_more(x):
    return apart(where_and_twice, x)


class TestApart:
    """`apart`."""

    def test_the_function_runs_elsewhere(self):
        """The answer is the function's, from one process that is kept."""
        (first, four), (second, six) = apart(where_and_twice, 2), apart(where_and_twice, 3)

        assert (four, six) == (4, 6)
        assert first == second != os.getpid()

    def test_a_panic_is_an_answer(self):
        """What is raised comes back as a failure, though it is no `Exception`."""
        answer = apart(panic, "no such group")

        assert answer.cause == "raised"
        assert answer.reason == "PanicException: no such group"

    def test_an_error_for_the_user_is_raised(self):
        """A `WsgeoError` is raised again with all that it says."""
        with pytest.raises(EntryError, match=r"a file: it is of no use\. Mend it\.") as error:
            apart(refuse, "odd")

        assert error.value.code == "odd"

    def test_a_hang_ends_in_time(self):
        """A function that takes too long is ended, and the next call finds a process."""
        start = time.monotonic()

        assert apart(sleep, 600.0, seconds=0.5) == WorkFailure("timeout", "not done after 0.5 s")
        assert time.monotonic() - start < 30
        assert apart(where_and_twice, 4)[1] == 8

    def test_a_death_is_an_answer(self):
        """A function that kills its process costs that process only, and is not tried again."""
        answer = apart(kill, int(signal.SIGSEGV))

        assert answer == WorkFailure("died", "its worker died once (SIGSEGV)")
        assert apart(where_and_twice, 5)[1] == 10

    def test_memory_has_a_limit(self):
        """More than the limit cannot be had; a part of it can."""
        assert apart(grow, 2 * MEMORY_BYTES).reason.startswith("MemoryError")
        assert apart(grow, MEMORY_BYTES // 64) == MEMORY_BYTES // 64

    def test_what_is_printed_is_lost(self, capfd):
        """Backtraces of libraries do not reach the user's terminal."""
        apart(speak, b"thread panicked")

        assert "panicked" not in "".join(capfd.readouterr())

    def test_a_worker_is_apart_already(self):
        """In a worker of a pool the function runs in that worker."""
        with WorkerPool(1, preload=("wsgeo.processes.apart",)) as pool:
            [(_, (pid, six))] = pool.run(ask_for_more, [3])
            [(_, (again, _))] = pool.run(where_and_twice, [3])

        assert six == 6
        assert pid == again
