"""Rows of a table of scores that sum up the others and name no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.probing.score_cells import numbers

Statistic = Callable[[NDArray[np.float64]], list[float]]

LEAST_ROWS: Final = 2
"""Rows of models without which nothing can be summed up."""


def _deviations(values: NDArray[np.float64]) -> list[float]:
    """Return the deviation of a sample and that of a population: tables give either."""
    return [float(values.std(ddof=1)), float(values.std())]


_STATISTICS: Final[Mapping[str, Statistic]] = {
    "minimum": lambda values: [float(values.min())],
    "maximum": lambda values: [float(values.max())],
    "mean": lambda values: [float(values.mean())],
    "median": lambda values: [float(np.median(values))],
    "standard deviation": _deviations,
}
_NAMES: Final = {
    **{name: name for name in _STATISTICS},
    "min": "minimum", "lowest": "minimum", "max": "maximum", "highest": "maximum",
    "average": "mean", "avg": "mean", "std": "standard deviation", "sd": "standard deviation",
    "stdev": "standard deviation", "std dev": "standard deviation",
}  # fmt: skip


def summary_rows(
    names: Sequence[str | None], scores: pl.DataFrame
) -> tuple[dict[int, str], dict[int, str]]:
    """Return the rows that are a statistic of the others, told by name and by value.

    Parameters
    ----------
    names : sequence of (str or None)
        What each row is called.
    scores : DataFrame of String
        Columns of numbers, aligned to ``names``.

    Returns
    -------
    summaries : dict of int to str
        The statistic by place of the row. Its name is that of a statistic, and each of its numbers
        is that statistic of the rows without such a name, to the digits printed.
    others : dict of int to str
        Rows that have such a name and are no such statistic: they are models.

    Examples
    --------
    >>> table = pl.DataFrame({"a": ["0.2", "0.5", "0.35", "0.9"]})
    >>> summary_rows(["m", "n", "Mean", "Max."], table)
    ({2: 'mean'}, {3: 'maximum'})
    """
    called = {i: kind for i, name in enumerate(names) if (kind := _statistic(name))}
    values = scores.select(numbers(pl.all())).to_numpy().astype(np.float64)
    models = np.delete(values, list(called), axis=0)
    digits = [[_digits(text) for text in scores.row(i)] for i in called]
    found = {
        i: kind
        for (i, kind), printed in zip(called.items(), digits, strict=True)
        if _is_statistic(values[i], printed, models, _STATISTICS[kind])
    }
    return found, {i: kind for i, kind in called.items() if i not in found}


def _statistic(name: str | None) -> str | None:
    """Return the statistic that a row is called by."""
    plain = " ".join((name or "").casefold().replace(".", " ").replace("_", " ").split())
    return _NAMES.get(plain)


def _digits(text: str | None) -> int:
    """Return how many digits after the point are printed, an exponent counted in."""
    mantissa, _, exponent = (text or "").rstrip("% ").lower().partition("e")
    return len(mantissa.partition(".")[2]) - int(exponent or 0)


def _is_statistic(
    row: NDArray[np.float64],
    digits: Sequence[int],
    models: NDArray[np.float64],
    statistic: Statistic,
) -> bool:
    """Tell whether every number of a row is the statistic of its column."""
    told = [
        (row[k], models[np.isfinite(models[:, k]), k], 0.5 * 10.0 ** -digits[k] + 1e-9)
        for k in np.flatnonzero(np.isfinite(row)).tolist()
    ]
    return bool(told) and all(
        len(column) >= LEAST_ROWS
        and any(abs(value - one) <= tolerance for one in statistic(column))
        for value, column, tolerance in told
    )
