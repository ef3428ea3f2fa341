"""From the losses on a line to the few numbers that are kept of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.losses import Failure
from wsgeo.paths.envelopes import Floats
from wsgeo.paths.intervals import Interval, PathIntervals, intervals, resample_counts
from wsgeo.paths.profiles import Profile
from wsgeo.paths.sweeps import Line, Sweep

N_MATRICES: Final = 200
"""Most resampled gaps that are kept of a line, for the stability of a clustering."""


@final
@dataclass(frozen=True)
class Measured:
    """What is kept of one line.

    Parameters
    ----------
    profile : Profile
        Mean loss and metric.
    numbers : dict of str to object
        Its columns in the pair table.
    gaps : ndarray of float32, shape (n_matrices,)
        Convexity gaps of resampled examples.
    """

    profile: Profile
    numbers: dict[str, object]
    gaps: NDArray[np.float32]

    def reversed(self) -> Measured:
        """Return the same line walked from its other end."""
        # The scalars stay those of the direction walked: turned round, the last bit may differ.
        peak = self.numbers["t_peak"]
        turned = 1.0 - peak if isinstance(peak, float) else None
        return replace(
            self, profile=self.profile.reversed(), numbers=self.numbers | {"t_peak": turned}
        )

    def between(self, a: str, b: str) -> Measured:
        """Return the same line under other names of its ends."""
        return replace(self, profile=self.profile.between(a, b))


def reduce_lines(
    swept: Iterable[tuple[Line, Sweep | Failure]],
    t: Floats,
    task: str,
    split: str,
    n_resamples: int,
    rng: np.random.Generator,
) -> dict[Line, Measured | Failure]:
    """Turn each line into its numbers as it arrives; its examples are then forgotten.

    Parameters
    ----------
    swept : iterable of ((str, str), Sweep or Failure)
        Lines with their losses, as `sweep` yields them.
    t : ndarray of float64, shape (n_points,)
        Increasing positions from 0 to 1.
    task, split : str
        What the losses were measured on.
    n_resamples : int
        Resamples of the examples, shared by all lines.
    rng : Generator
        Source of the resamples.

    Returns
    -------
    dict of (str, str) to Measured or Failure
        What is kept of each line.
    """
    found: dict[Line, Measured | Failure] = {}
    counts: NDArray[np.float32] | None = None
    for line, result in swept:
        if isinstance(result, Failure):
            found[line] = result
            continue
        if counts is None:
            counts = resample_counts(len(result.losses), n_resamples, rng)
        loss = result.losses.mean(axis=0, dtype=np.float64)
        profile = Profile(*line, t, loss, result.metric, "line", task, split)
        limits = intervals(t, result.losses, counts)
        numbers = _numbers(profile, limits) | {"n_examples": len(result.losses)}
        found[line] = Measured(profile, numbers, limits.gap_draws[:N_MATRICES].astype(np.float32))
    return found


def _numbers(profile: Profile, limits: PathIntervals) -> dict[str, object]:
    """Return the columns of a measured row."""
    row: dict[str, object] = dict(profile.barriers())
    for name in ("barrier_height", "barrier_mean", "convexity_gap", "midpoint_excess"):
        interval: Interval | None = getattr(limits, name)
        if interval is not None:
            row |= {f"{name}_lo": interval.low, f"{name}_hi": interval.high}
    row |= {"convexity_gap_se": limits.convexity_gap.error, "n_points": profile.t.size}
    return row | {"measured": "measured"}
