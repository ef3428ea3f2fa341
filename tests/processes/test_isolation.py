"""The process apart: whatever a function does there, the caller gets an answer and goes on."""

import os
import signal
import time

import pytest

from wsgeo.errors import EntryError
from wsgeo.processes import WorkerPool, WorkFailure, remedy_of, remembered, run_apart
from wsgeo.processes.isolation import MEMORY_BYTES


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
    return run_apart(where_and_twice, x)


class TestApart:
    """`run_apart`."""

    def test_the_function_runs_elsewhere(self):
        """The answer is the function's, from one process that is kept."""
        (first, four), (second, six) = run_apart(where_and_twice, 2), run_apart(where_and_twice, 3)

        assert (four, six) == (4, 6)
        assert first == second != os.getpid()

    def test_a_panic_is_an_answer(self):
        """What is raised comes back as a failure, though it is no `Exception`."""
        answer = run_apart(panic, "no such group")

        assert answer.cause == "raised"
        assert answer.reason == "PanicException: no such group"

    def test_an_error_for_the_user_is_raised(self):
        """A `WsgeoError` is raised again with all that it says."""
        with pytest.raises(EntryError, match=r"a file: it is of no use\. Mend it\.") as error:
            run_apart(refuse, "odd")

        assert error.value.code == "odd"

    def test_a_hang_ends_in_time(self):
        """A function that takes too long is ended, and the next call finds a process."""
        start = time.monotonic()

        assert run_apart(sleep, 600.0, seconds=0.5) == WorkFailure(
            "timeout", "not done after 0.5 s"
        )
        assert time.monotonic() - start < 30
        assert run_apart(where_and_twice, 4)[1] == 8

    def test_a_death_is_an_answer(self):
        """A function that kills its process costs that process only, and is not tried again."""
        answer = run_apart(kill, int(signal.SIGSEGV))

        assert answer == WorkFailure("died", "its worker died once (SIGSEGV)")
        assert run_apart(where_and_twice, 5)[1] == 10

    def test_memory_has_a_limit(self):
        """More than the limit cannot be had; a part of it can."""
        assert run_apart(grow, 2 * MEMORY_BYTES).reason.startswith("MemoryError")
        assert run_apart(grow, MEMORY_BYTES // 64) == MEMORY_BYTES // 64

    def test_what_is_printed_is_lost(self, capfd):
        """Backtraces of libraries do not reach the user's terminal."""
        run_apart(speak, b"thread panicked")

        assert "panicked" not in "".join(capfd.readouterr())

    def test_a_worker_is_apart_already(self):
        """In a worker of a pool the function runs in that worker."""
        with WorkerPool(1, preload=("wsgeo.processes.isolation",)) as pool:
            [(_, (pid, six))] = pool.run(ask_for_more, [3])
            [(_, (again, _))] = pool.run(where_and_twice, [3])

        assert six == 6
        assert pid == again


class TestRemembered:
    """`remembered`."""

    @pytest.mark.parametrize(
        ("answer", "n_calls"),
        [
            ("sound", 1),
            (WorkFailure("raised", "ValueError: no such layer"), 1),
            (WorkFailure("timeout", "not done after 60 s"), 1),
            (WorkFailure("died", "its worker died once (SIGKILL)"), 3),
        ],
        ids=["answer", "raised", "timeout", "died"],
    )
    def test_all_but_a_death_is_remembered(self, answer, n_calls):
        """The same question is asked again only where the process died of it."""
        asked = []

        @remembered
        def ask(x):
            asked.append(x)
            return answer

        assert [ask(1), ask(1), ask(1)] == [answer] * 3
        assert len(asked) == n_calls

    def test_other_arguments_are_asked_for(self):
        """What is remembered belongs to its arguments."""
        assert [remembered(where_and_twice)(x)[1] for x in (1, 2, 1)] == [2, 4, 2]


class TestRemedyOf:
    """`remedy_of`."""

    def test_a_library_that_refuses(self):
        """Where a library raised, its own remedy is all there is to say."""
        assert remedy_of(WorkFailure("raised", "KeyError"), "Mend it.") == "Mend it."

    @pytest.mark.parametrize("cause", ["timeout", "died"])
    def test_a_process_that_was_ended(self, cause):
        """A process that was ended may do better another time, before anything is mended."""
        remedy = remedy_of(WorkFailure(cause, "it was ended"), "Mend it.")

        assert remedy.startswith("Run the command again")
        assert remedy.endswith("Mend it.")
