"""Which examples make the ridge of a loss profile.

The convexity gap is the height of one point of the mean profile above a chord beneath it. Both are
linear in the losses, so the gap is the mean over examples of the height of each example's own loss
above its own chord: its *excess*. Sums of it over slices say who makes the ridge.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from wsgeo.paths.envelopes import Floats, as_profiles, lower_envelope

LEVEL = 0.95
"""Joint coverage of the limits of the shares of all slices."""

LEAST_GAP = 1e-6
"""Height in nats up to which a ridge is the rounding of losses in single precision."""


@final
@dataclass(frozen=True)
class Ridge:
    """Where a profile lies farthest above its lower envelope.

    Parameters
    ----------
    left, top, right : int
        Indices of the positions: the feet of the chord, and the top of the ridge between them.
    gap : float
        Height of the top above the chord, in nats per example; the `convexity_gap`.
    """

    left: int
    top: int
    right: int
    gap: float


@final
@dataclass(frozen=True)
class Attribution:
    """How much of a ridge each slice makes.

    Parameters
    ----------
    mean : ndarray of float64, shape (n_slices,)
        Mean excess of the slice's examples, in nats.
    share : ndarray of float64, shape (n_slices,)
        Sum of the slice's excess over that of all examples. The shares of slices that divide the
        examples sum to 1; one is below 0 where the loss of the slice sinks, and above 1 where the
        others' sinks.
    low, high : ndarray of float64, shape (n_slices,)
        Limits of the share that hold for all slices together in 95 % of samples of examples;
        infinite where the gap itself may be zero.
    """

    mean: Floats
    share: Floats
    low: Floats
    high: Floats


def ridge_of(t: ArrayLike, loss: ArrayLike) -> Ridge | None:
    """Return the ridge that makes the convexity gap of a profile.

    Parameters
    ----------
    t : array_like, shape (n_points,)
        Increasing positions on the path, from 0 to 1.
    loss : array_like, shape (n_points,)
        Mean loss at those positions, in nats per example.

    Returns
    -------
    Ridge or None
        The first of equally high ones. None for a profile that is convex up to rounding: it has no
        ridge, and no point of it is the one to look at.

    Raises
    ------
    ValueError
        If ``loss`` is not one profile, ``t`` does not run from 0 to 1, or a loss is not finite.

    References
    ----------
    [juneja2022]_

    Examples
    --------
    >>> ridge = ridge_of([0, 0.25, 0.5, 0.75, 1], [0.6, 0.4, 0.5, 0.4, 0.6])
    >>> ridge.left, ridge.top, ridge.right, round(ridge.gap, 3)
    (1, 2, 3, 0.1)
    """
    t, loss = as_profiles(t, loss)
    if loss.ndim != 1:
        raise ValueError(f"One profile is needed, not losses of shape {loss.shape}.")
    height = loss - lower_envelope(t, loss)
    top = int(height.argmax())
    if height[top] <= LEAST_GAP:
        return None
    feet = np.flatnonzero(height == 0)
    after = int(np.searchsorted(feet, top))
    return Ridge(int(feet[after - 1]), top, int(feet[after]), float(height[top]))


def excess(t: ArrayLike, losses: ArrayLike, ridge: Ridge) -> Floats:
    r"""Return how far the loss of each example lies above its own chord under a ridge.

    .. math:: e_i = l_i(t_k) - [(1 - u) l_i(t_l) + u l_i(t_r)], \quad u = (t_k - t_l)/(t_r - t_l)

    Parameters
    ----------
    t : array_like, shape (n_points,)
        Increasing positions on the path, from 0 to 1.
    losses : array_like, shape (n_examples, n_points)
        Loss of each example at each position, in nats.
    ridge : Ridge
        Of the mean profile, whose gap is the mean of the excess.

    Returns
    -------
    ndarray of float64, shape (n_examples,)
        Excess in nats, of either sign.

    Raises
    ------
    ValueError
        If the shapes differ, ``t`` does not run from 0 to 1, or a loss is not finite.

    Examples
    --------
    >>> t, losses = [0, 0.5, 1], [[0.0, 1.0, 0.0], [0.5, 0.5, 0.5]]
    >>> excess(t, losses, ridge_of(t, [0.25, 0.75, 0.25])).tolist()
    [1.0, 0.0]
    """
    t, losses = as_profiles(t, losses)
    run = t[ridge.right] - t[ridge.left]
    u = (t[ridge.top] - t[ridge.left]) / run
    chord = (1 - u) * losses[..., ridge.left] + u * losses[..., ridge.right]
    return np.asarray(losses[..., ridge.top] - chord)


def attribute(excess: ArrayLike, masks: ArrayLike) -> Attribution:
    r"""Divide a ridge among slices.

    The limits of a share are those of a ratio of two means, after Fieller: all
    :math:`\rho` with

    .. math:: (\bar x - \rho \bar e)^2 \le z^2 \, \widehat{\mathrm{var}}(\bar x - \rho \bar e)

    where :math:`x_i` is the excess of an example inside the slice, and 0 outside. ``z`` pays for
    every slice that is not the whole (Bonferroni), so the slice that stands out most may be read
    off.

    Parameters
    ----------
    excess : array_like, shape (n_examples,)
        Excess of each example, in nats; its mean is above zero.
    masks : array_like of bool, shape (n_slices, n_examples)
        Examples of each slice.

    Returns
    -------
    Attribution
        Means and shares.

    Raises
    ------
    ValueError
        If the shapes differ, there are fewer than two examples, a slice is empty, or the mean
        excess is not above zero: there is no ridge to divide.

    Examples
    --------
    >>> found = attribute([0.3, 0.1, 0.0, 0.0], [[True, False, False, False], [True] * 4])
    >>> found.mean.round(3).tolist(), found.share.round(3).tolist()
    ([0.3, 0.1], [0.75, 1.0])
    """
    each, inside = np.asarray(excess, dtype=np.float64), np.asarray(masks, dtype=np.float64)
    n = each.size
    if each.ndim != 1 or inside.ndim != 2 or inside.shape[1] != n or n < 2:
        raise ValueError(f"Slices of shape {inside.shape} do not fit excess of shape {each.shape}.")
    sizes = inside.sum(axis=1)
    # Negated, so that an excess that is not a number fails too.
    if not (each.mean() > 0) or not sizes.all():
        raise ValueError("The mean excess must be above zero, and no slice empty.")
    sums = inside @ each
    n_parts = max(1, int((sizes < n).sum()))
    z = NormalDist().inv_cdf(1 - (1 - LEVEL) / (2 * n_parts))
    low, high = _ratio_limits(sums / n, inside @ each**2 / n, each, z)
    return Attribution(sums / sizes, sums / each.sum(), low, high)


def carriers(excess: ArrayLike, part: float = 0.5) -> float:
    """Return the smallest share of the examples that carry a part of the ridge.

    Near ``part`` if all examples rise alike; near 0 if few make the ridge, or if as many sink as
    rise.

    Parameters
    ----------
    excess : array_like, shape (n_examples,)
        Excess of each example, in nats; its mean is above zero.
    part : float, default 0.5
        Fraction of the summed excess, in (0, 1].

    Returns
    -------
    float
        Fraction of the examples, in (0, 1].

    Raises
    ------
    ValueError
        If the mean excess is not above zero, or ``part`` not in (0, 1].

    Examples
    --------
    >>> carriers([0.1, 0.1, 0.1, 0.1]), carriers([0.0, 0.0, 0.9, 0.1])
    (0.5, 0.25)
    """
    largest = np.sort(np.asarray(excess, dtype=np.float64))[::-1]
    if not (largest.mean() > 0 and 0 < part <= 1):
        raise ValueError(f"The mean excess must be above zero, and the part {part} in (0, 1].")
    # Half of a sum is missed by rounding where all are equal.
    reached = largest.cumsum() >= part * largest.sum() - 1e-12 * np.abs(largest).sum()
    return (int(reached.argmax()) + 1) / largest.size


def _ratio_limits(x: Floats, squares: Floats, each: Floats, z: float) -> tuple[Floats, Floats]:
    """Return Fieller's limits of ``x`` over the mean of all, given the mean squares of each slice."""
    n, y = each.size, each.mean()
    var_x = (squares - x**2) / (n - 1)
    var_y = ((each**2).mean() - y**2) / (n - 1)
    # The excess inside a slice times that of all is its square: the covariance needs no more sums.
    covariance = (squares - x * y) / (n - 1)
    a = y**2 - z**2 * var_y
    if a <= 0:
        return np.full_like(x, -np.inf), np.full_like(x, np.inf)
    b, c = x * y - z**2 * covariance, x**2 - z**2 * var_x
    root = np.sqrt(np.maximum(b**2 - a * c, 0.0))
    return (b - root) / a, (b + root) / a
