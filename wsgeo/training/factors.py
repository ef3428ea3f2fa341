"""The factors of a grid, and its points: every combination of them, with names.

A factor is an axis, a list of values of one setting; or rows of settings that go together::

    [grid]
    together = [
        { method = "full", learning_rate = 5e-4 },
        { method = "lora", learning_rate = 2e-3, lora = { rank = 4 } },
    ]
    seed = [0, 1, 2]

A setting in a table of its own is written with a point: ``lora.rank``.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from wsgeo.errors import WsgeoError
from wsgeo.escapes import printable
from wsgeo.suggestions import suggestion
from wsgeo.training.member_names import member_names

TOGETHER: Final = "together"
"""Key of the rows whose settings go together."""

Point = dict[str, Any]
Grid = Mapping[str, Sequence[Any]]


def flat_grid(grid: Mapping[str, Any]) -> dict[str, Any]:
    """Return a grid as it is written, with a point in the names of settings of inner tables.

    Parameters
    ----------
    grid : mapping
        Parsed, not checked.

    Returns
    -------
    dict
        By key. Rows have their settings in the order of the first of them, where they have the
        same.

    Examples
    --------
    >>> flat_grid({"together": [{"method": "lora", "lora": {"rank": 4}}], "prefix": {"tokens": [2]}})
    {'together': [{'method': 'lora', 'lora.rank': 4}], 'prefix.tokens': [2]}
    """
    found = _flat(grid)
    rows = found.get(TOGETHER)
    if isinstance(rows, list) and rows and all(isinstance(row, Mapping) for row in rows):
        rows = [_flat(row) for row in rows]
        places = {axis: place for place, axis in enumerate(rows[0])}
        found[TOGETHER] = [
            dict(sorted(row.items(), key=lambda item: places.get(item[0], len(places))))
            for row in rows
        ]
    return found


def nested(point: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with a point in their names as settings of inner tables.

    Parameters
    ----------
    point : mapping
        Value by setting.

    Returns
    -------
    dict
        Tables inside a table.

    Examples
    --------
    >>> nested({"method": "lora", "lora.rank": 4})
    {'method': 'lora', 'lora': {'rank': 4}}
    """
    found: dict[str, Any] = {}
    for key, value in point.items():
        *tables, last = key.split(".")
        inner = found
        for table in tables:
            inner = inner.setdefault(table, {})
        inner[last] = value
    return found


def factors_of(grid: Grid) -> dict[str, list[Point]]:
    """Return the factors of a grid.

    Parameters
    ----------
    grid : mapping of str to list
        From `flat_grid`: values by axis; below `TOGETHER` rows.

    Returns
    -------
    dict of str to list of dict
        By its key, what a factor adds to a point.

    Examples
    --------
    >>> factors_of({"seed": [0, 1]})
    {'seed': [{'seed': 0}, {'seed': 1}]}
    """
    return {
        key: [dict(value) if key == TOGETHER else {key: value} for value in values]
        for key, values in grid.items()
    }


def check_factors(grid: Grid, known: Collection[str], path: Path) -> None:
    """Refuse a grid whose factors are no factors; the values are not looked at.

    Parameters
    ----------
    grid : mapping of str to list
        As `factors_of` takes it.
    known : collection of str
        Settings that may vary.
    path : Path
        The recipe, for messages.

    Raises
    ------
    WsgeoError
        If a setting is unknown or of two factors, a value or a row stands twice, or rows have
        different keys.
    """
    rows = grid.get(TOGETHER, ())
    if not all(isinstance(row, dict) and row for row in rows):
        _refuse(TOGETHER, "an entry is no row of settings", "Write { method = ... }.", path)
    for key, points in factors_of(grid).items():
        place = f"{TOGETHER}." if key == TOGETHER else ""
        for axis in dict.fromkeys(axis for point in points for axis in point):
            if axis not in known:
                unknown = f"unknown key {printable(f'grid.{place}{axis}')!r}"
                remedy = suggestion(axis, [*known, *([] if place else [TOGETHER])])
                raise WsgeoError(unknown, where=str(path), remedy=printable(remedy))
            if place and axis in grid:
                _refuse(f"{place}{axis}", "it is an axis too", "Take one of the two.", path)
        if lacking := {axis for point in points for axis in points[0].keys() ^ point.keys()}:
            what = f"not every row has {', '.join(sorted(lacking))}"
            _refuse(key, what, "Give it in each row.", path)
        if len({repr(point) for point in points}) < len(points):
            what = f"a {'row' if place else 'value'} stands twice"
            _refuse(key, what, "Take one out.", path)


def points_of(grid: Grid) -> list[Point]:
    """Return the product of the factors of a grid, the last factor fastest.

    Parameters
    ----------
    grid : mapping of str to list
        As `factors_of` takes it.

    Returns
    -------
    list of dict
        Value by setting; one empty point for an empty grid.

    Examples
    --------
    >>> rows = [{"method": "full", "steps": 5}, {"method": "lora", "steps": 9}]
    >>> for point in points_of({"together": rows, "seed": [0, 1]}):
    ...     print(point)
    {'method': 'full', 'steps': 5, 'seed': 0}
    {'method': 'full', 'steps': 5, 'seed': 1}
    {'method': 'lora', 'steps': 9, 'seed': 0}
    {'method': 'lora', 'steps': 9, 'seed': 1}
    """
    return [
        {axis: value for part in parts for axis, value in part.items()}
        for parts in itertools.product(*factors_of(grid).values())
    ]


def names_of(grid: Grid) -> list[str]:
    """Name the points of a grid.

    Of rows only as many settings are told, from the first on, as tell the rows apart.

    Parameters
    ----------
    grid : mapping of str to list
        As `factors_of` takes it.

    Returns
    -------
    list of str
        Aligned to `points_of`; distinct, short, and safe in every file system.

    Examples
    --------
    >>> rows = [{"method": "full", "steps": 5}, {"method": "lora", "steps": 9}]
    >>> names_of({"together": rows, "seed": [0]})
    ['full-seed0', 'lora-seed0']
    """
    silent = set(_silent([dict(row) for row in grid.get(TOGETHER, ())]))
    points = points_of(grid)
    return member_names([{a: v for a, v in point.items() if a not in silent} for point in points])


def _flat(table: Mapping[str, Any]) -> Point:
    found: Point = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            found |= {f"{key}.{inner}": each for inner, each in _flat(value).items()}
        else:
            found[key] = value
    return found


def _silent(rows: Sequence[Point]) -> Iterator[str]:
    """Give the settings of rows that the settings before them make superfluous in a name."""
    axes = list(rows[0]) if rows else []
    for n, axis in enumerate(axes):
        told = {repr([row[before] for before in axes[:n]]) for row in rows}
        if n and len(told) == len(rows):
            yield axis


def _refuse(key: str, what: str, remedy: str, path: Path) -> None:
    raise WsgeoError(f"grid.{printable(key)}: {what}", where=str(path), remedy=remedy)
