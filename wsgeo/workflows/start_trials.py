"""Fine-tunings of starts: paired by seed, kept by content, their weights thrown away."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import polars as pl

from wsgeo.processes.pool import WorkerPool
from wsgeo.progress import Progress
from wsgeo.regions.start_tables import TRIALS
from wsgeo.training import FineTuneRecipe, Made, Order
from wsgeo.training.crews import make_all
from wsgeo.training.evaluations import Evaluation
from wsgeo.training.finished import ALGORITHM
from wsgeo.training.members import make_member
from wsgeo.training.methods import METHODS
from wsgeo.workflows.file_names import file_name
from wsgeo.workflows.start_records import Records, key_of, making
from wsgeo.workflows.start_settings import StartSettings, Tuning
from wsgeo.workflows.start_targets import Target, write_examples

LOST: Final = ("nonfinite", "failed")
"""How a fine-tuning ends that says nothing of its start."""

VERSION: Final = 2
"""Raised when the same start, examples and settings would have another result, or less of one."""


@final
@dataclass(frozen=True)
class Start:
    """A start that is tried.

    Parameters
    ----------
    name : str
        As the tables call it.
    key : str
        Hash of what it is made of.
    folder : Path
        Where it lies while it is needed.
    """

    name: str
    key: str
    folder: Path


@final
@dataclass(frozen=True)
class Trial:
    """One fine-tuning of a start on a target.

    Parameters
    ----------
    target, start : str
        Names.
    shots : int or None
        Training examples; None for all.
    seed : int
        Of head, order of the examples, and shots.
    order : Order
        What is trained, and where its weights lie until they are removed.
    key : str
        Of all that decides its result.
    records : Records
        Where its result is kept.
    keep : bool
        Whether its weights stay.
    """

    target: str
    start: str
    shots: int | None
    seed: int
    order: Order
    key: str
    records: Records
    keep: bool = False

    @property
    def folder(self) -> Path:
        """Where its weights lie."""
        return self.order.folder

    @property
    def n_steps(self) -> int:
        """Its updates."""
        return self.order.n_steps

    @property
    def method(self) -> str:
        """How it is fine-tuned."""
        assert isinstance(self.order.recipe, FineTuneRecipe)
        return self.order.recipe.method.name

    @property
    def is_known(self) -> bool:
        """Whether its result is kept, and its weights where they are to stay."""
        known = self.records.get(self.key) is not None
        return known and (not self.keep or self.folder.exists())

    @property
    def right(self) -> list[bool] | None:
        """Which held-out examples it answers as they are labelled; None without a result."""
        digits = (self.records.get(self.key) or {}).get("right")
        return None if digits is None else [digit == "1" for digit in digits]

    def row(self, made: Made) -> dict[str, Any]:
        """Return its row of the table of trials."""
        return {
            "target": self.target, "shots": self.shots, "start": self.start,
            "method": self.method, "seed": self.seed,
            "status": "trained" if made.status == "kept" else made.status,
            "reason": made.reason or None,
            "train_loss": made.train_loss, "loss": made.validation_loss,
            "metric": made.validation_metric, "steps": self.n_steps, "seconds": made.seconds,
            "right": self.right,
        }  # fmt: skip


@final
@dataclass(frozen=True)
class Bench:
    """Makes trials in the folder of a run.

    Parameters
    ----------
    folder : Path
        Of all trials of the run.
    settings : StartSettings
        Method, shots, updates.
    tuning : Tuning
        Rate and longest input.
    keep : bool
        Whether the weights of trials stay.
    """

    folder: Path
    settings: StartSettings
    tuning: Tuning
    keep: bool = False

    def trial(self, target: Target, shots: int | None, start: Start, seed: int) -> Trial:
        """Return the trial of a start; nothing is made yet.

        Parameters
        ----------
        target : Target
            The data.
        shots : int or None
            Training examples; None for all.
        start : Start
            The start.
        seed : int
            The same for every start: same head, same order, same shots.

        Returns
        -------
        Trial
            Its key holds what the start is made of, the examples, the settings, the seeds, the kind
            of device and the versions of libraries.
        """
        recipe = dataclasses.replace(self.recipe(target, shots, seed), base=start.folder)
        data = [target.key, recipe.train.name, recipe.validation.name, list(target.labels)]
        plan = dataclasses.asdict(recipe.optimization)
        own = [recipe.method.name, recipe.max_length, seed]
        made = [VERSION, ALGORITHM, making(self.settings.device)]
        key = key_of([made, start.key, data, plan, own])
        words = [target.name, "all" if shots is None else str(shots), start.name, f"seed{seed}"]
        folder = self.folder / f"{file_name('-'.join(words))}-{key[:8]}"
        order = Order(folder, recipe, self.folder.parent)
        records = Records(self.folder / "records")
        return Trial(target.name, start.name, shots, seed, order, key, records, self.keep)

    def recipe(self, target: Target, shots: int | None, seed: int) -> FineTuneRecipe:
        """Return the recipe of a seed, whose base is yet to be put in; its data are written."""
        settings, place = self.settings, self.folder / "data"
        n = min(shots or len(target.train), len(target.train))
        steps = settings.n_steps(n)
        # Examples that no update will see need not be read and encoded by each trial.
        n = min(n, steps * settings.batch_size)
        words = "all" if n == len(target.train) else f"{n}-seed{seed}"
        stem = file_name(f"{target.name}-{target.key}")
        return FineTuneRecipe(
            base=Path(),
            train=write_examples(target.sample(n, seed), place / f"{stem}-train-{words}.parquet"),
            validation=write_examples(target.held_out, place / f"{stem}-held-out.parquet"),
            labels=target.labels,
            optimization=self.tuning.optimization(settings, steps),
            seed=seed,
            order_seed=seed,
            max_length=self.tuning.max_length,
            method=METHODS[settings.method](),
            device=settings.device,
        )


def make_trial(trial: Trial) -> Made:
    """Fine-tune a start, note the result, and remove the weights; runs in a worker.

    Parameters
    ----------
    trial : Trial
        What to make.

    Returns
    -------
    Made
        As noted, where it was made before.

    Raises
    ------
    WsgeoError
        If the recipe cannot be run, or the disk is full.
    """
    if trial.is_known:
        return known_result(trial)
    # Whoever was stopped between the last update and the record left no answers behind.
    shutil.rmtree(trial.folder, ignore_errors=True)
    ends: list[Evaluation | None] = []
    made = make_member(trial.order, ends.append)
    right = "".join(str(int(one)) for end in ends if end is not None for one in end.right)
    result = {**dataclasses.asdict(made), "folder": trial.folder.name, "right": right or None}
    trial.records.put(trial.key, {**result, "start": trial.start, "target": trial.target})
    if not trial.keep:
        shutil.rmtree(trial.folder, ignore_errors=True)
    return made


def known_result(trial: Trial) -> Made:
    """Return the result of a trial that was made before.

    Parameters
    ----------
    trial : Trial
        With a record.

    Returns
    -------
    Made
        As it came out then.
    """
    found = trial.records.get(trial.key)
    assert found is not None
    figures = ("train_loss", "validation_loss", "validation_metric", "seconds")
    known: dict[str, Any] = {name: found.get(name) for name in figures}
    return Made(trial.folder, found["status"], found["reason"], **known)


def make_trials(
    trials: Sequence[Trial],
    pool: WorkerPool,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Make trials side by side; what is known is looked up.

    Parameters
    ----------
    trials : sequence of Trial
        Of one seed, say.
    pool : WorkerPool
        One trial per worker.
    progress : Progress, optional
        Told how many are made.

    Returns
    -------
    polars.DataFrame
        Rows of `TRIALS`, in the order of the trials.
    """
    known = {i: known_result(trial) for i, trial in enumerate(trials) if trial.is_known}
    left = [i for i in range(len(trials)) if i not in known]
    if left:
        new = make_all(
            make_trial, [trials[i] for i in left], pool,
            what="fine-tunings", progress=progress,
        )  # fmt: skip
        known |= dict(zip(left, new, strict=True))
    rows = [trial.row(known[i]) for i, trial in enumerate(trials)]
    return pl.DataFrame(rows, schema=TRIALS)
