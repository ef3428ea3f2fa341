"""Slow, plain formulas, written from the definitions; the fast code is checked against them."""

from __future__ import annotations

import itertools

import numpy as np

# --- paths ----------------------------------------------------------------------------------------


def barrier_height(t, loss):
    """Return the largest excess over the chord of the end points, point by point."""
    excess = [0.0]
    for position, value in zip(t, loss, strict=True):
        excess.append(value - ((1 - position) * loss[0] + position * loss[-1]))
    return max(excess)


def convexity_gap(t, loss):
    """Return the largest excess of any point over the chord of any pair around it, O(n^3)."""
    gaps = [0.0]
    for i, k, j in itertools.combinations(range(len(t)), 3):
        share = (t[k] - t[i]) / (t[j] - t[i])
        gaps.append(loss[k] - ((1 - share) * loss[i] + share * loss[j]))
    return max(gaps)


def lower_envelope(t, loss):
    """Return the lowest chord that spans each position."""
    envelope = np.array(loss, dtype=float)
    for i, k, j in itertools.combinations(range(len(t)), 3):
        share = (t[k] - t[i]) / (t[j] - t[i])
        envelope[k] = min(envelope[k], (1 - share) * loss[i] + share * loss[j])
    return envelope


def area(t, loss):
    """Return the summed trapezoids under the positive excess over the chord."""
    excess = [
        max(0.0, y - ((1 - x) * loss[0] + x * loss[-1])) for x, y in zip(t, loss, strict=True)
    ]
    return sum((t[k + 1] - t[k]) * (excess[k] + excess[k + 1]) / 2 for k in range(len(t) - 1))
