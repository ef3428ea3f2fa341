"""Columns as the page holds them: words by number, and decimals as whole numbers of one unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

_MOST_PLACES: Final = 9
_FEW: Final = 8  # rows up to which steps take no less room
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"

Column = list[Any]


def coded(column: Column) -> Column | dict[str, Any]:
    """Return a column in the shorter form that the page's script reads back.

    Parameters
    ----------
    column : list
        Texts, numbers, None, or lists of numbers.

    Returns
    -------
    list or dict
        Texts as ``words`` and the ``codes`` of each row, one character each of base 36 where that
        suffices; whole numbers that rise by little as the ``first`` and the ``steps`` after it; decimals as ``whole`` numbers of which ``power``
        make one, where none of their digits is lost by it; other columns as they are.

    Examples
    --------
    >>> coded(["near", "far", "near"])
    {'words': ['near', 'far'], 'codes': '010'}
    >>> coded([[0.5, 0.125], [None, 2.0]])
    {'power': 1000, 'whole': [[500, 125], [None, 2000]]}
    """
    if any(isinstance(value, str) for value in column):
        words = list(dict.fromkeys(column))
        code = {word: k for k, word in enumerate(words)}
        codes = [code[value] for value in column]
        few = len(words) <= len(_DIGITS)
        return {"words": words, "codes": "".join(_DIGITS[k] for k in codes) if few else codes}
    if (steps := _steps(column)) is not None:
        return {"first": column[0], "steps": steps}
    places = max(map(_places, column), default=0)
    if not 0 < places <= _MOST_PLACES:
        return column
    power = 10**places
    return {"power": power, "whole": _whole(column, power)}


def table(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return rows of equal keys as coded columns.

    Parameters
    ----------
    rows : sequence of mapping
        Rows.

    Returns
    -------
    dict of str to list or dict
        A column per key; no column without rows.

    Examples
    --------
    >>> table([{"x": 1, "y": None}, {"x": 2, "y": 3}])
    {'x': [1, 2], 'y': [None, 3]}
    """
    return {key: coded([row[key] for row in rows]) for key in (rows[0] if rows else ())}


def _steps(column: Column) -> str | None:
    """Return by how much each whole number is more than the one before, a character each."""
    if len(column) < _FEW or any(type(value) is not int for value in column):
        return None
    steps = [after - before for before, after in pairwise(column)]
    small = all(0 <= step < len(_DIGITS) for step in steps)
    return "".join(_DIGITS[step] for step in steps) if small else None


def _places(value: Any) -> int:
    """Return how many decimal places a number needs, more than any has room for if it has none."""
    if isinstance(value, list):
        return max(map(_places, value), default=0)
    if not isinstance(value, float):
        return 0 if value is None or type(value) is int else _MOST_PLACES + 1
    for places in range(_MOST_PLACES + 1):
        if round(value * 10**places) / 10**places == value:
            return places
    return _MOST_PLACES + 1


def _whole(value: Any, power: int) -> Any:
    if isinstance(value, list):
        return [_whole(item, power) for item in value]
    return None if value is None else round(value * power)
