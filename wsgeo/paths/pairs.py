"""The pair table: the loss along the line between every two checkpoints of a zoo."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from numpy.typing import ArrayLike

from wsgeo.evaluation.gates import EndpointGate
from wsgeo.evaluation.losses import AbstractEngine
from wsgeo.paths.envelopes import Floats
from wsgeo.paths.frames import PairTables
from wsgeo.paths.survey import PairSurvey
from wsgeo.progress import Progress
from wsgeo.zoo.checkpoints import Checkpoint


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
    survey = PairSurvey(
        engine,
        checkpoints,
        examples_name,
        split=split,
        gates=gates,
        ts=ts,
        head_policy=head_policy,
        precision=precision,
        n_resamples=n_resamples,
        seed=seed,
        exclude=exclude,
        progress=progress,
    )
    survey.measure(refinements=refinements)
    return survey.tables(l2, cosine)
