"""Members of a zoo: recipes to model folders, each whole or absent.

A member is a Hugging Face folder (a model with ``config.json``, or an adapter; and its tokenizer) and
``wsgeo.json`` with every setting, seed, hash and result. It is written under a hidden name and
renamed at the end, so a folder with a name is a finished member and is not trained again. The state
of a member in work lies in ``.unfinished/<its name>`` beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wsgeo.processes.pool import WorkerPool
from wsgeo.progress import Progress
from wsgeo.training.crews import Made, Watch, make_all, telling
from wsgeo.training.evaluations import Evaluation
from wsgeo.training.fine_tuning import Trained, fine_tune
from wsgeo.training.pair_pretraining import pretrain_masked_lm
from wsgeo.training.recipes import FineTuneRecipe
from wsgeo.training.records import Order, base_name, described
from wsgeo.training.runs import Run, refuse_nonfinite
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


def make_member(order: Order, hear: Callable[[Evaluation | None], object] | None = None) -> Made:
    """Train one model and write its folder, unless it is finished; go on where an earlier call was.

    Parameters
    ----------
    order : Order
        What to make.
    hear : callable, optional
        Told how the model does at the end of its training; not where it was finished before.

    Returns
    -------
    Made
        The outcome; a loss that is not finite is one, and is not met again by a second call.

    Raises
    ------
    WsgeoError
        If the folder holds something else, the recipe cannot be run, or the disk is full.
    """
    run = _run(order)

    def keep(step: int, trained: Trained) -> None:
        evaluation, method = trained.evaluation, getattr(order.recipe, "method", None)
        refuse_nonfinite(0.0 if evaluation is None else evaluation.loss, step)

        def save(folder: Path) -> None:
            if method is None:
                trained.model.save_pretrained(folder)
            else:
                method.save(trained.model, folder, base_name(order))

        results = _results(trained, step * order.recipe.optimization.batch_size)
        run.write(step, trained.model, trained.tokenizer, results, save)

    def train(keeper: StateKeeper) -> None:
        if isinstance(order.recipe, FineTuneRecipe):
            trained = fine_tune(order.recipe, keeper=keeper, tell=telling(), checkpoint=keep)
        else:
            trained = pretrain_masked_lm(order.recipe, keeper=keeper, tell=telling())
        keep(order.n_steps, trained)
        if hear is not None:
            hear(trained.evaluation)

    return run.make(train)


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
    # Hashes of base and data, which `_run` takes, are not there in a zoo that is only planned.
    return _run(order).given_up() if StateKeeper.has_given_up(order.folder) else ""


def _run(order: Order) -> Run:
    settings = {step: described(order, step) for step in order.folders}
    return Run(order.folder, order.folders, settings, getattr(order.recipe, "device", "cpu"))


def _results(trained: Trained, n_seen: int) -> dict[str, Any]:
    """Return what is known of a member after so many examples."""
    descended, evaluation = trained.descended, trained.evaluation
    fault = "" if evaluation is None else evaluation.fault
    return {
        "status": "degenerate" if fault else "trained",
        "reason": fault,
        "train_loss": descended.train_loss,
        "validation_loss": None if evaluation is None else evaluation.loss,
        "validation_metric": None if evaluation is None else evaluation.accuracy,
        "n_truncated": dict(trained.n_truncated),
        "longest_input": trained.longest_input,
        "seconds": round(descended.seconds, 3),
        "examples_per_second": round(n_seen / max(descended.seconds, 1e-3), 1),
    }
