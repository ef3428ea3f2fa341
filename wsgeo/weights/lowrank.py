"""Algebra of low-rank updates (LoRA): merging, inner products and means of products."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

Matrix: TypeAlias = NDArray[np.float32]

_ENTRIES = 1 << 23  # of each product that `inner_products` holds: 64 MB


@final
@dataclass(frozen=True, eq=False)
class LowRankUpdate:
    """The change ``scaling * b @ a`` of one weight matrix, kept as its factors.

    Parameters
    ----------
    a : ndarray of float32, shape (rank, n_in)
        The factor that meets the input.
    b : ndarray of float32, shape (n_out, rank)
        The factor that makes the output.
    scaling : float, default 1
        See `adapter_scaling`.
    """

    a: Matrix
    b: Matrix
    scaling: float = 1.0

    def __post_init__(self) -> None:
        """Refuse factors that do not fit together and a scaling that is not finite."""
        if self.a.ndim != 2 or self.b.ndim != 2 or self.a.shape[0] != self.b.shape[1]:
            raise ValueError(
                f"Factors of shapes {self.b.shape} and {self.a.shape} have no product."
            )
        if not math.isfinite(self.scaling):
            raise ValueError(f"The scaling {self.scaling} is not finite.")

    @property
    def rank(self) -> int:
        """Number of columns of ``b`` and rows of ``a``."""
        return int(self.a.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the matrix that is changed, (n_out, n_in)."""
        return self.b.shape[0], self.a.shape[1]

    def product(self) -> NDArray[np.float64]:
        """Return the change itself, shape (n_out, n_in)."""
        return (self.b.astype(np.float64) * self.scaling) @ self.a.astype(np.float64)


def adapter_scaling(alpha: float, rank: int, *, rank_stabilised: bool = False) -> float:
    """Return the factor of an adapter's product.

    Parameters
    ----------
    alpha : float
        ``lora_alpha`` of the adapter.
    rank : int
        Its rank, at least 1.
    rank_stabilised : bool, default False
        Whether the adapter was trained with rsLoRA.

    Returns
    -------
    float
        ``alpha / rank``, or ``alpha / sqrt(rank)`` if rank-stabilised.

    Raises
    ------
    ValueError
        If the rank is less than 1 or ``alpha`` is not finite.

    Examples
    --------
    >>> adapter_scaling(16, 4), adapter_scaling(16, 4, rank_stabilised=True)
    (4.0, 8.0)
    """
    if rank < 1 or not math.isfinite(alpha):
        raise ValueError(f"An adapter of rank {rank} and alpha {alpha} has no scaling.")
    return alpha / (math.sqrt(rank) if rank_stabilised else rank)


def merge_adapter(base: Matrix, update: LowRankUpdate, *, fan_in_fan_out: bool = False) -> Matrix:
    """Return a weight matrix with an adapter merged into it.

    Parameters
    ----------
    base : ndarray of float32, shape (n_out, n_in), or (n_in, n_out) with ``fan_in_fan_out``
        The matrix of the base model.
    update : LowRankUpdate
        The adapter's change of it.
    fan_in_fan_out : bool, default False
        Whether the base stores the matrix input first, as GPT-2 does; so do embeddings.

    Returns
    -------
    ndarray of float32, shape of ``base``
        Base plus change, rounded once; the base to the bit where ``b`` is zero.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> update = LowRankUpdate(np.float32([[1, 2]]), np.float32([[1], [0]]), scaling=0.5)
    >>> merge_adapter(np.ones((2, 2), np.float32), update)
    array([[1.5, 2. ],
           [1. , 1. ]], dtype=float32)
    """
    change = update.product().T if fan_in_fan_out else update.product()
    if base.shape != change.shape:
        raise ValueError(f"A change of shape {change.shape} does not fit a matrix {base.shape}.")
    return (base + change).astype(np.float32)


def inner_products(updates: Sequence[LowRankUpdate]) -> NDArray[np.float64]:
    r"""Return the inner products of updates of one matrix, without making any of them dense.

    .. math:: \langle s B A, s' B' A' \rangle = s s' \sum (B^T B') \circ (A A'^T)

    Summed over the matrices of a model, this is the Gram matrix of its adapters: see
    `wsgeo.weights.distances` and `wsgeo.weights.cosines`. Ranks may differ.

    Parameters
    ----------
    updates : sequence of LowRankUpdate
        One per member, all of one shape.

    Returns
    -------
    ndarray of float64, shape (n, n)
        Frobenius inner products.

    Raises
    ------
    ValueError
        If there are no updates or their shapes differ.

    Examples
    --------
    >>> eye = np.eye(2, dtype=np.float32)
    >>> inner_products([LowRankUpdate(eye, eye), LowRankUpdate(eye, eye, scaling=3)])
    array([[ 2.,  6.],
           [ 6., 18.]])
    """
    _check_same_shape(updates)
    a, b = _stack(updates, [1.0] * len(updates))
    edges = np.cumsum([0, *(update.rank for update in updates)])
    filled = [i for i, update in enumerate(updates) if update.rank]
    result = np.zeros((len(updates), len(updates)))
    for members in _batches([updates[i].rank for i in filled], int(edges[-1])):
        rows = slice(edges[filled[members.start]], edges[filled[members.stop - 1] + 1])
        products = (b[:, rows].T @ b) * (a[rows] @ a.T)
        by_column = np.add.reduceat(products, edges[filled], axis=1)
        starts = edges[filled[members]] - rows.start
        result[np.ix_(filled[members], filled)] = np.add.reduceat(by_column, starts, axis=0)
    return (result + result.T) / 2


def product_mean(
    updates: Sequence[LowRankUpdate],
    rank: int | None = None,
    weights: Sequence[float] | None = None,
) -> tuple[LowRankUpdate, float]:
    """Return the mean of the products of updates, as factors of a given rank.

    The mean of products is not the product of mean factors: factors are only defined up to an
    invertible matrix between them, the product is what the model computes with. The nearest update
    of the rank (in the Frobenius norm) comes from a singular value decomposition of the stacked
    factors; no product is made dense.

    Parameters
    ----------
    updates : sequence of LowRankUpdate
        One per member, all of one shape; ranks may differ.
    rank : int, optional
        Rank of the result; the sum of the ranks, which is exact, by default.
    weights : sequence of float, optional
        One weight per member, with a positive sum; equal by default.

    Returns
    -------
    update : LowRankUpdate
        The mean, of exactly that rank (zeros where less suffices) and scaling 1.
    error : float
        Norm of what the rank leaves out, relative to that of the mean, in [0, 1].

    Raises
    ------
    ValueError
        If shapes or weights do not match, or the rank is less than 1.

    Examples
    --------
    >>> one = LowRankUpdate(np.float32([[1, 0]]), np.float32([[1], [0]]))
    >>> other = LowRankUpdate(np.float32([[0, 1]]), np.float32([[0], [1]]))
    >>> update, error = product_mean([one, other])
    >>> np.round(update.product(), 6)
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    _check_same_shape(updates)
    a, b = _stack(updates, _shares(weights, len(updates)))
    rank = a.shape[0] if rank is None else rank
    if rank < 1:
        raise ValueError(f"An update of rank {rank} changes nothing.")
    out_basis, out_core = np.linalg.qr(b)
    in_basis, in_core = np.linalg.qr(a.T)
    left, values, right = np.linalg.svd(out_core @ in_core.T)
    kept = min(rank, values.size)
    root = np.sqrt(values[:kept])
    new_b, new_a = np.zeros((b.shape[0], rank)), np.zeros((rank, a.shape[1]))
    new_b[:, :kept] = (out_basis @ left[:, :kept]) * root
    new_a[:kept] = (root[:, None] * right[:kept]) @ in_basis.T
    norm = float(np.linalg.norm(values))
    error = float(np.linalg.norm(values[kept:])) / norm if norm else 0.0
    return LowRankUpdate(new_a.astype(np.float32), new_b.astype(np.float32)), error


def mean_of_factors(
    updates: Sequence[LowRankUpdate], weights: Sequence[float] | None = None
) -> LowRankUpdate:
    """Return the update whose factors are the means of the members' factors.

    This is what averaging adapter files does, not the mean of what the adapters do (`product_mean`).

    Parameters
    ----------
    updates : sequence of LowRankUpdate
        One per member, all of one shape and rank.
    weights : sequence of float, optional
        One weight per member, with a positive sum; equal by default.

    Returns
    -------
    LowRankUpdate
        Mean of ``a``, and mean of ``scaling * b``; its scaling is 1.

    Raises
    ------
    ValueError
        If shapes, ranks or weights do not match.
    """
    _check_same_shape(updates)
    if len({update.rank for update in updates}) > 1:
        raise ValueError("Factors of different ranks have no mean.")
    shares = _shares(weights, len(updates))
    a, b = np.zeros(updates[0].a.shape), np.zeros(updates[0].b.shape)
    for share, update in zip(shares, updates, strict=True):
        a += share * update.a.astype(np.float64)
        b += share * update.scaling * update.b.astype(np.float64)
    return LowRankUpdate(a.astype(np.float32), b.astype(np.float32))


def _check_same_shape(updates: Sequence[LowRankUpdate]) -> None:
    shapes = {update.shape for update in updates}
    if len(shapes) != 1:
        raise ValueError(f"The updates must be of one matrix, not of shapes {sorted(shapes)}.")


def _shares(weights: Sequence[float] | None, n: int) -> list[float]:
    """Return one share per member, summing to 1."""
    values = [1.0] * n if weights is None else [float(weight) for weight in weights]
    total = sum(values)
    if len(values) != n or not 0 < total < math.inf or min(values) < 0:
        raise ValueError(f"{n} members need as many weights of at least 0 with a positive sum.")
    return [value / total for value in values]


def _stack(
    updates: Sequence[LowRankUpdate], factors: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``a`` (ranks, n_in) and scaled ``b`` (n_out, ranks) of all members side by side."""
    pairs = zip(updates, factors, strict=True)
    b = [update.b.astype(np.float64) * (update.scaling * factor) for update, factor in pairs]
    return np.concatenate([update.a for update in updates], dtype=np.float64), np.hstack(b)


def _batches(ranks: Sequence[int], total: int) -> Iterator[slice]:
    """Cut members into runs whose products with all the others fit in the allowed memory."""
    start, used = 0, 0
    for i, rank in enumerate(ranks):
        if i > start and (used + rank) * total > _ENTRIES:
            yield slice(start, i)
            start, used = i, 0
        used += rank
    if ranks:
        yield slice(start, len(ranks))
