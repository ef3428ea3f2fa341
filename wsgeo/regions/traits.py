"""The traits that members may share: the data set and the task family of each."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import polars as pl

from wsgeo.errors import DataError

DATASET_AXES: Final = ("dataset", "task", "data")
"""Settings that name a member's data set; the first that the manifest gives is taken."""

TASK_AXES: Final = ("family", "task_family", "task_type")
"""Settings that name its task family."""

NOUNS: Final[Mapping[str, str]] = {"dataset": "data set", "task": "task family"}
"""How the groups of each level are called in sentences."""

_CONSTANT: Final = ("task", "data")  # columns of the models, told where no member differs


@final
@dataclass(frozen=True)
class Trait:
    """A setting whose values make the regions of one level.

    Parameters
    ----------
    level : str
        ``dataset`` or ``task``.
    axis : str
        Name of the setting.
    value_of : mapping of str to str
        Value by id; members for which it is not known are missing.
    """

    level: str
    axis: str
    value_of: Mapping[str, str]

    @property
    def noun(self) -> str:
        """What one of its groups is called."""
        return NOUNS[self.level]


def find_traits(
    models: pl.DataFrame,
    settings: pl.DataFrame,
    *,
    dataset_axis: str | None = None,
    task_axis: str | None = None,
) -> tuple[Trait, ...]:
    """Return the traits by which members are grouped: data set, then task family.

    Parameters
    ----------
    models : polars.DataFrame
        The run's members, with ``id``, ``task`` and ``data``: where all were trained alike, these
        alone tell on what.
    settings : polars.DataFrame
        The run's settings, with ``id``, ``axis`` and ``value``.
    dataset_axis, task_axis : str, optional
        Settings to take instead of the first of `DATASET_AXES` and `TASK_AXES` that is there.

    Returns
    -------
    tuple of Trait
        At most one per level; none of a level that no setting tells.

    Raises
    ------
    DataError
        If a setting that was asked for is not in the run.

    Examples
    --------
    >>> models = pl.DataFrame({"id": ["m", "n"], "task": ["snli", "mnli"], "data": [None, None]})
    >>> settings = pl.DataFrame(
    ...     {"id": ["m", "n"], "axis": ["task"] * 2, "value": ["snli", "mnli"]}
    ... )
    >>> [(found.level, found.axis, dict(found.value_of)) for found in find_traits(models, settings)]
    [('dataset', 'task', {'m': 'snli', 'n': 'mnli'})]
    """
    varying, shared = _settings(settings), _shared(models)
    wanted = (("dataset", dataset_axis, DATASET_AXES), ("task", task_axis, TASK_AXES))
    found: list[Trait] = []
    for level, asked, names in wanted:
        tried = names if asked is None else (_checked(asked, (*varying, *shared)),)
        # A setting in which members differ says more than one that all share.
        known = (
            (name, place[name]) for place in (varying, shared) for name in tried if name in place
        )
        found += [Trait(level, axis, values) for axis, values in itertools.islice(known, 1)]
    return tuple(found)


def _settings(settings: pl.DataFrame) -> dict[str, dict[str, str]]:
    """Return the values by setting and id."""
    found: dict[str, dict[str, str]] = {}
    for name, axis, value in settings.select("id", "axis", "value").iter_rows():
        found.setdefault(axis, {})[name] = value
    return found


def _shared(models: pl.DataFrame) -> dict[str, dict[str, str]]:
    """Return what the members are known to share, which the table of settings leaves out."""
    columns = {axis: models.select("id", axis).drop_nulls(axis) for axis in _CONSTANT}
    return {axis: dict(rows.iter_rows()) for axis, rows in columns.items() if len(rows)}


def _checked(asked: str, known: Sequence[str]) -> str:
    if asked not in known:
        raise DataError(
            f"no member names the setting {asked!r}",
            remedy=f"Choose among {', '.join(sorted(set(known)))}."
            if known
            else "Give it below facts in zoo.toml, and scan again.",
        )
    return asked
