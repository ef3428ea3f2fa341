"""How much of a ridge a grid may miss, and where to look closer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from wsgeo.paths.envelopes import Floats, as_profiles, lower_envelope

_MATTERS = 0.1  # of the whole error: what a place must add to it to be looked at


def grid_error(t: ArrayLike, loss: ArrayLike) -> float:
    """Return how much larger the convexity gap may be for what lies between positions.

    A gap is the height of a peak above the line between two valleys, or ends. Between positions the
    peak may be higher and a valley deeper: as much as the vertex of the parabola through a position
    and its two neighbours, which is what a smooth curve of that bend hides from the grid.

    Parameters
    ----------
    t : array_like, shape (n_points,)
        Increasing positions on the path, from 0 to 1.
    loss : array_like, shape (n_points,)
        Mean loss at those positions, in nats per example.

    Returns
    -------
    float
        In nats per example; 0 for a convex profile.

    Raises
    ------
    ValueError
        If the shapes differ, ``t`` does not run from 0 to 1, or a loss is not finite.

    Examples
    --------
    >>> round(grid_error([0, 0.2, 0.6, 1], [0, 0.16, 0.24, 0]), 4)  # of t (1 - t)
    0.01
    >>> grid_error([0, 0.5, 1], [1, 0, 1])
    0.0
    """
    return float(sum(error for _, error in _hidden(*as_profiles(t, loss))))


def further_positions(t: ArrayLike, loss: ArrayLike) -> Floats:
    """Return the middles of the intervals in which peak and valleys may hide what matters.

    Parameters
    ----------
    t : array_like, shape (n_points,)
        Increasing positions on the path, from 0 to 1.
    loss : array_like, shape (n_points,)
        Mean loss at those positions, in nats per example.

    Returns
    -------
    ndarray of float64, shape (n_further,)
        Increasing positions; none for a profile that hides nothing.

    Raises
    ------
    ValueError
        If the shapes differ, ``t`` does not run from 0 to 1, or a loss is not finite.

    Examples
    --------
    >>> further_positions([0, 0.2, 0.6, 1], [0, 0.16, 0.24, 0]).tolist()
    [0.4, 0.8]
    """
    t, loss = as_profiles(t, loss)
    hidden = list(_hidden(t, loss))
    whole = sum(error for _, error in hidden)
    places = [place for place, error in hidden if error > _MATTERS * whole]
    middles = [(t[place] + t[place + side]) / 2 for place in places for side in (-1, 1)]
    return np.unique(np.round(np.array(middles), 12))


def _hidden(t: Floats, loss: Floats) -> Iterator[tuple[int, float]]:
    """Yield peak and valleys of the largest gap that are no ends, and what each may hide of it."""
    excess = loss - lower_envelope(t, loss)
    top = int(excess.argmax())
    if excess[top] <= 0:
        return
    touching = np.flatnonzero(excess <= 1e-12 * max(1.0, np.abs(loss).max()))
    left, right = touching[touching < top].max(), touching[touching > top].min()
    share = (t[top] - t[left]) / (t[right] - t[left])
    straight = loss[left] + (t - t[left]) / (t[right] - t[left]) * (loss[right] - loss[left])
    for place, weight in ((top, 1.0), (left, 1.0 - share), (right, share)):
        if 0 < place < len(t) - 1:
            yield int(place), weight * _beyond(t, loss - straight, int(place))


def _beyond(t: Floats, height: Floats, place: int) -> float:
    """Return how far beyond a position the vertex of the parabola through it and its neighbours lies."""
    near = slice(place - 1, place + 2)
    bend, slope, _ = np.polyfit(t[near] - t[place], height[near], 2)
    return float(slope**2 / abs(4 * bend)) if bend else 0.0
