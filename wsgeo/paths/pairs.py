"""The pair table: the loss along the line between every two checkpoints of a zoo."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from wsgeo.evaluation.gates import EndpointGate
from wsgeo.evaluation.heads import HeadPolicy, head_for
from wsgeo.evaluation.losses import AbstractEngine, Failure
from wsgeo.paths.envelopes import Floats, as_profiles
from wsgeo.paths.reductions import N_MATRICES, Measured, reduce_lines
from wsgeo.paths.refinement import further_positions
from wsgeo.paths.sweeps import Line, Sweep, densify, sweep
from wsgeo.paths.tables import PAIRS, PROFILES
from wsgeo.progress import Progress
from wsgeo.zoo.checkpoints import Checkpoint


class PairTables(NamedTuple):
    """What `measure_pairs` returns.

    Parameters
    ----------
    pairs : polars.DataFrame
        Schema `wsgeo.paths.tables.PAIRS`, one row per unordered pair, sorted by ``a``, ``b``.
    profiles : polars.DataFrame
        Schema `wsgeo.paths.tables.PROFILES`, one row per measured pair.
    gap_matrices : ndarray of float32, shape (n_matrices, n_checkpoints, n_checkpoints)
        Convexity gaps of resampled examples, one resample to a matrix; rows and columns are the
        checkpoints sorted by id; NaN where a pair was not measured.
    """

    pairs: pl.DataFrame
    profiles: pl.DataFrame
    gap_matrices: NDArray[np.float32]


Outcomes = Mapping[tuple[str, str], Measured | Failure]

_STRAIGHT: Final = {"path": "line", "alignment": "none", "rule": "exact"}


def measure_pairs(
    engine: AbstractEngine,
    checkpoints: Sequence[Checkpoint],
    examples_name: str,
    *,
    split: str = "",
    gates: Mapping[str, EndpointGate] | None = None,
    ts: ArrayLike | None = None,
    head_policy: str = "interpolate",
    l2: Floats | None = None,
    cosine: Floats | None = None,
    precision: str = "fp32",
    n_resamples: int = 1000,
    seed: int = 0,
    refinements: int = 3,
    exclude: Collection[tuple[str, str]] = (),
    progress: Progress | None = None,
) -> PairTables:
    """Measure the loss between every two checkpoints of a loss group, once per unordered pair.

    Ends are evaluated once per distinct content hash, and lines are walked from the smaller content
    hash to the larger, so that neither names nor order of the checkpoints change a value. Each pair
    is reduced to a few numbers as it completes. All pairs share their resamples.

    Parameters
    ----------
    engine : AbstractEngine
        Evaluates points of weight space, named by content hashes.
    checkpoints : sequence of Checkpoint, length n_checkpoints
        Members of one loss group with distinct ids, in any order.
    examples_name : str
        Name of the example set at the engine; the column ``task``.
    split : str, default ''
        Split of the example set, for the tables.
    gates : mapping of str to EndpointGate, optional
        What the end-point gate says, by id; pairs of a checkpoint that failed cost nothing. A
        checkpoint without an entry has passed.
    ts : array_like, shape (n_points,), optional
        Increasing positions from 0 to 1 in the direction walked; default 11 even ones.
    head_policy : str, default 'interpolate'
        What becomes of the head, a `HeadPolicy`; recorded with each pair. The members share one
        task, so ``own`` and ``source`` both take the head of the end with the smaller content hash.
    l2, cosine : ndarray of float64, shape (n_checkpoints, n_checkpoints), optional
        Distances of the weights and cosines of the task vectors, aligned to ``checkpoints``.
    precision : str, default 'fp32'
        Recorded with each pair.
    n_resamples : int, default 1000
        Resamples of the examples.
    seed : int, default 0
        Seed of the resamples, and of the halves of ``refit``.
    refinements : int, default 3
        How often positions are added beside the peak, and the valleys that it rises from, of a line
        whose grid may miss more of the gap than a hundredth of it and half of its interval; what may
        still be missed is the column ``grid_error``.
    exclude : collection of (str, str), optional
        Pairs of ids, in either order, that are left ``pending``.
    progress : Progress, optional
        Told of each line that is done.

    Returns
    -------
    PairTables
        Pair table, profiles, and resampled gap matrices.

    Raises
    ------
    ValueError
        If ids repeat, positions do not run from 0 to 1, or no such head policy is known.

    References
    ----------
    [juneja2022]_
    """
    t = np.round(np.linspace(0, 1, 11) if ts is None else np.asarray(ts, dtype=np.float64), 12)
    as_profiles(t, t)
    order, members = _by_id(checkpoints)
    index = {m.id: i for i, m in enumerate(members)}
    policy = HeadPolicy(head_policy)
    unmeasured = _unmeasured(members, gates or {}, {frozenset(pair) for pair in exclude})
    lines = _lines(members, unmeasured)

    def head(start: str, _: str) -> str | None:
        return head_for(policy, start, seed)

    def reduced(swept: Iterator[tuple[Line, Sweep | Failure]]) -> dict[Line, Measured | Failure]:
        # The same resamples each time: a line that is looked at again is resampled as the others.
        rng = np.random.default_rng(seed)
        return reduce_lines(swept, examples_name, split, n_resamples, rng)

    found = reduced(sweep(engine, lines, examples_name, t, head=head, progress=progress))
    for _ in range(refinements):
        coarse = _coarse(found)
        further = {line: further_positions(each.t, each.mean) for line, each in coarse.items()}
        closer = reduced(densify(engine, coarse, further, examples_name, head=head))
        # A position that could not be evaluated leaves the pair as it was measured without it.
        found |= {line: new for line, new in closer.items() if not _is_lost(new)}
    outcomes = {
        (a.id, b.id): unmeasured.get((a.id, b.id)) or _turned(found, a, b)
        for a, b in combinations(members, 2)
    }
    shared = _STRAIGHT | {"task": examples_name, "split": split}
    shared |= {"head_policy": policy.value, "precision": precision}
    geometry = {"l2": _sorted(l2, order), "cosine": _sorted(cosine, order)}
    return PairTables(
        _pairs_frame(outcomes, shared, geometry, index),
        _profiles_frame(outcomes),
        _matrices(outcomes, index, min(n_resamples, N_MATRICES)),
    )


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


def _pairs_frame(
    outcomes: Outcomes,
    shared: Mapping[str, object],
    geometry: Mapping[str, Floats],
    index: Mapping[str, int],
) -> pl.DataFrame:
    rows = []
    for (a, b), outcome in outcomes.items():
        entries = {name: float(m[index[a], index[b]]) for name, m in geometry.items()}
        known = {name: value for name, value in entries.items() if np.isfinite(value)}
        rows.append({**shared, "a": a, "b": b, **known, **_row(outcome)})
    return pl.DataFrame(rows, schema=PAIRS)


def _profiles_frame(outcomes: Outcomes) -> pl.DataFrame:
    measured = [asdict(each.profile) for each in outcomes.values() if isinstance(each, Measured)]
    rows = [
        row | {name: row[name].tolist() for name in ("t", "loss", "metric")} for row in measured
    ]
    return pl.DataFrame(rows, schema=PROFILES)


def _row(outcome: Measured | Failure) -> dict[str, object]:
    if isinstance(outcome, Failure):
        return {"measured": outcome.status, "reason": outcome.reason}
    return outcome.numbers


def _matrices(outcomes: Outcomes, index: Mapping[str, int], n: int) -> NDArray[np.float32]:
    """Arrange the resampled gaps of all pairs as symmetric matrices with zeros on the diagonal."""
    matrices = np.full((n, len(index), len(index)), np.nan, dtype=np.float32)
    matrices[:, range(len(index)), range(len(index))] = 0.0
    for (a, b), outcome in outcomes.items():
        if isinstance(outcome, Measured):
            i, j = index[a], index[b]
            matrices[:, i, j] = matrices[:, j, i] = outcome.gaps
    return matrices
