"""Where the members of a geometry group lie: distances, and angles of their task vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.graph.matrices import square
from wsgeo.weights.geometry import Matrix, cosines

# Of the largest squared length: below it a length is what rounding leaves of zero.
_RESOLUTION = 1e-12


@final
@dataclass(frozen=True)
class TaskVectors:
    """The distinct members of a geometry group, as seen from their base.

    Parameters
    ----------
    ids : tuple of str
        Order of all rows and columns.
    l2 : ndarray of float64, shape (n, n)
        Euclidean distances of the weights, heads left out; NaN where unknown.
    cosine : ndarray of float64, shape (n, n)
        Of the task vectors; NaN for a member without a direction, 1 on the diagonal.
    norms : ndarray of float64, shape (n,)
        Lengths of the task vectors; NaN where unknown.
    estimated : bool
        Whether the members are seen from their mean, because their base is not known.
    """

    ids: tuple[str, ...]
    l2: Matrix
    cosine: Matrix
    norms: NDArray[np.float64]
    estimated: bool = False

    @property
    def has_directions(self) -> bool:
        """Whether any two members have an angle."""
        return bool(np.isfinite(self.cosine[np.triu_indices(len(self.ids), 1)]).any())


def task_vectors(models: pl.DataFrame, distances: pl.DataFrame) -> TaskVectors:
    """Return the task vectors of one geometry group, from the tables of a run.

    Without a base they are estimated: the mean of the members stands in its place. Members that
    failed the gate do not enter that mean, as long as others are left.

    Parameters
    ----------
    models : polars.DataFrame
        Distinct members of the group: columns ``id``, ``gate`` and ``task_vector_norm``.
    distances : polars.DataFrame
        Rows of the group, with columns ``a``, ``b``, ``l2`` and ``cosine``.

    Returns
    -------
    TaskVectors
        In the order of ``models``.
    """
    ids = tuple(models["id"])
    l2, cosine = square(distances, ids, "l2"), square(distances, ids, "cosine")
    norms = models["task_vector_norm"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    known = np.isfinite(cosine).sum() > len(ids) or np.isfinite(norms).any()
    if not known and len(ids) > 1:
        fit = models["gate"].fill_null(value=True).to_numpy()
        return TaskVectors(ids, l2, estimated_cosines(l2, fit), norms, estimated=True)
    np.fill_diagonal(cosine, 1.0)
    return TaskVectors(ids, l2, cosine, norms)


def estimated_cosines(l2: Matrix, counted: Sequence[bool] | NDArray[np.bool_]) -> Matrix:
    r"""Return the cosines of members as seen from their mean, from their distances alone.

    .. math::
        B = -\tfrac{1}{2} (I - \mathbf{1} w^T)\, D^2\, (I - w \mathbf{1}^T)

    holds the inner products seen from the weighted mean of the members (classical scaling). They
    are no task vectors: what all members share, and a base would show, is in the mean and gone, so
    that n equally unrelated members have the cosine -1 / (n - 1) and not 0.

    Parameters
    ----------
    l2 : ndarray of float64, shape (n, n)
        Euclidean distances.
    counted : array_like of bool, shape (n,)
        Whose mean it is; all where nobody counts.

    Returns
    -------
    ndarray of float64, shape (n, n)
        In [-1, 1], 1 on the diagonal; NaN for a member that is the mean, and for all where a
        distance is missing.

    Examples
    --------
    >>> points = np.array([0.0, 1.0, 3.0])
    >>> estimated_cosines(np.abs(points[:, None] - points), [True] * 3).round(6).tolist()
    [[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]
    """
    weight = np.asarray(counted, dtype=np.float64)
    weight = weight if weight.any() else np.ones(len(l2))
    squared, weight = l2**2, weight / weight.sum()
    from_mean = squared @ weight
    inner = (from_mean[:, None] + from_mean - weight @ from_mean - squared) / 2
    lengths = np.diag(inner)
    if not np.isfinite(lengths).all():
        return np.full_like(l2, np.nan)
    np.fill_diagonal(inner, np.where(lengths > _RESOLUTION * squared.max(), lengths, 0.0))
    return cosines(inner)
