"""Places of further models on a map that is drawn by classical scaling."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def map_place(
    gaps: ArrayLike, coordinates: ArrayLike, distances: ArrayLike | None = None
) -> tuple[float, float] | None:
    r"""Return the place of a model on a map by classical scaling.

    With the distances :math:`d` to all members and those among them, Gower's formula

    .. math:: y = \tfrac12 (X^\top X)^{-1} X^\top (b - d^2)

    where :math:`X` holds the centred coordinates and :math:`b` the squared distances of members
    from their centre. Otherwise the place whose distances on the map are nearest to the known ones
    by least squares: few distances leave the formula so free that rounding throws the place off.

    Parameters
    ----------
    gaps : array_like, shape (n_members,)
        Gaps from the model to members; NaN where not known.
    coordinates : array_like, shape (n_members, 2)
        Places of the members in the unit of the gaps; NaN for members that are not on the map.
    distances : array_like, shape (n_members, n_members), optional
        Gaps that the map is of; without them, or with a NaN, the formula is not used.

    Returns
    -------
    tuple of float or None
        None where no gap to a member on the map is known.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> corners = np.array([[-1.0, -1.0], [1.0, -1.0], [0.0, 2.0]])
    >>> x, y = map_place(np.linalg.norm(corners - [0.5, 0.5], axis=1), corners)
    >>> round(x, 6), round(y, 6)
    (0.5, 0.5)
    """
    d, xy = np.asarray(gaps, np.float64), np.asarray(coordinates, np.float64)
    if xy.shape != (len(d), 2):
        raise ValueError(f"{len(d)} gaps and coordinates of shape {xy.shape}.")
    known = np.isfinite(d) & np.isfinite(xy).all(axis=1)
    if not known.any():
        return None
    among = np.full((len(d),) * 2, np.nan) if distances is None else np.asarray(distances, float)
    whole = known.all() and np.isfinite(among).all()
    x, y = (_gower(d, xy, among) if whole else _nearest_place(d[known], xy[known])).tolist()
    return x, y


def _gower(d: Floats, xy: Floats, among: Floats) -> Floats:
    centre, squares = xy.mean(axis=0), among**2
    x = xy - centre
    b = squares.mean(axis=1) - squares.mean() / 2
    return np.asarray(centre + np.linalg.pinv(x.T @ x, rcond=1e-12) @ x.T @ (b - d**2) / 2)


def _nearest_place(d: Floats, xy: Floats) -> Floats:
    """Return the place with the least squared error of its distances, from two starts."""
    from scipy.optimize import least_squares

    centre = xy.mean(axis=0)
    x = xy - centre
    # The squared distances, less their mean, are linear in the place.
    right = (x**2).sum(axis=1) - d**2
    linear = centre + np.linalg.lstsq(2 * x, right - right.mean(), rcond=1e-9)[0]
    # Far outside, all distances change alike and the search goes astray.
    away = linear - centre
    linear = centre + away * min(1.0, float(d.max()) / max(float(np.hypot(*away)), 1e-300))
    # Gaps of a convex bowl are rounding errors beside the map, which must not be its unit.
    scale = max(float(d.max()), float(np.linalg.norm(x, axis=1).max()), 1e-300)
    found = [
        least_squares(
            lambda y: (np.linalg.norm(y * scale - xy, axis=1) - d) / scale,
            start / scale,
            xtol=1e-12, ftol=1e-12, gtol=1e-12,
        )
        for start in (linear, xy[d.argmin()])
    ]  # fmt: skip
    return np.asarray(min(found, key=lambda fit: float(fit.cost)).x * scale)
