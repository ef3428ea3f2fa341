"""Word vectors from what stands near what: a start for embeddings that saves thousands of steps."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW = 5
"""Tokens to either side that count as near."""

_NULL = 1e-6  # singular values below this share of the largest count as zero
_SMOOTHING = 0.75  # exponent of context frequencies: rare contexts would weigh too much


def word_vectors(
    ids: NDArray[Any],
    n_tokens: int,
    width: int,
    *,
    skip: Collection[int] = (),
    window: int = WINDOW,
) -> NDArray[np.float32]:
    r"""Return word vectors from the singular vectors of a matrix of co-occurrence.

    The matrix holds the positive pointwise mutual information of token and context within a window,

    .. math:: \max\left(0, \log \frac{p(a, b)}{p(a) \, p_{3/4}(b)}\right),

    with context frequencies raised to 3/4; the vectors are its left singular vectors times the roots
    of the singular values.

    Parameters
    ----------
    ids : ndarray of int, shape (n_positions,)
        Running text.
    n_tokens : int
        Size of the vocabulary.
    width : int
        Dimensions.
    skip : collection of int
        Tokens that neither have nor are a context, such as separators, and across which nothing is
        near; their vectors are zero.
    window : int, default 5
        Tokens to either side that are a context.

    Returns
    -------
    ndarray of float32, shape (n_tokens, width)
        Root mean square 1 over the rows that are not zero; where the matrix has too few singular
        values the last columns are zero.
    """
    from scipy.sparse.linalg import svds

    matrix = _information(_counts(ids, n_tokens, frozenset(skip), window))
    rank = min(width, n_tokens - 1)
    left, values, _ = svds(matrix, k=rank, v0=np.ones(n_tokens) / np.sqrt(n_tokens))
    largest = np.argsort(-values, kind="stable")
    # Vectors of the null space are as the rounding errors want them.
    sizes = np.where(values > _NULL * values.max(), values, 0.0)[largest]
    vectors = np.zeros((n_tokens, width))
    vectors[:, :rank] = _with_signs(left[:, largest]) * np.sqrt(sizes)
    vectors[np.asarray(matrix.sum(axis=1)).ravel() == 0] = 0
    return _rounded(_unit_size(vectors), 3)


def rotated(vectors: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Turn word vectors by a random rotation, which keeps all their angles.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n_tokens, width)
        Word vectors.
    rng : numpy.random.Generator
        Draws the rotation, uniformly.

    Returns
    -------
    ndarray of float32, shape (n_tokens, width)
        In another basis: another initialisation that knows the same.
    """
    width = vectors.shape[1]
    q, r = np.linalg.qr(rng.standard_normal((width, width)))
    # The signs of the diagonal make the draw uniform.
    return _rounded(vectors @ (q * np.sign(np.diag(r))), 4)


def _rounded(vectors: NDArray[np.float64], decimals: int) -> NDArray[np.float32]:
    """Drop the last digits, which depend on where the arrays happen to lie in memory."""
    return np.asarray(np.round(vectors, decimals), dtype=np.float32)


def _with_signs(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give each column the sign that makes its largest entry positive."""
    largest = np.abs(vectors).argmax(axis=0)
    return np.asarray(vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])]))


def _unit_size(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale vectors to a root mean square of 1 over the rows that are not zero."""
    full = vectors[np.abs(vectors).sum(axis=1) > 0]
    size = float(np.sqrt(np.mean(np.square(full)))) if full.size else 0.0
    return np.asarray(vectors / size) if size else vectors


def _counts(ids: NDArray[Any], n_tokens: int, skip: frozenset[int], window: int) -> Any:
    """Count the pairs of tokens at most a window apart, in both orders."""
    from scipy.sparse import coo_array

    running = np.asarray(ids, dtype=np.int32)
    skipped = np.isin(running, list(skip))
    kept, document = ~skipped, np.cumsum(skipped)  # a skipped token ends what stands together
    total = coo_array((n_tokens, n_tokens), dtype=np.float64).tocsr()
    for distance in range(1, window + 1):
        both = kept[:-distance] & kept[distance:] & (document[:-distance] == document[distance:])
        pair = running[:-distance][both], running[distance:][both]
        ones = np.ones(len(pair[0]))
        total += coo_array((ones, pair), shape=(n_tokens, n_tokens)).tocsr()
    return total + total.T


def _information(counts: Any) -> Any:
    """Return the positive pointwise mutual information of counts."""
    matrix = counts.tocoo()
    words = np.asarray(counts.sum(axis=1)).ravel()
    contexts = np.asarray(counts.sum(axis=0)).ravel() ** _SMOOTHING
    row, column = matrix.coords
    ratio = matrix.data / words[row] * (contexts.sum() / contexts[column])
    matrix.data = np.maximum(0.0, np.log(ratio))
    return matrix.tocsr()
