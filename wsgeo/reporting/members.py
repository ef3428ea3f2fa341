"""The members of a report, in the order of their ids, and the groups they fall into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final

import polars as pl

from wsgeo.reporting.plain import columns

NOUNS: Final = {"convexity_gap": "basin", "given": "cluster", "task_vector": "region"}
"""What a group is called, by the matrix it was found in; in order of preference."""

NOISE: Final = -1

_FIGURES: Final = {"id": pl.String(), "membership": pl.Float64(), "outlier": pl.Float64()}


@final
@dataclass(frozen=True)
class Grouping:
    """The default groups of a run; those of several sets of members are numbered through.

    Parameters
    ----------
    matrix : str
        Matrix they were found in; empty if there are none.
    label : mapping of str to int
        Number of the group by id, `NOISE` for members in no group.
    certainty : mapping of str to (float or None)
        Share of resamples that agree, by id.
    names : mapping of int to str
        What each group is called.
    figures : polars.DataFrame
        Columns ``id``, ``membership``, ``outlier``: how typical each member is.
    """

    matrix: str = ""
    label: Mapping[str, int] = field(default_factory=dict)
    certainty: Mapping[str, float | None] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    figures: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_FIGURES))

    @property
    def noun(self) -> str:
        """What one group is called."""
        return NOUNS.get(self.matrix, "group")


def grouping(clusters: pl.DataFrame) -> Grouping:
    """Return the default labels of the matrix that says most.

    Parameters
    ----------
    clusters : polars.DataFrame
        Columns ``group``, ``id``, ``matrix``, ``label``, ``certainty``, ``is_default``.

    Returns
    -------
    Grouping
        Basins if barriers were measured, else the given clusters, else regions, else nothing.
    """
    default = clusters.filter(pl.col("is_default")).drop_nulls("id")
    for matrix in NOUNS:
        rows = default.filter(pl.col("matrix") == matrix)
        if rows.height:
            return _numbered(matrix, rows)
    return Grouping()


def _numbered(matrix: str, rows: pl.DataFrame) -> Grouping:
    """Return the groups numbered through, named by their set of members where there are several."""
    several = rows["group"].n_unique() > 1
    numbers: dict[tuple[str | None, int], int] = {}
    label: dict[str, int] = {}
    for member, group, own in rows.select("id", "group", "label").iter_rows():
        outside = own is None or own < 0
        if not outside:
            numbers.setdefault((group, own), own if not several else len(numbers))
        label[member] = NOISE if outside else numbers[group, own]
    names = {
        number: f"{NOUNS[matrix]} {own}" + (f" of {group}" if several else "")
        for (group, own), number in numbers.items()
    }
    certainty = dict(rows.select("id", "certainty").iter_rows())
    return Grouping(matrix, label, certainty, names, rows.select(list(_FIGURES)).unique("id"))


def members(models: pl.DataFrame, pairs: pl.DataFrame, groups: Grouping) -> dict[str, list[Any]]:
    """Return the members' columns, sorted by id; a member that only a pair names is there too.

    Parameters
    ----------
    models, pairs : polars.DataFrame
        As completed by `wsgeo.reporting.inputs.complete`.
    groups : Grouping
        Where each member belongs.

    Returns
    -------
    dict of str to list
        The columns of ``models`` plus ``group``, ``certainty``, ``membership`` and ``outlier``.
    """
    ids = sorted({*models["id"], *pairs["a"], *pairs["b"], *groups.label})
    named = pl.DataFrame(
        {
            "id": ids,
            "group": [groups.label.get(name, NOISE) for name in ids],
            "certainty": [groups.certainty.get(name) for name in ids],
        },
        schema={"id": pl.String, "group": pl.Int64, "certainty": pl.Float64},
    )
    known = models.unique("id", keep="first")
    for facts in (groups.figures, known):
        named = named.join(facts, on="id", how="left", maintain_order="left")
    return columns(named)


def group_list(labels: list[int], groups: Grouping) -> list[dict[str, Any]]:
    """Return one entry per group, members of none last.

    Parameters
    ----------
    labels : list of int
        Group of each member.
    groups : Grouping
        What the groups are called.

    Returns
    -------
    list of dict
        ``label``, ``name`` and ``size``.

    Examples
    --------
    >>> [g["name"] for g in group_list([0, 0, -1], Grouping("given", names={0: "cluster 0"}))]
    ['cluster 0', 'noise']
    """
    rest = "noise" if groups.names else "not grouped"
    found = sorted(set(labels) - {NOISE}) + [NOISE] * (NOISE in labels)
    return [
        {
            "label": label,
            "name": rest if label == NOISE else groups.names[label],
            "size": labels.count(label),
        }
        for label in found
    ]
