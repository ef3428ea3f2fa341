"""Whether the gap of a line is above a threshold: the middle first, then more of it, on few examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.losses import Losses, Point
from wsgeo.evaluation.races import AbstractRace, Grid, n_seen, steps
from wsgeo.paths.contrasts import triple_contrasts
from wsgeo.paths.envelopes import Floats
from wsgeo.paths.sequences import half_width, log_wealth

PATIENCE: Final = 128
"""Examples after which an open question at few positions is asked at more."""

UNSEEN: Final = 1.0
"""Nats of one example that every limit counts in as if it had been seen, on the side of doubt."""

Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]


@final
@dataclass(frozen=True)
class Judgement:
    """What is known of a gap so far.

    Parameters
    ----------
    gap, height : tuple of (float, float)
        Limits of the convexity gap and of the barrier height in nats, valid whenever one looks; the
        upper ones are infinite while positions are missing. Of bets they are the threshold, on the
        side that is decided.
    separated, connected : bool
        Whether the gap is surely above the threshold, or surely not.
    uncertain : ndarray of bool, shape (n_positions,)
        Positions whose losses are seen and take part in an excess that may be above or not.
    """

    gap: tuple[float, float]
    height: tuple[float, float]
    separated: bool
    connected: bool
    uncertain: Flags

    @property
    def columns(self) -> dict[str, float | None]:
        """The limits by their columns in the pair table; None where there is none."""
        return {
            f"{name}_{side}": limit if np.isfinite(limit) else None
            for name, limits in (("convexity_gap", self.gap), ("barrier_height", self.height))
            for side, limit in zip(("lo", "hi"), limits, strict=True)
        }


@final
@dataclass(frozen=True)
class RaceRule:
    """What a race asks, and when it may stop.

    Parameters
    ----------
    tau : float
        Threshold in nats.
    level : float, default 0.01
        Probability that the answer for a line is wrong, either way.
    betting : bool, default False
        Whether the answer holds for any number of examples: see `EdgeRace`.
    most : int, optional
        Examples that a position is evaluated on at most; default all.
    spanning : bool, default False
        Whether lines are left out whose ends connected lines join.
    """

    tau: float
    level: float = 0.01
    betting: bool = False
    most: int = 1 << 30
    spanning: bool = False


@final
@dataclass(frozen=True, eq=False)
class EdgeRace(AbstractRace):
    """Whether the convexity gap of a line is above a threshold.

    The gap is the largest of many excesses, each the loss at a position above the chord between two
    others. It is above the threshold as soon as one of them surely is, and not above it when each
    surely is not. A position is evaluated on more examples only while an excess that it takes part
    in is open.

    Parameters
    ----------
    points : tuple of Point
        The positions between the ends.
    examples : str
        Name of the example set, in random order.
    t : tuple of float
        All positions, from 0 to 1.
    ends : tuple of ndarray of float32, each of shape (n_examples,)
        Losses at 0 and at 1.
    tau : float
        Threshold in nats.
    level : float
        Probability that the answer is wrong, either way.
    betting : bool
        Whether the answer holds at this level for any number of examples, with excesses cut off at
        `wsgeo.paths.sequences.BOUND`; else as far as their sums are normal.
    most : int
        Examples that a position is evaluated on at most.
    known : Losses or None
        Losses at the start.

    References
    ----------
    [waudbysmith2023]_, [waudbysmith2024]_.
    """

    points: tuple[Point, ...]
    examples: str
    t: tuple[float, ...]
    ends: tuple[NDArray[np.float32], NDArray[np.float32]]
    tau: float
    level: float = 0.01
    betting: bool = False
    most: int = 1 << 30
    known: Losses | None = None

    @property
    def rule(self) -> str:
        """All that the course of the race depends on besides points, examples and losses."""
        known = None if self.known is None else self.known.loss.size
        return json.dumps([self.t, self.tau, self.level, self.betting, self.most, known])

    def wanted(self, losses: Grid) -> list[tuple[int, int]]:
        """Return which positions to evaluate up to which example; none when it is decided."""
        seen = np.array([n_seen(row) for row in losses])
        ends = steps(losses.shape[1])
        following = np.array([next((end for end in ends if end > n), n) for n in seen])
        following = np.minimum(following, max(self.most, ends[0]))
        judged = self.judge(losses)
        if judged.separated or judged.connected:
            return []
        more = judged.uncertain & (seen > 0) & (following > seen)
        if not more.any() or seen[more].min() >= PATIENCE:
            more = more | self._widened(seen > 0)
        if not more.any() and self.most >= losses.shape[1]:
            # No number of examples decides it: then at least all is measured.
            more, following = seen < losses.shape[1], np.full_like(seen, losses.shape[1])
        return [(int(i), int(following[i])) for i in np.flatnonzero(more)]

    def _widened(self, seen: Flags) -> Flags:
        """Return the positions that are looked at next, among those that were not."""
        for stage in self._stages:
            if (stage & ~seen).any():
                return np.asarray(stage & ~seen)
        return np.zeros_like(seen)

    @cached_property
    def _stages(self) -> tuple[Flags, ...]:
        """The middle, then the positions nearest 0.3 and 0.7, then all; a peak is rarely elsewhere."""
        inside = np.array(self.t[1:-1])
        middle = np.arange(inside.size) == np.abs(inside - 0.5).argmin()
        flanks = np.isin(np.arange(inside.size), [np.abs(inside - x).argmin() for x in (0.3, 0.7)])
        return middle, flanks, np.ones_like(middle)

    def judge(self, losses: Grid) -> Judgement:
        """Return what losses say of the gap.

        Parameters
        ----------
        losses : ndarray of float32, shape (n_positions, n_examples)
            Losses between the ends, NaN where none was computed.

        Returns
        -------
        Judgement
            Limits and verdict.
        """
        seen = np.array([n_seen(row) for row in losses])
        rows = triple_contrasts(np.array(self.t))
        # Examples of an excess: those that all its positions have seen; the ends have seen all.
        counts = np.array([len(self.ends[0]), *seen, len(self.ends[1])])
        n = np.where(rows != 0, counts, counts.max()).min(axis=1)
        found = (self._bets if self.betting else self._limits)(losses, rows, n)
        # Only the position that holds an open excess back need go on.
        least = (rows != 0) & (counts == n[:, None])
        open_ = (n > 0) & ~(found.high <= self.tau)
        chords = (rows[:, 0] != 0) & (rows[:, -1] != 0)
        return Judgement(
            gap=found.largest(np.ones_like(chords)),
            height=found.largest(chords),
            separated=bool((found.low > self.tau).any()),
            connected=bool((found.high <= self.tau).all()),
            uncertain=np.asarray(least[open_].any(axis=0)[1:-1]),
        )

    def _limits(self, losses: Grid, rows: Floats, n: Counts) -> _Evidence:
        """Return the limits of each excess by its confidence sequence."""
        level, low, high = (
            self._levels(rows),
            np.full(len(rows), -np.inf),
            np.full(len(rows), np.inf),
        )
        for some, each in self._seen(losses, rows, n):
            size = each.shape[1]
            # Few examples that hardly differ are no certainty: the next may be one of the rare ones.
            for unseen, limits, risk in ((-UNSEEN, low, level[some]), (UNSEEN, high, self.level)):
                mean = (each.sum(axis=1) + unseen) / (size + 1)
                square = ((each**2).sum(axis=1) + unseen**2) / (size + 1)
                spread = np.sqrt(np.maximum(square - mean**2, 0) * (size + 1) / size)
                limits[some] = mean + np.sign(unseen) * half_width(spread, size, risk)
        return _Evidence(low, high)

    def _bets(self, losses: Grid, rows: Floats, n: Counts) -> _Evidence:
        """Return on which side of the threshold each excess is, by the wealth of bets; else no limits."""
        enough, wealth, high = -np.log(self.level), np.zeros(len(rows)), np.full(len(rows), np.inf)
        for some, each in self._seen(losses, rows, n):
            wealth[some] = log_wealth(each, self.tau)
            high[some] = np.where(log_wealth(-each, -self.tau) >= enough, self.tau, np.inf)
        # Each row's greatest wealth is bounded alone, so the level is shared out over the rows.
        share = self._levels(rows) / self.level
        # A limit that equals the threshold is not above it, for whoever reads the table.
        low = np.where(np.log(share) + wealth >= enough, np.nextafter(self.tau, np.inf), -np.inf)
        return _Evidence(low, high)

    def _seen(
        self, losses: Grid, rows: Floats, n: Counts
    ) -> Iterator[tuple[NDArray[np.intp], Floats]]:
        """Yield excesses that have seen equally many examples: which, and by example."""
        for size in np.unique(n[n > 0]):
            some = np.flatnonzero(n == size)
            grid = np.vstack([self.ends[0][:size], losses[:, :size], self.ends[1][:size]])
            yield some, rows[some] @ np.nan_to_num(grid.astype(np.float64))

    def _levels(self, rows: Floats) -> Floats:
        """Return the error level of each excess: half of it is the middle's above the ends."""
        middle = 1 + int(np.flatnonzero(self._stages[0])[0])
        first = (rows[:, middle] == 1) & (rows[:, 0] != 0) & (rows[:, -1] != 0)
        if len(rows) == 1:
            return np.array([self.level])
        return np.where(first, 0.5, 0.5 / (len(rows) - 1)) * self.level


@dataclass(frozen=True)
class _Evidence:
    """Limits of each excess."""

    low: Floats
    high: Floats

    def largest(self, some: Flags) -> tuple[float, float]:
        """Return limits of the largest of some excesses, cut off below zero."""
        return float(self.low[some].max(initial=0.0)), float(self.high[some].max(initial=0.0))
