"""Lines on a few examples: a glimpse of each, and races about the threshold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.losses import Failure, Losses, Outcome
from wsgeo.evaluation.races import AbstractRace, AbstractRacer, n_seen, unfolded
from wsgeo.paths.envelopes import Floats
from wsgeo.paths.forests import Components, Forest
from wsgeo.paths.frames import INFERRED
from wsgeo.paths.glimpses import Glimpse, as_start
from wsgeo.paths.races import EdgeRace, RaceRule
from wsgeo.paths.reductions import Found, Measured, reduce_race
from wsgeo.paths.sweeps import Head, Line, Sweep, end_points, evaluate_ends, points_on

R = TypeVar("R", bound=AbstractRace)

VERIFIED: Final = 0.05
"""Share of the lines that are raced whether or not connected lines join their ends."""


def shuffled_name(examples: str) -> str:
    """Return the name at the engine of an example set in random order."""
    return f"{examples}, shuffled"


@final
class LineRaces:
    """Looks at lines on a prefix of the examples, in one random order for all.

    Parameters
    ----------
    engine : AbstractRacer
        Knows the examples under their name, and in random order under their `shuffled_name`.
    lines : sequence of (str, str)
        Distinct pairs of content hashes.
    examples : str
        Name of the example set; recorded as the task.
    order : ndarray of int64, shape (n_examples,)
        The random order.
    t : ndarray of float64, shape (n_points,)
        Increasing positions from 0 to 1.
    head : callable or None
        What `Point.head` says on a line.
    split : str
        Recorded with each line.
    seed : int
        Seed of the choice of lines that are verified.
    counts : callable
        Number of examples to resamples of so many, as `resample_counts` makes them.
    reduce : callable
        Turns all losses on a line into what is known of it: where a race needed them all.

    Attributes
    ----------
    open_lines : tuple of (str, str)
        The lines whose ends differ and could be evaluated.
    n_forwards : int
        Examples on which points were evaluated, summed over points, whether now or before.
    n_verified, n_refuted : int
        Lines whose ends others joined and that were raced all the same, and those of them that were
        not connected.
    """

    def __init__(
        self,
        engine: AbstractRacer,
        lines: Sequence[Line],
        examples: str,
        order: NDArray[np.int64],
        t: Floats,
        head: Head | None,
        split: str,
        seed: int,
        counts: Callable[[int], NDArray[np.float32]],
        reduce: Callable[[Line, Sweep], Measured | Failure],
    ) -> None:
        self._order, self._counts, self._reduce = order, counts, reduce
        self._engine, self._examples, self._t, self._head = engine, examples, t, head
        self._split, self._seed = split, seed
        found = evaluate_ends(engine, lines, examples, head)
        self._ends = {
            point: Losses(outcome.loss[order], outcome.hit[order])
            for point, outcome in found.items()
            if isinstance(outcome, Losses)
        }
        self.open_lines = tuple(
            line
            for line in lines
            if line[0] != line[1] and all(end in self._ends for end in end_points(line, head))
        )
        self._glimpses: dict[Line, Losses] = {}
        self._gaps: dict[Line, tuple[float, float]] = {}
        self._connected: dict[Line, bool] = {}
        self.n_forwards = self.n_verified = self.n_refuted = 0

    def glimpse(self) -> Found:
        """Look at the middle of every line.

        Returns
        -------
        dict of (str, str) to Measured or Failure
            Under the rule ``coarse``.
        """
        at = self._t[[self._middle]]
        races = [
            Glimpse(points_on(line, at, self._head), shuffled_name(self._examples))
            for line in self.open_lines
        ]
        found: Found = {}
        for line, race, outcome in self._run(self.open_lines, races):
            if isinstance(outcome, Losses):
                self._glimpses[line] = outcome
                measured = self._measured(line, race, at, outcome)
                found[line] = measured.with_numbers(rule="coarse")
                # What lies below the chord is as far from a ridge as what lies above is from none.
                excess, error = (
                    measured.numbers["midpoint_excess"],
                    measured.numbers["convexity_gap_se"],
                )
                self._gaps[line] = float(excess), float(error)  # type: ignore[arg-type]
            else:
                found[line] = outcome
        return found

    def by_doubt(self, tau: float) -> list[Line]:
        """Return the open lines, those first whose glimpse leaves most doubt on which side they are."""
        return sorted(self.open_lines, key=lambda line: self._certainty(line, tau))

    def race(self, rule: RaceRule) -> Found:
        """Ask of every line whether its gap is above a threshold, on no more examples than it takes.

        The lines whose glimpse leaves most doubt come first; where lines may be left out, those that
        are likely to be connected. Where not all checkpoints fit in memory and time is not short,
        neighbours share theirs instead.

        Parameters
        ----------
        rule : RaceRule
            The question.

        Returns
        -------
        dict of (str, str) to Measured or Failure
            Under the rule ``raced`` or ``betting``, or ``exact`` where all was evaluated; a failure
            ``inferred`` for a line that was left out. A line that was not reached is missing.
        """
        lines = self._in_order(rule)
        if not rule.spanning:
            waiting = iter(range(len(lines)))
            pick = (lambda: next(waiting, None)) if self._any_order else None
            return dict(self._raced(lines, rule, pick))
        kept = self._to_verify(lines)
        found, joined = self._spanned([line for line in lines if line not in kept], rule)
        verified = dict(self._raced([line for line in lines if line in kept], rule))
        inside = [line for line in verified if joined.same(*line)]
        self.n_verified = len(inside)
        self.n_refuted = sum(not self._connected[line] for line in inside)
        return found | verified

    def _spanned(self, lines: Sequence[Line], rule: RaceRule) -> tuple[Found, Components]:
        """Race lines until each is known or joined by connected ones; tell which members are joined."""
        likely = {i for i, line in enumerate(lines) if self._is_likely(line, rule)}
        forest, place = Forest(lines, likely), {line: i for i, line in enumerate(lines)}
        found: Found = {}
        for line, outcome in self._raced(lines, rule, forest.pick):
            found[line] = outcome
            forest.tell(place[line], holds=self._connected[line])
        reason = "Not measured: connected pairs join its ends."
        spared = {lines[i]: Failure(INFERRED, reason) for i in sorted(forest.spared)}
        return spared | found, forest.joined

    def _to_verify(self, lines: Sequence[Line]) -> frozenset[Line]:
        """Return the lines that are raced whatever joins their ends: the same in every scan."""

        def lot(line: Line) -> str:
            return hashlib.sha256(f"{self._seed} {line}".encode()).hexdigest()

        return frozenset(sorted(lines, key=lot)[: int(np.ceil(VERIFIED * len(lines)))])

    @property
    def _any_order(self) -> bool:
        """Whether the order may follow doubt: where it costs no loads, or time is short."""
        return self._engine.fits() or self._engine.deadline is not None

    def _in_order(self, rule: RaceRule) -> list[Line]:
        """Return the open lines in the order to race them."""
        if self._any_order:
            lines = self.by_doubt(rule.tau)
        else:
            races = [self._edge_race(line, rule) for line in self.open_lines]
            lines = [self.open_lines[i] for i in self._engine.together(races)]
        if not rule.spanning:
            return lines
        likely = [line for line in lines if self._is_likely(line, rule)]
        if self._any_order:
            likely.sort(key=lambda line: self._gaps[line][0])
        return likely + [line for line in lines if not self._is_likely(line, rule)]

    def _raced(
        self,
        lines: Sequence[Line],
        rule: RaceRule,
        pick: Callable[[], int | None] | None = None,
    ) -> Iterator[tuple[Line, Measured | Failure]]:
        """Race lines, and turn each race into what is known of its line."""
        races = [self._edge_race(line, rule) for line in lines]
        for line, race, outcome in self._run(lines, races, pick):
            self._connected[line] = False
            if isinstance(outcome, Failure):
                yield line, outcome
                continue
            judged = race.judge(unfolded(outcome, len(race.points))[0])
            self._connected[line] = judged.connected
            if self._is_complete(outcome):
                yield line, self._reduce(line, self._sweep(line, outcome))
                continue
            measured = self._measured(line, race, self._t[1:-1], outcome)
            said = "betting" if race.betting else "raced"
            yield line, measured.with_numbers(rule=said, **judged.columns)

    def _is_complete(self, outcome: Losses) -> bool:
        everything = (self._t.size - 2) * len(self._order)
        return outcome.loss.size == everything and not np.isnan(outcome.loss).any()

    def _sweep(self, line: Line, outcome: Losses) -> Sweep:
        """Return the losses of a race that needed all of them, in the order of the examples."""
        ends = [self._ends[point] for point in end_points(line, self._head)]
        inside = unfolded(outcome, self._t.size - 2)
        loss, hit = (
            np.vstack([getattr(ends[0], kind), grid, getattr(ends[1], kind)])
            for kind, grid in zip(("loss", "hit"), inside, strict=True)
        )
        back = np.argsort(self._order)
        return Sweep(self._t, loss[:, back].T, hit.mean(axis=1, dtype=np.float64))

    def _run(
        self,
        lines: Sequence[Line],
        races: Sequence[R],
        pick: Callable[[], int | None] | None = None,
    ) -> Iterator[tuple[Line, R, Outcome]]:
        for i, outcome in self._engine.race(races, pick):
            if isinstance(outcome, Losses):
                known = races[i].known
                # What a race began with was counted when it was computed.
                self.n_forwards += n_seen(outcome.loss) - (n_seen(known.loss) if known else 0)
            yield lines[i], races[i], outcome

    def _edge_race(self, line: Line, rule: RaceRule) -> EdgeRace:
        start, end = (self._ends[point].loss for point in end_points(line, self._head))
        known = self._glimpses.get(line)
        return EdgeRace(
            points_on(line, self._t[1:-1], self._head),
            shuffled_name(self._examples),
            tuple(self._t.tolist()),
            (start, end),
            rule.tau,
            rule.level,
            rule.betting,
            rule.most,
            None if known is None else as_start(known, self._middle - 1, self._t.size - 2),
        )

    def _measured(self, line: Line, race: AbstractRace, at: Floats, outcome: Losses) -> Measured:
        start, end = (self._ends[point] for point in end_points(line, self._head))
        return reduce_race(
            line, race, at, (start, end), outcome, self._examples, self._split, self._counts
        )

    @property
    def _middle(self) -> int:
        return int(np.abs(self._t - 0.5).argmin())

    def _is_likely(self, line: Line, rule: RaceRule) -> bool:
        return line in self._gaps and self._gaps[line][0] <= rule.tau

    def _certainty(self, line: Line, tau: float) -> float:
        """Return how many standard errors a glimpse is from the threshold."""
        gap, error = self._gaps.get(line, (tau, 1.0))
        return abs(gap - tau) / max(error, 1e-12)
