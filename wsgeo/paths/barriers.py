"""What a barrier is: the scalars of one loss profile."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from wsgeo.paths.envelopes import Floats, as_profiles, chord, lower_envelope, midpoint


def barrier_height(t: ArrayLike, loss: ArrayLike) -> float:
    r"""Return the largest rise of the loss above the chord between its end points.

    .. math:: \max_t \; L(t) - [(1 - t) L(0) + t L(1)]

    The chord, not the higher end point, is the reference: two checkpoints of unequal loss
    joined by a straight slope have no barrier.

    Parameters
    ----------
    t : array_like, shape (n_points,)
        Increasing positions on the path, from 0 to 1.
    loss : array_like, shape (n_points,)
        Mean loss at those positions, in nats per example.

    Returns
    -------
    float
        Barrier in nats per example, never below zero.

    Raises
    ------
    ValueError
        If the shapes differ, ``t`` does not run from 0 to 1, or a loss is not finite.

    References
    ----------
    [juneja2022]_

    Examples
    --------
    >>> round(barrier_height([0, 0.5, 1], [0.2, 0.9, 0.4]), 3)
    0.6
    """
    t, loss = _as_profile(t, loss)
    return max(0.0, float((loss - chord(t, loss)).max()))


def barrier_mean(t: ArrayLike, loss: ArrayLike) -> float:
    r"""Return the rise of the highest loss above the mean of the end points.

    .. math:: \max_t \; L(t) - \tfrac{1}{2} [L(0) + L(1)]

    The ends take part in the maximum, so unequal ends alone make half their difference. Kept for
    comparison with work that reports it.

    Parameters
    ----------
    t : array_like, shape (n_points,)
        Increasing positions on the path, from 0 to 1.
    loss : array_like, shape (n_points,)
        Mean loss at those positions, in nats per example.

    Returns
    -------
    float
        Barrier in nats per example, never below zero.

    Raises
    ------
    ValueError
        If the shapes differ, ``t`` does not run from 0 to 1, or a loss is not finite.

    References
    ----------
    [verma2024]_

    Examples
    --------
    >>> round(barrier_mean([0, 0.5, 1], [0.2, 0.9, 0.4]), 3)
    0.6
    """
    t, loss = _as_profile(t, loss)
    return max(0.0, float(loss.max() - (loss[0] + loss[-1]) / 2))


def convexity_gap(t: ArrayLike, loss: ArrayLike) -> float:
    r"""Return the largest `barrier_height` of any sub-segment of the path.

    .. math:: \max_{i < k < j} \; L(t_k) - \frac{(t_j - t_k) L(t_i) + (t_k - t_i) L(t_j)}{t_j - t_i}

    Fine-tuned checkpoints sit on the rim of their basin, so the loss falls before it rises and the
    chord between the ends hides the ridge. The gap does not: it equals the largest distance between
    the profile and its `lower_envelope`. It is convex in the profile, so the gap of a mean profile
    never exceeds the mean of the gaps; never average profiles first.

    Parameters
    ----------
    t : array_like, shape (n_points,)
        Increasing positions on the path, from 0 to 1.
    loss : array_like, shape (n_points,)
        Mean loss at those positions, in nats per example.

    Returns
    -------
    float
        Gap in nats per example, never below zero or below `barrier_height`.

    Raises
    ------
    ValueError
        If the shapes differ, ``t`` does not run from 0 to 1, or a loss is not finite.

    References
    ----------
    [juneja2022]_

    Examples
    --------
    >>> t, loss = [0, 0.25, 0.5, 0.75, 1], [0.6, 0.4, 0.5, 0.4, 0.6]
    >>> barrier_height(t, loss), round(convexity_gap(t, loss), 3)
    (0.0, 0.1)
    """
    t, loss = _as_profile(t, loss)
    return float((loss - lower_envelope(t, loss)).max())


def midpoint_excess(t: ArrayLike, loss: ArrayLike) -> float:
    r"""Return the signed height of the loss half-way above the mean of the end points.

    .. math:: L(1/2) - \tfrac{1}{2} [L(0) + L(1)]

    Negative inside a bowl. The other definitions are maxima and cannot tell a bowl from a slope.

    Parameters
    ----------
    t : array_like, shape (n_points,)
        Increasing positions on the path, from 0 to 1; one of them is 1/2.
    loss : array_like, shape (n_points,)
        Mean loss at those positions, in nats per example.

    Returns
    -------
    float
        Excess in nats per example, of either sign.

    Raises
    ------
    ValueError
        If the shapes differ, ``t`` does not run from 0 to 1, 1/2 is not on the grid, or a loss is
        not finite.

    Examples
    --------
    >>> round(midpoint_excess([0, 0.5, 1], [0.6, 0.4, 0.8]), 3)
    -0.3
    """
    t, loss = _as_profile(t, loss)
    return float(loss[midpoint(t)] - (loss[0] + loss[-1]) / 2)


def area(t: ArrayLike, loss: ArrayLike) -> float:
    r"""Return the area between the profile and the chord, where the profile lies above it.

    .. math:: \int_0^1 \max(0, L(t) - [(1 - t) L(0) + t L(1)]) \, dt

    by the trapezoid rule on the grid: the excess is first cut off below zero at each position, then
    joined by straight lines. Positions carry no length, so the area does not grow with the distance
    between the checkpoints.

    Parameters
    ----------
    t : array_like, shape (n_points,)
        Increasing positions on the path, from 0 to 1.
    loss : array_like, shape (n_points,)
        Mean loss at those positions, in nats per example.

    Returns
    -------
    float
        Area in nats per example, never below zero or above `barrier_height`.

    Raises
    ------
    ValueError
        If the shapes differ, ``t`` does not run from 0 to 1, or a loss is not finite.

    Examples
    --------
    >>> round(area([0, 0.5, 1], [0.2, 0.9, 0.4]), 3)
    0.3
    """
    t, loss = _as_profile(t, loss)
    return float(np.trapezoid(np.maximum(loss - chord(t, loss), 0.0), t))


def peak(t: ArrayLike, loss: ArrayLike) -> float | None:
    """Return where the profile lies farthest above its lower envelope.

    Parameters
    ----------
    t : array_like, shape (n_points,)
        Increasing positions on the path, from 0 to 1.
    loss : array_like, shape (n_points,)
        Mean loss at those positions, in nats per example.

    Returns
    -------
    float or None
        Position in [0, 1]; the first of equals. None for a convex profile, which has no peak.

    Raises
    ------
    ValueError
        If the shapes differ, ``t`` does not run from 0 to 1, or a loss is not finite.

    Examples
    --------
    >>> peak([0, 0.25, 0.5, 0.75, 1], [0.6, 0.4, 0.5, 0.4, 0.6])
    0.5
    """
    t, loss = _as_profile(t, loss)
    excess = loss - lower_envelope(t, loss)
    return float(t[excess.argmax()]) if excess.max() > 0 else None


def error_barrier(t: ArrayLike, metric: ArrayLike) -> float:
    """Return the `barrier_height` of the error, which is one less the metric.

    Parameters
    ----------
    t : array_like, shape (n_points,)
        Increasing positions on the path, from 0 to 1.
    metric : array_like, shape (n_points,)
        Metric at those positions, a fraction in [0, 1]; higher is better.

    Returns
    -------
    float
        Barrier as a fraction in [0, 1].

    Raises
    ------
    ValueError
        If the shapes differ, ``t`` does not run from 0 to 1, or a metric is not finite.

    Examples
    --------
    >>> round(error_barrier([0, 0.5, 1], [0.9, 0.5, 0.7]), 3)
    0.3
    """
    return barrier_height(t, 1.0 - np.asarray(metric, dtype=np.float64))


def _as_profile(t: ArrayLike, loss: ArrayLike) -> tuple[Floats, Floats]:
    t, loss = as_profiles(t, loss)
    if loss.ndim != 1:
        raise ValueError(f"One profile is needed, not losses of shape {loss.shape}.")
    return t, loss
