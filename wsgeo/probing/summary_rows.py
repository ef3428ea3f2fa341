"""Rows of a table of scores that sum up the others and name no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.probing.score_cells import MOST, numbers

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
        The statistic by place of the row. Its name is that of a statistic, and each of its cells
        that is not empty is that statistic of the rows without such a name, to the digits printed.
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
    values[~((values >= 0) & (values <= MOST))] = np.nan  # no scores, and squares of them overflow
    models = np.delete(values, list(called), axis=0)
    found = {
        i: kind
        for i, kind in called.items()
        if _is_statistic(values[i], scores.row(i), models, _STATISTICS[kind])
    }
    return found, {i: kind for i, kind in called.items() if i not in found}


def _statistic(name: str | None) -> str | None:
    """Return the statistic that a row is called by."""
    plain = " ".join((name or "").casefold().replace(".", " ").replace("_", " ").split())
    return _NAMES.get(plain)


def _rounding(text: str) -> float:
    """Return half a unit of the last digit that is printed of a score, an exponent counted in."""
    mantissa, _, exponent = text.casefold().rstrip("% ").partition("e")
    # As a float, for an exponent may have thousands of digits. That of a zero says nothing.
    power = float(exponent) if exponent and mantissa.strip("+-0.") else 0.0
    return float(0.5 * 10.0 ** (power - len(mantissa.partition(".")[2])))


def _is_statistic(
    row: NDArray[np.float64],
    texts: Sequence[str | None],
    models: NDArray[np.float64],
    statistic: Statistic,
) -> bool:
    """Tell whether every cell of a row that is not empty is the statistic of its column."""
    there = [(k, text) for k, text in enumerate(texts) if text is not None]
    if not there or not np.isfinite(row[[k for k, _ in there]]).all():
        return False
    told = [
        (row[k], models[np.isfinite(models[:, k]), k], _rounding(text) + 1e-9) for k, text in there
    ]
    return all(
        len(column) >= LEAST_ROWS
        and any(abs(value - one) <= tolerance for one in statistic(column))
        for value, column, tolerance in told
    )
