"""Clusters of any distance matrix in a file, with the tests that a scan's gaps get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from wsgeo.errors import ZooError
from wsgeo.files import write_text
from wsgeo.graph import ClusterResult, cluster, connectivity_graph, edge_status, export
from wsgeo.store.tables import write_table
from wsgeo.workflows.matrix_files import read_matrix


def cluster_matrix(
    path: str | Path,
    *,
    similarity: bool = False,
    seed: int = 0,
    n_draws: int = 200,
    tau: float | Literal["auto"] = "auto",
    out: str | Path | None = None,
) -> dict[str, Any]:
    """Cluster the distance matrix in a file.

    Parameters
    ----------
    path : str or Path
        A .csv, .tsv or .parquet file: the first column holds the ids of the rows, the other
        columns are named by the ids. An empty cell is a missing pair.
    similarity : bool, default False
        The file holds similarities in [-1, 1], such as cosines; the distance is 1 - similarity.
    seed : int, default 0
        Seed of the null draws and of the map.
    n_draws : int, default 200
        Draws from each null.
    tau : float or "auto", default "auto"
        Distance up to which two members count as connected.
    out : str or Path, optional
        Folder for the summary, the tables, and the graph as GraphML, GEXF and JSON.

    Returns
    -------
    dict
        Verdict and numbers as ``--json`` prints them; see ``docs/formats-cluster.md``.

    Raises
    ------
    DataError
        If the file cannot be read as a distance matrix.
    ZooError
        If no pair has a valid distance.
    """
    path = Path(path)
    ids, values = read_matrix(path, similarity=similarity)
    # The map is drawn only where it is written: UMAP takes 15 s to start.
    umap = False if out is None else None
    found = cluster(values, ids, seed=seed, n_draws=n_draws, tau=tau, umap=umap, where=str(path))
    if not found.tree_ids:
        raise ZooError(
            "no pair of members has a valid distance",
            where=str(path),
            remedy="Give at least one finite distance.",
        )
    summary = {"matrix": str(path), "similarity": similarity, **summarize(found, seed, n_draws)}
    if out is not None:
        write_result(found, values, Path(out), summary)
    return summary


def summarize(found: ClusterResult, seed: int, n_draws: int) -> dict[str, Any]:
    """Return a clustering as one plain dict.

    Parameters
    ----------
    found : ClusterResult
        The clustering.
    seed, n_draws : int
        The settings that made it.

    Returns
    -------
    dict
        Plain types only; no number that JSON cannot hold.
    """
    held = found.stability
    return {
        "verdict": found.verdict,
        "n_members": len(found.ids),
        "n_basins": found.n_clusters,
        "labels": found.label_of(),
        "method": found.method,
        "parameters": dict(found.parameters),
        "p_value": found.p_value,
        "p_by_null": dict(found.p_by_null),
        "silhouette": found.silhouette,
        "eigengap": found.eigengap and dict(zip(("n_groups", "gap"), found.eigengap, strict=True)),
        "stability": held.median if held else None,
        "tau": found.tau.value,
        "tau_origin": found.tau.origin,
        "agreement": [
            {"methods": list(pair), "adjusted_rand_index": index}
            for pair, index in found.agreement.items()
        ],
        "not_placed": [member for member in found.ids if member not in set(found.tree_ids)],
        "filled": [list(pair) for pair in found.filled],
        "order": list(found.order),
        "reasons": list(found.reasons),
        "seed": seed,
        "n_draws": n_draws,
    }


def write_result(
    found: ClusterResult, values: np.ndarray[Any, Any], folder: Path, summary: dict[str, Any]
) -> None:
    """Write a clustering of a given matrix to a folder.

    Parameters
    ----------
    found : ClusterResult
        The clustering.
    values : ndarray of float64, shape (n_members, n_members)
        The distances, aligned to its ids.
    folder : Path
        Made if it is missing; files of the same names are replaced as a whole.
    summary : dict
        What ``summary.json`` holds.
    """
    tables = folder / "tables"
    tables.mkdir(parents=True, exist_ok=True)
    for name in ("clusters", "clusterings", "nulls", "embedding", "merge_tree"):
        frame: pl.DataFrame = getattr(found, name)
        write_table(tables, name, frame.with_columns(group=pl.lit("given")))
    graph = connectivity_graph(_pairs(found, values), found)
    export(graph, folder / "graph")
    write_text(folder / "summary.json", json.dumps(summary, indent=2, allow_nan=False) + "\n")


def _pairs(found: ClusterResult, values: np.ndarray[Any, Any]) -> pl.DataFrame:
    """Return the distances as a pair table with status; missing pairs have no row."""
    rows, columns = np.triu_indices(len(found.ids), 1)
    known = np.isfinite(values[rows, columns])
    rows, columns = rows[known], columns[known]
    ids = np.array(found.ids, dtype=object)
    pairs = pl.DataFrame(
        {
            "a": pl.Series(ids[rows].tolist(), dtype=pl.String),
            "b": pl.Series(ids[columns].tolist(), dtype=pl.String),
            "convexity_gap": values[rows, columns],
        }
    )
    return edge_status(pairs, found.tau).rename({"convexity_gap": "distance"})
