"""From the losses on a line to the few numbers that are kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.losses import Failure, Losses
from wsgeo.evaluation.races import AbstractRace, n_seen, unfolded
from wsgeo.paths.envelopes import Floats
from wsgeo.paths.intervals import (
    Interval,
    PathIntervals,
    gap_interval,
    intervals,
    resample_counts,
)
from wsgeo.paths.profiles import Profile
from wsgeo.paths.refinement import grid_error
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
    coarse : Sweep or None
        All its losses, where its grid may miss more of the peak than a hundredth of the gap and half
        of its interval.
    """

    profile: Profile
    numbers: dict[str, object]
    gaps: NDArray[np.float32]
    coarse: Sweep | None = None

    def reversed(self) -> Measured:
        """Return the same line walked from its other end."""
        # The scalars stay those of the direction walked: turned round, the last bit may differ.
        peak = self.numbers["t_peak"]
        turned = 1.0 - peak if isinstance(peak, float) else None
        return replace(
            self, profile=self.profile.reversed(), numbers=self.numbers | {"t_peak": turned}
        )

    def with_numbers(self, **numbers: object) -> Measured:
        """Return the same line with some columns replaced."""
        return replace(self, numbers=self.numbers | numbers)

    def between(self, a: str, b: str) -> Measured:
        """Return the same line under other names of its ends."""
        return replace(self, profile=self.profile.between(a, b))


Found = dict[Line, Measured | Failure]
"""What is known of lines."""


def reduce_lines(
    swept: Iterable[tuple[Line, Sweep | Failure]],
    task: str,
    split: str,
    n_resamples: int,
    rng: np.random.Generator,
) -> Found:
    """Turn each line into its numbers as it arrives; its examples are forgotten, save a coarse line's.

    Parameters
    ----------
    swept : iterable of ((str, str), Sweep or Failure)
        Lines with their losses, as `sweep` yields them.
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
    found: Found = {}
    counts: NDArray[np.float32] | None = None
    for line, result in swept:
        if isinstance(result, Failure):
            found[line] = result
            continue
        if counts is None:
            counts = resample_counts(len(result.losses), n_resamples, rng)
        profile = Profile(*line, result.t, result.mean, result.metric, "line", task, split)
        limits = intervals(result.t, result.losses, counts)
        numbers = _numbers(profile, limits) | {"n_examples": len(result.losses)}
        draws = limits.gap_draws[:N_MATRICES].astype(np.float32)
        coarse = result if _misses_much(numbers) else None
        found[line] = Measured(profile, numbers, draws, coarse)
    return found


def reduce_race(
    line: Line,
    race: AbstractRace,
    t: Floats,
    ends: tuple[Losses, Losses],
    outcome: Losses,
    task: str,
    split: str,
    counts: Callable[[int], NDArray[np.float32]],
) -> Measured:
    """Turn what was seen of a line into its numbers; the upper limit of the gap is for the race to say.

    Parameters
    ----------
    line : (str, str)
        Content hashes of its ends.
    race : AbstractRace
        What was run.
    t : ndarray of float64, shape (n_points,)
        Where the points of the race lie.
    ends : tuple of Losses
        At both ends, examples in the order of the race.
    outcome : Losses
        What the race computed.
    task, split : str
        What the losses were measured on.
    counts : callable
        Number of examples to resamples of so many, as `resample_counts` makes them.

    Returns
    -------
    Measured
        Columns of the pair table, and the profile at the positions that were seen.
    """
    loss, hit = unfolded(outcome, len(race.points))
    seen = np.array([n_seen(row) for row in loss])
    at, rows = np.concatenate([[0.0], t[seen > 0], [1.0]]), np.flatnonzero(seen)
    # The ends are known on all examples; a point adds to their chord what it adds on those it saw.
    base, metric = (np.array([getattr(end, kind) for end in ends]) for kind in ("mean", "metric"))
    mean, hits = [base[0]], [metric[0]]
    for i in rows:
        n, share = seen[i], t[i]
        chord = (1 - share) * ends[0].loss[:n] + share * ends[1].loss[:n]
        excess = float((loss[i, :n] - chord).mean(dtype=np.float64))
        mean.append(float((1 - share) * base[0] + share * base[1]) + excess)
        hits.append(float(hit[i, :n].mean(dtype=np.float64)))
    profile = Profile(
        *line, at, np.array([*mean, base[1]]), np.array([*hits, metric[1]]), "line", task, split
    )
    common = int(seen[rows].min())
    columns = [ends[0].loss[:common], *loss[rows, :common], ends[1].loss[:common]]
    gap, draws = gap_interval(at, np.stack(columns, axis=1), counts(common))
    numbers: dict[str, object] = dict(profile.barriers())
    numbers |= {"convexity_gap_se": gap.error, "convexity_gap_lo": gap.low, "measured": "measured"}
    numbers |= {"n_points": at.size, "n_examples": int(seen.max())}
    return Measured(profile, numbers, draws[:N_MATRICES].astype(np.float32))


def _misses_much(numbers: Mapping[str, Any]) -> bool:
    """Return whether what lies between the positions could change the gap by what can be seen."""
    width = numbers["convexity_gap_hi"] - numbers["convexity_gap_lo"]
    return bool(numbers["grid_error"] > max(0.01 * numbers["convexity_gap"], 0.5 * width))


def _numbers(profile: Profile, limits: PathIntervals) -> dict[str, object]:
    """Return the columns of a measured row."""
    row: dict[str, object] = dict(profile.barriers())
    for name in ("barrier_height", "barrier_mean", "convexity_gap", "midpoint_excess"):
        interval: Interval | None = getattr(limits, name)
        if interval is not None:
            row |= {f"{name}_lo": interval.low, f"{name}_hi": interval.high}
    row |= {"convexity_gap_se": limits.convexity_gap.error, "n_points": profile.t.size}
    row |= {"grid_error": grid_error(profile.t, profile.loss)}
    return row | {"measured": "measured"}
