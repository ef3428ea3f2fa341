"""Series of a zoo: a folder per run, in it a model folder per kept step.

``<run>/step-000087/`` holds weights, tokenizer and ``wsgeo.json``; ``<run>/training_log.json`` the
readings of all steps so far. The state of a run in work lies in ``.unfinished/<run>`` beside it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from wsgeo.files import write_text
from wsgeo.processes.pool import WorkerPool
from wsgeo.progress import Progress
from wsgeo.training.corpus_folders import CorpusFolder
from wsgeo.training.crews import Made, Watch, make_all, telling
from wsgeo.training.finished import ALGORITHM, read_record
from wsgeo.training.pretraining import Reading, run_series
from wsgeo.training.runs import Run, refuse_nonfinite
from wsgeo.training.series import SeriesRecipe

LOG: Final = "training_log.json"
"""Name of the file with the readings of a run."""

_APART = ("corpus", "optimization", "save_at", "device", "facts")


@final
@dataclass(frozen=True)
class SeriesOrder:
    """One series to make.

    Parameters
    ----------
    folder : Path
        Where its checkpoints shall lie.
    recipe : SeriesRecipe
        How it is made.
    root : Path
        Folder of the zoo.
    validation : str
        File below ``root`` on which the checkpoints can be measured; empty where there is none.
    """

    folder: Path
    recipe: SeriesRecipe
    root: Path
    validation: str = ""

    @property
    def n_steps(self) -> int:
        """Number of its updates."""
        return self.recipe.optimization.steps

    @property
    def folders(self) -> dict[int, Path]:
        """Folder of each model that it leaves, by its number of updates, in order."""
        return {step: self.folder_at(step) for step in sorted({*self.recipe.save_at})}

    def folder_at(self, step: int) -> Path:
        """Return the folder of the model as it is after ``step`` updates."""
        return self.folder / f"step-{step:06d}"


def make_all_series(
    orders: Sequence[SeriesOrder],
    pool: WorkerPool,
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> list[Made]:
    """Make the checkpoints that are not there yet, one series per worker of a pool.

    Parameters
    ----------
    orders : sequence of SeriesOrder
        What to make.
    pool : WorkerPool
        Its workers run on one thread each.
    progress : callable, optional
        Told how many series are done.
    watch : callable, optional
        Told about once a second how the series in work get on.

    Returns
    -------
    list of Made
        Aligned to ``orders``; a run that diverges or dies costs one series.

    Raises
    ------
    WsgeoError
        If a folder holds another model, or the corpus cannot be read.
    """
    return make_all(make_series, orders, pool, what="series", progress=progress, watch=watch)


def make_series(order: SeriesOrder) -> Made:
    """Run one pre-training and write its checkpoints, unless all are there; go on where it was.

    Parameters
    ----------
    order : SeriesOrder
        What to make.

    Returns
    -------
    Made
        The outcome, with the losses of the last checkpoint. A loss that is not finite is one; what
        was kept before it stays.

    Raises
    ------
    WsgeoError
        If a folder holds something else, the corpus cannot be read, or the disk is full.
    """
    run = _run(order)

    def keep(model: Any, tokenizer: Any, reading: Reading) -> None:
        refuse_nonfinite(reading.validation_loss, reading.step)
        results = {**_told(reading), "status": "trained", "reason": ""}
        run.write(reading.step, model, tokenizer, results)
        _write_log(order)

    return run.make(lambda keeper: run_series(order.recipe, keep, keeper=keeper, tell=telling()))


def diverged_series(order: SeriesOrder) -> str:
    """Return why an order has no end since an earlier call.

    Parameters
    ----------
    order : SeriesOrder
        What was to be made.

    Returns
    -------
    str
        The reason; empty where none is recorded for this order on this device.
    """
    return _run(order).given_up()


def described(order: SeriesOrder, step: int) -> dict[str, Any]:
    """Return what is known of a checkpoint before it is trained.

    Parameters
    ----------
    order : SeriesOrder
        The series.
    step : int
        Updates made.

    Returns
    -------
    dict
        Ready for JSON: every setting, seeds, hashes of the texts.
    """
    recipe, corpus = order.recipe, CorpusFolder(order.recipe.corpus).sources()
    own = {
        field.name: getattr(recipe, field.name)
        for field in dataclasses.fields(recipe)
        if field.name not in _APART
    }
    return {
        **recipe.facts,
        **own,
        **dataclasses.asdict(recipe.optimization),
        "initializer_range": recipe.initial_size,
        "axes": dict(recipe.facts),
        "method": "pretraining",
        "objective": "causal_lm" if recipe.is_decoder else "masked_lm",
        "causal_steps": recipe.causal_steps,
        "save_at": list(recipe.save_at),
        "trajectory": order.folder.name,
        "step": step,
        "phase": "causal_lm" if 0 < recipe.causal_steps >= step else "masked_lm",
        "tokenizer": {k: v for k, v in corpus.items() if "token" in k or k == "lower_case"},
        "text": [*corpus["texts"]],
        "data": {"train": ", ".join(corpus["texts"]), "validation": order.validation},
        "data_hash": corpus["data_hash"],
        "algorithm": ALGORITHM,
    }


def _run(order: SeriesOrder) -> Run:
    settings = {step: described(order, step) for step in order.folders}
    return Run(order.folder, order.folders, settings, order.recipe.device)


def _write_log(order: SeriesOrder) -> None:
    """Write the readings of all checkpoints that are there, so that it holds after a restart too."""
    names = [field.name for field in dataclasses.fields(Reading)]
    records = [read_record(path) for path in order.folders.values() if path.exists()]
    log = [{name: record[name] for name in names} for record in records]
    document = {"seed": order.recipe.seed, "causal_steps": order.recipe.causal_steps, "log": log}
    write_text(order.folder / LOG, json.dumps(document, indent=2, allow_nan=False) + "\n")


def _told(reading: Reading) -> dict[str, Any]:
    return {**dataclasses.asdict(reading), "seconds": round(reading.seconds, 3)}
