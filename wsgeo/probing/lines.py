"""Losses of slices along a few lines between and within basins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, final

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from wsgeo.evaluation.losses import AbstractEngine, Failure, Item, Outcome, Point
from wsgeo.paths.envelopes import Floats
from wsgeo.paths.profiles import mirrored
from wsgeo.paths.sweeps import Head, Line, end_points, points_on
from wsgeo.probing.ridge_findings import ridge_sentences
from wsgeo.probing.slice_curves import Masks, SliceCurves, slice_curves
from wsgeo.probing.tables import ATTRIBUTIONS, RIDGE_EXAMPLES, SLICE_PROFILES
from wsgeo.progress import Progress
from wsgeo.zoo.checkpoints import Checkpoint

__all__ = ["LineTables", "choose_lines", "measure_lines", "ridge_sentences"]

Indices = NDArray[np.int64]

Texts = tuple[Sequence[str], Sequence[str], Sequence[str]]
"""Id, label and text of each example of a set."""

N_RIDGE_EXAMPLES: Final = 20
"""Examples of each set that are shown."""

N_CHARACTERS: Final = 200
"""Of the text of an example that is shown."""

_NOISE = -1


@final
@dataclass(frozen=True)
class LineTables:
    """What was found along lines.

    Parameters
    ----------
    slice_profiles, attributions, ridge_examples : DataFrame
        Schemas of `wsgeo.probing.tables`.
    n_failed : int
        Lines that could not be evaluated on every set.
    reasons : tuple of str
        Why, one per line and set; and why the examples of a set are not shown.
    """

    slice_profiles: pl.DataFrame
    attributions: pl.DataFrame
    ridge_examples: pl.DataFrame
    n_failed: int = 0
    reasons: tuple[str, ...] = ()


def choose_lines(
    labels: Mapping[str, int],
    gaps: ArrayLike,
    ids: Sequence[str],
    *,
    per_kind: int,
    rng: np.random.Generator,
) -> list[tuple[str, str, bool]]:
    """Choose lines between every two basins, and within each, that cover the members evenly.

    The first line between two basins joins their medoids. Each further one joins members that are
    the ends of the fewest lines so far, in random order; pairs whose gap is not known come last.

    Parameters
    ----------
    labels : mapping of str to int
        Basin of each member, -1 for none.
    gaps : array_like, shape (n_members, n_members)
        Convexity gaps, in nats; NaN where not measured.
    ids : sequence of str
        Members in the order of ``gaps``; those without a basin are left out.
    per_kind : int
        Most lines between two basins, and most within one.
    rng : numpy.random.Generator
        Order of the members beside the medoid.

    Returns
    -------
    list of (str, str, bool)
        Ids of both ends, the smaller first, and whether both lie in one basin; lines between basins
        first. With one basin there are none between.

    Examples
    --------
    >>> gaps = [[0, 1, 9, 9], [1, 0, 9, 9], [9, 9, 0, 1], [9, 9, 1, 0]]
    >>> labels = {"p": 0, "q": 0, "r": 1, "s": 1}
    >>> choose_lines(labels, gaps, list("pqrs"), per_kind=1, rng=np.random.default_rng(0))
    [('p', 'r', False), ('p', 'q', True), ('r', 's', True)]
    """
    known = np.asarray(gaps, dtype=np.float64)
    basin = np.array([labels.get(name, _NOISE) for name in ids], dtype=np.int64)
    basins = [
        _medoid_first(known, np.flatnonzero(basin == label), rng)
        for label in sorted(set(basin.tolist()) - {_NOISE})
    ]
    between = [
        pair
        for a, b in combinations(basins, 2)
        for pair in _spread(np.array([(i, j) for i in a for j in b]), known, per_kind)
    ]
    within = [
        pair
        for a in basins
        if len(a) > 1
        for pair in _spread(np.array(list(combinations(a, 2))), known, per_kind)
    ]
    ends = [sorted((ids[i], ids[j])) for i, j in between + within]
    return [(a, b, i >= len(between)) for i, (a, b) in enumerate(ends)]


def measure_lines(
    engine: AbstractEngine,
    members: Sequence[Checkpoint],
    lines: Sequence[tuple[str, str, bool]],
    slices: Mapping[str, Masks],
    t: ArrayLike,
    *,
    head: Head | None = None,
    texts: Mapping[str, Texts] | None = None,
    progress: Progress | None = None,
) -> LineTables:
    """Measure sets along lines, slice by slice, and say which examples make the ridges.

    Lines are walked as `wsgeo.paths.survey` walks them, so that what a scan evaluated is not
    evaluated again.

    Parameters
    ----------
    engine : AbstractEngine
        Knows the members by content hash and the examples of each set by the set's name.
    members : sequence of Checkpoint
        Those that the lines name by their ids.
    lines : sequence of (str, str, bool)
        Ids of both ends of each line, and whether both lie in one basin.
    slices : mapping of str to mapping of str to ndarray of bool, shape (n_examples,)
        Slices of each set, ``all`` among them; a set without slices has ``all`` alone.
    t : array_like, shape (n_points,)
        Increasing positions from 0 to 1, in the direction walked.
    head : callable, optional
        As for `wsgeo.paths.sweeps.sweep`; a head that is fitted anew has no loss of every example.
    texts : mapping of str to (ids, labels, texts), optional
        Of the examples of those sets whose examples are shown.
    progress : Progress, optional
        Told of each line and set that is done.

    Returns
    -------
    LineTables
        Rows in the order of lines, sets and slices. A line and set that could not be evaluated has
        no rows but is counted, with its reason; so is a set whose losses are not one per example.

    References
    ----------
    [juneja2022]_
    """
    positions: Floats = np.asarray(t, dtype=np.float64).round(12)
    walks = _walks(members, lines, list(slices))
    items = [Item(walk.points(positions, head), walk.set) for walk in walks]
    curves: dict[_Walk, SliceCurves | Failure] = {}
    for i, outcomes in engine.evaluate(items):
        curves[walks[i]] = walks[i].curves(outcomes, positions, slices[walks[i].set])
        if progress is not None:
            progress(len(curves), len(items), "sets along lines")
    return _tables(walks, curves, dict(texts or {}))


@final
@dataclass(frozen=True)
class _Walk:
    """A set along a line: walked from the smaller content hash, told from the smaller id."""

    a: str
    b: str
    within: bool
    set: str
    line: Line
    forward: bool

    def points(self, t: Floats, head: Head | None) -> tuple[Point, ...]:
        start, end = end_points(self.line, head)
        return (start, *points_on(self.line, t[1:-1], head), end)

    def curves(self, outcomes: Sequence[Outcome], t: Floats, masks: Masks) -> SliceCurves | Failure:
        if self.forward:
            return slice_curves(outcomes, t, masks)
        return slice_curves(outcomes[::-1], mirrored(t), masks)

    def named(self, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {"a": self.a, "b": self.b, "within": self.within, "set": self.set, **row}
            for row in rows
        ]


def _walks(
    members: Sequence[Checkpoint], lines: Sequence[tuple[str, str, bool]], sets: Sequence[str]
) -> list[_Walk]:
    content = {member.id: member.content_hash for member in members}
    walks = []
    for one, other, within in lines:
        a, b = sorted((one, other))
        first, second = sorted((content[a], content[b]))
        walks += [_Walk(a, b, within, name, (first, second), first == content[a]) for name in sets]
    return walks


def _tables(
    walks: Sequence[_Walk],
    curves: Mapping[_Walk, SliceCurves | Failure],
    texts: Mapping[str, Texts],
) -> LineTables:
    """Put what was found into tables, in the order of the walks."""
    profiles, attributions, reasons = [], [], []
    heights: dict[str, list[Floats]] = {name: [] for name in texts}
    for walk in walks:
        found = curves.get(walk, Failure("pending", "The run stopped before this line."))
        if isinstance(found, Failure):
            reasons.append((walk.a, walk.b, f"{walk.a} to {walk.b} on {walk.set}: {found.reason}"))
            continue
        profiles += walk.named(found.profile_rows())
        attributions += walk.named(found.attribution_rows())
        if walk.set in heights and not walk.within and found.excess is not None:
            heights[walk.set].append(found.excess)
    examples = [pl.DataFrame(schema=RIDGE_EXAMPLES)]
    unshown = []
    for name, each in heights.items():
        if each and {len(column) for column in texts[name]} != {each[0].size}:
            unshown.append(f"{name}: its texts are not one per loss, and are not shown.")
        elif each:
            examples.append(_ridge_examples(name, each, texts[name]))
    return LineTables(
        pl.DataFrame(profiles, schema=SLICE_PROFILES),
        pl.DataFrame(attributions, schema=ATTRIBUTIONS),
        pl.concat(examples),
        len({(a, b) for a, b, _ in reasons}),
        (*(reason for _, _, reason in reasons), *unshown),
    )


def _ridge_examples(name: str, heights: Sequence[Floats], texts: Texts) -> pl.DataFrame:
    """Return the examples that rise most on the ridges of some lines."""
    total = np.sum(heights, axis=0)
    # Stable, so that equals stand in the order of the data.
    highest = np.argsort(-total, kind="stable")[:N_RIDGE_EXAMPLES]
    highest = highest[total[highest] > 0]
    ids, labels, words = ([column[i] for i in highest] for column in texts)
    columns = {
        "set": [name] * len(highest),
        "rank": range(1, len(highest) + 1),
        "example": ids,
        "label": labels,
        "text": [text[:N_CHARACTERS] for text in words],
        "mean_excess": total[highest] / len(heights),
        "share_of_gap": total[highest] / total.sum(),
        "n_lines": [len(heights)] * len(highest),
    }
    return pl.DataFrame(columns, schema=RIDGE_EXAMPLES)


def _medoid_first(gaps: Floats, members: Indices, rng: np.random.Generator) -> Indices:
    """Return a basin with the member of the smallest mean gap first, and the others shuffled."""
    own = gaps[np.ix_(members, members)]
    counted = np.isfinite(own)
    n_known = counted.sum(axis=1)
    means = np.where(counted, own, 0.0).sum(axis=1) / np.maximum(n_known, 1)
    # A member alone with its zero on the diagonal is not the middle of anything.
    medoid = int(np.where(n_known > 1, means, np.inf).argmin())
    return np.concatenate([members[[medoid]], rng.permutation(np.delete(members, medoid))])


def _spread(pairs: Indices, gaps: Floats, n_lines: int) -> list[tuple[int, int]]:
    """Choose pairs, shape (n_pairs, 2), one by one: those whose ends are used least, in order."""
    used = np.zeros(len(gaps), dtype=np.int64)
    unknown = np.isnan(gaps[pairs[:, 0], pairs[:, 1]])
    chosen = []
    for _ in range(min(n_lines, len(pairs))):
        cost = used[pairs].sum(axis=1) + unknown * (2 * n_lines + 1)
        best = int(cost.argmin())
        i, j = pairs[best].tolist()
        used[[i, j]] += 1
        pairs, unknown = np.delete(pairs, best, axis=0), np.delete(unknown, best)
        chosen.append((i, j))
    return chosen
