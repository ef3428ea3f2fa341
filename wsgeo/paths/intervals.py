"""95 % intervals of the barriers of a path, from a paired bootstrap over examples.

A barrier is the largest of many linear functions (contrasts) of the profile. The largest of noisy
numbers is too large on average, and a resampled maximum repeats that bias instead of showing it: on
a flat path the plain percentile interval excludes zero four times in five. The limits here are

- *lower*: the largest of ``value - k * error`` over the contrasts that may be the largest, with
  ``k`` from the resampled maximum of their studentised noise. Each contrast bounds the barrier from
  below, so the best of these bounds is valid once ``k`` pays for having chosen it.
- *upper*: the largest of ``value + k * error`` over the same contrasts, with the ``k`` of each
  alone. The barrier is one of them, so the largest of their upper limits is above it.

A contrast may be the largest unless it trails the one that is largest here by too many standard
errors of their difference: the root of the logarithm of the number of examples for the lower limit,
`UPPER_REACH` for the upper.
``docs/decisions/0002-intervals-of-a-maximum.md`` derives the limits and lists
the coverage measured by ``benchmarks/coverage.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from wsgeo.paths import contrasts
from wsgeo.paths.envelopes import Floats, has_midpoint, lower_envelope

LEVEL = 0.95
"""Coverage of every interval."""

UPPER_REACH = 1.0
"""Standard errors by which a contrast may trail and still take part in the upper limit."""

NORMAL_QUANTILE = 1.959963984540054
"""Of the standard normal law at 0.975."""

_TAIL = (1 + LEVEL) / 2
# Studentised resamples follow the skewness of the losses but are too narrow where tails are heavy;
# normal (or symmetric) noise is the other way about. Every multiple is the mean of the two.

# A resample that misses the few examples that carry a contrast has almost no spread of its own;
# dividing by it would send limits to infinity.
_LEAST_SPREAD = 0.2
# Relative size below which a contrast or its error is rounding.
_ROUNDING = 1e-6
# Contrasts are worked through in blocks so that long paths need no more memory than short ones.
_BLOCK = 512


@final
@dataclass(frozen=True)
class Interval:
    """An estimate with its standard error and 95 % limits.

    Parameters
    ----------
    value : float
        The estimate, in nats per example.
    low, high : float
        Lower and upper limit; they hold the estimate.
    error : float
        Standard error of the largest contrast.
    """

    value: float
    low: float
    high: float
    error: float


@final
@dataclass(frozen=True)
class PathIntervals:
    """Intervals of the barriers of one path.

    Parameters
    ----------
    barrier_height, barrier_mean, convexity_gap : Interval
        Never below zero.
    midpoint_excess : Interval or None
        Signed; None where 1/2 is not on the grid.
    gap_draws : ndarray of float64, shape (n_resamples,)
        Convexity gap of each resample, for the stability of what is made of many paths; not an
        interval, for it is biased upwards.
    """

    barrier_height: Interval
    barrier_mean: Interval
    convexity_gap: Interval
    midpoint_excess: Interval | None
    gap_draws: Floats


def resample_counts(
    n_examples: int, n_resamples: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return how often each example is drawn in each resample, to be shared by many paths.

    Parameters
    ----------
    n_examples : int
        Number of examples.
    n_resamples : int
        Number of resamples.
    rng : Generator
        Source of the draws.

    Returns
    -------
    ndarray of float32, shape (n_resamples, n_examples)
        Whole numbers; each row sums to ``n_examples``.
    """
    share = np.full(n_examples, 1 / n_examples)
    return rng.multinomial(n_examples, share, size=n_resamples).astype(np.float32)


def intervals(
    t: Floats, losses: NDArray[np.floating], counts: NDArray[np.float32]
) -> PathIntervals:
    """Return 95 % intervals of the barriers of one path for given resamples.

    Parameters
    ----------
    t : ndarray of float64, shape (n_points,)
        Increasing positions on the path, from 0 to 1.
    losses : ndarray, shape (n_examples, n_points)
        Loss of each example at each position, in nats.
    counts : ndarray of float32, shape (n_resamples, n_examples)
        From `resample_counts`.

    Returns
    -------
    PathIntervals
        The intervals.

    Raises
    ------
    ValueError
        If there are fewer than two examples.
    """
    sample = _Sample(losses, counts)
    return PathIntervals(
        sample.largest(contrasts.chord_contrasts(t)),
        sample.largest(contrasts.mean_contrasts(t)),
        sample.largest(contrasts.triple_contrasts(t)),
        sample.single(contrasts.midpoint_contrasts(t)) if has_midpoint(t) else None,
        sample.gap_draws(t),
    )


def gap_interval(
    t: Floats, losses: NDArray[np.floating], counts: NDArray[np.float32]
) -> tuple[Interval, Floats]:
    """Return the interval of the convexity gap alone, and its resamples: those of `intervals`.

    Parameters
    ----------
    t, losses, counts
        As in `intervals`.

    Returns
    -------
    tuple of (Interval, ndarray of float64, shape (n_resamples,))
        ``convexity_gap`` and ``gap_draws``.

    Raises
    ------
    ValueError
        If there are fewer than two examples.
    """
    sample = _Sample(losses, counts)
    return sample.largest(contrasts.triple_contrasts(t)), sample.gap_draws(t)


class _Sample:
    """The losses of one path and what every interval needs of them."""

    def __init__(self, losses: NDArray[np.floating], counts: NDArray[np.float32]) -> None:
        if len(losses) < 2:
            raise ValueError("An interval needs two examples or more.")
        self.mean: Floats = losses.mean(axis=0, dtype=np.float64)
        # Centred first, so that float32 products keep their digits.
        self.centred = (losses - self.mean).astype(np.float32)
        centred = self.centred.astype(np.float64)
        self.n = len(losses)
        self.counts = counts
        self.covariance: Floats = centred.T @ centred / (self.n - 1) / self.n
        self.draws: Floats = self.mean + (counts @ self.centred).astype(np.float64) / self.n

    def largest(self, rows: Floats) -> Interval:
        """Return the interval of the largest contrast, cut off below zero."""
        if not len(rows):
            return Interval(0.0, 0.0, 0.0, 0.0)
        values = self._values(rows)
        top = int(values.argmax())
        behind, apart = values[top] - values, self._errors(rows - rows[top])
        running = behind <= np.sqrt(np.log(self.n)) * apart
        near = behind[running] <= UPPER_REACH * apart[running]
        low, high = self._limits(rows[running], near, float(values[top]))
        error = float(self._errors(rows[[top]])[0])
        return Interval(max(0.0, float(values[top])), max(0.0, low), max(0.0, high), error)

    def gap_draws(self, t: Floats) -> Floats:
        """Return the convexity gap of each resample."""
        return np.asarray((self.draws - lower_envelope(t, self.draws)).max(axis=1))

    def single(self, rows: Floats) -> Interval:
        """Return the signed interval of one contrast."""
        value = float(self._values(rows)[0])
        return Interval(
            value, *self._limits(rows, np.ones(1, dtype=bool), value), float(self._errors(rows)[0])
        )

    def _values(self, rows: Floats) -> Floats:
        values = rows @ self.mean
        # Rounding of a flat profile is no barrier.
        values[np.abs(values) < _ROUNDING**2 * np.abs(self.mean).max()] = 0.0
        return values

    def _errors(self, rows: Floats) -> Floats:
        """Return the standard error of each contrast; rounding of a constant one counts as zero."""
        errors = np.sqrt(np.maximum(((rows @ self.covariance) * rows).sum(axis=1), 0.0))
        errors[errors < _ROUNDING * np.sqrt(self.covariance.diagonal().max())] = 0.0
        return np.asarray(errors)

    def _limits(self, rows: Floats, near: NDArray[np.bool_], value: float) -> tuple[float, float]:
        """Return the best lower bound of all rows, and the largest upper limit of those near."""
        values, errors = self._values(rows), self._errors(rows)
        noisy = errors > 0
        if not noisy.any():
            return value, value
        rows, values, errors = (each[noisy] for each in (rows, values, errors))
        near = near[noisy]
        highest, lowest, studentised = (np.full(len(self.counts), -np.inf) for _ in range(3))
        high = value
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            noise, ratio = self._noise(rows[block], errors[block])
            highest = np.maximum(highest, noise.max(axis=0))
            lowest = np.maximum(lowest, -noise.min(axis=0))
            studentised = np.maximum(studentised, ratio.max(axis=0))
            multiple = (NORMAL_QUANTILE - _quantile(ratio[near[block]], 1 - _TAIL)) / 2
            upper = values[block][near[block]] + multiple * errors[block][near[block]]
            high = max(high, float(upper.max(initial=high)))
        low = values - _multiple(highest, lowest, studentised) * errors
        return min(value, float(low.max())), high

    def _noise(
        self, rows: Floats, errors: Floats
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return resampled noise in standard errors of the sample, and in those of the resample."""
        # In units of its own error each contrast has spread sqrt(n); no overflow, no underflow.
        # A product of finite float32 matrices was once seen to raise the flag of an invalid value
        # by chance; a value that is not finite is refused below all the same.
        with np.errstate(invalid="ignore"):
            each = self.centred @ (rows / errors[:, None]).T.astype(np.float32)
            each -= each.mean(axis=0)
            noise = each.T @ self.counts.T / self.n
            spread = (each**2).T @ self.counts.T / self.n - noise**2
        if not (np.isfinite(noise).all() and np.isfinite(spread).all()):
            raise FloatingPointError("Resampled noise of a barrier is not finite.")
        spread = np.sqrt(np.maximum(spread / (self.n - 1), _LEAST_SPREAD**2))
        return noise, noise / spread


def _multiple(highest: Floats, lowest: Floats, studentised: Floats) -> float:
    """Return the multiple of the errors that holds for the largest of several noises at once."""
    plain = (np.quantile(highest, _TAIL) + np.quantile(lowest, _TAIL)) / 2
    return float(plain + np.quantile(studentised, _TAIL)) / 2


def _quantile(draws: NDArray[np.float32], level: float) -> Floats:
    """Return a quantile of each row; a partition costs a tenth of a full sort."""
    rank = int(level * draws.shape[1])
    return np.partition(draws, rank, axis=1)[:, rank].astype(np.float64)
