"""Wall time of one list of evaluations with one and two local workers, and with two Dask workers.

    python benchmarks/workers.py [--members 4] [--examples 128] [--rounds 5]

The list holds the points on the lines between all pairs of random BERTs of 4 layers and width 256,
on examples of 25 tokens at most. Workers are started and have imported everything before the
clock; each round makes a new engine, so that checkpoints are loaded in its time. All ways take
turns, and the best of the rounds counts, each with the CPU time that its processes took in that
round. The last way shows what the machine can give: two lists at once, each with a worker of its
own. Run it where nothing else runs; the load is printed.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import evaluation_cases as cases
import psutil
import torch
import transformers

from wsgeo.evaluation.backends import choose
from wsgeo.evaluation.engine import Engine
from wsgeo.evaluation.losses import Failure, Item, Point
from wsgeo.processes import AbstractPool, DaskPool, WorkerPool
from wsgeo.tasks.task import Objective
from wsgeo.zoo.checkpoints import Checkpoint

SIZE = {"num_hidden_layers": 4, "hidden_size": 256, "intermediate_size": 1024}
N_POINTS = 11


class Work:
    """The list of evaluations, and who can be asked to do it."""

    def __init__(self, folder: Path, members: int, n_examples: int) -> None:
        self._zoo = [self._member(folder, seed) for seed in range(members)]
        self._examples = cases.classification(n=n_examples)
        self._backends = choose(self._zoo[0], [self._examples], cases.load)
        self.items = [self._line(a, b) for a, b in combinations(self._zoo, 2)]

    @staticmethod
    def _member(folder: Path, seed: int) -> Checkpoint:
        model = cases.build("bert", Objective.CLASSIFICATION, seed=seed, **SIZE)
        return cases.write_checkpoint(model, folder / f"m{seed}", f"m{seed}")

    @staticmethod
    def _line(a: Checkpoint, b: Checkpoint) -> Item:
        ts = [i / (N_POINTS - 1) for i in range(N_POINTS)]
        points = tuple(Point.on_line(a.content_hash, b.content_hash, t) for t in ts)
        return Item(points, "toy")

    def __call__(self, pool: AbstractPool, items: Sequence[Item] | None = None) -> list[float]:
        """Return the mean loss of every point."""
        with Engine(
            self._zoo,
            {"toy": self._examples},
            pool=pool,
            load=cases.load,
            head_names=cases.head_names,
            backends=self._backends,
        ) as engine:
            found = engine.evaluate_all(self.items if items is None else items)
        outcomes = [outcome for outcomes in found for outcome in outcomes]
        if failed := [outcome for outcome in outcomes if isinstance(outcome, Failure)]:
            raise SystemExit(f"{len(failed)} points failed: {failed[0].reason}")
        return [outcome.mean for outcome in outcomes if not isinstance(outcome, Failure)]

    @property
    def facts(self) -> str:
        """What is measured."""
        n_points = len({point for item in self.items for point in item.points})
        return f"{len(self._zoo)} members, {n_points} points, kernel {self._backends.kernel}"


class Cost(NamedTuple):
    """Seconds on the wall, and of all processors."""

    wall: float
    cpu: float


def cost_of(call: Callable[[], object]) -> Cost:
    """Return what a call costs, in this process and all that it has started."""
    wall, cpu = time.perf_counter(), _cpu()
    call()
    return Cost(time.perf_counter() - wall, _cpu() - cpu)


def _cpu() -> float:
    me = psutil.Process()
    times = [process.cpu_times() for process in (me, *me.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def main() -> None:
    """Let all ways take turns, and print the best time of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=4)
    parser.add_argument("--examples", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"torch {torch.__version__}, load {os.getloadavg()[0]:.1f} before the start"
    )
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        work = Work(Path(folder), options.members, options.examples)
        print(work.facts, flush=True)
        pools: dict[str, AbstractPool] = {
            "1 local worker": WorkerPool(1),
            "2 local workers": WorkerPool(2),
            "2 Dask workers": DaskPool(n_jobs=2),
        }
        twin = stack.enter_context(WorkerPool(1))
        for pool in pools.values():
            stack.enter_context(pool)
        difference = check(work, [*pools.values(), twin])
        best = rounds(work, pools, twin, options.rounds)
    single = best["1 local worker"].wall
    for name, cost in best.items():
        gain = (2 if name.startswith("2 lists") else 1) * single / cost.wall
        print(f"{name:<18}{cost.wall:7.2f} s{gain:7.2f} ×{cost.cpu:9.2f} s of CPU time")
    print(f"largest difference of a mean loss: {difference:.1g}")


def check(work: Work, pools: Sequence[AbstractPool]) -> float:
    """Start all workers, and return the largest difference of a loss between the pools."""
    found = [work(pool) for pool in pools]
    return max(abs(a - b) for other in found for a, b in zip(other, found[0], strict=True))


def rounds(
    work: Work, pools: dict[str, AbstractPool], twin: AbstractPool, n_rounds: int
) -> dict[str, Cost]:
    """Return the cost of each way in its best round."""
    best: dict[str, Cost] = {}
    for i in range(n_rounds):
        costs = {name: cost_of(lambda pool=pool: work(pool)) for name, pool in pools.items()}
        with ThreadPoolExecutor(2) as both:
            pair = [pools["1 local worker"], twin]
            costs["2 lists at once"] = cost_of(lambda: list(both.map(work, pair)))  # noqa: B023
        load = os.getloadavg()[0]
        walls = " ".join(f"{cost.wall:6.2f}" for cost in costs.values())
        print(f"round {i}: {walls}   load {load:.1f}", flush=True)
        best = {name: min(cost, best.get(name, cost)) for name, cost in costs.items()}
    return best


if __name__ == "__main__":
    main()
