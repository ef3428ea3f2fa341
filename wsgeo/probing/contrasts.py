"""Whether basins differ on a slice, asked of all slices at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.graph.partitions import Labels, Matrix
from wsgeo.graph.significance import (
    PermutationTests,
    benjamini_hochberg,
    cliffs_delta,
    permutation_tests,
    smallest_p,
)
from wsgeo.probing.coordinates import coordinate_correlations
from wsgeo.probing.detectable import detectable_difference
from wsgeo.probing.differences import SIGNIFICANT, difference_of, listed, p_value, tell
from wsgeo.probing.member_scores import MemberScores, Rows, complete_blocks
from wsgeo.probing.tables import CONTRASTS

LEAST_MEMBERS: Final = 2
"""Members without which a basin is described but not compared: one has no spread."""


def contrast_basins(
    scores: MemberScores,
    basins: Labels,
    names: Mapping[int, str],
    coordinate: NDArray[np.float64],
    *,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Compare all basins of two members or more on every slice.

    Parameters
    ----------
    scores : MemberScores
        Of members that lie in basins.
    basins : ndarray of int64, shape (n_members,)
        Basin of each.
    names : mapping of int to str
        Names of basins.
    coordinate : ndarray of float64, shape (n_members,)
        Place of each on the axis between two basins; NaN where it has none.
    rng : numpy.random.Generator
        Deals members to basins, and draws them for intervals.

    Returns
    -------
    DataFrame
        Schema `CONTRASTS`; slices that were measured in fewer than two such basins are left out.
    """
    found: dict[int, dict[str, Any]] = {}
    for rows, columns in complete_blocks(scores.values):
        rows = compared(rows, basins)
        if len(rows):
            values = scores.values[np.ix_(rows, columns)]
            tests = permutation_tests(values, basins[rows], rng=rng)
            for k, column in enumerate(columns):
                found[int(column)] = _contrast(values[:, k], basins[rows], tests, k)
    order = sorted(found)
    adjusted = benjamini_hochberg([found[column]["p_value"] for column in order]).tolist()
    correlations = _correlations(scores.values, coordinate, rng)
    table = []
    for column, p in zip(order, adjusted, strict=True):
        row = dict(zip(("set", "slice"), scores.keys[column], strict=True)) | found[column]
        row |= {"p_adjusted": p, "detectable": _detectable(row, len(order))}
        row |= correlations[column]
        row["sentence"] = _sentence(row, scores.measures[column], names)
        table.append({name: row[name] for name in CONTRASTS})
    return pl.DataFrame(table, schema=CONTRASTS)


def compared(rows: Rows, basins: Labels) -> Rows:
    """Return the members whose basins are compared.

    Parameters
    ----------
    rows : ndarray of int64, shape (n_rows,)
        Members that were measured.
    basins : ndarray of int64, shape (n_members,)
        Basin of every member.

    Returns
    -------
    ndarray of int64
        Those in basins of two measured members or more; none where there is one such basin.
    """
    kinds, sizes = np.unique(basins[rows], return_counts=True)
    enough = kinds[sizes >= LEAST_MEMBERS]
    return rows[np.isin(basins[rows], enough)] if len(enough) > 1 else rows[:0]


def _contrast(
    values: Matrix, basins: Labels, tests: PermutationTests, column: int
) -> dict[str, Any]:
    """Return what is known of one slice before all slices are."""
    kinds, sizes = np.unique(basins, return_counts=True)
    means = np.array([values[basins == basin].mean() for basin in kinds])
    inside = sum(
        float(values[basins == basin].var()) * n for basin, n in zip(kinds, sizes, strict=True)
    )
    high, low = int(means.argmax()), len(means) - 1 - int(means[::-1].argmin())
    if high == low:  # all are alike
        high, low = 0, len(means) - 1
    ends = [values[basins == kinds[end]] for end in (high, low)]
    return {
        "n_basins": len(kinds),
        "basin_a": int(kinds[high]), "basin_b": int(kinds[low]),
        "n_a": int(sizes[high]), "n_b": int(sizes[low]),
        "mean_a": float(means[high]), "mean_b": float(means[low]),
        "difference": float(means[high] - means[low]),
        "effect_size": cliffs_delta(*ends),
        "p_value": float(tests.p_values[column]),
        "exact": tests.exact,
        "spread": (inside / (len(values) - len(kinds))) ** 0.5,
        "sizes": sizes.tolist(),
        "pair": (high, low),
    }  # fmt: skip


def _detectable(row: Mapping[str, Any], n_tests: int) -> float | None:
    """Return the detectable difference of a row, None where none can be found."""
    found = detectable_difference(row["spread"], row["sizes"], pair=row["pair"], n_tests=n_tests)
    return found if np.isfinite(found) else None


def _correlations(
    values: Matrix, coordinate: Matrix, rng: np.random.Generator
) -> dict[int, dict[str, float | None]]:
    """Return the correlation of each column with the coordinate, and its interval."""
    names = ("correlation", "correlation_lo", "correlation_hi")
    found: dict[int, dict[str, float | None]] = {
        column: dict.fromkeys(names) for column in range(values.shape[1])
    }
    placed = np.flatnonzero(np.isfinite(coordinate))
    for rows, columns in complete_blocks(values[placed]):
        own = placed[rows]
        told = coordinate_correlations(coordinate[own], values[np.ix_(own, columns)], rng=rng)
        for column, three in zip(columns, told, strict=True):
            numbers = (float(one) if np.isfinite(one) else None for one in three)
            found[int(column)] = dict(zip(names, numbers, strict=True))
    return found


def _sentence(row: Mapping[str, Any], measure: str, names: Mapping[int, str]) -> str:
    """Say what was found on one slice."""
    if row["p_adjusted"] < SIGNIFICANT:
        return tell([difference_of(row, measure, names)])
    place, sizes = f"On {row['set']}, {row['slice']}", [str(n) for n in row["sizes"]]
    if (least := smallest_p(row["sizes"])) >= SIGNIFICANT:
        return (
            f"{place}: no difference found; {listed(sizes)} members are too few to show one "
            f"(smallest possible p = {least:.2g})."
        )
    return f"{place}: no difference found ({p_value([row['p_adjusted']], row['n_basins'])})."
