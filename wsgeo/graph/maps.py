"""A picture of the members in the plane; it never feeds the clustering."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import final

import numpy as np
import polars as pl

from wsgeo.graph.guard import DistanceMatrix
from wsgeo.graph.partitions import Matrix
from wsgeo.graph.tables import EMBEDDING

UMAP_FROM = 15
"""Fewest members for which UMAP draws better than classical scaling."""

_CHATTER = (
    "using precomputed metric",
    "n_jobs value .* overridden to 1 by setting random_state",
    "n_neighbors is larger than the dataset size",
    "Tensorflow not installed",
)


@final
@dataclass(frozen=True)
class Map:
    """Places of the members in the plane.

    Parameters
    ----------
    table : polars.DataFrame
        Schema `EMBEDDING`; one row per member and method, in the order of the ids.
    stress : mapping of str to float
        Per method, the normalised stress: 0 where all distances are drawn to scale, 1 where the
        picture says nothing. UMAP does not aim at distances, so its stress is only a caution.
    """

    table: pl.DataFrame
    stress: dict[str, float]


def embed(
    distances: DistanceMatrix, *, matrix: str = "given", seed: int = 0, umap: bool | None = None
) -> Map:
    """Return the map: classical scaling always, UMAP beside it from 15 members.

    Parameters
    ----------
    distances : DistanceMatrix
        Guarded distances.
    matrix : str, default "given"
        Name of the matrix in the table.
    seed : int, default 0
        Seed of UMAP; classical scaling needs none.
    umap : bool, optional
        Whether UMAP is drawn too; by default from 15 members, unless all coincide. Its import
        and first fit take about 15 s.

    Returns
    -------
    Map
        Table and stress.
    """
    scale = max(float(distances.values.max(initial=0.0)), 1e-300)
    values = distances.values / scale
    places = {"mds": classical_scaling(values)}
    wanted = len(values) >= UMAP_FROM if umap is None else umap
    if wanted and len(values) > 3 and values.any():
        places["umap"] = _umap(values, places["mds"], seed)
    table = pl.concat(
        pl.DataFrame(
            {
                "id": list(distances.ids),
                "matrix": [matrix] * len(values),
                "method": [method] * len(values),
                "x": xy[:, 0] * (scale if method == "mds" else 1.0),
                "y": xy[:, 1] * (scale if method == "mds" else 1.0),
            },
            schema=EMBEDDING,
        )
        for method, xy in places.items()
    )
    return Map(table, {method: stress(values, xy) for method, xy in places.items()})


def classical_scaling(values: Matrix) -> Matrix:
    """Return the coordinates whose inner products best match the distances.

    Parameters
    ----------
    values : ndarray of float64, shape (n_members, n_members)
        Distances.

    Returns
    -------
    ndarray of float64, shape (n_members, 2)
        Centred coordinates; in each column the entry of largest size is positive.

    Examples
    --------
    >>> line = np.abs(np.subtract.outer([0.0, 1.0, 3.0], [0.0, 1.0, 3.0]))
    >>> classical_scaling(line).round(3)[:, 0].tolist()
    [-1.333, -0.333, 1.667]
    """
    if not values.size:
        return np.zeros((0, 2))
    squares = values**2
    centred = squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()
    powers, axes = np.linalg.eigh(-centred / 2)
    n_axes = min(2, len(values))
    powers, axes = powers[::-1][:n_axes], axes[:, ::-1][:, :n_axes]
    # An axis of rounding error is no axis: it would make the picture depend on the machine.
    real = powers > 1e-12 * max(float(powers.max(initial=0.0)), 1e-300)
    xy = np.zeros((len(values), 2))
    xy[:, :n_axes] = axes * np.sqrt(np.where(real, powers, 0.0))
    largest = np.take_along_axis(xy, np.abs(xy.round(12)).argmax(axis=0)[None], axis=0)
    return np.asarray(xy * np.where(largest < 0, -1.0, 1.0))


def stress(values: Matrix, xy: Matrix) -> float:
    """Return the normalised stress of a picture, after the best scaling of it.

    Parameters
    ----------
    values : ndarray of float64, shape (n_members, n_members)
        Distances.
    xy : ndarray of float64, shape (n_members, 2)
        Coordinates.

    Returns
    -------
    float
        In [0, 1]; 0 where all distances are drawn to scale.
    """
    upper = np.triu_indices(len(values), 1)
    wanted, drawn = values[upper], np.linalg.norm(xy[upper[0]] - xy[upper[1]], axis=1)
    if not wanted.any() or not drawn.any():
        return 0.0 if not wanted.any() and not drawn.any() else 1.0
    scale = (wanted @ drawn) / (drawn @ drawn)
    return float(np.sqrt(((wanted - scale * drawn) ** 2).sum() / (wanted**2).sum()))


def _umap(values: Matrix, start: Matrix, seed: int) -> Matrix:
    with warnings.catch_warnings():
        for message in _CHATTER:
            warnings.filterwarnings("ignore", message=message)
        # umap takes 7 s to import; maps of few members must not pay for it.
        from umap import UMAP

        fit = UMAP(
            metric="precomputed",
            n_neighbors=min(15, len(values) - 1),
            init=10 * start / max(float(np.abs(start).max()), 1e-300),
            random_state=seed,
        ).fit(values)
    return np.asarray(fit.embedding_, dtype=np.float64)
