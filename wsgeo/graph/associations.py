"""How the settings of training go with basins and gaps, or with task vectors, one row per setting."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import polars as pl

from wsgeo.counting import counted
from wsgeo.graph.contingency import contingency, contingency_p, cramers_v
from wsgeo.graph.mantel import GapContrast, gap_contrast, rank_correlation, smallest_p
from wsgeo.graph.partitions import Labels, Matrix
from wsgeo.graph.setting_words import NOUNS, sentences, title
from wsgeo.graph.significance import benjamini_hochberg
from wsgeo.graph.tables import ASSOCIATIONS, CONTINGENCY

MIN_MEMBERS: Final = 4
"""Fewest members with a value for which anything is tested."""

MAX_AXES: Final = 64
"""Most settings that are compared; declared ones come first."""

# A seed is a name made of digits: the distance of two seeds means nothing.
_NAMES = re.compile(r"(.*[_.-])?seed")

_TESTS: Final = (("p_value", "q_value"), ("mantel_p", "mantel_q"), ("spearman_p", "spearman_q"))


@final
@dataclass(frozen=True)
class Associations:
    """What the settings of a group of members have to do with how far apart they are.

    Parameters
    ----------
    table : polars.DataFrame
        Schema `ASSOCIATIONS`, one row per setting.
    contingency : polars.DataFrame
        Schema `CONTINGENCY`: members by setting, value and basin or region.
    sentences : tuple of str
        What stands, in words.
    """

    table: pl.DataFrame
    contingency: pl.DataFrame
    sentences: tuple[str, ...]


def associate(
    settings: pl.DataFrame,
    labels: Mapping[str, int],
    distances: Matrix,
    *,
    matrix: str = "convexity_gap",
    seed: int = 0,
) -> Associations:
    """Compare each setting in which members differ with their groups and with their distances.

    Parameters
    ----------
    settings : polars.DataFrame
        Columns ``id``, ``axis``, ``value``, ``number``; further ids are ignored.
    labels : mapping of str to int
        Basin or region of each distinct member, -1 for none; copies do not belong here.
    distances : ndarray of float64, shape (n_members, n_members)
        Aligned to ``labels``: gaps in nats per example, or 1 - cosine; NaN where not measured.
    matrix : str, default "convexity_gap"
        What the distances are: ``convexity_gap`` or ``task_vector``.
    seed : int, default 0
        Seed of permutations and resamples.

    Returns
    -------
    Associations
        Tables and sentences; without rows where no setting varies.
    """
    groups = np.array(list(labels.values()), dtype=np.int64)
    n_groups = len(set(labels.values()) - {-1})
    of_group = settings.filter(pl.col("id").is_in(list(labels)))
    varying = [
        (axis, rows)
        for (axis,), rows in of_group.partition_by(
            "axis", as_dict=True, maintain_order=True
        ).items()
        if rows["value"].n_unique() > 1
    ]
    axes = [_Axis.of(str(axis), rows, list(labels)) for axis, rows in varying[:MAX_AXES]]
    streams = np.random.default_rng(seed).spawn(len(axes))
    rows: list[dict[str, Any]] = []
    first: dict[tuple[int, ...], dict[str, Any]] = {}
    for axis, rng in zip(axes, streams, strict=True):
        twin = first.get(tuple(axis.codes.tolist()))
        row = _row(axis, groups, distances, rng, twin, matrix)
        first.setdefault(tuple(axis.codes.tolist()), row)
        rows.append(row)
    _correct(rows)
    _note_mixtures(axes, rows, distances)
    counts = [(matrix, *cell) for axis in axes for cell in axis.cells(groups)]
    table = pl.DataFrame(rows, schema=ASSOCIATIONS)
    said = sentences(table, n_groups, len(varying) - len(axes), matrix=matrix)
    return Associations(table, pl.DataFrame(counts, schema=CONTINGENCY, orient="row"), said)


@final
@dataclass(frozen=True)
class _Axis:
    """One setting: ``codes`` number the values by first mention, -1 where a member has none."""

    name: str
    values: tuple[str, ...]
    codes: Labels
    numbers: Matrix | None

    @classmethod
    def of(cls, name: str, rows: pl.DataFrame, ids: list[str]) -> _Axis:
        value_of = dict(rows.select("id", "value").iter_rows())
        number_of = dict(rows.select("id", "number").iter_rows())
        values = tuple(dict.fromkeys(value_of[one] for one in ids if one in value_of))
        code = {value: k for k, value in enumerate(values)}
        codes = [code[value_of[one]] if one in value_of else -1 for one in ids]
        named = rows["number"].null_count() or _NAMES.fullmatch(name)
        numbers = None if named else np.array([number_of.get(one, np.nan) for one in ids], float)
        return cls(name, values, np.array(codes, dtype=np.int64), numbers)

    def cells(self, groups: Labels) -> list[tuple[str, str, int, int]]:
        """Return value, group and count of each cell that is not empty."""
        seen, counts = np.unique(np.stack([self.codes, groups]), axis=1, return_counts=True)
        return [
            (self.name, self.values[code], label, n)
            for (code, label), n in zip(seen.T.tolist(), counts.tolist(), strict=True)
            if code >= 0
        ]


def _row(
    axis: _Axis,
    groups: Labels,
    distances: Matrix,
    rng: np.random.Generator,
    twin: dict[str, Any] | None,
    matrix: str,
) -> dict[str, Any]:
    """Return the row of one setting, before correction; a twin parts the members as it does."""
    known = axis.codes >= 0
    apart = twin or (
        _in_groups(axis, groups, rng) | _in_distances(axis.codes[known], distances, known, rng)
    )
    notes = _notes(axis, groups, distances, twin, NOUNS[matrix].group)
    same_as = None if twin is None else twin["same_as"] or twin["axis"]
    return {
        **apart,
        **_in_numbers(axis, distances, rng),
        "matrix": matrix,
        "axis": axis.name,
        "n_values": len(axis.values),
        "n_members": int(known.sum()),
        "same_as": same_as,
        "note": " ".join(notes) or None,
    }


def _in_groups(axis: _Axis, groups: Labels, rng: np.random.Generator) -> dict[str, Any]:
    placed = (axis.codes >= 0) & (groups >= 0)
    rows, columns = (np.unique(x[placed], return_inverse=True)[1] for x in (axis.codes, groups))
    found = cramers_v(contingency(rows, columns)) if placed.sum() >= MIN_MEMBERS else None
    p_value = None if found is None else contingency_p(rows, columns, rng=rng)
    return {"cramers_v": found, "p_value": p_value}


def _in_distances(
    codes: Labels, distances: Matrix, known: np.ndarray[Any, Any], rng: np.random.Generator
) -> dict[str, Any]:
    if len(codes) < MIN_MEMBERS:
        found = GapContrast()
    else:
        found = gap_contrast(codes, distances[np.ix_(known, known)], rng=rng)
    return {
        "gap_within": found.within,
        "gap_between": found.between,
        "difference": found.difference,
        "difference_lo": found.low,
        "difference_hi": found.high,
        "mantel_p": found.p_value,
    }


def _in_numbers(axis: _Axis, distances: Matrix, rng: np.random.Generator) -> dict[str, Any]:
    """Return the rank correlation; with two values it would only repeat the contrast."""
    known = axis.codes >= 0
    found = None
    if axis.numbers is not None and len(axis.values) > 2 and known.sum() >= MIN_MEMBERS:
        found = rank_correlation(axis.numbers[known], distances[np.ix_(known, known)], rng=rng)
    rho, p_value = found or (None, None)
    return {"spearman": rho, "spearman_p": p_value}


def _notes(
    axis: _Axis, groups: Labels, distances: Matrix, twin: dict[str, Any] | None, noun: str
) -> list[str]:
    """Return what must be known to read the row, as sentences."""
    known = axis.codes >= 0
    n, absent = int(known.sum()), int((~known).sum())
    nowhere = int((known & (groups < 0)).sum())
    notes = []
    if twin is not None:
        notes.append(f"Parts the members exactly as {twin['same_as'] or twin['axis']} does.")
    if absent:
        notes.append(f"{counted(absent, 'member')} without a value left out.")
    if nowhere:
        notes.append(f"{counted(nowhere, 'member')} in no {noun} left out of V.")
    if len(set(groups[groups >= 0].tolist())) < 2:
        notes.append(f"There are no two {noun}s to compare with.")
    if n < MIN_MEMBERS:
        return [*notes, f"{counted(n, 'member')} are too few to test."]
    if len(axis.values) == n:
        return [*notes, "Each member has a value of its own."]
    if not np.isfinite(distances[np.triu_indices(len(distances), 1)]).any():
        notes.append("No pair was measured.")
    if (least := smallest_p(axis.codes[known])) > 0.05:
        notes.append(f"So few members cannot give a p-value below {least:.2g}.")
    return notes


def _note_mixtures(axes: list[_Axis], rows: list[dict[str, Any]], distances: Matrix) -> None:
    """Add to the notes which settings vary together, so that one may stand for the other."""
    own = [
        (axis, row)
        for axis, row in zip(axes, rows, strict=True)
        if row["n_values"] < row["n_members"] and not row["same_as"]
    ]
    for (axis, row), (other, _) in itertools.permutations(own, 2):
        if said := _mixture(axis, other, row["difference"], distances):
            row["note"] = said if row["note"] is None else f"{row['note']} {said}"


def _mixture(axis: _Axis, other: _Axis, difference: float | None, distances: Matrix) -> str | None:
    """Return how a setting is nested in another, or never shared together with it."""
    known = axis.codes >= 0
    if difference is None or not np.array_equal(known, other.codes >= 0):
        return None
    n_cells = len(set(zip(axis.codes[known].tolist(), other.codes[known].tolist(), strict=True)))
    one, two = title(axis.name), title(other.name)
    if n_cells == len(axis.values):
        return f"Each {one} has one {two}."
    if n_cells == len(other.values):
        return f"Each {two} has one {one}{_mean_without(axis, other, distances)}."
    if n_cells == known.sum() and difference < 0:
        return f"Members of one {one} never share a {two}: the difference may be that of the {two}."
    return None


def _mean_without(axis: _Axis, inner: _Axis, distances: Matrix) -> str:
    """Return the mean within one value over pairs that differ in a setting nested in it."""
    a, b = np.triu_indices(len(distances), 1)
    mine = (axis.codes[a] == axis.codes[b]) & (axis.codes[a] >= 0)
    found = distances[a, b][mine & (inner.codes[a] != inner.codes[b])]
    found = found[np.isfinite(found)]
    if not len(found):
        return ""
    one, two = title(axis.name), title(inner.name)
    return f"; without pairs of one {two}, the mean within one {one} is {found.mean():.2g}"


def _correct(rows: list[dict[str, Any]]) -> None:
    """Add the p-values corrected over the settings; those that part alike are one test."""
    for p_value, q_value in _TESTS:
        shared = p_value != "spearman_p"
        tested = [
            row for row in rows if row[p_value] is not None and not (shared and row["same_as"])
        ]
        corrected = benjamini_hochberg([row[p_value] for row in tested]).tolist()
        of_axis = {row["axis"]: q for row, q in zip(tested, corrected, strict=True)}
        for row in rows:
            row[q_value] = of_axis.get(row["same_as"] if shared and row["same_as"] else row["axis"])
