"""How members lie around their base, layer by layer: norms, and the angles between them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import polars as pl

from wsgeo.regions.tables import CENTROID_LAYERS, finite
from wsgeo.weights.geometry import Matrix, cosines


def layer_table(
    grams: Mapping[str, Matrix],
    shares: Mapping[str, float] | None = None,
    *,
    name: str | None = None,
) -> pl.DataFrame:
    """Return how members lie around their base, layer by layer.

    Parameters
    ----------
    grams : mapping of str to ndarray of float64, shape (n, n)
        Layer to the inner products of task vectors, in the order of the model.
    shares : mapping of str to float, optional
        Layer to the share of the mean against the base.
    name : str, optional
        Of the centroid.

    Returns
    -------
    polars.DataFrame
        `CENTROID_LAYERS`; a member that did not leave the base in a layer has no angle there.

    Examples
    --------
    >>> gram = np.diag([4.0, 4.0])
    >>> layer_table({"layer 0": gram}).select("cosine", "angle", "norm", "norm_spread").rows()
    [(0.0, 90.0, 2.0, 0.0)]
    """
    rows = [
        {"name": name, "layer": layer, "position": k, **_layer(gram), "share": share}
        for k, (layer, gram) in enumerate(grams.items())
        for share in ((shares or {}).get(layer),)
    ]
    return pl.DataFrame(
        [{key: finite(value) for key, value in row.items()} for row in rows], CENTROID_LAYERS
    )


def mean_cosine(gram: Matrix) -> float:
    """Return the mean cosine over the pairs of members that have a direction.

    Parameters
    ----------
    gram : ndarray of float64, shape (n, n)
        Inner products of task vectors.

    Returns
    -------
    float
        In [-1, 1]; NaN where fewer than two members left the base.

    Examples
    --------
    >>> mean_cosine(np.array([[1.0, 1.0], [1.0, 4.0]]))
    0.5
    """
    pairs = cosines(gram)[np.triu_indices(len(gram), 1)]
    known = pairs[~np.isnan(pairs)]
    return float(known.mean()) if known.size else math.nan


def _layer(gram: Matrix) -> dict[str, float]:
    cosine, norms = mean_cosine(gram), np.sqrt(np.diag(gram))
    return {
        "cosine": cosine,
        "angle": math.degrees(math.acos(cosine)) if cosine == cosine else math.nan,
        "norm": float(norms.mean()),
        "norm_spread": float(norms.std() / norms.mean()) if norms.any() else math.nan,
    }
