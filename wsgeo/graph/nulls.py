r"""Matrices without basins that look like the measured one.

Any method finds clusters in noise, and the best of thirty candidates finds good-looking ones. So
the statistic, the best silhouette of the whole search, is computed on matrices drawn from models
in which there is nothing to find. Each model is fitted to the measured matrix; together they
cover the ways in which a matrix of gaps can look lumpy without being so:

independent
    Gaps without any order: the measured gaps, shuffled over the pairs.
additive
    Bad members: :math:`d_{ij} = a_i + a_j + e_{ij}`. A member far from all others is an outlier
    only if its effect is more than a log-normal distribution fitted to all effects yields.
cloud
    One basin with a shape: distances within a Gaussian cloud whose axes are those of the measured
    matrix (classical scaling), however long and thin.
bowl
    The same with gaps that grow as the squared distance.
errors
    One common gap, blurred by the standard errors of the pairs. Only where these are known.

The p-value is the largest of theirs. If any one of the models is true, the rate of false basins at
level 0.05 is that model's own, so nothing is to be corrected for having several.
``docs/decisions/0003-null-of-a-basin.md`` holds the alternatives and the measured rates.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wsgeo.graph.partitions import Matrix

Draw = Callable[[Matrix, int, np.random.Generator], Matrix]
"""From distances, a number of draws and a source of randomness to a stack of null matrices."""


def independent(values: Matrix, n_draws: int, rng: np.random.Generator) -> Matrix:
    """Return matrices with the measured gaps shuffled over the pairs.

    The shuffle is exact whatever distribution independent gaps have.

    Parameters
    ----------
    values : ndarray of float64, shape (n_members, n_members)
        Distances.
    n_draws : int
        Number of matrices.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of float64, shape (n_draws, n_members, n_members)
        Symmetric matrices with a zero diagonal.
    """
    gaps = values[np.triu_indices(len(values), 1)]
    return _squares(rng.permuted(np.tile(gaps, (n_draws, 1)), axis=1), len(values))


def additive(values: Matrix, n_draws: int, rng: np.random.Generator) -> Matrix:
    """Return matrices of member effects plus shuffled residuals.

    Parameters
    ----------
    values : ndarray of float64, shape (n_members, n_members)
        Distances.
    n_draws : int
        Number of matrices.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of float64, shape (n_draws, n_members, n_members)
        Symmetric matrices with a zero diagonal, at least 0.
    """
    n = len(values)
    effects, residuals = member_effects(values)
    # The fit of n effects takes n of the n (n - 1) / 2 degrees of freedom.
    residuals = residuals * np.sqrt((n - 1) / (n - 3))
    logs = _log_effects(effects, residuals.std() / np.sqrt(n - 2))
    drawn = np.exp(rng.normal(logs.mean(), logs.std(ddof=1), (n_draws, n)))
    noise = rng.permuted(np.tile(residuals, (n_draws, 1)), axis=1)
    stack = _squares(noise, n) + drawn[:, :, None] + drawn[:, None, :]
    stack[:, np.arange(n), np.arange(n)] = 0.0
    return np.maximum(stack, 0.0)


def member_effects(values: Matrix) -> tuple[Matrix, Matrix]:
    """Return the least-squares effects ``a`` of ``d_ij = a_i + a_j + e_ij``, and the residuals.

    Parameters
    ----------
    values : ndarray of float64, shape (n_members, n_members)
        Distances, at least three members.

    Returns
    -------
    effects : ndarray of float64, shape (n_members,)
        Effect of each member.
    residuals : ndarray of float64, shape (n_pairs,)
        What is left of each pair, in the order of the upper triangle.

    Examples
    --------
    >>> a = np.array([1.0, 2.0, 3.0, 5.0])
    >>> member_effects((a[:, None] + a) * (1 - np.eye(4)))[0].round(6).tolist()
    [1.0, 2.0, 3.0, 5.0]
    """
    n = len(values)
    sums = values.sum(axis=1)
    effects = (sums - sums.sum() / (2 * (n - 1))) / (n - 2)
    rest = values - effects[:, None] - effects
    return effects, rest[np.triu_indices(n, 1)]


def _log_effects(effects: Matrix, error: float) -> Matrix:
    """Return the logarithms of member effects that are known up to ``error``."""
    # Below its error an effect says nothing, yet its logarithm would rule the fit.
    floor = max(0.05 * float(np.abs(effects).mean()), error, 1e-300)
    return np.asarray(np.log(np.maximum(effects, floor)))


def cloud(values: Matrix, n_draws: int, rng: np.random.Generator) -> Matrix:
    """Return distances within Gaussian clouds with the axes of the measured matrix.

    Parameters
    ----------
    values : ndarray of float64, shape (n_members, n_members)
        Distances.
    n_draws : int
        Number of matrices.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of float64, shape (n_draws, n_members, n_members)
        Euclidean distance matrices.
    """
    n = len(values)
    squares = values**2
    centred = squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()
    axes = np.maximum(np.linalg.eigvalsh(-centred / 2)[::-1] / (n - 1), 0.0)
    kept = axes > 1e-12 * max(float(axes.max()), 1e-300)
    points = rng.normal(size=(n_draws, n, int(kept.sum()))) * np.sqrt(axes[kept])
    inner = points @ np.swapaxes(points, 1, 2)
    lengths = np.einsum("bii->bi", inner)
    apart = lengths[:, :, None] + lengths[:, None, :] - 2 * inner
    apart[:, np.arange(n), np.arange(n)] = 0.0
    return np.asarray(np.sqrt(np.maximum(apart, 0.0)))


def bowl(values: Matrix, n_draws: int, rng: np.random.Generator) -> Matrix:
    """Return gaps that grow as the squared distance within a Gaussian cloud.

    Parameters
    ----------
    values : ndarray of float64, shape (n_members, n_members)
        Distances.
    n_draws : int
        Number of matrices.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of float64, shape (n_draws, n_members, n_members)
        Squared Euclidean distance matrices.
    """
    return cloud(np.sqrt(values), n_draws, rng) ** 2


def common_gap(errors: Matrix, values: Matrix, n_draws: int, rng: np.random.Generator) -> Matrix:
    """Return matrices of one common gap, blurred by the standard error of each pair.

    Parameters
    ----------
    errors, values : ndarray of float64, shape (n_members, n_members)
        Standard errors of the distances, and the distances.
    n_draws : int
        Number of matrices.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of float64, shape (n_draws, n_members, n_members)
        Symmetric matrices with a zero diagonal, at least 0.
    """
    upper = np.triu_indices(len(values), 1)
    noise = rng.normal(size=(n_draws, len(upper[0]))) * np.nan_to_num(errors[upper])
    return _squares(np.maximum(np.median(values[upper]) + noise, 0.0), len(values))


def _squares(gaps: Matrix, n: int) -> Matrix:
    """Return symmetric matrices from upper triangles, shape (n_draws, n_pairs)."""
    stack = np.zeros((len(gaps), n, n))
    rows, columns = np.triu_indices(n, 1)
    stack[:, rows, columns] = stack[:, columns, rows] = gaps
    return stack


NULLS: dict[str, Draw] = {
    "bowl": bowl,
    "additive": additive,
    "independent": independent,
    "cloud": cloud,
}
"""The nulls that every matrix is held against; first those that are hardest to rule out, so that
draws which end early end soon."""
