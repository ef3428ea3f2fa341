"""What the settings of training have to do with basins, in words; only where it stands."""

from __future__ import annotations

from typing import Any

import polars as pl

from wsgeo.counting import counted
from wsgeo.graph.verdicts import LEVEL


def sentences(table: pl.DataFrame, n_basins: int, n_omitted: int = 0) -> tuple[str, ...]:
    """Return one sentence per setting that goes with basins or gaps, or one that says none does.

    Parameters
    ----------
    table : polars.DataFrame
        Schema `wsgeo.graph.tables.ASSOCIATIONS`.
    n_basins : int
        Number of basins in the default labels.
    n_omitted : int, default 0
        Settings that were not compared because there are so many.

    Returns
    -------
    tuple of str
        Sentences; those with evidence first.
    """
    rows = table.to_dicts()
    if not rows:
        return ("The members differ in no known setting.",)
    own = [row for row in rows if not row["same_as"]]
    said = [*_basins(own, rows, n_basins), *_gaps(own, rows, n_basins), *_numbers(rows)]
    if not said:
        said = [_nothing(own, n_basins)]
    if n_omitted:
        said.append(f"{counted(n_omitted, 'further setting')} not compared.")
    return tuple(said)


def title(axis: str) -> str:
    """Return how a setting is called in a sentence.

    Parameters
    ----------
    axis : str
        Its name.

    Returns
    -------
    str
        Without underscores.

    Examples
    --------
    >>> title("learning_rate")
    'learning rate'
    """
    return axis.replace("_", " ")


def _basins(own: list[dict[str, Any]], rows: list[dict[str, Any]], n_basins: int) -> list[str]:
    found = [row for row in own if _stands(row["q_value"]) and n_basins > 1]
    found.sort(key=lambda row: -row["cramers_v"])
    return [
        f"Basins follow the {_named(row, rows)}: Cramer's V {row['cramers_v']:.2f}, "
        f"p = {row['p_value']:.2g}{_means(row)}."
        for row in found
    ]


def _gaps(own: list[dict[str, Any]], rows: list[dict[str, Any]], n_basins: int) -> list[str]:
    """Tell of settings that gaps go with, where basins do not say it already."""
    found = [
        row
        for row in own
        if _stands(row["mantel_q"]) and not (n_basins > 1 and _stands(row["q_value"]))
    ]
    but = ", though basins do not follow it" if n_basins > 1 else ""
    return [
        f"Gaps go with the {_named(row, rows)}{but}{_means(row)} (p = {row['mantel_p']:.2g})."
        for row in found
    ]


def _numbers(rows: list[dict[str, Any]]) -> list[str]:
    return [
        f"Gaps {'grow' if row['spearman'] > 0 else 'shrink'} with the difference in "
        f"{title(row['axis'])}: Spearman's rho {row['spearman']:.2f}, p = {row['spearman_p']:.2g}."
        for row in rows
        if _stands(row["spearman_q"])
    ]


def _nothing(own: list[dict[str, Any]], n_basins: int) -> str:
    names = ("p_value", "mantel_p", "spearman_p")
    if all(row[name] is None for row in own for name in names):
        return "The members are too few, or too different, to tell whether a setting matters."
    if n_basins > 1:
        return "No setting goes with the basins."
    return "There are no two basins to compare with, and no setting goes with the gaps."


def _named(row: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """Return the setting with those that cannot be told apart from it."""
    same = [title(other["axis"]) for other in rows if other["same_as"] == row["axis"]]
    beside = f" (or {', '.join(same)}, which parts the members alike)" if same else ""
    return title(row["axis"]) + beside


def _means(row: dict[str, Any]) -> str:
    if row["difference"] is None:
        return ""
    within, between = f"{row['gap_within']:.2g}", f"{row['gap_between']:.2g}"
    return f"; the mean gap is {within} within one {title(row['axis'])} and {between} between two"


def _stands(q_value: float | None) -> bool:
    return q_value is not None and q_value <= LEVEL
