"""The members of a report, in the order of their ids, and the groups they fall into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

import polars as pl

from wsgeo.reporting.plain import columns

NOUNS: Final = {"convexity_gap": "basin", "given": "cluster", "task_vector": "region"}
"""What a group is called, by the matrix it was found in; in order of preference."""

NOISE: Final = -1


@final
@dataclass(frozen=True)
class Grouping:
    """The default groups of a run.

    Parameters
    ----------
    matrix : str
        Matrix they were found in; empty if there are none.
    leaves : tuple of str
        Ids in the order of the clustered matrix.
    label : dict of str to int
        Label by id, `NOISE` for members in no group.
    certainty : dict of str to (float or None)
        Share of bootstrap draws that agree, by id.
    """

    matrix: str
    leaves: tuple[str, ...]
    label: dict[str, int]
    certainty: dict[str, float | None]

    @property
    def noun(self) -> str:
        """What one group is called."""
        return NOUNS.get(self.matrix, "group")


def grouping(clusters: pl.DataFrame) -> Grouping:
    """Return the default labels of the matrix that says most.

    Parameters
    ----------
    clusters : polars.DataFrame
        Columns ``id``, ``matrix``, ``method``, ``label``, ``certainty``, ``is_default``.

    Returns
    -------
    Grouping
        Basins if barriers were measured, else the given clusters, else regions, else nothing.
    """
    default = clusters.filter(pl.col("is_default"))
    for matrix in NOUNS:
        rows = default.filter(pl.col("matrix") == matrix)
        if rows.height:
            ids = tuple(rows["id"])
            label = [NOISE if x is None else int(x) for x in rows["label"]]
            return Grouping(
                matrix,
                ids,
                dict(zip(ids, label, strict=True)),
                dict(zip(ids, rows["certainty"], strict=True)),
            )
    return Grouping("", (), {}, {})


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
        The columns of ``models`` plus ``group`` and ``certainty``.
    """
    named = pl.DataFrame(
        {"id": sorted({*models["id"], *pairs["a"], *pairs["b"], *groups.leaves} - {None})},
        schema={"id": pl.String},
    )
    ids = named["id"].to_list()
    label = pl.Series("group", [groups.label.get(i, NOISE) for i in ids], pl.Int64)
    certain = pl.Series("certainty", [groups.certainty.get(i) for i in ids], pl.Float64)
    frame = named.join(
        models.unique("id", keep="first"), on="id", how="left", maintain_order="left"
    )
    return columns(frame.with_columns(label, certain))


def group_list(labels: list[int], noun: str) -> list[dict[str, Any]]:
    """Return one entry per group, noise last.

    Parameters
    ----------
    labels : list of int
        Label of each member.
    noun : str
        What a group is called.

    Returns
    -------
    list of dict
        ``label``, ``name`` and ``size``.

    Examples
    --------
    >>> [g["name"] for g in group_list([0, 0, 1, -1], "basin")]
    ['basin 0', 'basin 1', 'noise']
    """
    rest = "not grouped" if noun == "group" else "noise"
    found = sorted(set(labels) - {NOISE}) + [NOISE] * (NOISE in labels)
    return [
        {
            "label": label,
            "name": rest if label == NOISE else f"{noun} {label}",
            "size": labels.count(label),
        }
        for label in found
    ]
