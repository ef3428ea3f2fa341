"""What is to be made, and what is known of it before training: settings and hashes."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, final

from wsgeo.errors import WsgeoError
from wsgeo.training.finished import ALGORITHM
from wsgeo.training.recipes import FineTuneRecipe, PretrainRecipe
from wsgeo.zoo.discovery import WEIGHTS

_DESCRIBED_APART = (
    "optimization", "base", "start", "train", "validation", "text", "tokenizer", "facts", "method",
    "device",
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

    @property
    def n_steps(self) -> int:
        """Number of its updates."""
        return self.recipe.optimization.steps

    @property
    def folders(self) -> dict[int, Path]:
        """Folder of each model that it leaves, by its number of updates, in order."""
        saved = getattr(self.recipe, "save_at", ())
        return {step: self.folder_at(step) for step in sorted({*saved, self.n_steps})}

    def folder_at(self, step: int) -> Path:
        """Return the folder of the model as it is after ``step`` updates.

        Parameters
        ----------
        step : int
            Its number of updates.

        Returns
        -------
        Path
            The member's own after the last, else one beside it.

        Examples
        --------
        >>> from types import SimpleNamespace as Some
        >>> order = Order(Path("seed0"), Some(optimization=Some(steps=200)), Path())
        >>> order.folder_at(100).name, order.folder_at(200).name
        ('seed0-step000100', 'seed0')
        """
        if step == self.n_steps:
            return self.folder
        return self.folder.with_name(f"{self.folder.name}-step{step:06d}")


def described(order: Order, step: int | None = None) -> dict[str, Any]:
    """Return every setting of an order, with the hashes of what it reads.

    Parameters
    ----------
    order : Order
        What to make.
    step : int, optional
        The checkpoint that is meant; default the last.

    Returns
    -------
    dict
        Ready for JSON; the part of ``wsgeo.json`` that is known before training.

    Raises
    ------
    WsgeoError
        If a file that it names is not there.
    """
    recipe = order.recipe
    own = {
        field.name: getattr(recipe, field.name)
        for field in dataclasses.fields(recipe)
        if field.name not in _DESCRIBED_APART
    }
    own["labels"] = list(own["labels"]) if "labels" in own else []
    plan = recipe.optimization
    return {
        # First: a fact never hides a setting of its name.
        **{str(name): value for name, value in getattr(recipe, "facts", {}).items()},
        **{name: list(v) if isinstance(v, tuple) else v for name, v in own.items()},
        **dataclasses.asdict(plan),
        **_sources(order),
        **_trajectory(order, plan.steps if step is None else step),
        "algorithm": ALGORITHM,
    }


def base_name(order: Order) -> str:
    """Return how a member names its base: as seen from the zoo, if it lies inside."""
    assert isinstance(order.recipe, FineTuneRecipe)
    return _relative(order.recipe.base, order.root)


def _sources(order: Order) -> dict[str, Any]:
    """Describe what a recipe reads, and what it declares."""
    recipe = order.recipe
    if isinstance(recipe, FineTuneRecipe):
        files = {"train": recipe.train, "validation": recipe.validation}
        described = {
            "axes": dict(recipe.facts),
            "base": base_name(order),
            "base_hash": _hash(recipe.base / WEIGHTS),
            **_start(recipe, order.root),
            "method": recipe.method.name,
            "method_settings": dataclasses.asdict(recipe.method),  # type: ignore[call-overload]
        }
    else:
        files, described = (
            {"train": recipe.text},
            {"objective": "masked_lm", "method": "pretraining"},
        )
    described["data"] = {name: _relative(path, order.root) for name, path in files.items()}
    described["data_hash"] = {name: _hash(path) for name, path in files.items()}
    return described


def _start(recipe: FineTuneRecipe, root: Path) -> dict[str, str]:
    """Describe the earlier fine-tuning that a recipe goes on from."""
    if recipe.start is None:
        return {}
    return {"start": _relative(recipe.start, root), "start_hash": _hash(recipe.start / WEIGHTS)}


def _trajectory(order: Order, step: int) -> dict[str, Any]:
    """Tell which point of a run a model is, and from which earlier one it went on."""
    saved = getattr(order.recipe, "save_at", ())
    if not saved:
        return {"step": step}
    earlier = [before for before in saved if before < step]
    parent = {"parent": order.folder_at(max(earlier)).name} if earlier else {}
    return {"step": step, "trajectory": order.folder.name, **parent}


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
