"""Which distance between members tells how differently they will generalise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.graph.contingency import N_DRAWS
from wsgeo.graph.guard import DistanceMatrix, guard
from wsgeo.graph.partitions import Matrix
from wsgeo.graph.significance import benjamini_hochberg
from wsgeo.probing.coordinates import basin_coordinate, coordinate_correlations
from wsgeo.probing.member_scores import MemberScores, Rows, complete_blocks, member_scores
from wsgeo.probing.tables import PREDICTORS

LEAST_MEMBERS: Final = 4
"""Members without which distances are not compared with scores: three have only three pairs."""

_ENTRIES = 500_000  # of a block of draws times pairs: 4 MB, which caches hold


def predictors(
    matrices: Mapping[str, Matrix],
    ids: Sequence[str],
    scores: pl.DataFrame,
    labels: Mapping[str, int],
    *,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Compare distances between members by how well they tell differences in behaviour.

    Asked twice, since a distance may part members into kinds without grading them, and the other
    way round: whether members that lie farther apart differ more, and whether the score goes along
    the axis between the two sides into which the distance itself parts the members.

    Parameters
    ----------
    matrices : mapping of str to ndarray of float64, shape (n_ids, n_ids)
        Symmetric distances by name; NaN where no pair was measured, which counts as the lowest pass
        over other members (`wsgeo.graph.guard`).
    ids : sequence of str
        Members, in the order of the rows.
    scores : DataFrame
        Schema `wsgeo.probing.tables.SCORES`; only measured rows count.
    labels : mapping of str to int
        Its keys are the members that count; in a basin or not does not matter here.
    rng : numpy.random.Generator
        Deals the scores to the members, and draws members for intervals.

    Returns
    -------
    DataFrame
        Schema `wsgeo.probing.tables.PREDICTORS`: sets and slices in their order, distances in that
        given. Where all scores or all distances are equal there is no correlation. A distance that
        places fewer than four measured members is left out.

    References
    ----------
    [juneja2022]_
    """
    told = member_scores(scores, [name for name in ids if name in labels])
    place = {name: i for i, name in enumerate(ids)}
    rows = np.array([place[name] for name in told.ids], np.int64)
    found: dict[tuple[int, int], dict[str, Any]] = {}
    if len(rows):
        guarded = {
            name: guard(matrix[np.ix_(rows, rows)], told.ids) for name, matrix in matrices.items()
        }
        for own, columns, names in _batches(guarded, told):
            found |= _compare(guarded, told, own, columns, names, rng)
    table = [found[key] for key in sorted(found)]
    tested = [row for row in table if row["p_value"] is not None]
    for row, p in zip(tested, benjamini_hochberg([r["p_value"] for r in tested]), strict=True):
        row["p_adjusted"] = float(p)
    return pl.DataFrame(table, schema=PREDICTORS)


def mantel_tests(
    distances: Matrix, values: Matrix, *, rng: np.random.Generator
) -> tuple[Matrix, Matrix]:
    """Test whether members that lie farther apart differ more, for many distances and values.

    Pairs that share a member are not independent, so members are dealt anew and not pairs (Mantel
    1967); all distances and values share the dealings.

    Parameters
    ----------
    distances : ndarray of float64, shape (n_matrices, n_members, n_members)
        Symmetric, without NaN.
    values : ndarray of float64, shape (n_members, n_columns)
        Values, such as one column per slice.
    rng : numpy.random.Generator
        Deals rows of values to the members.

    Returns
    -------
    rho : ndarray of float64, shape (n_matrices, n_columns)
        Spearman's correlation over pairs; NaN where all distances or all differences are equal.
    p_values : ndarray of float64, shape (n_matrices, n_columns)
        Share of the dealings with a rho at least as high; never 0.

    Examples
    --------
    >>> line = np.arange(6.0)
    >>> distances = np.abs(line[:, None] - line)[None]
    >>> rho, p = mantel_tests(distances, line[:, None], rng=np.random.default_rng(0))
    >>> float(rho[0, 0].round(6)), bool(p[0, 0] < 0.01)
    (1.0, True)
    """
    from scipy.stats import rankdata

    n = len(values)
    a, b = np.triu_indices(n, 1)
    differing = _standard(rankdata(np.abs(values[a] - values[b]), axis=0).T).T
    far = np.zeros((len(distances), n, n))
    far[:, a, b] = far[:, b, a] = _standard(rankdata(distances[:, a, b], axis=1))
    rho = far[:, a, b] @ differing
    n_reached = np.zeros(rho.shape)
    flat = far.reshape(len(far), n * n)
    for dealt in _dealings(n, len(a), rng):
        spread = np.take(flat, dealt[:, a] * n + dealt[:, b], axis=1) @ differing
        n_reached += (spread >= rho[:, None] - 1e-9).sum(axis=1)
    known = np.asarray(far.any(axis=(1, 2)))[:, None] & differing.any(axis=0)
    return np.where(known, rho, np.nan), (1 + n_reached) / (1 + N_DRAWS)


def _batches(
    guarded: Mapping[str, DistanceMatrix], told: MemberScores
) -> Iterator[tuple[Rows, Rows, list[str]]]:
    """Yield members and columns without gaps, and the distances that place these members."""
    by_members: dict[tuple[str, ...], list[str]] = {}
    for name, matrix in guarded.items():
        by_members.setdefault(matrix.ids, []).append(name)
    for members, names in by_members.items():
        placed = np.flatnonzero(np.isin(told.ids, members))
        for rows, columns in complete_blocks(told.values[placed]):
            if len(rows) >= LEAST_MEMBERS:
                yield placed[rows], columns, names


def _compare(
    guarded: Mapping[str, DistanceMatrix],
    told: MemberScores,
    rows: Rows,
    columns: Rows,
    names: Sequence[str],
    rng: np.random.Generator,
) -> dict[tuple[int, int], dict[str, Any]]:
    """Return rows of the table by place of the column and of the distance."""
    placed = guarded[names[0]].ids
    within = np.flatnonzero(np.isin(placed, np.array(told.ids)[rows]))
    values = told.values[np.ix_(rows, columns)]
    distances = np.stack([guarded[name].values[np.ix_(within, within)] for name in names])
    rho, p_values = mantel_tests(distances, values, rng=rng)
    order, found = list(guarded), {}
    for i, name in enumerate(names):
        split = basin_coordinate(distances[i], np.full(len(rows), -1))
        strength = _size(coordinate_correlations(split, values, rng=rng))
        for k, column in enumerate(columns):
            part = dict(zip(("set", "slice"), told.keys[column], strict=True))
            found[int(column), order.index(name)] = {
                **part, "matrix": name, "n": len(rows),
                "rho": _number(rho[i, k]),
                "p_value": None if np.isnan(rho[i, k]) else float(p_values[i, k]),
                "p_adjusted": None,
                "correlation": _number(strength[k, 0]),
                "correlation_lo": _number(strength[k, 1]),
                "correlation_hi": _number(strength[k, 2]),
            }  # fmt: skip
    return found


def _size(correlations: Matrix) -> Matrix:
    """Return correlations without their sign; an interval around 0 then begins there."""
    r, low, high = correlations.T
    least = np.where(low * high > 0, np.minimum(np.abs(low), np.abs(high)), 0.0)
    ends = np.where(np.isnan(low), np.nan, [least, np.maximum(np.abs(low), np.abs(high))])
    return np.stack([np.abs(r), *ends], axis=1)


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _dealings(n: int, n_pairs: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield random orders of the members, in blocks."""
    dealt = rng.permuted(np.tile(np.arange(n), (N_DRAWS, 1)), axis=1)
    size = max(1, _ENTRIES // n_pairs)
    for start in range(0, N_DRAWS, size):
        yield dealt[start : start + size]


def _standard(rows: Matrix) -> Matrix:
    """Return rows of mean 0 and length 1; constant ones are 0."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-9))
