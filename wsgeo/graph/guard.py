"""One guard for every matrix that is clustered or drawn.

Clustering code answers bad matrices with silence, noise or a crash: negative entries give other
labels, asymmetric ones are accepted, infinite ones end the process. Nothing below this line meets
a matrix that has not passed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wsgeo.counting import counted
from wsgeo.errors import DataError
from wsgeo.escapes import printable
from wsgeo.graph.merging import bottlenecks
from wsgeo.graph.partitions import Matrix

TOLERANCE = 1e-6
"""Largest asymmetry or negative entry taken for rounding, as a fraction of the largest entry."""


@final
@dataclass(frozen=True)
class DistanceMatrix:
    """Distances that may be clustered: finite, symmetric, at least 0, zero diagonal, float64.

    Parameters
    ----------
    values : ndarray of float64, shape (n_members, n_members)
        The distances of the placed members.
    ids : tuple of str
        The placed members, in the order of the rows.
    set_aside : tuple of str
        Members without a single valid pair; they are in no cluster.
    filled : tuple of (str, str)
        Pairs without a value, filled by the lowest pass between them.
    notes : tuple of str
        Sentences about all that was changed.
    """

    values: Matrix
    ids: tuple[str, ...]
    set_aside: tuple[str, ...] = ()
    filled: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse values that break a promise of this type."""
        values, n = self.values, len(self.ids)
        if values.shape != (n, n) or values.dtype != np.float64:
            raise ValueError(f"The matrix is {values.dtype}{values.shape} for {n} ids.")
        good = np.isfinite(values).all() and (values >= 0).all() and not np.diag(values).any()
        if not (good and np.array_equal(values, values.T)):
            raise ValueError("Distances must be finite, symmetric, at least 0, zero diagonal.")


def guard(matrix: ArrayLike, ids: Sequence[str], *, where: str | None = None) -> DistanceMatrix:
    """Return the matrix as one that may be clustered, and say what was changed.

    A value in one triangle counts for both. Rounding is mended: small asymmetry is averaged, negative entries are set to zero, a diagonal
    is set to zero. An infinite distance becomes twice the largest finite one: far apart, yet a
    number. A missing one (NaN: the pair failed, or an end point did) is filled with the lowest
    pass between the two members, the largest distance on the best path over other members; a
    member without any valid pair is set aside.

    Parameters
    ----------
    matrix : array_like, shape (n_members, n_members)
        Distances; NaN where missing.
    ids : sequence of str
        Names of the rows, all different.
    where : str, optional
        File that an error names.

    Returns
    -------
    DistanceMatrix
        The placed members, in the given order.

    Raises
    ------
    DataError
        If the matrix is not square, not aligned to the ids, names a member twice, or is asymmetric
        beyond rounding.

    Examples
    --------
    >>> nan = float("nan")
    >>> guard([[0, 1, nan], [1, 0, 3], [nan, 3, 0]], ["a", "b", "c"]).filled
    (('a', 'c'),)
    """
    values = _numbers(matrix, where)
    ids = tuple(ids)
    _check_shape(values, ids, where)
    notes: list[str] = []
    values = _symmetric(values, ids, where, notes)
    values = _capped(values, notes)
    valid = np.isfinite(values)
    np.fill_diagonal(valid, False)
    placed: NDArray[np.bool_] = np.asarray(valid.any(axis=1) | (len(ids) == 1))
    values = values[np.ix_(placed, placed)]
    names = tuple(name for name, kept in zip(ids, placed, strict=True) if kept)
    aside = tuple(name for name, kept in zip(ids, placed, strict=True) if not kept)
    if aside:
        notes.append(f"Not placed, for want of a valid pair: {_listed(aside)}.")
    values, filled = _filled(values, names, notes)
    return DistanceMatrix(values, names, aside, filled, tuple(notes))


def _numbers(matrix: ArrayLike, where: str | None) -> Matrix:
    try:
        return np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            "the distance matrix holds entries that are not numbers",
            where=where,
            remedy="Give one number per pair; leave a missing pair empty.",
        ) from error


def _check_shape(values: Matrix, ids: tuple[str, ...], where: str | None) -> None:
    if values.ndim != 2 or values.shape != (len(ids), len(ids)):
        shape = " x ".join(str(length) for length in values.shape)
        raise DataError(
            f"the distance matrix is {shape} for {len(ids)} ids",
            where=where,
            remedy="Give one row and one column per member, in the same order.",
        )
    if not ids:
        raise DataError("the distance matrix is empty", where=where, remedy="Give a member.")
    if len(set(ids)) < len(ids):
        twice = next(name for i, name in enumerate(ids) if name in ids[:i])
        raise DataError(
            f"the id {_listed((twice,))} occurs twice",
            where=where,
            remedy="Give each member its own id.",
        )


def _symmetric(values: Matrix, ids: tuple[str, ...], where: str | None, notes: list[str]) -> Matrix:
    """Return the matrix made exactly symmetric and at least 0, or raise."""
    single = int((np.isnan(values) & ~np.isnan(values.T)).sum())
    if single:
        were = "was" if single == 1 else "were"
        notes.append(
            f"{counted(single, 'value')} {were} given in one triangle only and taken for both."
        )
    values = np.where(np.isnan(values), values.T, values)
    mirrored = values.T
    finite = values[np.isfinite(values)]
    slack = TOLERANCE * float(np.abs(finite).max(initial=0.0))
    with np.errstate(invalid="ignore"):
        differs = (values != mirrored) & ~(np.isnan(values) & np.isnan(mirrored))
        differs &= ~(np.abs(values - mirrored) <= slack)
    if differs.any():
        i, j = (int(k) for k in np.argwhere(differs)[0])
        raise DataError(
            f"the distance matrix is not symmetric: {_listed((ids[i],))} to {_listed((ids[j],))} "
            f"is {values[i, j]:.4g} and back it is {values[j, i]:.4g}",
            where=where,
            remedy="Give the same distance in both directions.",
        )
    values = np.where(values == mirrored, values, (values + mirrored) / 2)
    if np.nanmax(np.abs(np.diag(values)), initial=0.0) > slack:
        notes.append("The diagonal was not zero; a member's distance to itself counts as zero.")
    np.fill_diagonal(values, 0.0)
    below = np.nan_to_num(values, nan=0.0) < 0
    if (np.nan_to_num(values, nan=0.0) < -slack).any():
        lowest, n_pairs = float(np.nanmin(values)), int(np.triu(below).sum())
        verb = "counts" if n_pairs == 1 else "count"
        notes.append(
            f"{counted(n_pairs, 'negative distance')} (lowest {lowest:.3g}) {verb} as zero."
        )
    return np.where(below, 0.0, values)


def _capped(values: Matrix, notes: list[str]) -> Matrix:
    """Return the matrix with infinite entries at a finite ceiling."""
    endless = np.isinf(values)
    if not endless.any():
        return values
    largest = float(values[np.isfinite(values)].max(initial=0.0)) or 0.5
    ceiling = 2 * min(largest, np.finfo(np.float64).max / 4)
    n_pairs = int(np.triu(endless).sum())
    verb = "counts" if n_pairs == 1 else "count"
    notes.append(f"{counted(n_pairs, 'infinite distance')} {verb} as {ceiling:.3g}.")
    return np.where(endless, ceiling, values)


def _filled(
    values: Matrix, ids: tuple[str, ...], notes: list[str]
) -> tuple[Matrix, tuple[tuple[str, str], ...]]:
    """Return the matrix with missing pairs at the height of the lowest pass between them."""
    missing = np.isnan(values)
    if not missing.any():
        return values, ()
    passes = bottlenecks(np.where(missing, np.inf, values))
    # No path at all: as far apart as anything that was measured.
    passes = np.where(np.isfinite(passes), passes, np.nanmax(values))
    pairs = tuple((ids[int(i)], ids[int(j)]) for i, j in np.argwhere(np.triu(missing)))
    verb = "has" if len(pairs) == 1 else "have"
    notes.append(f"{counted(len(pairs), 'pair')} {verb} no value; the lowest pass stands in.")
    return np.where(missing, passes, values), pairs


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(printable(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
