"""Columns as the page holds them: words by number, and decimals as whole numbers of one unit."""

from __future__ import annotations

from typing import Any, Final

_MOST_PLACES: Final = 9

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
        Texts as ``words`` and the ``codes`` of each row; decimals as ``whole`` numbers of which ``power``
        make one, where none of their digits is lost by it; other columns as they are.

    Examples
    --------
    >>> coded(["near", "far", "near"])
    {'words': ['near', 'far'], 'codes': [0, 1, 0]}
    >>> coded([[0.5, 0.125], [None, 2.0]])
    {'power': 1000, 'whole': [[500, 125], [None, 2000]]}
    """
    if any(isinstance(value, str) for value in column):
        words = list(dict.fromkeys(column))
        code = {word: k for k, word in enumerate(words)}
        return {"words": words, "codes": [code[value] for value in column]}
    places = max(map(_places, column), default=0)
    if not 0 < places <= _MOST_PLACES:
        return column
    power = 10**places
    return {"power": power, "whole": _whole(column, power)}


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
