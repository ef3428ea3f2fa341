"""How well the groups of the manifest are found again where nobody tells of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import polars as pl

from wsgeo.graph.guard import guard
from wsgeo.graph.partitions import Labels, Matrix, compact, in_units_of_largest, silhouettes
from wsgeo.graph.spectral import partitions
from wsgeo.regions.recovery import Recovery, recovery
from wsgeo.regions.region_tables import REGION_COUNTS, REGION_SCORES
from wsgeo.regions.task_vectors import TaskVectors
from wsgeo.regions.traits import Trait

TASK_VECTOR: Final = "task_vector"
"""Space of the angles of task vectors."""

WEIGHTS: Final = "weights"
"""Space of the Euclidean distances of raw weights; shown for comparison only."""

MAX_SUGGESTED: Final = 40
"""Most clusters that are tried where their number is suggested by the silhouette alone."""

MAX_AXES: Final = 64
"""Most settings that are counted."""


@final
@dataclass(frozen=True)
class Scored:
    """What clusterings of a geometry group say of one trait.

    Parameters
    ----------
    trait : Trait
        Whose groups were to be found again.
    space : str
        `TASK_VECTOR` or `WEIGHTS`.
    clusters : str
        ``given``, ``found`` or ``suggested``.
    ids : tuple of str
        Members with a value of the trait.
    labels : ndarray of int64, shape (n,)
        Cluster of each, largest first; -1 for none.
    recovery : Recovery
        The scores.
    estimated : bool
        Whether task vectors are seen from an estimated base.
    """

    trait: Trait
    space: str
    clusters: str
    ids: tuple[str, ...]
    labels: Labels
    recovery: Recovery
    estimated: bool


def score_traits(
    vectors: TaskVectors,
    traits: Sequence[Trait],
    found: Mapping[str, int],
    *,
    rng: np.random.Generator,
) -> tuple[Scored, ...]:
    """Cluster the members and compare with the groups of each trait.

    Spectral clustering parts the members by 1 - cosine of their task vectors: once with the number
    of the groups given, once with the number that has the best silhouette, which no null tests and
    is therefore only suggested. With the number given they are parted by Euclidean distance too, for
    comparison. Of equal numbers the scale of the affinity with the better silhouette is kept, so
    that the groups are not peeked at.

    Parameters
    ----------
    vectors : TaskVectors
        The distinct members of a geometry group.
    traits : sequence of Trait
        Whose groups are to be found again. A trait with one value, or with another for each member,
        makes no groups and is left out.
    found : mapping of str to int
        Clusters of task vectors that stand out from noise, by id; -1 for none. Empty where nobody
        looked for them.
    rng : numpy.random.Generator
        Permutes the groups.

    Returns
    -------
    tuple of Scored
        By trait; ``given``, ``found``, ``suggested``, and ``given`` in the space of the weights.

    References
    ----------
    [gueta2023]_
    """
    return tuple(
        Scored(trait, space, how, ids, labels, recovery(groups, labels, rng=rng), estimated)
        for trait in traits
        for ids, groups in _groups(trait, vectors.ids)
        for space, how, labels, estimated in _clusterings(vectors, ids, groups, found)
    )


def spectral_clusters(
    distances: Matrix, ids: Sequence[str], n_clusters: int | None = None
) -> Labels:
    """Return the spectral clusters of a distance matrix that have the best silhouette.

    Parameters
    ----------
    distances : ndarray of float64, shape (n, n)
        Any distances; NaN where missing.
    ids : sequence of str
        Names of the rows.
    n_clusters : int, optional
        How many clusters, from 2 to n - 1; default any number up to `MAX_SUGGESTED`.

    Returns
    -------
    ndarray of int64, shape (n,)
        From 0, largest first; -1 for a member without any distance. There may be fewer clusters.

    Examples
    --------
    >>> points = np.array([0.0, 0.1, 5.0, 5.1, 5.2])
    >>> spectral_clusters(np.abs(points[:, None] - points), "abcde", 2).tolist()
    [1, 1, 0, 0, 0]
    """
    good = guard(distances, ids)
    stack = in_units_of_largest(good.values[None])
    tried = [
        one.labels
        for one in partitions(stack, max_clusters=n_clusters or MAX_SUGGESTED)
        if n_clusters in (None, one.parameters["n_clusters"])
    ]
    if not tried:
        return np.full(len(ids), -1, dtype=np.int64)
    best = max(tried, key=lambda labels: silhouettes(stack, labels)[0])
    label_of = dict(zip(good.ids, best[0].tolist(), strict=True))
    return compact(np.array([label_of.get(one, -1) for one in ids], dtype=np.int64))


def scores_table(scored: Sequence[Scored]) -> pl.DataFrame:
    """Return one row per level, space and way of clustering.

    Parameters
    ----------
    scored : sequence of Scored
        As `score_traits` returns them.

    Returns
    -------
    polars.DataFrame
        Schema `REGION_SCORES`.
    """
    names = ("n_groups", "n_clusters", "n_members", "purity", "f1", "ari", "nmi", "p_value")
    rows = [
        {
            "level": one.trait.level,
            "trait": one.trait.axis,
            "space": one.space,
            "clusters": one.clusters,
            **{name: getattr(one.recovery, name) for name in names},
            "estimated_base": one.estimated,
        }
        for one in scored
    ]
    return pl.DataFrame(rows, schema=REGION_SCORES)


def counts_table(scored: Sequence[Scored], settings: pl.DataFrame) -> pl.DataFrame:
    """Return by what the members cluster: how many have each value of each setting, by cluster.

    Parameters
    ----------
    scored : sequence of Scored
        As `score_traits` returns them.
    settings : polars.DataFrame
        Columns ``id``, ``axis`` and ``value``.

    Returns
    -------
    polars.DataFrame
        Schema `REGION_COUNTS`, for the trait itself and every setting in which the members differ
        without each having a value of its own; cluster -1 holds those in none.
    """
    frames = [_counts(one, settings) for one in scored]
    return pl.concat([pl.DataFrame(schema=REGION_COUNTS), *frames])


def _groups(trait: Trait, ids: Sequence[str]) -> Iterator[tuple[tuple[str, ...], Labels]]:
    """Give the members with a value and the number of each one's, unless there are no groups."""
    known = tuple(one for one in ids if one in trait.value_of)
    values = sorted({trait.value_of[one] for one in known})
    if 1 < len(values) < len(known):
        yield known, np.array([values.index(trait.value_of[one]) for one in known], dtype=np.int64)


def _clusterings(
    vectors: TaskVectors, ids: tuple[str, ...], groups: Labels, found: Mapping[str, int]
) -> Iterator[tuple[str, str, Labels, bool]]:
    """Give the space, the way and the labels of each clustering."""
    places = [vectors.ids.index(one) for one in ids]
    rows, n_groups = np.ix_(places, places), int(groups.max()) + 1
    if vectors.has_directions:
        apart = 1 - vectors.cosine[rows]
        yield TASK_VECTOR, "given", spectral_clusters(apart, ids, n_groups), vectors.estimated
        if found:
            labels = np.array([found.get(one, -1) for one in ids], dtype=np.int64)
            yield TASK_VECTOR, "found", compact(labels), vectors.estimated
        yield TASK_VECTOR, "suggested", spectral_clusters(apart, ids), vectors.estimated
    yield WEIGHTS, "given", spectral_clusters(vectors.l2[rows], ids, n_groups), False


def _counts(one: Scored, settings: pl.DataFrame) -> pl.DataFrame:
    """Return the counts of one clustering."""
    labels = pl.DataFrame(
        {"id": list(one.ids), "cluster": one.labels}, schema={"id": pl.String, "cluster": pl.Int64}
    )
    rows = labels.join(settings.select("id", "axis", "value"), on="id", maintain_order="right")
    varying = _varying(rows, one.trait)
    grouped = rows.filter(pl.col("axis").is_in(varying)).group_by(
        "axis", "value", "cluster", maintain_order=True
    )
    found = grouped.len("n").with_columns(
        pl.lit(one.space).alias("space"),
        pl.lit(one.clusters).alias("clusters"),
        pl.lit(one.trait.level).alias("level"),
        pl.col("n").cast(pl.Int64),
    )
    return found.rename({"axis": "trait"}).select(list(REGION_COUNTS))


def _varying(rows: pl.DataFrame, trait: Trait) -> list[str]:
    """Return the settings to count: the trait, and those that part the members into groups."""
    values: dict[str, Any] = {}
    for axis, value in rows.select("axis", "value").iter_rows():
        values.setdefault(axis, []).append(value)
    parted = [axis for axis, found in values.items() if 1 < len(set(found)) < len(found)]
    return [trait.axis, *(axis for axis in parted if axis != trait.axis)][:MAX_AXES]
