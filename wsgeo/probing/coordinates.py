"""Where members lie on the axis between two basins, and what goes with that place."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wsgeo.graph.guard import guard
from wsgeo.graph.partitions import Labels, Matrix, silhouettes
from wsgeo.graph.spectral import partitions

N_RESAMPLES: Final = 999
"""Bootstrap draws of members behind an interval."""

_LEAST = 3  # members without which there is no axis, and no correlation


def basin_coordinate(
    distances: ArrayLike, labels: ArrayLike, *, scale: float | None = None
) -> NDArray[np.float64]:
    r"""Return the place of each member on the axis from the second basin (-1) to the first (1).

    .. math:: x_i = \frac{\|e_i - c_2\| - \|e_i - c_1\|}{\|c_1 - c_2\|}

    with the spectral embedding e of the affinity :math:`\exp(-d^2 / (2 s^2))`, in as many
    dimensions as there are basins and at least two, and the means c of the two largest basins. The
    paper leaves out the denominator, embeds in two dimensions, and sets s to 1 nat, far above its
    gaps. Wide is what s must be: with the median distance one member that lies apart from all
    others took the axis for itself (of 100 members in two basins, 12 % then lay on their side of
    the middle, and all with the largest distance).

    Parameters
    ----------
    distances : array_like, shape (n_members, n_members)
        Symmetric, such as convexity gaps in nats; NaN where no pair was measured.
    labels : array_like of int, shape (n_members,)
        Basin of each member, -1 for none. With fewer than two basins the best split of all members
        in two takes their place.
    scale : float, optional
        The s of the affinity, in the unit of the distances; default the largest of them.

    Returns
    -------
    ndarray of float64, shape (n_members,)
        In [-1, 1]: above 0 towards the largest basin (of equal ones that with the lower label); 0
        where all distances are equal to 0; NaN for members without a distance, and for all where
        fewer than three have one.

    References
    ----------
    [juneja2022]_

    Examples
    --------
    >>> line = np.array([0.0, 0.0, 0.4, 1.0, 1.0])
    >>> basin_coordinate(np.abs(line[:, None] - line), [0, 0, 0, 1, 1]).round(1).tolist()
    [1.0, 1.0, 0.4, -1.0, -1.0]
    """
    names = [str(i) for i in range(len(np.asarray(labels)))]
    found = np.full(len(names), np.nan)
    if not names:
        return found
    matrix = guard(distances, names)
    rows = np.array([int(name) for name in matrix.ids], dtype=np.int64)
    if len(rows) < _LEAST:
        return found
    found[rows] = 0.0
    if matrix.values.any():
        found[rows] = _along(matrix.values, np.asarray(labels, np.int64)[rows], scale)
    return found


def coordinate_correlations(
    coordinate: ArrayLike, values: ArrayLike, *, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return how columns go with a coordinate: Pearson's r, and its interval over members.

    Parameters
    ----------
    coordinate : array_like, shape (n_members,)
        Place of each member; it is held fixed when members are drawn.
    values : array_like, shape (n_members, n_columns)
        Values, such as one column per slice.
    rng : numpy.random.Generator
        Draws members with replacement, for all columns alike.

    Returns
    -------
    ndarray of float64, shape (n_columns, 3)
        The correlation in [-1, 1] and the ends of its 95 % percentile interval; NaN where the
        column or the coordinate does not vary or there are fewer than three members, and no
        interval where more than a tenth of the draws do not vary.

    References
    ----------
    [juneja2022]_

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> coordinate_correlations([0, 1, 2, 3], [[3], [2], [1], [0]], rng=rng)[0].round(9)
    array([-1., -1., -1.])
    """
    x, y = np.asarray(coordinate, np.float64), np.asarray(values, np.float64)
    n = len(x)
    found = np.full((y.shape[1], 3), np.nan)
    if n < _LEAST:
        return found
    found[:, 0] = _weighted(np.ones((1, n)), x, y)[0]
    times = rng.multinomial(n, np.full(n, 1 / n), size=N_RESAMPLES).astype(np.float64)
    drawn = _weighted(times, x, y)
    sure = np.isfinite(drawn).mean(axis=0) >= 0.9
    sure &= np.isfinite(found[:, 0])
    if sure.any():
        found[sure, 1:] = np.nanquantile(drawn[:, sure], [0.025, 0.975], axis=0).T
    return found


def _along(distances: Matrix, labels: Labels, scale: float | None) -> Matrix:
    """Return the coordinate of members that all have distances."""
    # Only ratios count, and the squares of tiny or huge numbers are none.
    largest = float(distances.max())
    ratio = distances / largest
    first, second, n_basins = _two_largest(ratio, labels)
    points = _embedding(ratio * (largest / scale if scale else 1.0), max(n_basins, 2))
    one, two = points[first].mean(axis=0), points[second].mean(axis=0)
    apart = float(np.linalg.norm(one - two))
    nearer = np.linalg.norm(points - two, axis=1) - np.linalg.norm(points - one, axis=1)
    return nearer / apart if apart > 1e-12 else np.zeros(len(points))


def _two_largest(
    distances: Matrix, labels: Labels
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], int]:
    """Return the members of the two largest basins, and how many basins there are."""
    kinds, sizes = np.unique(labels[labels >= 0], return_counts=True)
    if len(kinds) < 2:
        labels = _best_split(distances)
        kinds, sizes = np.unique(labels, return_counts=True)
    first, second = kinds[np.argsort(-sizes, kind="stable")][:2]
    return labels == first, labels == second, len(kinds)


def _best_split(distances: Matrix) -> Labels:
    """Return the spectral split in two of the best silhouette; of equal sides the denser is 0."""
    found = [one.labels for one in partitions(distances[None], max_clusters=2)]
    best = max(found, key=lambda labels: float(silhouettes(distances[None], labels)[0]))[0]
    width = [distances[np.ix_(best == side, best == side)].mean() for side in (0, 1)]
    return np.asarray(best if width[0] <= width[1] else 1 - best)


def _embedding(ratio: Matrix, n_dimensions: int) -> Matrix:
    """Return the leading eigenvectors of the random walk on the affinity, the constant among them."""
    # exp(-1800) is zero; the square of a larger ratio may be no number.
    weight = np.exp(-(np.minimum(ratio, 60.0) ** 2) / 2)
    root = 1 / np.sqrt(weight.sum(axis=1))
    _, vectors = np.linalg.eigh(weight * root[:, None] * root)
    return np.asarray(vectors[:, -n_dimensions:] * root[:, None])


def _weighted(weights: Matrix, x: Matrix, y: Matrix) -> Matrix:
    """Return weighted correlations, shape (n_draws, n_columns); NaN where there is no spread."""
    x, y = _unit(x[:, None])[:, 0], _unit(y)
    total = weights.sum(axis=1, keepdims=True)
    mean_x, mean_y = (weights @ x)[:, None] / total, weights @ y / total
    over = (weights * x) @ y / total - mean_x * mean_y
    var_x = (weights @ x**2)[:, None] / total - mean_x**2
    var_y = weights @ y**2 / total - mean_y**2
    spread = (var_x > 1e-12) & (var_y > 1e-12)
    r = over / np.sqrt(np.where(spread, var_x * var_y, 1.0))
    return np.where(spread, np.clip(r, -1.0, 1.0), np.nan)


def _unit(columns: Matrix) -> Matrix:
    """Return columns of mean 0 and standard deviation 1; those without spread are 0."""
    centred = columns - columns.mean(axis=0)
    spread = centred.std(axis=0)
    # A constant such as 0.1 leaves rounding behind.
    none = spread <= 1e-12 * np.abs(columns).max(axis=0)
    return np.asarray(np.where(none, 0.0, centred / np.where(none, 1.0, spread)))
