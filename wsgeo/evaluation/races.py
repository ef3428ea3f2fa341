"""Points that are evaluated on more and more examples, until a question about them is decided."""

from __future__ import annotations

import abc
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.losses import VERSION, AbstractEngine, Failure, Item, Losses, Outcome, Point
from wsgeo.tasks.task import EncodedExamples

Grid = NDArray[np.float32]
"""Losses by point and example, shape (n_points, n_examples); NaN where none was computed."""

STRIDE = 32
"""Examples in the smallest step: fewer would cost more each."""


class AbstractRace(abc.ABC):
    """A question about a few points that some of the examples may answer; can be pickled.

    Attributes
    ----------
    points : tuple of Point
        What may be evaluated.
    examples : str
        Name of an example set whose order is random: what is computed is a prefix of it.
    known : Losses or None
        What is known at the start, as `run` returns it.
    noun : str
        What several are called.
    """

    points: tuple[Point, ...]
    examples: str
    known: Losses | None
    noun: ClassVar[str] = "races"

    @property
    @abc.abstractmethod
    def rule(self) -> str:
        """All that the course of the race depends on besides points, examples and losses."""

    @abc.abstractmethod
    def wanted(self, losses: Grid) -> Sequence[tuple[int, int]]:
        """Return what to evaluate next: points, and up to which example; nothing ends the race.

        Parameters
        ----------
        losses : ndarray of float32, shape (n_points, n_examples)
            What is known: a prefix of each row, NaN beyond.

        Returns
        -------
        sequence of (int, int)
            Positions in `points`, and ends of prefixes of the examples, from `steps`.
        """

    def key(self, examples: str, precision: str) -> str:
        """Return the ledger key of the whole race on an example set."""
        points = [(p.members, p.coefficients, p.head) for p in self.points]
        parts = [VERSION, "race", points, self.rule, examples, precision]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class AbstractRacer(AbstractEngine):
    """An engine that can also run races; this one by evaluating everything first.

    Attributes
    ----------
    deadline : float or None
        Time (`time.monotonic`) after which no more work is begun: what is not done by then is not
        yielded.
    """

    deadline: float | None = None

    def fits(self) -> bool:
        """Return whether all checkpoints fit in memory, so that races may be run in any order."""
        return True

    def together(self, races: Sequence[AbstractRace]) -> list[int]:
        """Return an order of races in which neighbours share their checkpoints."""
        return list(range(len(races)))

    def race(
        self, races: Sequence[AbstractRace], pick: Callable[[], int | None] | None = None
    ) -> Iterator[tuple[int, Outcome]]:
        """Yield ``(position of the race, outcome)`` as races finish, in the order that is picked."""
        waiting = iter(range(len(races)))
        while (i := next(waiting, None) if pick is None else pick()) is not None:
            [complete] = self.evaluate_all([Item(races[i].points, races[i].examples)])
            failed = [outcome for outcome in complete if isinstance(outcome, Failure)]
            found = [outcome for outcome in complete if isinstance(outcome, Losses)]
            yield i, failed[0] if failed else replay(races[i], found)


def steps(n_examples: int) -> list[int]:
    """Return the prefixes at which a race may look at its losses.

    Parameters
    ----------
    n_examples : int
        How many examples there are.

    Returns
    -------
    list of int
        Increasing, in strides that grow by a quarter of what was seen; the last is all.

    Examples
    --------
    >>> steps(512)
    [32, 64, 96, 128, 160, 192, 256, 320, 384, 480, 512]
    >>> steps(20)
    [20]
    """
    found, seen = [], 0
    while seen < n_examples:
        seen += STRIDE * max(1, round(seen / 4 / STRIDE))
        found.append(min(seen, n_examples))
    return found


def run(
    race: AbstractRace,
    examples: EncodedExamples,
    measure: Callable[[Point, EncodedExamples], Outcome],
    part: Callable[[EncodedExamples, int, int], EncodedExamples],
) -> Outcome:
    """Return the losses that a race needs.

    Parameters
    ----------
    race : AbstractRace
        The question.
    examples : EncodedExamples
        In random order.
    measure : callable
        Point and examples to losses.
    part : callable
        Examples, start and stop to those between; may keep what it made.

    Returns
    -------
    Losses or Failure
        Losses and hits of all points one behind the other, NaN where none was computed: see
        `unfolded`. A failure where a point could not be evaluated.
    """
    loss, hit = _at_start(race, len(examples))
    while wanted := race.wanted(loss):
        for i, stop in wanted:
            start = n_seen(loss[i])
            outcome = measure(race.points[i], part(examples, start, stop))
            if isinstance(outcome, Failure):
                return outcome
            loss[i, start:stop], hit[i, start:stop] = outcome.loss, outcome.hit
    return folded(loss, hit)


def replay(race: AbstractRace, complete: Sequence[Losses]) -> Losses:
    """Return what a race would have computed, from the losses of its points on all examples.

    Parameters
    ----------
    race : AbstractRace
        The question.
    complete : sequence of Losses
        Of each point.

    Returns
    -------
    Losses
        As `run` returns it.
    """
    all_loss, all_hit = (
        np.stack([getattr(each, kind) for each in complete]) for kind in ("loss", "hit")
    )
    loss, hit = _at_start(race, all_loss.shape[1])
    while wanted := race.wanted(loss):
        for i, stop in wanted:
            loss[i, :stop], hit[i, :stop] = all_loss[i, :stop], all_hit[i, :stop]
    return folded(loss, hit)


def _at_start(race: AbstractRace, n_examples: int) -> tuple[Grid, Grid]:
    shape = len(race.points), n_examples
    grids = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    if race.known is not None:
        for grid, known in zip(grids, unfolded(race.known, shape[0]), strict=True):
            grid[:, : known.shape[1]] = known
    return grids


def folded(loss: Grid, hit: Grid) -> Losses:
    """Return grids as one row, without the examples that no point saw."""
    n = int(max(map(n_seen, loss), default=0))
    return Losses(loss[:, :n].ravel(), hit[:, :n].ravel())


def unfolded(losses: Losses, n_points: int) -> tuple[Grid, Grid]:
    """Return losses and hits of a race by point and example, each of shape (n_points, n_seen)."""
    return losses.loss.reshape(n_points, -1), losses.hit.reshape(n_points, -1)


def n_seen(row: Grid) -> int:
    """Return how many examples of a row were computed."""
    return int(np.count_nonzero(~np.isnan(row)))
