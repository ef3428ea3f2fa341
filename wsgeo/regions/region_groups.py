"""Regions of weight space: members that share a data set, a task family, a base, or a basin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import polars as pl

from wsgeo.counting import counted
from wsgeo.regions.region_tables import REGIONS
from wsgeo.regions.task_vectors import TaskVectors
from wsgeo.regions.traits import Trait

LEVELS: Final = ("dataset", "task", "general", "basin")
"""Levels of regions, in the order of the table."""

ALL: Final = "all"
"""Name of the general region."""

ESTIMATED: Final = (
    "The base is not known: angles are those seen from the mean of the members, an estimated base."
)


@final
@dataclass(frozen=True)
class Group:
    """The distinct members of a geometry group, and what is known of each.

    Parameters
    ----------
    vectors : TaskVectors
        Distances and angles of all of them.
    traits : tuple of Trait
        By which they are grouped.
    basins : mapping of str to (int by id)
        Basin of the members of each loss group in which basins were found, -1 for none.
    failed : frozenset of str
        Those that failed the end-point gate; they are in no region.
    loss_group : mapping of str to str
        Loss group by id.
    """

    vectors: TaskVectors
    traits: tuple[Trait, ...] = ()
    basins: Mapping[str, Mapping[str, int]] | None = None
    failed: frozenset[str] = frozenset()
    loss_group: Mapping[str, str] | None = None


def regions_table(group: Group) -> pl.DataFrame:
    r"""Return the regions of a geometry group.

    The radius is that of the members about their mean, from their distances alone:

    .. math:: r^2 = \frac{1}{n^2} \sum_{i<j} d_{ij}^2

    Parameters
    ----------
    group : Group
        The members.

    Returns
    -------
    polars.DataFrame
        Schema `REGIONS`: the levels in the order of `LEVELS`, names in the order of their letters.
        Copies count once, and a member that failed the end-point gate is in no region; the notes
        say so.

    References
    ----------
    [gueta2023]_

    Examples
    --------
    >>> l2 = np.array([[0.0, 2.0], [2.0, 0.0]])
    >>> seen = TaskVectors(("m", "n"), l2, np.eye(2), np.full(2, np.sqrt(2)))
    >>> row = regions_table(Group(seen)).row(0, named=True)
    >>> row["level"], row["name"], row["members"], row["radius"]
    ('general', 'all', ['m', 'n'], 1.0)
    """
    rows: list[dict[str, Any]] = []
    first: dict[tuple[str, ...], str] = {}
    for level, name, trait, ids in _memberships(group):
        members = tuple(one for one in ids if one not in group.failed)
        if not members:
            continue
        notes = _notes(group, len(ids) - len(members), first.get(members))
        first.setdefault(members, f"the {level} region {name}")
        row = {"level": level, "name": name, "trait": trait, "members": list(members)}
        rows.append(row | _figures(group, members) | {"note": " ".join(notes) or None})
    return pl.DataFrame(rows, schema=REGIONS)


def _memberships(group: Group) -> list[tuple[str, str, str | None, list[str]]]:
    """Return level, name, trait and ids of each region, those that failed the gate included."""
    ids, found = group.vectors.ids, []
    for trait in group.traits:
        of_value: dict[str, list[str]] = {}
        for one in ids:
            if one in trait.value_of:
                of_value.setdefault(trait.value_of[one], []).append(one)
        found += [(trait.level, name, trait.axis, of_value[name]) for name in sorted(of_value)]
    general: list[tuple[str, str, str | None, list[str]]] = [("general", ALL, None, list(ids))]
    return [*found, *general, *_basins(group)]


def _basins(group: Group) -> list[tuple[str, str, str | None, list[str]]]:
    return [
        (
            "basin",
            f"{name} basin {label}",
            None,
            [one for one in group.vectors.ids if basin.get(one) == label],
        )
        for name, basin in (group.basins or {}).items()
        for label in sorted(set(basin.values()) - {-1})
    ]


def _figures(group: Group, members: Sequence[str]) -> dict[str, Any]:
    seen = group.vectors
    inside = np.isin(seen.ids, list(members))
    outside = ~inside & ~np.isin(seen.ids, list(group.failed))
    l2, cosine = seen.l2[np.ix_(inside, inside)], seen.cosine[np.ix_(inside, inside)]
    radius = np.sqrt((l2**2).sum() / 2) / len(members)
    of = group.loss_group or {}
    return {
        "n_tasks": len({of[one] for one in members if one in of}),
        "norm": _mean(seen.norms[inside]),
        "radius": float(radius) if np.isfinite(radius) else None,
        "cosine_within": _mean(cosine[np.triu_indices(len(members), 1)]),
        "cosine_outside": _mean(seen.cosine[np.ix_(inside, outside)]),
    }


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    """Return the mean of what is known, or None."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None


def _notes(group: Group, n_failed: int, twin: str | None) -> list[str]:
    notes = []
    if n_failed:
        said = counted(n_failed, "further member failed", "further members failed")
        notes.append(f"{said} the end-point gate and {'is' if n_failed == 1 else 'are'} left out.")
    if twin is not None:
        notes.append(f"Holds the same members as {twin}.")
    if group.vectors.estimated:
        notes.append(ESTIMATED)
    return notes
