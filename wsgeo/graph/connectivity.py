"""The connectivity graph: members as nodes, measured pairs as edges, basins as attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from wsgeo.graph.result import ClusterResult

if TYPE_CHECKING:
    import networkx as nx

EDGE_COLUMNS = (
    "status",
    "distance",
    "convexity_gap",
    "convexity_gap_lo",
    "convexity_gap_hi",
    "barrier_height",
    "barrier_mean",
    "midpoint_excess",
    "area",
    "error_barrier",
    "t_peak",
    "l2",
    "cosine",
    "rule",
    "reason",
)
"""Columns of the pair table that become attributes of an edge, where the table has them."""

NODE_COLUMNS = ("task", "base", "method", "seed", "step", "learning_rate", "data", "content_hash")
"""Columns of the model table that become attributes of a node, where the table has them."""


def connectivity_graph(
    pairs: pl.DataFrame, result: ClusterResult, *, models: pl.DataFrame | None = None
) -> nx.Graph[str]:
    """Return the graph of members and pairs, with basins, threshold and merge tree.

    Parameters
    ----------
    pairs : polars.DataFrame
        Pair table with ``a`` and ``b``; with ``status`` from `wsgeo.graph.edge_status`, else the
        edges have none. Pairs with members outside the result are left out.
    result : ClusterResult
        Clusters of the members.
    models : polars.DataFrame, optional
        Model table with ``id``; its facts become attributes of the nodes.

    Returns
    -------
    networkx.Graph
        Nodes carry ``basin`` (the default label; -1 is none), ``certainty`` and, per map,
        ``x_mds``, ``y_mds``; edges carry the columns of the pair table and ``in_merge_tree``;
        the graph carries ``tau``, ``tau_origin``, ``p_value``, ``verdict`` and ``merge_tree``.
        Values may be None; the exports leave those out.
    """
    import networkx as nx

    graph: nx.Graph[str] = nx.Graph(
        matrix=result.matrix,
        verdict=result.verdict,
        method=result.method,
        p_value=result.p_value,
        silhouette=result.silhouette,
        tau=result.tau.value,
        tau_origin=result.tau.origin,
        merge_tree=_tree(result),
    )
    facts = _facts(models)
    certainty = dict(
        result.clusters.filter(pl.col("is_default")).select("id", "certainty").iter_rows()
    )
    places = _places(result)
    for member, label in result.label_of().items():
        graph.add_node(
            member,
            basin=label,
            certainty=certainty.get(member),
            **places.get(member, {}),
            **facts.get(member, {}),
        )
    _add_edges(graph, pairs, result)
    return graph


def _add_edges(graph: nx.Graph[str], pairs: pl.DataFrame, result: ClusterResult) -> None:
    joins = _joins(result)
    columns = [column for column in EDGE_COLUMNS if column in pairs.columns]
    for a, b, *values in pairs.select("a", "b", *columns).iter_rows():
        if a in graph and b in graph:
            facts = dict(zip(columns, values, strict=True))
            graph.add_edge(a, b, in_merge_tree=frozenset((a, b)) in joins, **facts)


def _joins(result: ClusterResult) -> set[frozenset[str]]:
    """Return the pairs that are edges of the minimum spanning tree."""
    return {frozenset((result.tree_ids[a], result.tree_ids[b])) for a, b in result.tree.edges}


def _tree(result: ClusterResult) -> list[dict[str, object]]:
    rows = result.merge_tree.drop("matrix").to_dicts()
    return [{"members": list(result.tree_ids)}, *rows]


def _facts(models: pl.DataFrame | None) -> dict[str, dict[str, object]]:
    if models is None:
        return {}
    columns = [column for column in NODE_COLUMNS if column in models.columns]
    return {row.pop("id"): row for row in models.select("id", *columns).to_dicts()}


def _places(result: ClusterResult) -> dict[str, dict[str, float]]:
    places: dict[str, dict[str, float]] = {}
    for member, method, x, y in result.embedding.select("id", "method", "x", "y").iter_rows():
        places.setdefault(member, {}).update({f"x_{method}": x, f"y_{method}": y})
    return places
