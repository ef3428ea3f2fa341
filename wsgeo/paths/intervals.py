"""95 % intervals of the barriers of a path, from a paired bootstrap over examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from wsgeo.paths.envelopes import Floats, chord, lower_envelope


@final
@dataclass(frozen=True)
class Interval:
    """An estimate with its standard error and 95 % limits, in nats per example."""

    value: float
    low: float
    high: float
    error: float


@final
@dataclass(frozen=True)
class Intervals:
    """Intervals of one path."""

    barrier_height: Interval
    barrier_mean: Interval
    convexity_gap: Interval
    midpoint_excess: Interval | None
    gap_draws: Floats


def resample_counts(n_examples: int, n_resamples: int, rng: np.random.Generator) -> Floats:
    """Return how often each example is drawn in each resample."""
    share = np.full(n_examples, 1 / n_examples)
    return rng.multinomial(n_examples, share, size=n_resamples).astype(np.float64)


def intervals(t: Floats, losses: NDArray[np.floating], counts: Floats) -> Intervals:
    """Return the intervals of every barrier of one path."""
    mean = losses.mean(axis=0, dtype=np.float64)
    draws = counts @ losses.astype(np.float64) / len(losses)

    def over(curves: Floats) -> Floats:
        return np.asarray(curves.max(axis=-1).clip(0))

    def percentile(value: Floats, drawn: Floats) -> Interval:
        low, high = np.quantile(drawn, [0.025, 0.975])
        return Interval(float(value), float(low), float(high), float(drawn.std()))

    gaps = over(draws - lower_envelope(t, draws))
    half = np.flatnonzero(np.abs(t - 0.5) < 1e-9)
    return Intervals(
        percentile(over(mean - chord(t, mean)), over(draws - chord(t, draws))),
        percentile(
            over(mean - mean[[0, -1]].mean()), over(draws - draws[:, [0, -1]].mean(1)[:, None])
        ),
        percentile(over(mean - lower_envelope(t, mean)), gaps),
        percentile(
            mean[half[0]] - mean[[0, -1]].mean(), draws[:, half[0]] - draws[:, [0, -1]].mean(1)
        )
        if half.size
        else None,
        gaps,
    )
