"""Members of a zoo: recipes to model folders, each whole or absent.

A member is a Hugging Face folder (``config.json`` with label names, ``model.safetensors``,
tokenizer) and ``wsgeo.json`` with every setting, seed, hash and result. It is written under a hidden
name and renamed at the end, so a folder with a name is a finished member and is not trained again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

from wsgeo.errors import WsgeoError
from wsgeo.files import replacing_folder, write_text
from wsgeo.processes.pool import WorkerPool
from wsgeo.processes.worker import WorkFailure
from wsgeo.progress import Progress
from wsgeo.training.loops import DivergedError, Trained, fine_tune, pretrain_masked_lm
from wsgeo.training.models import quiet
from wsgeo.training.recipes import FineTuneRecipe, PretrainRecipe
from wsgeo.version import __version__
from wsgeo.zoo.discovery import WEIGHTS
from wsgeo.zoo.facts import OWN_FILE

_DESCRIBED_APART = (
    "optimization", "base", "start", "train", "validation", "text", "tokenizer", "facts",
)  # fmt: skip

Recipe = FineTuneRecipe | PretrainRecipe


@final
@dataclass(frozen=True)
class Order:
    """One model to make.

    Parameters
    ----------
    folder : Path
        Where it shall lie.
    recipe : FineTuneRecipe or PretrainRecipe
        How it is made.
    root : Path
        Folder of the zoo, against which paths are written down.
    """

    folder: Path
    recipe: Recipe
    root: Path


@final
@dataclass(frozen=True)
class Made:
    """What became of an order.

    Parameters
    ----------
    folder : Path
        Its folder.
    status : str
        ``trained``, ``kept`` (it was finished before), ``nonfinite``, or ``failed``.
    reason : str
        Why there is no model; empty where there is one.
    """

    folder: Path
    status: str
    reason: str = ""


def make_members(
    orders: Sequence[Order], pool: WorkerPool, progress: Progress | None = None
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
    for done, (i, outcome) in enumerate(pool.run(make_member, orders), start=1):
        if isinstance(outcome, WorkFailure):
            outcome = Made(orders[i].folder, "failed", outcome.reason)
        outcomes[i] = outcome
        if progress is not None:
            progress(done, len(orders), "members")
    return [made for made in outcomes if made is not None]


def make_member(order: Order) -> Made:
    """Train one model and write its folder, unless it is finished.

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
        If the folder holds something else, or the recipe cannot be run.
    """
    settings = described(order)
    if is_finished(order.folder, settings):
        return Made(order.folder, "kept")
    try:
        if isinstance(order.recipe, FineTuneRecipe):
            trained = fine_tune(order.recipe)
        else:
            trained = pretrain_masked_lm(order.recipe)
    except DivergedError as error:
        return Made(order.folder, "nonfinite", str(error))
    _write(order.folder, trained, settings)
    return Made(order.folder, "trained")


def described(order: Order) -> dict[str, Any]:
    """Return every setting of an order, with the hashes of what it reads.

    Parameters
    ----------
    order : Order
        What to make.

    Returns
    -------
    dict
        Ready for JSON; the part of ``wsgeo.json`` that is known before training.
    """
    recipe = order.recipe
    plan = dataclasses.asdict(recipe.optimization)
    own = {
        field.name: getattr(recipe, field.name)
        for field in dataclasses.fields(recipe)
        if field.name not in _DESCRIBED_APART
    }
    if isinstance(recipe, FineTuneRecipe):
        files = {"train": recipe.train, "validation": recipe.validation}
        sources = {
            "base": _relative(recipe.base, order.root),
            "base_hash": _hash(recipe.base / WEIGHTS),
            **_start(recipe, order.root),
            **{str(name): value for name, value in recipe.facts.items()},
        }
    else:
        files, sources = {"train": recipe.text}, {"objective": "masked_lm"}
    own["labels"] = list(own["labels"]) if "labels" in own else []
    return {
        **{name: list(v) if isinstance(v, tuple) else v for name, v in own.items()},
        **plan,
        **sources,
        "method": "full" if isinstance(recipe, FineTuneRecipe) else "pretraining",
        "step": recipe.optimization.steps,
        "data": {name: _relative(path, order.root) for name, path in files.items()},
        "data_hash": {name: _hash(path) for name, path in files.items()},
    }


def is_finished(folder: Path, settings: Mapping[str, Any]) -> bool:
    """Tell whether a folder holds the model that these settings make.

    Parameters
    ----------
    folder : Path
        The member's folder.
    settings : mapping
        What `described` returns.

    Returns
    -------
    bool
        False where there is no such folder.

    Raises
    ------
    WsgeoError
        If the folder holds a model of other settings, or other files.
    """
    if not folder.exists():
        return False
    try:
        found = json.loads((folder / OWN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WsgeoError(
            "the folder holds no member that wsgeo made",
            where=str(folder),
            remedy="Choose another folder with -o.",
        ) from error
    wanted = json.loads(json.dumps(settings))
    other = sorted(name for name in wanted if found.get(name) != wanted[name])
    if other:
        raise WsgeoError(
            f"the member was made with other settings ({', '.join(other)})",
            where=str(folder),
            remedy="Remove it, or choose another folder with -o.",
        )
    return True


def _start(recipe: FineTuneRecipe, root: Path) -> dict[str, str]:
    """Describe the earlier fine-tuning that a recipe goes on from."""
    if recipe.start is None:
        return {}
    return {"start": _relative(recipe.start, root), "start_hash": _hash(recipe.start / WEIGHTS)}


def _write(folder: Path, trained: Trained, settings: Mapping[str, Any]) -> None:
    results = {
        "train_loss": trained.train_loss,
        "validation_loss": trained.validation_loss,
        "validation_metric": trained.validation_metric,
        "seconds": round(trained.seconds, 3),
        "versions": _versions(),
    }
    with replacing_folder(folder) as staging, quiet():
        trained.model.save_pretrained(staging)
        trained.tokenizer.save_pretrained(staging)
        document = json.dumps({**settings, **results}, indent=2, sort_keys=True, allow_nan=False)
        write_text(staging / OWN_FILE, document + "\n")


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("torch", "transformers", "tokenizers", "numpy")}
    return {"wsgeo": __version__, "python": platform.python_version(), **packages}


def _relative(path: Path, root: Path) -> str:
    """Write a path as seen from the zoo, if it lies inside; else in full."""
    path, root = path.resolve(), root.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _hash(path: Path) -> str:
    """Return the SHA-256 of a file, read once per process while it stays the same."""
    if not path.is_file():
        raise WsgeoError("there is no such file", where=str(path), remedy="Check the recipe.")
    state = path.stat()
    return _hash_of(path, state.st_size, state.st_mtime_ns)


@lru_cache
def _hash_of(path: Path, size: int, modified: int) -> str:  # noqa: ARG001 - part of the cache's key
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
