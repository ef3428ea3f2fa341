"""Positions on lines through a region, and where a loss along them passes a level."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def extrapolation_positions(
    n_points: int = 10, farthest: float = 32.0
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return positions beyond either end of a line, evenly spaced on a logarithmic scale.

    Parameters
    ----------
    n_points : int, default 10
        Positions beyond each end, the end among them; 2 or more.
    farthest : float, default 32
        Largest position beyond the end at 1, in lengths of the line; above 1.

    Returns
    -------
    before, beyond : tuple of float
        From 0 down to ``1 - farthest``, and from 1 up to ``farthest``; mirror images of each other.

    Raises
    ------
    ValueError
        If there are fewer than two points or they do not go beyond the end.

    References
    ----------
    [gueta2023]_

    Examples
    --------
    >>> extrapolation_positions(3, 4.0)
    ((0.0, -1.0, -3.0), (1.0, 2.0, 4.0))
    """
    if n_points < 2 or not 1 < farthest < np.inf:
        raise ValueError(f"{n_points} points as far as {farthest} do not go beyond the end at 1.")
    beyond = np.geomspace(1.0, farthest, n_points).tolist()
    return tuple(1.0 - t for t in beyond), tuple(beyond)


def first_crossing(positions: ArrayLike, losses: ArrayLike, level: float) -> float | None:
    """Return where a loss that starts at or below a level first rises above it.

    Parameters
    ----------
    positions : array_like, shape (n_points,)
        Along a line, in the order of walking it, so increasing or decreasing.
    losses : array_like, shape (n_points,)
        Loss there, in nats per example; one that is not finite counts as above.
    level : float
        The level, in nats per example.

    Returns
    -------
    float or None
        Interpolated linearly between the two points; the last point below where the next is not
        finite. None where the loss never rises above the level; the first position where it starts
        above.

    Raises
    ------
    ValueError
        If the shapes differ or there are no points.

    Examples
    --------
    >>> first_crossing([1, 2, 4], [0.5, 0.7, 1.7], level=1.2)
    3.0
    """
    t, loss = np.asarray(positions, np.float64), np.asarray(losses, np.float64)
    if t.shape != loss.shape or t.ndim != 1 or not t.size:
        raise ValueError(f"Positions of shape {t.shape} and losses of {loss.shape} are no curve.")
    above = np.flatnonzero(~(loss <= level))
    if not above.size:
        return None
    after = int(above[0])
    if after == 0 or not np.isfinite(loss[after]):
        return float(t[max(0, after - 1)])
    before = after - 1
    share = (level - loss[before]) / (loss[after] - loss[before])
    return float(t[before] + share * (t[after] - t[before]))
