"""Points to losses: what is known is looked up, what is missing goes to workers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from types import TracebackType
from typing import Self, final

from wsgeo.evaluation.backends import Backends
from wsgeo.evaluation.dispatch import Block, results
from wsgeo.evaluation.evaluator import Evaluator, Unit
from wsgeo.evaluation.losses import (
    AbstractBackends,
    Item,
    Ledger,
    Losses,
    Outcome,
)
from wsgeo.evaluation.points import owner_of
from wsgeo.evaluation.races import AbstractRace, AbstractRacer
from wsgeo.evaluation.schedule import AbstractQueue, Picked, Segments, visiting_order
from wsgeo.processes.abstract import AbstractPool
from wsgeo.processes.pool import PRELOAD, WorkerPool
from wsgeo.progress import Progress
from wsgeo.tasks.task import EncodedExamples
from wsgeo.weights.layout import Weights
from wsgeo.zoo.checkpoints import Checkpoint


@final
class Engine(AbstractRacer):
    """Evaluates points of a zoo, each at most once.

    A point is looked up in the ledger before it is evaluated and put there, in this process, as
    soon as it is; the same point in several items is evaluated once. Neither the number of
    processes, nor the token budget, nor the order of the items changes a mean loss by more than
    1e-6.

    Parameters
    ----------
    checkpoints : iterable of Checkpoint
        Those that points may name, by content hash.
    examples : mapping of str to EncodedExamples
        Those that items may name.
    n_jobs : int, default 0
        Number of processes; 0 works in this one.
    pool : AbstractPool, optional
        Processes to use instead; it stays open.
    ledger : Ledger, optional
        Where finished work is kept.
    progress : Progress, optional
        Told of every finished hand-out.
    precision : str, default 'fp32'
        Arithmetic and kernels; part of every key.
    token_budget : int, default 1024
        Tokens per batch, padding included.
    cache_bytes : int, default 1 GiB
        Memory per process for loaded weights.
    load, head_names : callable, optional
        Checkpoint to weights, and to the tensor names of its head; `wsgeo.zoo`'s by default.
    backends : AbstractBackends, optional
        Makes backends; those of the unchanged modules by default. With processes, all callables
        must be importable there.

    Attributes
    ----------
    n_computed, n_reused : int
        Distinct points and races that this engine evaluated, and that it found done in the ledger.
    """

    def __init__(
        self,
        checkpoints: Iterable[Checkpoint],
        examples: Mapping[str, EncodedExamples],
        *,
        n_jobs: int = 0,
        pool: AbstractPool | None = None,
        ledger: Ledger | None = None,
        progress: Progress | None = None,
        precision: str = "fp32",
        token_budget: int = 1024,
        cache_bytes: int = 1 << 30,
        load: Callable[[Checkpoint], Weights] | None = None,
        head_names: Callable[[Checkpoint], Collection[str]] | None = None,
        backends: AbstractBackends | None = None,
    ) -> None:
        if load is None or head_names is None:
            from wsgeo import zoo

            load, head_names = load or zoo.load_weights, head_names or zoo.head_names
        members = {checkpoint.content_hash: checkpoint for checkpoint in checkpoints}
        backends = backends or Backends()
        self._evaluator = Evaluator(
            members, dict(examples), load, head_names, backends, token_budget, cache_bytes
        )
        self._precision = backends.precision_of(precision)
        self._ledger, self._progress = ledger, progress
        self._own_pool = pool is None
        self._pool = pool or WorkerPool(n_jobs, preload=_preload(members.values()))
        self.n_computed = self.n_reused = 0
        self._counted: set[str] = set()

    def __enter__(self) -> Self:
        """Return the engine; processes start with the first point that is missing."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the engine's own processes."""
        self.close()

    def close(self) -> None:
        """End the engine's own processes; what was loaded here is given up."""
        if self._own_pool:
            self._pool.close()

    def evaluate(self, items: Sequence[Item]) -> Iterator[tuple[int, tuple[Outcome, ...]]]:
        """Yield outcomes as items finish.

        Parameters
        ----------
        items : sequence of Item
            Points that belong together, and their example set.

        Yields
        ------
        tuple of (int, tuple of Losses or Failure)
            Position of the item and one outcome per point; items that the ledger knows come first.

        Raises
        ------
        ValueError
            If an item names a checkpoint or an example set that the engine was not given.
        """
        for item in items:
            self._check(item)
        units: dict[str, Unit] = {}
        places: dict[str, list[tuple[int, int]]] = {}
        open_items: dict[int, list[Outcome | None]] = {}
        reused: set[str] = set()
        for i, item in enumerate(items):
            keys = self._keys(item)
            found = [None if key in units else self._look_up(key) for key in keys]
            reused.update(key for key, outcome in zip(keys, found, strict=True) if outcome)
            if None not in found:
                yield i, _complete(found)
                continue
            open_items[i] = list(found)
            for j, key in enumerate(keys):
                if found[j] is None:
                    units[key] = (item.points[j], item.examples)
                    places.setdefault(key, []).append((i, j))
        self.n_reused += len(reused - self._counted)
        self._counted |= reused | units.keys()
        for key, outcome in self._compute(units, len(reused)):
            for i, j in places[key]:
                open_items[i][j] = outcome
                if None not in open_items[i]:
                    yield i, _complete(open_items.pop(i))

    def _check(self, item: Item) -> None:
        if item.examples not in self._evaluator.examples:
            raise ValueError(f"No example set is called {item.examples!r}.")
        for point in item.points:
            for name in (*point.members, owner_of(point)):
                if name not in self._evaluator.checkpoints:
                    raise ValueError(f"No checkpoint has the content hash {name!r}.")

    def _keys(self, item: Item) -> list[str]:
        examples = self._evaluator.examples[item.examples].key
        return [point.key(examples, self._precision) for point in item.points]

    def _look_up(self, key: str) -> Losses | None:
        return None if self._ledger is None else self._ledger.get(key)

    def fits(self) -> bool:
        """Return whether a process can keep all checkpoints, so that races may be run in any order."""
        return self._capacity >= len(self._evaluator.checkpoints)

    def together(self, races: Sequence[AbstractRace]) -> list[int]:
        """Return an order of races in which neighbours share their checkpoints."""
        return visiting_order([race.points[0] for race in races], self._capacity)

    def race(
        self, races: Sequence[AbstractRace], pick: Callable[[], int | None] | None = None
    ) -> Iterator[tuple[int, Outcome]]:
        """Yield outcomes as races finish.

        Parameters
        ----------
        races : sequence of AbstractRace
            Questions.
        pick : callable, optional
            Returns the position of a race to run next, or None while there is none; asked whenever
            a worker is free, after every outcome that was yielded. Default all of them, so that
            neighbours share checkpoints.

        Yields
        ------
        tuple of (int, Losses or Failure)
            Position of the race, and what `wsgeo.evaluation.races.run` returned.

        Raises
        ------
        ValueError
            If a race names a checkpoint or an example set that the engine was not given.
        """
        for race in races:
            self._check(Item(race.points, race.examples))
        examples = self._evaluator.examples
        keys = [race.key(examples[race.examples].key, self._precision) for race in races]
        known: set[int] = set()
        for i, key in enumerate(keys):
            if found := self._look_up(key):
                known.add(i)
                yield i, found
        self.n_reused += len(known)
        missing = [i for i in range(len(races)) if i not in known]
        order = self.together([races[i] for i in missing])
        queue: AbstractQueue = Segments([missing[i] for i in order], self._pool.n_jobs)
        if pick is not None:
            queue = Picked(partial(_next_outside, known, pick), len(missing), self._pool.n_jobs)
        noun = races[0].noun if races else ""
        for block, outcomes in self._work(queue, races.__getitem__, len(known), len(races), noun):
            for i, outcome in zip(block, outcomes, strict=True):
                self._keep(keys[i], outcome)
                yield i, outcome

    def _compute(self, units: Mapping[str, Unit], n_known: int) -> Iterator[tuple[str, Outcome]]:
        """Evaluate what is missing, and keep it."""
        keys = list(units)
        points = [unit[0] for unit in units.values() if isinstance(unit, tuple)]
        queue = Segments(visiting_order(points, self._capacity), self._pool.n_jobs)
        total = n_known + len(keys)
        for block, outcomes in self._work(
            queue, lambda i: units[keys[i]], n_known, total, "losses"
        ):
            finished = [(keys[i], outcome) for i, outcome in zip(block, outcomes, strict=True)]
            for key, outcome in finished:
                self._keep(key, outcome)
            yield from finished

    def _work(
        self, queue: AbstractQueue, unit: Callable[[int], Unit], n_done: int, total: int, noun: str
    ) -> Iterator[Block]:
        """Have workers do what a queue holds, and tell how far they are."""
        for block, outcomes in results(self._pool, self._evaluator, queue, unit, self.deadline):
            n_done, self.n_computed = n_done + len(block), self.n_computed + len(block)
            if self._progress is not None:
                self._progress(n_done, total, noun)
            yield block, outcomes

    def _keep(self, key: str, outcome: Outcome) -> None:
        if self._ledger is None:
            return
        if isinstance(outcome, Losses):
            self._ledger.put(key, outcome)
        else:
            self._ledger.put_failure(key, outcome)

    @cached_property
    def _capacity(self) -> int:
        """How many checkpoints a process can keep."""
        evaluator = self._evaluator
        kinds = {(m.geometry_group, m.loss_group): m for m in evaluator.checkpoints.values()}
        largest = max(map(evaluator.backends.size_of, kinds.values()), default=0)
        return evaluator.cache_bytes // max(1, 4 * largest)


def _next_outside(known: Collection[int], pick: Callable[[], int | None]) -> int | None:
    """Return the next that is picked and not known."""
    while (i := pick()) is not None and i in known:
        pass
    return i


def _complete(outcomes: Sequence[Outcome | None]) -> tuple[Outcome, ...]:
    return tuple(outcome for outcome in outcomes if outcome is not None)


def _preload(members: Iterable[Checkpoint]) -> tuple[str, ...]:
    """Return the modules that workers need for these models, so that a new one is born with them."""
    kinds = sorted({str(member.config.get("model_type", "")) for member in members})
    names = [kind.replace("-", "_") for kind in kinds if kind.replace("-", "_").isidentifier()]
    models = (f"transformers.models.{name}.modeling_{name}" for name in names)
    return (*PRELOAD, "wsgeo.evaluation.evaluator", "wsgeo.evaluation.hf", "wsgeo.zoo", *models)
