"""All lines of a zoo, looked at ever closer: a glimpse, a race, every example."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wsgeo.evaluation.gates import EndpointGate
from wsgeo.evaluation.heads import HeadPolicy, head_for
from wsgeo.evaluation.losses import AbstractEngine, Failure
from wsgeo.evaluation.races import AbstractRacer
from wsgeo.paths.envelopes import Floats, as_profiles
from wsgeo.paths.frames import PairTables, gap_matrices, pairs_frame, profiles_frame
from wsgeo.paths.intervals import resample_counts
from wsgeo.paths.line_races import LineRaces
from wsgeo.paths.reductions import N_MATRICES, Found, Measured, reduce_lines
from wsgeo.paths.refinement import further_positions
from wsgeo.paths.sweeps import Line, Sweep, densify, sweep
from wsgeo.progress import Progress
from wsgeo.zoo.checkpoints import Checkpoint

_STRAIGHT: Final = {"path": "line", "alignment": "none", "rule": "exact"}


@final
class PairSurvey:
    """The lines between every two checkpoints, and what is known of them.

    Parameters
    ----------
    engine : AbstractEngine
        Evaluates points; a race needs one that runs races and knows the examples in random order,
        under their `shuffled_name`.
    checkpoints : sequence of Checkpoint
        The zoo, in any order. Equal checkpoints are evaluated once.
    examples : str
        Name of the example set at the engine; recorded as the task.
    split : str, default ''
        Name of the split, recorded with each pair.
    gates : mapping of str to EndpointGate, optional
        Gate of each checkpoint, by id; a pair with an end that fails it is not evaluated. Without
        gates every pair is.
    ts : array_like, shape (n_points,), optional
        Increasing positions from 0 to 1 in the direction walked; default 11 even ones.
    head_policy : str, default 'interpolate'
        What becomes of the head, a `HeadPolicy`; recorded with each pair. The members share one
        task, so ``own`` and ``source`` both take the head of the end with the smaller content hash.
    precision : str, default 'fp32'
        Recorded with each pair.
    n_resamples : int, default 1000
        Resamples of the examples.
    seed : int, default 0
        Seed of the resamples, and of the halves of ``refit``.
    exclude : collection of (str, str), optional
        Pairs of ids, in either order, that are left ``pending``.
    progress : Progress, optional
        Told of each line that is swept.

    Attributes
    ----------
    found : dict
        What is known of each line.
    lines : list of (str, str)
        Content hashes of the ends of each line that is to be measured.

    Raises
    ------
    ValueError
        If ids repeat, positions do not run from 0 to 1, or no such head policy is known.
    """

    def __init__(
        self,
        engine: AbstractEngine,
        checkpoints: Sequence[Checkpoint],
        examples: str,
        *,
        split: str = "",
        gates: Mapping[str, EndpointGate] | None = None,
        ts: ArrayLike | None = None,
        head_policy: str = "interpolate",
        precision: str = "fp32",
        n_resamples: int = 1000,
        seed: int = 0,
        exclude: Collection[tuple[str, str]] = (),
        progress: Progress | None = None,
    ) -> None:
        t = np.linspace(0, 1, 11) if ts is None else np.asarray(ts, dtype=np.float64)
        self._t = np.round(t, 12)
        as_profiles(self._t, self._t)
        self._order, self._members = _by_id(checkpoints)
        self._unmeasured = _unmeasured(
            self._members, gates or {}, {frozenset(pair) for pair in exclude}
        )
        self._engine, self._examples = engine, examples
        self._policy, self._seed, self._progress = HeadPolicy(head_policy), seed, progress
        self._split, self._precision, self._n_resamples = split, precision, n_resamples
        self.lines = _lines(self._members, self._unmeasured)
        self.found: Found = {}

    def line_between(self, a: str, b: str) -> Line:
        """Return the line between two checkpoints, by their ids."""
        one, other = (next(m for m in self._members if m.id == name) for name in (a, b))
        return _line(one, other)

    def measure(
        self,
        lines: Sequence[Line] | None = None,
        *,
        refinements: int = 3,
        engine: AbstractEngine | None = None,
        precision: str | None = None,
    ) -> None:
        """Evaluate lines at every position on every example.

        Parameters
        ----------
        lines : sequence of (str, str), optional
            Which; default all.
        refinements : int, default 3
            How often positions are added beside the peak, and the valleys that it rises from, of a
            line whose grid may miss more of the gap than a hundredth of it and half of its
            interval; what may still be missed is the column ``grid_error``.
        engine : AbstractEngine, optional
            Evaluates these lines instead, in another precision.
        precision : str, optional
            That precision.
        """
        engine = engine or self._engine
        lines = self.lines if lines is None else lines
        swept = sweep(
            engine, lines, self._examples, self._t, head=self._head, progress=self._progress
        )
        found = self._reduced(swept)
        for _ in range(refinements):
            coarse = _coarse(found)
            further = {line: further_positions(each.t, each.mean) for line, each in coarse.items()}
            closer = self._reduced(
                densify(engine, coarse, further, self._examples, head=self._head)
            )
            # A position that could not be evaluated leaves the pair as it was measured without it.
            found |= {line: new for line, new in closer.items() if not _is_lost(new)}
        if precision is not None:
            found = {
                line: each.with_numbers(precision=precision) if isinstance(each, Measured) else each
                for line, each in found.items()
            }
        self.found |= found

    def races(self, engine: AbstractRacer, order: NDArray[np.int64]) -> LineRaces:
        """Return races about the same lines; what a race cannot change is measured.

        Parameters
        ----------
        engine : AbstractRacer
            Knows the examples also in random order.
        order : ndarray of int64, shape (n_examples,)
            That order.

        Returns
        -------
        LineRaces
            Glimpses and races.
        """
        races = LineRaces(
            engine,
            self.lines,
            self._examples,
            order,
            self._t,
            self._head,
            self._split,
            self._seed,
            self._resamples,
            lambda line, swept: self._reduced(iter([(line, swept)]))[line],
        )
        open_lines = set(races.open_lines)
        self.measure([line for line in self.lines if line not in open_lines])
        return races

    @cached_property
    def _resamples(self) -> Callable[[int], NDArray[np.float32]]:
        """Resamples of so many examples, the same for all lines that are looked at on as many."""
        n = min(self._n_resamples, N_MATRICES)
        return lru_cache(
            lambda seen: resample_counts(seen, n, np.random.default_rng([self._seed, seen]))
        )

    def tables(self, l2: Floats | None = None, cosine: Floats | None = None) -> PairTables:
        """Return what is known of all pairs.

        Parameters
        ----------
        l2, cosine : ndarray of float64, shape (n_checkpoints, n_checkpoints), optional
            Distances of the weights and cosines of the task vectors, aligned to the checkpoints.

        Returns
        -------
        PairTables
            Pair table, profiles, and resampled gap matrices.
        """
        index = {member.id: i for i, member in enumerate(self._members)}
        outcomes = {
            (a.id, b.id): self._unmeasured.get((a.id, b.id)) or _turned(self.found, a, b)
            for a, b in combinations(self._members, 2)
        }
        shared = _STRAIGHT | {"task": self._examples, "split": self._split}
        shared |= {"head_policy": self._policy.value, "precision": self._precision}
        geometry = {"l2": _sorted(l2, self._order), "cosine": _sorted(cosine, self._order)}
        return PairTables(
            pairs_frame(outcomes, shared, geometry, index),
            profiles_frame(outcomes),
            gap_matrices(outcomes, index, min(self._n_resamples, N_MATRICES)),
        )

    def _head(self, start: str, _: str) -> str | None:
        return head_for(self._policy, start, self._seed)

    def _reduced(self, swept: Iterator[tuple[Line, Sweep | Failure]]) -> Found:
        # The same resamples each time: a line that is looked at again is resampled as the others.
        rng = np.random.default_rng(self._seed)
        return reduce_lines(swept, self._examples, self._split, self._n_resamples, rng)


def _is_lost(outcome: Measured | Failure) -> bool:
    """Return whether work failed, which says nothing of the line; a loss that is not finite does."""
    return isinstance(outcome, Failure) and outcome.status != "nonfinite"


def _coarse(found: Mapping[Line, Measured | Failure]) -> dict[Line, Sweep]:
    """Return the losses of the lines that need a finer grid."""
    kept = {line: each.coarse for line, each in found.items() if isinstance(each, Measured)}
    return {line: each for line, each in kept.items() if each is not None}


def _by_id(checkpoints: Sequence[Checkpoint]) -> tuple[list[int], list[Checkpoint]]:
    """Return the checkpoints sorted by id, and where each was."""
    order = sorted(range(len(checkpoints)), key=lambda i: checkpoints[i].id)
    members = [checkpoints[i] for i in order]
    if len({m.id for m in members}) < len(members):
        raise ValueError("Checkpoint ids must be distinct.")
    return order, members


def _lines(members: Sequence[Checkpoint], unmeasured: Collection[tuple[str, str]]) -> list[Line]:
    """Return the distinct lines between members whose pairs are to be measured."""
    pairs = combinations(members, 2)
    return list(dict.fromkeys(_line(a, b) for a, b in pairs if (a.id, b.id) not in unmeasured))


def _line(a: Checkpoint, b: Checkpoint) -> Line:
    first, second = sorted((a.content_hash, b.content_hash))
    return first, second


def _unmeasured(
    members: Sequence[Checkpoint], gates: Mapping[str, EndpointGate], exclude: set[frozenset[str]]
) -> dict[tuple[str, str], Failure]:
    """Return the pairs of ids that are not to be evaluated, each with its reason."""
    reasons: dict[tuple[str, str], Failure] = {}
    failed = {m.id: gates[m.id] for m in members if m.id in gates and not gates[m.id].passed}
    for a, b in combinations((m.id for m in members), 2):
        ends = [id_ for id_ in (a, b) if id_ in failed]
        if ends:
            reason = "; ".join(f"{id_}: {failed[id_].reason}" for id_ in ends)
            reasons[a, b] = Failure(failed[ends[0]].status, reason)
        elif frozenset((a, b)) in exclude:
            reasons[a, b] = Failure("pending", "Left out of this scan.")
    return reasons


def _turned(
    found: Mapping[Line, Measured | Failure], a: Checkpoint, b: Checkpoint
) -> Measured | Failure:
    """Return the outcome of a pair with its profile running from ``a`` to ``b``."""
    line = _line(a, b)
    outcome = found.get(line, Failure("pending", "The run stopped before this pair."))
    if isinstance(outcome, Failure):
        return outcome
    forward = outcome if line[0] == a.content_hash else outcome.reversed()
    return forward.between(a.id, b.id)


def _sorted(matrix: Floats | None, order: list[int]) -> Floats:
    """Return a matrix with its rows and columns in another order; without one, nothing but NaN."""
    if matrix is None:
        return np.full((len(order), len(order)), np.nan)
    return np.asarray(matrix, dtype=np.float64)[np.ix_(order, order)]
