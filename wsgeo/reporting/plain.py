"""Tables as plain lists: four significant digits, null for what is not finite."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

import polars as pl

from wsgeo.escapes import printable

DIGITS: Final = 4

Columns = dict[str, list[Any]]


def plain(value: Any) -> Any:
    """Return ``value`` as JSON can hold it, floats to `DIGITS` significant digits.

    Parameters
    ----------
    value : Any
        A number, text, None, a NumPy scalar, or a mapping or sequence of such.

    Returns
    -------
    Any
        Numbers, text, None, dicts with text keys and lists; infinite and NaN become None.

    Examples
    --------
    >>> plain({"gap": 0.070245, "bad": float("nan"), "t": (0, 0.5)})
    {'gap': 0.07025, 'bad': None, 't': [0, 0.5]}
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return significant(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return str(value)


def significant(value: float) -> float | None:
    """Return ``value`` to `DIGITS` significant digits, None if it is not finite.

    Parameters
    ----------
    value : float
        Any number.

    Returns
    -------
    float or None
        The nearest float with that many digits.

    Examples
    --------
    >>> significant(0.0702449), significant(float("inf"))
    (0.07024, None)
    """
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def escaped(value: Any) -> Any:
    r"""Return ``value`` with control, direction and surrogate characters shown as escapes.

    Parameters
    ----------
    value : Any
        Text, or dicts and lists that hold it; other values pass.

    Returns
    -------
    Any
        The same, safe to show: no name can reorder or hide the text around it.

    Examples
    --------
    >>> escaped(["seed-\u202e0"])
    ['seed-\\u202e0']
    """
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [escaped(item) for item in value]
    return value


def columns(frame: pl.DataFrame) -> Columns:
    """Return a table as plain lists, one per column.

    Parameters
    ----------
    frame : polars.DataFrame
        Any table.

    Returns
    -------
    dict of str to list
        Column by name.

    Examples
    --------
    >>> columns(pl.DataFrame({"x": [1.23456, None]}))
    {'x': [1.235, None]}
    """
    return {name: plain(frame[name].to_list()) for name in frame.columns}
