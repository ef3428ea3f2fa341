"""Members of a zoo: recipes to model folders, each whole or absent.

A member is a Hugging Face folder (a model with ``config.json``, or an adapter; and its tokenizer) and
``wsgeo.json`` with every setting, seed, hash and result. It is written under a hidden name and
renamed at the end, so a folder with a name is a finished member and is not trained again. The state
of a member in work lies in ``.unfinished/<its name>`` beside it.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from wsgeo.errors import WsgeoError
from wsgeo.files import replacing_folder, write_text
from wsgeo.processes.pool import WorkerPool
from wsgeo.processes.worker import WorkFailure, report
from wsgeo.progress import Progress
from wsgeo.training.descent import DivergedError
from wsgeo.training.devices import device_of
from wsgeo.training.loops import Trained, fine_tune, pretrain_masked_lm
from wsgeo.training.models import quiet
from wsgeo.training.recipes import FineTuneRecipe
from wsgeo.training.records import (
    Order,
    base_name,
    described,
    is_finished,
    read_record,
    versions,
)
from wsgeo.training.states import UNFINISHED, StateKeeper
from wsgeo.zoo.facts import OWN_FILE

_SECOND = 1.0

__all__ = ["Made", "Order", "make_member", "make_members"]


@final
@dataclass(frozen=True)
class Made:
    """What became of an order.

    Parameters
    ----------
    folder : Path
        Its folder.
    status : str
        ``trained``, ``kept`` (it was finished before), ``degenerate`` (a model that learned nothing;
        its folder is there), ``nonfinite``, or ``failed``.
    reason : str
        Why there is no model, or none worth having; empty where there is one.
    train_loss, validation_loss, validation_metric, seconds : float or None
        Mean loss of the last updates, loss and accuracy on the validation data, and wall time of the
        training; None where there are none.
    """

    folder: Path
    status: str
    reason: str = ""
    train_loss: float | None = None
    validation_loss: float | None = None
    validation_metric: float | None = None
    seconds: float | None = None


@final
@dataclass(frozen=True)
class Running:
    """How a member in work, and all members with it, get on.

    Parameters
    ----------
    member : str
        Name of its folder.
    step, n_steps : int
        Updates made, and in all.
    loss : float
        Of the last update, in nats.
    done, total : int
        Updates made of all members that had to be trained, and in all.
    seconds_left : float or None
        Until all members are made, at the rate since the first one began; None where that is not
        known yet.
    """

    member: str
    step: int
    n_steps: int
    loss: float
    done: int
    total: int
    seconds_left: float | None


def make_members(
    orders: Sequence[Order],
    pool: WorkerPool,
    progress: Progress | None = None,
    watch: Callable[[Running], None] | None = None,
) -> list[Made]:
    """Make the members that are not there yet, in the workers of a pool.

    Parameters
    ----------
    orders : sequence of Order
        What to make.
    pool : WorkerPool
        Trains one member per worker.
    progress : callable, optional
        Told how many members are done.
    watch : callable, optional
        Told about once a second how each member in work gets on.

    Returns
    -------
    list of Made
        Aligned to ``orders``; a run that diverges or dies costs one member.

    Raises
    ------
    WsgeoError
        If a folder holds another model, or data or base cannot be read.
    """
    outcomes: list[Made | None] = [None] * len(orders)
    pace = _Pace(orders, watch)
    work = pool.run(make_member, orders, hear=pace.hear)
    for done, (i, outcome) in enumerate(work, start=1):
        if isinstance(outcome, WorkFailure):
            outcome = Made(orders[i].folder, "failed", outcome.reason)
        outcomes[i] = outcome
        pace.end(i)
        if progress is not None:
            progress(done, len(orders), "members")
    return [made for made in outcomes if made is not None]


def make_member(order: Order) -> Made:
    """Train one model and write its folder, unless it is finished; go on where an earlier call was.

    Parameters
    ----------
    order : Order
        What to make.

    Returns
    -------
    Made
        The outcome; a loss that is not finite is one.

    Raises
    ------
    WsgeoError
        If the folder holds something else, the recipe cannot be run, or the disk is full.
    """
    settings = described(order)
    keeper = _keeper(order, settings)
    if is_finished(order.folder, settings):
        keeper.remove()
        return _made(order.folder, read_record(order.folder), kept=True)
    try:
        trained = _train(order, keeper)
        _refuse_nonfinite(trained, order.recipe.optimization.steps)
    except DivergedError as error:
        keeper.remove()
        return Made(order.folder, "nonfinite", str(error))
    record = _write(order, order.folder, settings, trained)
    keeper.remove()
    return _made(order.folder, record)


class _Pace:
    """Counts the updates of all members, and how long the rest will take."""

    def __init__(self, orders: Sequence[Order], watch: Callable[[Running], None] | None) -> None:
        self._orders, self._watch = orders, watch
        self._left = {i: order.recipe.optimization.steps for i, order in enumerate(orders)}
        self._steps, self._first = dict[int, int](), dict[int, int]()
        self._started = 0.0

    def hear(self, i: int, told: tuple[int, float]) -> None:
        """Take in that a member has made so many updates, with its last loss."""
        step, loss = told
        self._first.setdefault(i, step)
        # From here on: what was done before an interruption took none of this call's time, and
        # loading a model tells nothing about the rate.
        self._started = self._started or time.monotonic()
        self._steps[i] = step
        self._left[i] = self._orders[i].recipe.optimization.steps - step
        if self._watch is None:
            return
        made = sum(self._steps.values()) - sum(self._first.values())
        done, left = sum(self._steps.values()), sum(self._left.values())
        seconds = left * (time.monotonic() - self._started) / made if made > 0 else None
        name, n_steps = self._orders[i].folder.name, step + self._left[i]
        self._watch(Running(name, step, n_steps, loss, done, done + left, seconds))

    def end(self, i: int) -> None:
        """Take in that a member is made, or never will be; one that was kept is not counted."""
        if i in self._steps:
            self._steps[i] += self._left[i]
        self._left[i] = 0


def _reporter() -> Callable[[int, float], None]:
    """Return a callable that reports the state of a run about once a second."""
    due = 0.0

    def tell(step: int, loss: float) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + _SECOND
            report((step, loss))

    return tell


def _train(order: Order, keeper: StateKeeper) -> Trained:
    if not isinstance(order.recipe, FineTuneRecipe):
        return pretrain_masked_lm(order.recipe, keeper=keeper, tell=_reporter())

    def checkpoint(step: int, trained: Trained) -> None:
        _refuse_nonfinite(trained, step)
        settings, folder = described(order, step), order.folder_at(step)
        if not is_finished(folder, settings):
            _write(order, folder, settings, trained)

    return fine_tune(order.recipe, keeper=keeper, tell=_reporter(), checkpoint=checkpoint)


def _keeper(order: Order, settings: Mapping[str, Any]) -> StateKeeper:
    """Return the keeper of a member's state; what could change a bit is among its settings."""
    device = str(device_of(getattr(order.recipe, "device", "cpu")))
    folder = order.folder.parent / UNFINISHED / order.folder.name
    return StateKeeper(folder, {**settings, "device": device, "versions": versions()})


def _refuse_nonfinite(trained: Trained, step: int) -> None:
    loss = 0.0 if trained.evaluation is None else trained.evaluation.loss
    if not math.isfinite(loss):
        raise DivergedError(f"the validation loss is {loss} after step {step}")


def _write(
    order: Order, folder: Path, settings: Mapping[str, Any], trained: Trained
) -> dict[str, Any]:
    """Write the folder of a model and return what is written down with it."""
    from safetensors import SafetensorError

    record = {**settings, **_results(trained, settings)}
    recipe = order.recipe
    try:
        with replacing_folder(folder) as staging, quiet():
            if isinstance(recipe, FineTuneRecipe):
                recipe.method.save(trained.model, staging, base_name(order))
            else:
                trained.model.save_pretrained(staging)
            trained.tokenizer.save_pretrained(staging)
            document = json.dumps(record, indent=2, sort_keys=True, allow_nan=False)
            write_text(staging / OWN_FILE, document + "\n")
    except (OSError, SafetensorError) as error:
        raise WsgeoError(
            f"the member cannot be written ({str(error).splitlines()[0]})",
            where=str(folder),
            remedy="Free some space, then run the command again: it goes on where it was.",
        ) from error
    return record


def _results(trained: Trained, settings: Mapping[str, Any]) -> dict[str, Any]:
    descended, evaluation = trained.descended, trained.evaluation
    fault = "" if evaluation is None else evaluation.fault
    seen = settings["step"] * settings["batch_size"]
    return {
        "status": "degenerate" if fault else "trained",
        "reason": fault,
        "train_loss": descended.train_loss,
        "validation_loss": None if evaluation is None else evaluation.loss,
        "validation_metric": None if evaluation is None else evaluation.accuracy,
        "seconds": round(descended.seconds, 3),
        "examples_per_second": round(seen / max(descended.seconds, 1e-3), 1),
        "device": str(next(trained.model.parameters()).device),
        "versions": versions(),
    }


def _made(folder: Path, record: Mapping[str, Any], *, kept: bool = False) -> Made:
    """Return the outcome that a record tells; one that is kept keeps its fault."""
    status = "kept" if kept and record["status"] == "trained" else record["status"]
    names = ("reason", "train_loss", "validation_loss", "validation_metric", "seconds")
    return Made(folder, status, **{name: record[name] for name in names})
