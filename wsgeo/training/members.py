"""Members of a zoo: recipes to model folders, each whole or absent.

A member is a Hugging Face folder (a model with ``config.json``, or an adapter; and its tokenizer) and
``wsgeo.json`` with every setting, seed, hash and result. It is written under a hidden name and
renamed at the end, so a folder with a name is a finished member and is not trained again. The state
of a member in work lies in ``.unfinished/<its name>`` beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wsgeo.processes.pool import WorkerPool
from wsgeo.progress import Progress
from wsgeo.training.crews import Made, Watch, make_all, telling
from wsgeo.training.descent import DivergedError
from wsgeo.training.devices import device_of
from wsgeo.training.fine_tuning import Trained, fine_tune
from wsgeo.training.pair_pretraining import pretrain_masked_lm
from wsgeo.training.recipes import FineTuneRecipe
from wsgeo.training.records import (
    Order,
    base_name,
    described,
    is_finished,
    read_record,
    versions,
    writing_member,
)
from wsgeo.training.states import StateKeeper

__all__ = ["Made", "Order", "diverged", "make_member", "make_members"]


def make_members(
    orders: Sequence[Order],
    pool: WorkerPool,
    progress: Progress | None = None,
    watch: Watch | None = None,
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
        Told about once a second how the members in work get on.

    Returns
    -------
    list of Made
        Aligned to ``orders``; a run that diverges or dies costs one member.

    Raises
    ------
    WsgeoError
        If a folder holds another model, or data or base cannot be read.
    """
    return make_all(make_member, orders, pool, what="members", progress=progress, watch=watch)


def make_member(order: Order) -> Made:
    """Train one model and write its folder, unless it is finished; go on where an earlier call was.

    Parameters
    ----------
    order : Order
        What to make.

    Returns
    -------
    Made
        The outcome; a loss that is not finite is one, and is not met again by a second call.

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
    if before := keeper.given_up():
        return Made(order.folder, "nonfinite", before)
    try:
        trained = _train(order, keeper)
        _refuse_nonfinite(trained, order.recipe.optimization.steps)
    except DivergedError as error:
        keeper.give_up(str(error))
        return Made(order.folder, "nonfinite", str(error))
    record = _write(order, order.folder, settings, trained)
    keeper.remove()
    return _made(order.folder, record)


def diverged(order: Order) -> str:
    """Return why an order has no model since an earlier call.

    Parameters
    ----------
    order : Order
        What was to be made.

    Returns
    -------
    str
        The reason; empty where none is recorded for this order on this device.
    """
    if not StateKeeper.has_given_up(order.folder):
        return ""
    return _keeper(order, described(order)).given_up()


def _train(order: Order, keeper: StateKeeper) -> Trained:
    if not isinstance(order.recipe, FineTuneRecipe):
        return pretrain_masked_lm(order.recipe, keeper=keeper, tell=telling())

    def checkpoint(step: int, trained: Trained) -> None:
        _refuse_nonfinite(trained, step)
        settings, folder = described(order, step), order.folder_at(step)
        if not is_finished(folder, settings):
            _write(order, folder, settings, trained)

    return fine_tune(order.recipe, keeper=keeper, tell=telling(), checkpoint=checkpoint)


def _keeper(order: Order, settings: Mapping[str, Any]) -> StateKeeper:
    """Return the keeper of a member's state; what could change a bit is among its settings."""
    device = str(device_of(getattr(order.recipe, "device", "cpu")))
    return StateKeeper.beside(order.folder, {**settings, "device": device, "versions": versions()})


def _refuse_nonfinite(trained: Trained, step: int) -> None:
    loss = 0.0 if trained.evaluation is None else trained.evaluation.loss
    if not math.isfinite(loss):
        raise DivergedError(f"the validation loss is {loss} after step {step}")


def _write(
    order: Order, folder: Path, settings: Mapping[str, Any], trained: Trained
) -> dict[str, Any]:
    """Write the folder of a model and return what is written down with it."""
    record = {**settings, **_results(trained, settings)}
    with writing_member(folder, record) as staging:
        if isinstance(order.recipe, FineTuneRecipe):
            order.recipe.method.save(trained.model, staging, base_name(order))
        else:
            trained.model.save_pretrained(staging)
        trained.tokenizer.save_pretrained(staging)
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
