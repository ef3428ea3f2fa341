"""Trials: a few updates of the real model, timed in as many workers as would make the zoo.

Measured apart, because it grows apart, is the time of an update, of an example to encode, of one to
evaluate, and the rest. What only the first member costs, such as imports, is told by itself.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import polars as pl

from wsgeo.errors import WsgeoError
from wsgeo.processes.pool import WorkerPool
from wsgeo.processes.worker import WorkFailure
from wsgeo.training import FineTuneRecipe, SeriesOrder, make_series
from wsgeo.training.fine_tuning import fine_tune
from wsgeo.training.models import quiet

_SHORT, _LONG = 2, 8  # updates; their difference is free of the start
_FEW: Final = {"train": 128, "validation": 64}
_MANY: Final = {"train": 1024, "validation": 256}
_RATE = 1e-6  # whatever the recipe's: a trial must not diverge


@final
@dataclass(frozen=True)
class Cost:
    """What one kind of member costs.

    Parameters
    ----------
    start : float
        Seconds per member, whatever its length.
    update : float
        Seconds per update.
    folder : float
        Seconds per model that it leaves, for its evaluation.
    example : float
        Seconds per training example, for reading and encoding it.
    n_bytes : int
        Size of a model's folder.

    Examples
    --------
    >>> Cost(start=1.0, update=0.5, folder=2.0, example=0.01, n_bytes=0).seconds(10, 2, 100)
    11.0
    """

    start: float
    update: float
    folder: float
    example: float
    n_bytes: int

    def seconds(self, steps: int, n_folders: int, n_examples: int) -> float:
        """Return the time of a member in one worker.

        Parameters
        ----------
        steps : int
            Its updates.
        n_folders : int
            Models that it leaves: those on the way, and its end.
        n_examples : int
            Training examples.

        Returns
        -------
        float
            Seconds.
        """
        each = self.update * steps + self.folder * n_folders + self.example * n_examples
        return self.start + each


@final
@dataclass(frozen=True)
class Spent:
    """What a trial took.

    Parameters
    ----------
    whole, updates : float
        Seconds in all, and for the updates.
    n_bytes : int
        Size of the folder that it left.
    """

    whole: float
    updates: float
    n_bytes: int

    @property
    def rest(self) -> float:
        """Seconds beside the updates."""
        return self.whole - self.updates


def fine_tuning_cost(
    recipe: FineTuneRecipe,
    tables: Mapping[str, pl.DataFrame],
    pool: WorkerPool,
    root: Path,
) -> tuple[Cost, float]:
    """Measure what members like one cost.

    Parameters
    ----------
    recipe : FineTuneRecipe
        The member, with its base in place.
    tables : mapping of str to DataFrame
        Its examples: ``train``, ``validation``.
    pool : WorkerPool
        As many trials run at once as it has workers.
    root : Path
        An empty folder.

    Returns
    -------
    cost : Cost
        With the evaluation of all validation examples.
    first : float
        Seconds that the first one took more.

    Raises
    ------
    WsgeoError
        If a model cannot be trained at all.
    """
    few = {split: min(n, tables[split].height) for split, n in _FEW.items()}
    many = {split: min(n, tables[split].height) for split, n in _MANY.items()}

    def spent(steps: int, n_train: int, n_validation: int) -> Spent:
        place = root / f"{steps}-{n_train}-{n_validation}-{time.monotonic_ns()}"
        shorter = _on_few(recipe, tables, place, steps, (n_train, n_validation))
        return _mean(pool, fine_tuned, [(place / str(i), shorter) for i in _copies(pool)])

    started = time.monotonic()
    spent(1, few["train"], few["validation"])
    first = time.monotonic() - started
    short = spent(_SHORT, few["train"], few["validation"])
    rows = spent(_SHORT, many["train"], few["validation"])
    long = spent(_LONG, many["train"], few["validation"])
    wide = spent(_SHORT, few["train"], many["validation"])
    example = _each(rows.rest - short.rest, many["train"] - few["train"])
    evaluated = _each(wide.rest - short.rest, many["validation"] - few["validation"])
    start = short.rest - few["train"] * example - few["validation"] * evaluated
    cost = Cost(
        start=max(0.0, start),
        update=_each(long.updates - rows.updates, _LONG - _SHORT),
        folder=evaluated * tables["validation"].height,
        example=example,
        n_bytes=long.n_bytes,
    )
    return cost, max(0.0, first - short.whole)


def series_cost(order: SeriesOrder, pool: WorkerPool, root: Path) -> tuple[Cost, float]:
    """Measure what series like one cost.

    Parameters
    ----------
    order : SeriesOrder
        The series, on a corpus that is made.
    pool : WorkerPool
        As many trials run at once as it has workers.
    root : Path
        An empty folder.

    Returns
    -------
    cost : Cost
        Its examples cost nothing: the corpus is packed.
    first : float
        Seconds that the first one took more.

    Raises
    ------
    WsgeoError
        If a model cannot be trained at all.
    """

    def spent(save_at: tuple[int, ...]) -> Spent:
        plan = dataclasses.replace(
            order.recipe.optimization, steps=save_at[-1], learning_rate=_RATE
        )
        recipe = dataclasses.replace(order.recipe, optimization=plan, save_at=save_at)
        place = root / f"{'-'.join(map(str, save_at))}-{time.monotonic_ns()}"
        orders = [SeriesOrder(place / str(i), recipe, place) for i in _copies(pool)]
        return _mean(pool, pretrained, orders)

    started = time.monotonic()
    spent((1,))
    first = time.monotonic() - started
    short, long, twice = spent((_SHORT,)), spent((_LONG,)), spent((1, _SHORT))
    folder = max(0.0, twice.whole - short.whole)
    update = _each(long.updates - short.updates, _LONG - _SHORT)
    cost = Cost(max(0.0, short.rest - folder), update, folder, 0.0, long.n_bytes)
    return cost, max(0.0, first - short.whole)


def fine_tuned(trial: tuple[Path, FineTuneRecipe]) -> Spent:
    """Train one member and save it in a folder; runs in a worker."""
    started, (folder, recipe) = time.monotonic(), trial
    trained = fine_tune(recipe)
    folder.mkdir(parents=True)
    with quiet():
        recipe.method.save(trained.model, folder, "base")
        trained.tokenizer.save_pretrained(folder)
    return Spent(time.monotonic() - started, trained.descended.seconds, folder_bytes(folder))


def pretrained(order: SeriesOrder) -> Spent:
    """Make one series; runs in a worker."""
    started = time.monotonic()
    made = make_series(order)
    if made.seconds is None:
        raise ArithmeticError(made.reason)
    whole = time.monotonic() - started
    return Spent(whole, made.seconds, folder_bytes(order.folder_at(order.n_steps)))


def folder_bytes(folder: Path) -> int:
    """Return the size of the files in a folder.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    int
        Bytes.
    """
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _on_few(
    recipe: FineTuneRecipe,
    tables: Mapping[str, pl.DataFrame],
    place: Path,
    steps: int,
    sizes: tuple[int, int],
) -> FineTuneRecipe:
    """Return a recipe of a few steps on a few examples, which are drawn: files may be sorted."""
    place.mkdir(parents=True)
    files: dict[str, Any] = {split: place / f"{split}.parquet" for split in _FEW}
    for n, (split, file) in zip(sizes, files.items(), strict=True):
        tables[split].sample(n, seed=0).write_parquet(file)
    plan = dataclasses.replace(recipe.optimization, steps=steps, learning_rate=_RATE)
    return dataclasses.replace(recipe, optimization=plan, save_at=(), **files)


def _copies(pool: WorkerPool) -> range:
    # All at once: two workers may share a core's units, or the memory's bandwidth.
    return range(max(1, pool.n_jobs))


def _mean(pool: WorkerPool, function: Callable[[Any], Spent], trials: Sequence[Any]) -> Spent:
    found = []
    for _, outcome in pool.run(function, trials):
        if isinstance(outcome, WorkFailure):
            raise WsgeoError(
                f"a trial of a few updates failed ({outcome.reason})",
                remedy="Mend the recipe: no member of this kind can be made.",
            )
        found.append(outcome)
    n = len(found)
    return Spent(
        sum(spent.whole for spent in found) / n,
        sum(spent.updates for spent in found) / n,
        max(spent.n_bytes for spent in found),
    )


def _each(seconds: float, n: int) -> float:
    """Return the time of one of ``n``; on a busy machine the longer trial may be the faster one."""
    return max(0.0, seconds) / n if n else 0.0
