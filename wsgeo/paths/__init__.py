"""Paths through weight space, the loss along them, and what a barrier is.

`wsgeo.paths.pairs` and `wsgeo.paths.tables` are imported by name: they need polars.
"""

from wsgeo.paths.barriers import (
    area,
    barrier_height,
    barrier_mean,
    convexity_gap,
    error_barrier,
    midpoint_excess,
    peak,
)
from wsgeo.paths.envelopes import chord, lower_envelope
from wsgeo.paths.intervals import Interval, PathIntervals
from wsgeo.paths.profiles import Profile

__all__ = [
    "Interval",
    "PathIntervals",
    "Profile",
    "area",
    "barrier_height",
    "barrier_mean",
    "chord",
    "convexity_gap",
    "error_barrier",
    "lower_envelope",
    "midpoint_excess",
    "peak",
]
