"""Where a basin answers by one cue: right on the examples of one label, wrong on those of the other.

A cue such as word overlap gives one answer wherever it holds, and a slice in which it always holds
tells who follows it: the accuracy on one label minus that on the other, a member's *lean*, is near 0
for who reads both and near 1 for who follows the cue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from wsgeo.graph.partitions import Labels, Matrix
from wsgeo.graph.significance import benjamini_hochberg, permutation_tests
from wsgeo.probing.contrasts import compared
from wsgeo.probing.differences import SIGNIFICANT, listed, p_value, span
from wsgeo.probing.member_scores import MemberScores, Rows, complete_blocks

LEANING: Final = 0.5
"""Lean from which a basin is said to lean, a difference of two accuracies."""

CUES: Final[Mapping[str, tuple[str, str]]] = {
    "lexical_overlap": ("lexical overlap", "entailment"),
    "subsequence": ("subsequences", "entailment"),
    "constituent": ("constituents", "entailment"),
    "negation_in_premise": ("negation in the premise", "non-entailment"),
    "negation_in_hypothesis": ("negation in the hypothesis", "non-entailment"),
    "negation_in_both": ("negation in both texts", "non-entailment"),
}
"""By slice, the cue that always holds there and the label that it speaks for."""


class _Pair(NamedTuple):
    """A slice and the columns of its two labels."""

    set: str
    part: str
    labels: tuple[str, str]
    columns: tuple[int, int]


class _Lean(NamedTuple):
    """A basin that leans on a slice, and the one that does so least."""

    set: str
    basins: tuple[int, int]  # the one that leans, and the other
    labels: tuple[str, str]  # the one that it leans to, and the other
    by_cue: bool  # whether the slice has a cue that speaks for that label
    both: bool  # whether the other basin leans too
    what: str  # the cue, or the slice
    right: tuple[float, float]  # mean accuracy on the two labels
    others_right: tuple[float, float]  # the same of the other basin
    p_adjusted: float
    n_basins: int


def leans(
    scores: MemberScores,
    basins: Labels,
    contrasts: pl.DataFrame,
    names: Mapping[int, str],
    *,
    rng: np.random.Generator,
) -> tuple[str, ...]:
    """Say which basins answer by one cue while another does so less.

    Parameters
    ----------
    scores : MemberScores
        Of members that lie in basins.
    basins : ndarray of int64, shape (n_members,)
        Basin of each.
    contrasts : DataFrame
        Schema `wsgeo.probing.tables.CONTRASTS`.
    names : mapping of int to str
        Names of basins.
    rng : numpy.random.Generator
        Deals members to basins.

    Returns
    -------
    tuple of str
        A sentence per set, two basins and direction. A lean is told where the leans of basins
        differ (p below 0.05, corrected over the slices of two labels) and so does the accuracy on
        one of the labels, by the p-values of ``contrasts``.
    """
    differing = contrasts.filter(pl.col("p_adjusted") < SIGNIFICANT)
    told = set(differing.select("set", "slice").iter_rows())
    groups: dict[tuple[Any, ...], list[_Lean]] = defaultdict(list)
    for pair, rows, p in _tested(scores, basins, rng):
        if p < SIGNIFICANT and told & {scores.keys[column] for column in pair.columns}:
            right = scores.values[rows][:, list(pair.columns)]
            one = _lean(pair, right, basins[rows], p)
            if abs(one.right[0] - one.right[1]) >= LEANING:
                groups[one.set, one.basins, one.labels, one.by_cue, one.both].append(one)
    return tuple(_sentence(alike, names) for alike in groups.values())


def _tested(
    scores: MemberScores, basins: Labels, rng: np.random.Generator
) -> list[tuple[_Pair, Rows, float]]:
    """Return each slice of two labels with the members that tell of it, and its corrected p-value."""
    pairs = _pairs(scores)
    if not pairs:
        return []
    first, second = np.array([pair.columns for pair in pairs]).T
    lean = scores.values[:, first] - scores.values[:, second]
    found: dict[int, tuple[Rows, float]] = {}
    for measured, columns in complete_blocks(lean):
        rows = compared(measured, basins)
        if len(rows):
            tests = permutation_tests(lean[np.ix_(rows, columns)], basins[rows], rng=rng)
            found |= {int(c): (rows, p) for c, p in zip(columns, tests.p_values, strict=True)}
    order = sorted(found)
    adjusted = benjamini_hochberg([found[c][1] for c in order]).tolist()
    return [(pairs[c], found[c][0], p) for c, p in zip(order, adjusted, strict=True)]


def _pairs(scores: MemberScores) -> list[_Pair]:
    """Return the slices whose two labels have columns of their own."""
    place = {key: column for column, key in enumerate(scores.keys)}
    parts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, part in scores.keys:
        head, _, label = part.rpartition("/")
        if (name, head) in place and "/" not in head:
            parts[name, head].append(label)
    return [
        _Pair(name, head, (one, two), (place[name, f"{head}/{one}"], place[name, f"{head}/{two}"]))
        for (name, head), (one, *others) in parts.items()
        if scores.measures[place[name, head]] == "accuracy" and len(others) == 1
        for two in others
        # Runs of earlier versions do not say whether a slice has two labels or two subcases.
        if scores.several_labels[place[name, head]] or _negates(one, two) or _negates(two, one)
    ]


def _negates(one: str, two: str) -> bool:
    return one.removeprefix("non-").removeprefix("not_") == two != one


def _lean(pair: _Pair, right: Matrix, basins: Labels, p: float) -> _Lean:
    """Return the basin that leans most, and the one that leans least to the same label."""
    kinds = np.unique(basins)
    means = np.array([right[basins == basin].mean(axis=0) for basin in kinds])
    most = int(np.abs(means[:, 0] - means[:, 1]).argmax())
    if means[most, 0] < means[most, 1]:
        means, labels = means[:, ::-1], pair.labels[::-1]
    else:
        labels = pair.labels
    lean = means[:, 0] - means[:, 1]
    least = int(lean.argmin())
    cue, label = CUES.get(pair.part, ("", ""))
    by_cue = label == labels[0]
    return _Lean(
        pair.set, (int(kinds[most]), int(kinds[least])), labels,
        by_cue, bool(lean[least] >= LEANING), cue if by_cue else pair.part,
        _two(means[most]), _two(means[least]), p, len(kinds),
    )  # fmt: skip


def _two(values: Matrix) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _sentence(alike: Sequence[_Lean], names: Mapping[int, str]) -> str:
    """Return one sentence for slices of a set on which one basin leans alike."""
    first = alike[0]
    basin, other = (names[one] for one in first.basins)
    to, away = first.labels
    what = listed([one.what for one in alike])
    more = "more " if first.both else ""
    does = f"leans {more}on {what}" if first.by_cue else f"leans {more}to {to} on {what}"
    mine, others = (
        [span([shares[k] for shares in column]) for k in (0, 1)]
        for column in ([one.right for one in alike], [one.others_right for one in alike])
    )
    p = p_value([one.p_adjusted for one in alike], first.n_basins)
    return (
        f"On {first.set}, {basin} {does}: right on {mine[0]} of {to} and {mine[1]} of {away}, "
        f"{other} on {others[0]} and {others[1]} ({p})."
    )
