"""The loss along one path."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from wsgeo.paths import barriers
from wsgeo.paths.envelopes import Floats, as_profiles, has_midpoint


@final
@dataclass(frozen=True)
class Profile:
    """Mean loss and metric along a path between two checkpoints.

    Parameters
    ----------
    a, b : str
        Checkpoint ids at ``t = 0`` and ``t = 1``.
    t : ndarray of float64, shape (n_points,)
        Increasing positions on the path, from 0 to 1.
    loss : ndarray of float64, shape (n_points,)
        Mean loss, in nats per example.
    metric : ndarray of float64, shape (n_points,)
        Mean metric, a fraction in [0, 1].
    path : str, default 'line'
        Kind of the path: ``line``, ``bezier`` or ``polyline``.
    task, split : str, default ''
        What the loss was measured on.

    Raises
    ------
    ValueError
        If the shapes differ, ``t`` does not run from 0 to 1, or a value is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.array([0, 0.5, 1])
    >>> profile = Profile("x", "y", t, np.array([0.2, 0.9, 0.4]), np.array([1, 0.5, 1]))
    >>> round(profile.barriers()["convexity_gap"], 3), profile.reversed().a
    (0.6, 'y')
    """

    a: str
    b: str
    t: Floats
    loss: Floats
    metric: Floats
    path: str = "line"
    task: str = ""
    split: str = ""

    def __post_init__(self) -> None:
        """Refuse positions, losses or metrics that make no profile."""
        as_profiles(self.t, self.loss)
        as_profiles(self.t, self.metric)

    def reversed(self) -> Profile:
        """Return the same path walked from ``b`` to ``a``."""
        return replace(
            self,
            a=self.b,
            b=self.a,
            t=mirrored(self.t),
            loss=self.loss[::-1],
            metric=self.metric[::-1],
        )

    def between(self, a: str, b: str) -> Profile:
        """Return the same curve under other names of its ends."""
        return replace(self, a=a, b=b)

    def barriers(self) -> dict[str, float | None]:
        """Return every scalar of the profile by its column in the pair table.

        Returns
        -------
        dict of str to float or None
            ``barrier_height``, ``barrier_mean``, ``convexity_gap``, ``midpoint_excess`` (None where
            1/2 is not on the grid), ``area``, ``t_peak`` (None for a convex profile) and
            ``error_barrier``.
        """
        return {
            "barrier_height": barriers.barrier_height(self.t, self.loss),
            "barrier_mean": barriers.barrier_mean(self.t, self.loss),
            "convexity_gap": barriers.convexity_gap(self.t, self.loss),
            "midpoint_excess": (
                barriers.midpoint_excess(self.t, self.loss) if has_midpoint(self.t) else None
            ),
            "area": barriers.area(self.t, self.loss),
            "t_peak": barriers.peak(self.t, self.loss),
            "error_barrier": barriers.error_barrier(self.t, self.metric),
        }


def mirrored(t: Floats) -> Floats:
    """Return the positions counted from the other end; a symmetric grid is returned unchanged.

    Parameters
    ----------
    t : ndarray of float64, shape (n_points,)
        Increasing positions from 0 to 1.

    Returns
    -------
    ndarray of float64, shape (n_points,)
        Increasing positions from 0 to 1.
    """
    # 1 - 0.7 is not 0.3 in binary; a symmetric grid must not drift when it is turned round.
    other = 1.0 - t[::-1]
    return t if np.allclose(other, t, rtol=0, atol=1e-12) else other
