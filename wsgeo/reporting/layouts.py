"""Where the members lie: the maps of the embedding table, and the coordinates of the graph."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.reporting.plain import plain

MATRICES: Final = {
    "convexity_gap": "barriers",
    "given": "given distances",
    "task_vector": "task vectors",
}
"""What a map is made from, in words; in the order in which the maps are offered."""

METHODS: Final = {"mds": "MDS", "classical_mds": "classical MDS", "umap": "UMAP"}


def maps(embedding: pl.DataFrame, ids: list[str]) -> list[dict[str, Any]]:
    """Return each map as aligned coordinates.

    Parameters
    ----------
    embedding : polars.DataFrame
        Columns ``group``, ``id``, ``matrix``, ``method``, ``x``, ``y``.
    ids : list of str
        Members, in order.

    Returns
    -------
    list of dict
        ``matrix`` and ``method`` in words, and ``x``, ``y`` aligned to ``ids`` (null where the map
        lacks a member); maps of barriers first.
    """
    by_kind = _kinds(embedding)
    several = embedding["group"].n_unique() > 1
    found = []
    for kind, rows in by_kind.items():
        group, matrix, method = map(str, kind)
        at = {name: (x, y) for name, x, y in rows.select("id", "x", "y").iter_rows()}
        points = plain([at.get(name, (None, None)) for name in ids])
        found.append(
            {
                "matrix": MATRICES.get(matrix, matrix) + (f" of {group}" if several else ""),
                "method": METHODS.get(method, method),
                "x": [x for x, _ in points],
                "y": [y for _, y in points],
            }
        )
    return found


def of_placed(embedding: pl.DataFrame) -> int | None:
    """Return on which of the `maps` further models have a place.

    Parameters
    ----------
    embedding : polars.DataFrame
        As for `maps`.

    Returns
    -------
    int or None
        Position of the first map of barriers by classical scaling.
    """
    for k, (_, matrix, method) in enumerate(_kinds(embedding)):
        if matrix == "convexity_gap" and str(method).endswith("mds"):
            return k
    return None


def _kinds(embedding: pl.DataFrame) -> dict[tuple[Any, ...], pl.DataFrame]:
    """Return the rows of each map, those of barriers first."""
    rank = {name: k for k, name in enumerate(MATRICES)}
    by_kind = embedding.partition_by("group", "matrix", "method", as_dict=True, maintain_order=True)
    return dict(sorted(by_kind.items(), key=lambda item: rank.get(str(item[0][1]), len(rank))))


def graph_coordinates(gaps: NDArray[np.float64], seed: int) -> list[list[float] | None]:
    """Return where the graph's nodes are drawn: springs that pull harder the lower the gap.

    Parameters
    ----------
    gaps : ndarray of float64, shape (n_members, n_members)
        Gaps in nats per example; infinite where none was measured.
    seed : int
        Seed of the starting positions.

    Returns
    -------
    list of [x, y] or None
        One per member, without unit; None for a member without any gap.
    """
    import networkx as nx

    graph: nx.Graph[int] = nx.Graph()
    measured = np.isfinite(gaps)
    scale = float(np.median(gaps[measured])) if measured.any() else 1.0
    for a, b in np.argwhere(np.triu(measured, 1)):
        # A floor keeps far members from drifting out of the picture.
        pull = 0.02 + np.exp(-3 * gaps[a, b] / max(scale, 1e-12))
        graph.add_edge(int(a), int(b), weight=float(pull))
    found = nx.spring_layout(graph, weight="weight", seed=seed, iterations=150)
    return plain([found.get(k) for k in range(len(gaps))])  # type: ignore[no-any-return]
