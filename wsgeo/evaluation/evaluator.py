"""What one process needs to evaluate points, and keeps from one block of points to the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from wsgeo.errors import EntryError, WsgeoError
from wsgeo.evaluation.heads import probe
from wsgeo.evaluation.losses import (
    REFIT,
    AbstractBackend,
    AbstractBackends,
    Failure,
    Loaded,
    Outcome,
    Point,
)
from wsgeo.evaluation.points import WeightsCache, layout_of, materialise, owner_of
from wsgeo.evaluation.races import AbstractRace, run
from wsgeo.processes.worker import attempt, failure_of
from wsgeo.tasks.task import EncodedExamples
from wsgeo.weights.layout import Layout, Weights
from wsgeo.zoo.checkpoints import Checkpoint

Unit = tuple[Point, str] | AbstractRace
"""A point and the name of the example set to evaluate it on, or a race."""

_RESIDENT_MODELS = 2


@final
@dataclass
class Evaluator:
    """Evaluates blocks of points; sent to each worker once, with everything but what it loads.

    Parameters
    ----------
    checkpoints : mapping of str to Checkpoint
        By content hash.
    examples : mapping of str to EncodedExamples
        By name.
    load : callable
        Checkpoint to weights.
    head_names : callable
        Checkpoint to the tensor names of its head.
    backends : AbstractBackends
        Makes backends, and what they take.
    token_budget : int
        Tokens per batch; a quarter after each time that memory did not suffice.
    cache_bytes : int
        Memory for loaded weights.
    """

    checkpoints: Mapping[str, Checkpoint]
    examples: Mapping[str, EncodedExamples]
    load: Callable[[Checkpoint], Weights]
    head_names: Callable[[Checkpoint], Collection[str]]
    backends: AbstractBackends
    token_budget: int
    cache_bytes: int
    _cache: WeightsCache | None = field(default=None, init=False, repr=False)
    _made: dict[Any, AbstractBackend] = field(default_factory=dict, init=False, repr=False)
    _refused: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    _parts: dict[tuple[str, int, int], EncodedExamples] = field(
        default_factory=dict, init=False, repr=False
    )

    def __getstate__(self) -> dict[str, object]:
        """Leave behind what was loaded."""
        return {**self.__dict__, "_cache": None, "_made": {}, "_refused": {}, "_parts": {}}

    def __call__(self, block: Sequence[Unit]) -> tuple[float, list[Outcome]]:
        """Evaluate points, and run races.

        Parameters
        ----------
        block : sequence of (Point, str) or AbstractRace
            Points and the names of their example sets; races.

        Returns
        -------
        seconds : float
            Wall time that the block took.
        outcomes : list of Losses or Failure
            One per point or race; an error costs its own only.
        """
        started = time.monotonic()
        outcomes = [
            run(unit, self.examples[unit.examples], self._evaluate, self._part)
            if isinstance(unit, AbstractRace)
            else self._evaluate(unit[0], self.examples[unit[1]])
            for unit in block
        ]
        return time.monotonic() - started, outcomes

    def _part(self, examples: EncodedExamples, start: int, stop: int) -> EncodedExamples:
        key = (examples.key, start, stop)
        if key not in self._parts:
            self._parts[key] = examples.rows(np.arange(start, stop))
        return self._parts[key]

    def _evaluate(self, point: Point, examples: EncodedExamples) -> Outcome:
        budget = max(1, self.token_budget // 4 ** attempt())
        for _ in range(2):
            try:
                return self._measure(point, examples, budget)
            except EntryError as error:
                return Failure("failed", str(error))
            except WsgeoError:
                raise
            except Exception as error:
                if not _is_out_of_memory(error):
                    return Failure("failed", failure_of(error).reason)
            # Not in the handler: the traceback holds on to the arrays that were too large.
            self._forget()
            budget = max(1, budget // 4)
        size = 4 * self.checkpoints[owner_of(point)].layout.n_parameters
        return Failure("failed", f"out of memory (the model alone is {size / 2**20:.0f} MiB)")

    def _measure(self, point: Point, examples: EncodedExamples, budget: int) -> Outcome:
        layout = layout_of(point, self._weights)
        owner = self.checkpoints[owner_of(point)]
        backend = self._backend(owner, layout, budget)
        vector = materialise(point, self._weights, self.head_names(owner), backend.buffer)
        if point.head and point.head.startswith(REFIT):
            seed = int(point.head.removeprefix(REFIT))
            features = backend.features(vector, examples)
            return probe(features, examples.targets, len(examples.class_map), seed)
        return backend.losses(vector, examples, logits=point == Point.of(point.members[0]))

    def _weights(self, name: str) -> Loaded:
        if self._cache is None:
            self._cache = WeightsCache(self._load, self.cache_bytes)
        return self._cache(name)

    def _load(self, name: str) -> Loaded:
        # A file that was refused once is not read again for every pair it is in.
        if name in self._refused:
            raise EntryError("refused", self._refused[name])
        try:
            return self.backends.packed(self.checkpoints[name], self.load(self.checkpoints[name]))
        except EntryError as error:
            self._refused[name] = str(error)
            raise

    def _backend(self, checkpoint: Checkpoint, layout: Layout, budget: int) -> AbstractBackend:
        key = (checkpoint.model_class, checkpoint.geometry_group, layout, budget)
        if key not in self._made:
            if len(self._made) >= _RESIDENT_MODELS:
                del self._made[next(iter(self._made))]
            self._made[key] = self.backends.make(checkpoint, budget)
        return self._made[key]

    def _forget(self) -> None:
        self._cache = None
        self._made.clear()


def _is_out_of_memory(error: Exception) -> bool:
    texts = ("not enough memory", "can't allocate memory", "out of memory")
    return isinstance(error, MemoryError) or any(text in str(error).lower() for text in texts)
