"""What the settings of training have to do with basins or regions, in words; where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import polars as pl

from wsgeo.counting import counted
from wsgeo.graph.verdicts import LEVEL


@final
@dataclass(frozen=True)
class Nouns:
    """How the groups and distances of a matrix are called.

    Parameters
    ----------
    group : str
        A group of members.
    entries : str
        What the matrix compares.
    follow : str
        What the entries do with a setting that members close to each other share.
    distances : str
        The entries as numbers.
    mean : str
        Their mean.
    """

    group: str
    entries: str
    follow: str
    distances: str
    mean: str


NOUNS: Final[Mapping[str, Nouns]] = {
    "convexity_gap": Nouns("basin", "gaps", "Gaps go with", "Gaps", "mean gap"),
    "task_vector": Nouns(
        "region",
        "task vectors",
        "Task vectors follow",
        "Distances of task vectors (1 - cosine)",
        "mean distance (1 - cosine)",
    ),
}
"""By name of the matrix."""


def sentences(
    table: pl.DataFrame, n_groups: int, n_omitted: int = 0, *, matrix: str = "convexity_gap"
) -> tuple[str, ...]:
    """Return one sentence per setting that goes with groups or distances, or that none does.

    Members that share a value and lie *farther* apart than others are told of nowhere: where each
    seed was run once on each task, pairs of one seed are never of one task, whatever seeds do.

    Parameters
    ----------
    table : polars.DataFrame
        Schema `wsgeo.graph.tables.ASSOCIATIONS`, of one matrix.
    n_groups : int
        Number of basins or regions in the default labels.
    n_omitted : int, default 0
        Settings that were not compared because there are so many.
    matrix : str, default "convexity_gap"
        A key of `NOUNS`.

    Returns
    -------
    tuple of str
        Sentences; those with evidence first.
    """
    rows, nouns = table.to_dicts(), NOUNS[matrix]
    if not rows:
        return ("The members differ in no known setting.",)
    own = [row for row in rows if not row["same_as"]]
    said = [
        *_groups(own, rows, n_groups, nouns),
        *_distances(own, rows, n_groups, nouns),
        *_numbers(rows, nouns),
    ]
    if not said:
        said = [_nothing(own, n_groups, nouns)]
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


def _groups(
    own: list[dict[str, Any]], rows: list[dict[str, Any]], n_groups: int, nouns: Nouns
) -> list[str]:
    found = [row for row in own if _stands(row["q_value"]) and n_groups > 1]
    found.sort(key=lambda row: -row["cramers_v"])
    return [
        f"{nouns.group.capitalize()}s follow the {_named(row, rows)}: "
        f"Cramer's V {row['cramers_v']:.2f}, p = {row['p_value']:.2g}"
        + ("." if row["difference"] is None else f"; {_means(row, nouns)}.")
        for row in found
    ]


def _distances(
    own: list[dict[str, Any]], rows: list[dict[str, Any]], n_groups: int, nouns: Nouns
) -> list[str]:
    """Tell of settings that distances go with, where groups do not say it already."""
    found = [
        row
        for row in own
        if _stands(row["mantel_q"])
        and row["difference"] > 0
        and not (n_groups > 1 and _stands(row["q_value"]))
    ]
    found.sort(key=lambda row: -row["difference"])
    but = f", though {nouns.group}s do not follow it" if n_groups > 1 else ""
    return [
        f"{nouns.follow} the {_named(row, rows)}{but}: {_means(row, nouns)} "
        f"(p = {row['mantel_p']:.2g})."
        for row in found
    ]


def _numbers(rows: list[dict[str, Any]], nouns: Nouns) -> list[str]:
    return [
        f"{nouns.distances} {'grow' if row['spearman'] > 0 else 'shrink'} with the difference in "
        f"{title(row['axis'])}: Spearman's rho {row['spearman']:.2f}, p = {row['spearman_p']:.2g}."
        for row in rows
        if _stands(row["spearman_q"])
    ]


def _nothing(own: list[dict[str, Any]], n_groups: int, nouns: Nouns) -> str:
    names = ("p_value", "mantel_p", "spearman_p")
    if all(row[name] is None for row in own for name in names):
        return "The members are too few, or too different, to tell whether a setting matters."
    if n_groups > 1:
        return f"No setting goes with the {nouns.group}s."
    return (
        f"There are no two {nouns.group}s to compare with, "
        "and no setting brings those that share a value closer."
    )


def _named(row: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """Return the setting with those that cannot be told apart from it."""
    same = [title(other["axis"]) for other in rows if other["same_as"] == row["axis"]]
    part = "parts" if len(same) == 1 else "part"
    beside = f" (or {', '.join(same)}, which {part} the members alike)" if same else ""
    return title(row["axis"]) + beside


def _means(row: dict[str, Any], nouns: Nouns) -> str:
    within, between = _apart(row["gap_within"], row["gap_between"])
    axis = title(row["axis"])
    return f"the {nouns.mean} is {within} within one {axis} and {between} between two"


def _apart(one: float, other: float) -> tuple[str, str]:
    """Return two numbers with as many digits, two at least, as tell them apart."""
    shown = ((f"{one:.{n}g}", f"{other:.{n}g}") for n in range(2, 17))
    return next((pair for pair in shown if pair[0] != pair[1]), (str(one), str(other)))


def _stands(q_value: float | None) -> bool:
    return q_value is not None and q_value <= LEVEL
