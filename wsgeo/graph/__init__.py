"""Pair table to graph, merge tree, clusters, nulls, stability, maps."""
