"""What is written down with a member: settings and hashes before training, results after."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

from wsgeo.errors import WsgeoError
from wsgeo.files import replacing_folder, write_text
from wsgeo.training.models import quiet
from wsgeo.training.recipes import FineTuneRecipe, PretrainRecipe
from wsgeo.version import __version__
from wsgeo.zoo.discovery import WEIGHTS
from wsgeo.zoo.facts import OWN_FILE

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
    found, wanted = read_record(folder), json.loads(json.dumps(settings))
    other = sorted(name for name in wanted if found.get(name) != wanted[name])
    if other:
        raise WsgeoError(
            f"the member was made with other settings ({', '.join(other)})",
            where=str(folder),
            remedy="Remove it, or choose another folder with -o.",
        )
    return True


def read_record(folder: Path) -> dict[str, Any]:
    """Return what is written down with a member.

    Parameters
    ----------
    folder : Path
        A member's folder.

    Returns
    -------
    dict
        Its ``wsgeo.json``.

    Raises
    ------
    WsgeoError
        If there is none that can be read.
    """
    try:
        record: dict[str, Any] = json.loads((folder / OWN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WsgeoError(
            "the folder holds no member that wsgeo made",
            where=str(folder),
            remedy="Choose another folder with -o.",
        ) from error
    return record


@contextlib.contextmanager
def writing_member(folder: Path, record: Mapping[str, Any]) -> Iterator[Path]:
    """Give a hidden folder for a model, which gets its record and its name when the block ends well.

    Parameters
    ----------
    folder : Path
        The member's folder.
    record : mapping
        What is to be written down; no NaN.

    Yields
    ------
    Path
        Where to save model and tokenizer.

    Raises
    ------
    WsgeoError
        If a file cannot be written.
    """
    from safetensors import SafetensorError

    try:
        with replacing_folder(folder) as staging, quiet():
            yield staging
            document = json.dumps(record, indent=2, sort_keys=True, allow_nan=False)
            write_text(staging / OWN_FILE, document + "\n")
    except Exception as error:
        # tokenizers raises a bare Exception where it cannot write.
        if type(error) is not Exception and not isinstance(error, OSError | SafetensorError):
            raise
        raise WsgeoError(
            f"the model cannot be written ({str(error).splitlines()[0]})",
            where=str(folder),
            remedy="Free some space, then run the command again: it goes on where it was.",
        ) from error


def versions() -> dict[str, str]:
    """Return the versions that decide a member's bits."""
    packages = ("torch", "transformers", "tokenizers", "peft", "numpy")
    return {
        "wsgeo": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
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
