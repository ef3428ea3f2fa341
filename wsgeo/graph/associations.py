"""How the settings of training go with basins and gaps, one row per setting."""

from __future__ import annotations

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
from wsgeo.graph.setting_words import sentences
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
    """What the settings of a loss group have to do with its basins and gaps.

    Parameters
    ----------
    table : polars.DataFrame
        Schema `ASSOCIATIONS`, one row per setting.
    contingency : polars.DataFrame
        Schema `CONTINGENCY`: members by setting, value and basin.
    sentences : tuple of str
        What stands, in words.
    """

    table: pl.DataFrame
    contingency: pl.DataFrame
    sentences: tuple[str, ...]


def associate(
    settings: pl.DataFrame, labels: Mapping[str, int], gaps: Matrix, *, seed: int = 0
) -> Associations:
    """Compare each setting in which members differ with their basins and with their gaps.

    Parameters
    ----------
    settings : polars.DataFrame
        Columns ``id``, ``axis``, ``value``, ``number``; further ids are ignored.
    labels : mapping of str to int
        Basin of each distinct member, -1 for none; copies of a member do not belong here.
    gaps : ndarray of float64, shape (n_members, n_members)
        Aligned to ``labels``; NaN where no pair was measured.
    seed : int, default 0
        Seed of permutations and resamples.

    Returns
    -------
    Associations
        Tables and sentences; without rows where no setting varies.
    """
    basins = np.array(list(labels.values()), dtype=np.int64)
    n_basins = len(set(labels.values()) - {-1})
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
        row = _row(axis, basins, gaps, rng, twin)
        first.setdefault(tuple(axis.codes.tolist()), row)
        rows.append(row)
    _correct(rows)
    counts = [cell for axis in axes for cell in axis.cells(basins)]
    table = pl.DataFrame(rows, schema=ASSOCIATIONS)
    said = sentences(table, n_basins, len(varying) - len(axes))
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

    def cells(self, basins: Labels) -> list[tuple[str, str, int, int]]:
        """Return value, basin and count of each cell that is not empty."""
        seen, counts = np.unique(np.stack([self.codes, basins]), axis=1, return_counts=True)
        return [
            (self.name, self.values[code], label, n)
            for (code, label), n in zip(seen.T.tolist(), counts.tolist(), strict=True)
            if code >= 0
        ]


def _row(
    axis: _Axis, basins: Labels, gaps: Matrix, rng: np.random.Generator, twin: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the row of one setting, before correction; a twin parts the members as it does."""
    known = axis.codes >= 0
    apart = twin or _in_basins(axis, basins, rng) | _in_gaps(axis.codes[known], gaps, known, rng)
    notes = _notes(axis, basins, gaps, twin)
    same_as = None if twin is None else twin["same_as"] or twin["axis"]
    return {
        **apart,
        **_in_numbers(axis, gaps, rng),
        "axis": axis.name,
        "n_values": len(axis.values),
        "n_members": int(known.sum()),
        "same_as": same_as,
        "note": " ".join(notes) or None,
    }


def _in_basins(axis: _Axis, basins: Labels, rng: np.random.Generator) -> dict[str, Any]:
    placed = (axis.codes >= 0) & (basins >= 0)
    rows, columns = (np.unique(x[placed], return_inverse=True)[1] for x in (axis.codes, basins))
    found = cramers_v(contingency(rows, columns)) if placed.sum() >= MIN_MEMBERS else None
    p_value = None if found is None else contingency_p(rows, columns, rng=rng)
    return {"cramers_v": found, "p_value": p_value}


def _in_gaps(
    codes: Labels, gaps: Matrix, known: np.ndarray[Any, Any], rng: np.random.Generator
) -> dict[str, Any]:
    if len(codes) < MIN_MEMBERS:
        found = GapContrast()
    else:
        found = gap_contrast(codes, gaps[np.ix_(known, known)], rng=rng)
    return {
        "gap_within": found.within,
        "gap_between": found.between,
        "difference": found.difference,
        "difference_lo": found.low,
        "difference_hi": found.high,
        "mantel_p": found.p_value,
    }


def _in_numbers(axis: _Axis, gaps: Matrix, rng: np.random.Generator) -> dict[str, Any]:
    """Return the rank correlation; with two values it would only repeat the contrast."""
    known = axis.codes >= 0
    found = None
    if axis.numbers is not None and len(axis.values) > 2 and known.sum() >= MIN_MEMBERS:
        found = rank_correlation(axis.numbers[known], gaps[np.ix_(known, known)], rng=rng)
    rho, p_value = found or (None, None)
    return {"spearman": rho, "spearman_p": p_value}


def _notes(axis: _Axis, basins: Labels, gaps: Matrix, twin: dict[str, Any] | None) -> list[str]:
    """Return what must be known to read the row, as sentences."""
    known = axis.codes >= 0
    n, absent = int(known.sum()), int((~known).sum())
    nowhere = int((known & (basins < 0)).sum())
    notes = []
    if twin is not None:
        notes.append(f"Parts the members exactly as {twin['same_as'] or twin['axis']} does.")
    if absent:
        notes.append(f"{counted(absent, 'member')} without a value left out.")
    if nowhere:
        notes.append(f"{counted(nowhere, 'member')} in no basin left out of V.")
    if len(set(basins[basins >= 0].tolist())) < 2:
        notes.append("There are no two basins to compare with.")
    if n < MIN_MEMBERS:
        return [*notes, f"{counted(n, 'member')} are too few to test."]
    if len(axis.values) == n:
        return [*notes, "Each member has a value of its own."]
    if not np.isfinite(gaps[np.triu_indices(len(gaps), 1)]).any():
        notes.append("No pair was measured.")
    if (least := smallest_p(axis.codes[known])) > 0.05:
        notes.append(f"So few members cannot give a p-value below {least:.2g}.")
    return notes


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
