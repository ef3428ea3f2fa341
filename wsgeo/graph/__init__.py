"""Pair table to graph, merge tree, clusters, nulls, stability, maps."""

from wsgeo.graph.connectivity import connectivity_graph
from wsgeo.graph.exports import export
from wsgeo.graph.guard import DistanceMatrix, guard
from wsgeo.graph.maps import embed
from wsgeo.graph.matrices import square
from wsgeo.graph.merging import MergeTree, bottlenecks, merge_tree
from wsgeo.graph.partitions import rand_index, silhouettes
from wsgeo.graph.result import ClusterResult, cluster
from wsgeo.graph.stability import Stability, stability
from wsgeo.graph.status import STATUSES, Tau, choose_tau, edge_status
from wsgeo.graph.tables import CLUSTERINGS, CLUSTERS, EMBEDDING, MERGE_TREE, NULLS

__all__ = [
    "CLUSTERINGS",
    "CLUSTERS",
    "EMBEDDING",
    "MERGE_TREE",
    "NULLS",
    "STATUSES",
    "ClusterResult",
    "DistanceMatrix",
    "MergeTree",
    "Stability",
    "Tau",
    "bottlenecks",
    "choose_tau",
    "cluster",
    "connectivity_graph",
    "edge_status",
    "embed",
    "export",
    "guard",
    "merge_tree",
    "rand_index",
    "silhouettes",
    "square",
    "stability",
]
