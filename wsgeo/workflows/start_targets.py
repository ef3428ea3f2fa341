"""The data for which a start model is chosen: what it is tuned on, and what it is measured on."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np
import polars as pl

from wsgeo.errors import DataError, WsgeoError
from wsgeo.files import replacing
from wsgeo.regions.gains import ALL
from wsgeo.suggestions import suggestion
from wsgeo.tasks import Objective, Task, drawn, read_task
from wsgeo.tasks.subsets import subset

OWN: Final = "task:"
"""How a target begins that is a data set of the zoo's own members."""

_HELD_OUT = 0.2  # share of the training examples, where there are no others
_WORDS: Final = ("validation", "valid", "val", "dev", "test")
_NAMED = re.compile(r"(?P<name>[^=/\\]+)=(?P<path>.+)")


@final
@dataclass(frozen=True, eq=False)
class Target:
    """A data set that somebody wants to tune a model on.

    Parameters
    ----------
    name : str
        What it is called in tables.
    train : Task
        Its training examples.
    held_out : Task
        The examples on which trials are measured.
    notes : tuple of str
        What a user must know of the split, in sentences.
    own : str or None
        The data set of the zoo that it is, or None.
    """

    name: str
    train: Task
    held_out: Task
    notes: tuple[str, ...] = ()
    own: str | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names in the order of the head's classes."""
        return self.train.labels

    @functools.cached_property
    def key(self) -> str:
        """Hash of all its examples, for names of files."""
        parts = [_table(task).rows() for task in (self.train, self.held_out)]
        return hashlib.sha256(repr((self.labels, parts)).encode()).hexdigest()[:8]

    def sample(self, n: int | None, seed: int) -> Task:
        """Return training examples of which each class keeps its share; more hold all of fewer."""
        return drawn(dataclasses.replace(self.train, seed=seed), n)


def read_target(text: str, *, n_held_out: int | None = None, seed: int = 0) -> Target:
    """Read a target: a folder with a file for training, and one of other examples.

    Parameters
    ----------
    text : str
        ``PATH`` or ``NAME=PATH``; the default name is the folder's. Measured are the examples of
        ``validation``, else of ``test``; where there is neither, a fifth of the training examples
        is held out.
    n_held_out : int, optional
        Most examples on which trials are measured, drawn; default all.
    seed : int, default 0
        Of what is drawn.

    Returns
    -------
    Target
        With the labels of the training data.

    Raises
    ------
    DataError
        If there are no training data, or a file is faulty.
    """
    named, path = _NAMED.fullmatch(text), _path(text)
    _check_folder(path)
    name = named["name"] if named else path.resolve().name
    other = _held_out_file(path)
    notes = [] if other is None else _split_notes(name, path, other)
    train = path
    return _target(name, train, other, notes, n_held_out, seed)


def refuse_missing(texts: Sequence[str]) -> None:
    """Refuse targets that are no folders, before anything else is read.

    Parameters
    ----------
    texts : sequence of str
        What the user said: ``PATH``, ``NAME=PATH`` or ``task:NAME``.

    Raises
    ------
    DataError
        If one is no folder.
    """
    for text in texts:
        if not text.startswith(OWN):
            _check_folder(_path(text))


def own_target(
    name: str, files: Mapping[str, Path], *, n_held_out: int | None = None, seed: int = 0
) -> Target:
    """Read a data set that members of the zoo were tuned on.

    Parameters
    ----------
    name : str
        What the zoo calls it.
    files : mapping of str to Path
        ``train`` and, where there is one, ``validation``.
    n_held_out : int, optional
        As in `read_target`.
    seed : int, default 0
        Of what is drawn.

    Returns
    -------
    Target
        Which knows that it is the zoo's own.

    Raises
    ------
    DataError
        If a file is faulty.
    """
    found = _target(name, files["train"], files.get("validation"), [], n_held_out, seed)
    return dataclasses.replace(found, own=name)


def own_name(text: str, known: Sequence[str]) -> str | None:
    """Return the data set of the zoo that a target names; None where it names a folder.

    Parameters
    ----------
    text : str
        What the user said.
    known : sequence of str
        The data sets of the zoo.

    Returns
    -------
    str or None
        Such as ``snli`` for ``task:snli``.

    Raises
    ------
    WsgeoError
        If the zoo has no such data set.

    Examples
    --------
    >>> own_name("task:snli", ["snli"]), own_name("data/snli", ["snli"])
    ('snli', None)
    """
    if not text.startswith(OWN):
        return None
    name = text.removeprefix(OWN)
    if name not in known:
        remedy = suggestion(name, known) if known else "Its members name no data in the zoo."
        raise WsgeoError(f"the zoo has no data set {name!r}", remedy=remedy)
    return name


def _path(text: str) -> Path:
    named = _NAMED.fullmatch(text)
    return Path(named["path"] if named else text)


def _check_folder(path: Path) -> None:
    if not path.is_dir():
        raise DataError(
            "there is no such folder, and a target is one with a train and a validation or test file",
            where=str(path),
            remedy="Name the folder, or a data set of the zoo as task:NAME.",
        )


def check_names(targets: Sequence[Target]) -> None:
    """Refuse two targets of one name, and one that is called as all of them together.

    Parameters
    ----------
    targets : sequence of Target
        The targets of one call.

    Raises
    ------
    WsgeoError
        If names would be confused in the tables.
    """
    names = [target.name for target in targets]
    for name in names:
        if name == ALL or names.count(name) > 1:
            why = "means all targets" if name == ALL else "is the name of two targets"
            raise WsgeoError(f"{name} {why}", remedy="Name them: --target NAME=PATH.")


def write_examples(task: Task, path: Path) -> Path:
    """Write examples with their labels by name, as a recipe reads them, unless they are there.

    Parameters
    ----------
    task : Task
        Examples of a classification task.
    path : Path
        The file; its name tells its content.

    Returns
    -------
    Path
        The file.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            _table(task).write_parquet(temporary)
    return path


def _target(
    name: str, train: Path, other: Path | None, notes: Sequence[str], n: int | None, seed: int
) -> Target:
    task = read_task(train, objective=Objective.CLASSIFICATION, split="train", seed=seed)
    task = dataclasses.replace(task, name=name)
    if other is None:
        task, held_out = _split(task, seed)
        told = f"{name} has no examples beside its training data: {len(held_out)} are held out."
        notes = [*notes, told]
    else:
        held_out = read_task(
            other, name=name, objective=Objective.CLASSIFICATION, labels=task.labels, seed=seed
        )
    return Target(name, task, drawn(held_out, n), tuple(notes))


def _split(task: Task, seed: int) -> tuple[Task, Task]:
    """Hold out a share of each class."""
    assert task.targets is not None
    apart = subset(task.targets, max(1, round(_HELD_OUT * len(task))), seed)
    rest = np.setdiff1d(np.arange(len(task)), apart)
    return task.rows(rest), task.rows(apart)


def _held_out_file(folder: Path) -> Path | None:
    """Return the file of the first kind of held-out examples that there is."""
    for word in _WORDS:
        files = sorted(p for p in folder.iterdir() if re.match(rf"{word}([._-]|$)", p.name))
        plain = [path for path in files if path.name.split(".")[0] == word]
        if files:
            return (plain or files)[0]
    return None


def _split_notes(name: str, folder: Path, chosen: Path) -> list[str]:
    word = chosen.name.split(".")[0]
    others = sorted(p.name for p in folder.glob(f"{re.split('[._-]', word)[0]}*") if p != chosen)
    return [f"{name} is measured on {chosen.name}, not on {', '.join(others)}."] if others else []


def _table(task: Task) -> pl.DataFrame:
    assert task.targets is not None
    return pl.DataFrame(
        {
            "text_a": pl.Series(task.text_a, dtype=pl.String),
            "text_b": pl.Series(task.text_b or [None] * len(task), dtype=pl.String),
            "label": pl.Series([task.labels[i] for i in task.targets], dtype=pl.String),
        }
    )
