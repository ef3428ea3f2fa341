"""What the tests of pools let workers do; importable in a worker by the name of this module."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from wsgeo.errors import DataError, EntryError
from wsgeo.processes.worker import attempt, is_worker, report

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


def whose(x: object) -> int:
    return os.getpid()


def variable(name: str) -> str | None:
    return os.environ.get(name)


def read(path: str) -> str:
    return Path(path).read_text()


def slow_whose(x: object) -> int:
    time.sleep(0.05)
    return os.getpid()


def surroundings(_: int) -> tuple[int, str, str, bool, bool]:
    import torch

    return (
        torch.get_num_threads(),
        os.environ["OMP_NUM_THREADS"],
        os.environ["HF_HUB_OFFLINE"],
        is_worker(),
        "" in sys.path or str(Path.cwd()) in sys.path,
    )


def shout(x: int) -> int:
    os.write(1, b"loud")
    return x


class Learner:
    """Counts its calls in a process; its state does not travel."""

    def __init__(self, ballast: int = 0) -> None:
        self.ballast, self.n_calls = b"x" * ballast, 0

    def __call__(self, x: object) -> tuple[int, int]:
        """Return the process and how often it was called there."""
        self.n_calls += 1
        return os.getpid(), self.n_calls
