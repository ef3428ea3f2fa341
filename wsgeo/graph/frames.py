"""The tables of one clustered matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from wsgeo.graph.clustering import Clustering
from wsgeo.graph.deciding import Decision
from wsgeo.graph.merging import MergeTree
from wsgeo.graph.null_tests import NullTest
from wsgeo.graph.partitions import Matrix
from wsgeo.graph.stability import Stability
from wsgeo.graph.tables import CLUSTERINGS, CLUSTERS, MERGE_TREE, NULLS
from wsgeo.graph.typicality import Typicality

_NOTHING = (None, None, None)


def clusters_table(
    name: str,
    ids: Sequence[str],
    placed: Sequence[str],
    decision: Decision,
    held: Stability | None,
    typical: Typicality | None = None,
) -> pl.DataFrame:
    """Return the labels of each method's best setting, and the default ones.

    Parameters
    ----------
    name : str
        Name of the matrix.
    ids, placed : sequence of str
        All members in the order of the rows, and the placed ones in the order of the labels.
    decision : Decision
        Default labels and search.
    held : Stability or None
        Resampling of the default labels.
    typical : Typicality, optional
        How typical each placed member is.

    Returns
    -------
    polars.DataFrame
        Schema `CLUSTERS`; a member that is not placed has label -1 everywhere.
    """
    rows = []
    figures = _figures(placed, held, typical)
    for one, is_default in _shown(decision):
        labels = dict(zip(placed, one.labels.tolist(), strict=True))
        for member in ids:
            sure, belongs, odd = figures.get(member, _NOTHING) if is_default else _NOTHING
            label = labels.get(member, -1)
            rows.append((member, name, one.method, label, sure, is_default, belongs, odd))
    return pl.DataFrame(rows, schema=CLUSTERS, orient="row")


def _figures(
    placed: Sequence[str], held: Stability | None, typical: Typicality | None
) -> dict[str, tuple[float | None, ...]]:
    """Return certainty, membership and outlier score of each placed member, None if not finite."""
    columns = (
        held.certainty if held else None,
        typical.membership if typical else None,
        typical.outlier if typical else None,
    )
    absent = [None] * len(placed)
    lists = [absent if column is None else _finite(column) for column in columns]
    return dict(zip(placed, zip(*lists, strict=True), strict=True))


def _finite(values: Matrix) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]


def clusterings_table(name: str, decision: Decision, held: Stability | None) -> pl.DataFrame:
    """Return one row per candidate partition, and one for the default if it is none of them.

    Parameters
    ----------
    name : str
        Name of the matrix.
    decision : Decision
        Default labels and search.
    held : Stability or None
        Resampling of the default labels.

    Returns
    -------
    polars.DataFrame
        Schema `CLUSTERINGS`.
    """
    candidates = list(decision.search.candidates) if decision.search else []
    if not any(one is decision.default for one in candidates):
        candidates.append(decision.default)
    rows = [
        (
            name,
            one.method,
            one.setting,
            one.n_clusters,
            one.n_noise,
            one.silhouette,
            one.p_value,
            held.median if held and one is decision.default else None,
            one is decision.default,
        )
        for one in candidates
    ]
    return pl.DataFrame(rows, schema=CLUSTERINGS, orient="row")


def nulls_table(name: str, test: NullTest | None) -> pl.DataFrame:
    """Return the best silhouette of every null draw.

    Parameters
    ----------
    name : str
        Name of the matrix.
    test : NullTest or None
        The test, if one was made.

    Returns
    -------
    polars.DataFrame
        Schema `NULLS`.
    """
    rows = []
    for null, draws in test.draws.items() if test else ():
        for i, statistic in enumerate(draws.max(axis=0).tolist()):
            rows.append((name, null, i, statistic if np.isfinite(statistic) else None))
    return pl.DataFrame(rows, schema=NULLS, orient="row")


def merge_tree_table(name: str, tree: MergeTree) -> pl.DataFrame:
    """Return the merge tree, one row per join, in order of height.

    Parameters
    ----------
    name : str
        Name of the matrix.
    tree : MergeTree
        The tree.

    Returns
    -------
    polars.DataFrame
        Schema `MERGE_TREE`.
    """
    columns = (tree.left, tree.right, tree.height, tree.size)
    rows = [(name, *row) for row in zip(*columns, strict=True)]
    return pl.DataFrame(rows, schema=MERGE_TREE, orient="row")


def _shown(decision: Decision) -> list[tuple[Clustering, bool]]:
    """Return the clusterings whose labels are stored, and which is the default."""
    search = decision.search
    best = [search.candidates[i] for i in search.best_of.values()] if search else []
    if not any(one is decision.default for one in best):
        best.append(decision.default)
    return [(one, one is decision.default) for one in best]
