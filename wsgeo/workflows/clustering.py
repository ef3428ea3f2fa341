"""Clusters of a finished run's gaps, or of any distance matrix in a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
import polars as pl

from wsgeo.errors import WsgeoError, ZooError
from wsgeo.files import write_text
from wsgeo.graph import ClusterResult, connectivity_graph, edge_status, export
from wsgeo.graph import cluster as clusters_of
from wsgeo.graph.matrices import square
from wsgeo.store import Run, open_run
from wsgeo.store.tables import write_table
from wsgeo.workflows.matrix_files import read_matrix


def cluster(
    run: str | Path | None = None,
    *,
    matrix: str | Path | None = None,
    group: str | None = None,
    similarity: bool = False,
    seed: int = 0,
    n_draws: int = 200,
    tau: float | Literal["auto"] = "auto",
    out: str | Path | None = None,
) -> dict[str, Any]:
    """Cluster the gaps of a finished run, or the distance matrix in a file.

    Parameters
    ----------
    run : str or Path, optional
        A run folder; its own tables stay as they are.
    matrix : str or Path, optional
        A file instead; see `cluster_matrix`.
    group : str, optional
        Which loss group of the run; default the largest.
    similarity, seed, n_draws, tau, out
        As in `cluster_matrix`.

    Returns
    -------
    dict
        Verdict and numbers as ``--json`` prints them; see ``docs/formats.md``.

    Raises
    ------
    WsgeoError
        If not exactly one of ``run`` and ``matrix`` is given, or it cannot be read.
    ZooError
        If no pair has a valid distance.
    """
    if (run is None) == (matrix is None):
        raise WsgeoError("give a run folder or a matrix, one of them")
    if matrix is not None:
        return cluster_matrix(
            matrix, similarity=similarity, seed=seed, n_draws=n_draws, tau=tau, out=out
        )
    found = open_run(Path(str(run)))
    gaps = _gaps_of(found, group)
    clustered = clusters_of(
        gaps.values, gaps.ids, keys=gaps.keys, se=gaps.errors, seed=seed, n_draws=n_draws, tau=tau,
        chance_loss=gaps.chance_loss, umap=False if out is None else None,
    )  # fmt: skip
    return _answer({"run": str(run)}, clustered, gaps.values, seed, n_draws, out, where=str(run))


@final
@dataclass(frozen=True)
class _Gaps:
    """The gaps of the distinct members of one loss group."""

    ids: tuple[str, ...]
    keys: tuple[str, ...]
    values: np.ndarray[Any, np.dtype[np.float64]]
    errors: np.ndarray[Any, np.dtype[np.float64]]
    chance_loss: float | None


def _gaps_of(run: Run, group: str | None) -> _Gaps:
    groups = {found["name"]: found for found in run.read("summary").get("groups", [])}
    name = group or next(iter(groups), None)
    if name not in groups:
        raise WsgeoError(
            f"the run measured no group {name}" if name else "the run measured no loss group",
            where=str(run.folder),
            remedy=f"Choose among {', '.join(groups)}." if groups else "Scan with --data.",
        )
    mine = (pl.col("loss_group") == name) & pl.col("duplicate_of").is_null()
    members = run.table("models").filter(mine)
    ids = tuple(members["id"])
    pairs = run.table("pairs").filter(pl.col("group") == name)
    values, errors = square(pairs, ids), square(pairs, ids, "convexity_gap_se")
    # Runs of earlier versions do not name it.
    chance_loss = groups[name].get("chance_loss")
    return _Gaps(ids, tuple(members["content_hash"]), values, errors, chance_loss)


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
        Distance up to which two members count as connected; from four members on it does not
        decide the basins.
    out : str or Path, optional
        Folder for the summary, the tables, and the graph as GraphML, GEXF and JSON.

    Returns
    -------
    dict
        Verdict and numbers as ``--json`` prints them; see ``docs/formats.md``.

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
    found = clusters_of(
        values, ids, seed=seed, n_draws=n_draws, tau=tau, umap=umap, where=str(path)
    )
    head = {"matrix": str(path), "similarity": similarity}
    return _answer(head, found, values, seed, n_draws, out, where=str(path))


def _answer(
    head: dict[str, Any],
    found: ClusterResult,
    values: np.ndarray[Any, Any],
    seed: int,
    n_draws: int,
    out: str | Path | None,
    *,
    where: str,
) -> dict[str, Any]:
    """Return the summary of a clustering, and write it where a folder is given."""
    if not found.tree_ids:
        raise ZooError(
            "no pair of members has a valid distance",
            where=where,
            remedy="Give at least one finite distance.",
        )
    summary = {**head, **summarize(found, seed, n_draws)}
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
        "verdict": f"{found.verdict}{_role_of_tau(found)}",
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


def _role_of_tau(found: ClusterResult) -> str:
    """Return what a given tau does where the split is decided without it."""
    if found.tau.value is None or found.tau.origin != "given" or found.p_value is None:
        return ""
    return (
        f" tau = {found.tau.value:.3g} only says which pairs are connected and which members hang "
        "together; it does not decide the basins."
    )


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
