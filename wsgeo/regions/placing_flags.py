"""Whether a member is trained enough that its task vector says what it was trained on.

The first updates of a fine-tuning are short and much alike whatever the data; which region they will
lead to is not to be read off yet. A member is called too little trained if both are so:

short
    its task vector is less than half as long as the median one of the other members, and
indistinct
    its mean cosine with the members of its own data set exceeds that with the members of others by
    less than half of what it does in the median of the other members.

A short vector alone proves nothing (a small learning rate, a small set), nor does a blurred one
(a data set much like another). Where the other members' own data sets do not stand out either,
nobody can say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.regions.region_tables import REGION_MEMBERS
from wsgeo.regions.task_vectors import TaskVectors

SHORT: Final = 0.5
"""Fraction of the median length of the others below which a task vector is short."""

INDISTINCT: Final = 0.5
"""Fraction of the others' median margin of cosines below which a task vector is indistinct."""

MIN_PEERS: Final = 4
"""Fewest others that a member is compared with."""

_Floats = NDArray[np.float64]


def members_table(vectors: TaskVectors, dataset_of: Mapping[str, str]) -> pl.DataFrame:
    """Return how far each member was trained, and whether that is enough to place it.

    Parameters
    ----------
    vectors : TaskVectors
        The distinct members of a geometry group.
    dataset_of : mapping of str to str
        Data set by id; members of which it is not known are missing.

    Returns
    -------
    polars.DataFrame
        Schema `REGION_MEMBERS`, in the order of the ids.

    References
    ----------
    [gueta2023]_

    Examples
    --------
    >>> cosine = np.kron(np.eye(2), np.full((3, 3), 0.9)) + 0.1 * np.eye(6)
    >>> cosine[0, 1:] = cosine[1:, 0] = 0.3
    >>> seen = TaskVectors(tuple("abcdef"), 1 - cosine, cosine, np.array([0.1, 1, 1, 1, 1, 1]))
    >>> found = members_table(seen, dict(zip("abcdef", ["snli"] * 3 + ["sst2"] * 3)))
    >>> found["placed"].to_list()
    [False, True, True, True, True, True]
    """
    own, others = _cosines(vectors, dataset_of)
    judged = [_judged(k, vectors, own - others) for k in range(len(vectors.ids))]
    columns = {
        "id": list(vectors.ids),
        "norm": vectors.norms,
        "cosine_own": own,
        "cosine_others": others,
        "placed": [placed for placed, _ in judged],
        "note": [note for _, note in judged],
    }
    found = pl.DataFrame(columns, schema=REGION_MEMBERS)
    return found.with_columns(pl.col("norm", "cosine_own", "cosine_others").fill_nan(None))


def _cosines(vectors: TaskVectors, dataset_of: Mapping[str, str]) -> tuple[_Floats, _Floats]:
    """Return the mean cosine with members of the same data set and with those of others."""
    values = [dataset_of.get(one) for one in vectors.ids]
    number = {value: k for k, value in enumerate(dict.fromkeys(values))}
    codes = np.array([-1 if value is None else number[value] for value in values])
    known = (codes[:, None] >= 0) & (codes >= 0) & ~np.eye(len(codes), dtype=bool)
    same = codes[:, None] == codes
    return (
        _row_means(vectors.cosine, known & same),
        _row_means(vectors.cosine, known & ~same),
    )


def _row_means(values: _Floats, wanted: NDArray[np.bool_]) -> _Floats:
    """Return the mean over the wanted and known entries of each row; NaN where there is none."""
    wanted = wanted & np.isfinite(values)
    n = wanted.sum(axis=1)
    means = np.where(wanted, values, 0.0).sum(axis=1) / np.maximum(n, 1)
    return np.where(n > 0, means, np.nan)


def _judged(k: int, vectors: TaskVectors, margins: _Floats) -> tuple[bool | None, str | None]:
    """Return whether a member is placed, and why not."""
    norm, others = vectors.norms[k], np.delete(vectors.norms, k)
    if vectors.estimated:
        return None, "The base is not known, so nobody can say how far it was trained."
    if not np.isfinite(norm):
        return None, "The run does not hold the length of its task vector: scan again."
    if norm == 0:
        return False, "Its weights are those of the base."
    if np.isfinite(others).sum() < MIN_PEERS:
        return None, f"Fewer than {MIN_PEERS} others to compare with."
    typical = float(np.nanmedian(others))
    if norm >= SHORT * typical:
        return True, None
    return _directed(margins[k], np.delete(margins, k), norm / typical)


def _directed(margin: float, others: _Floats, length: float) -> tuple[bool | None, str | None]:
    """Return whether a short task vector points where its data set does."""
    short = f"Its task vector is {length:.2g} times as long as the median one"
    known = others[np.isfinite(others)]
    typical = float(np.median(known)) if known.size else np.nan
    if not np.isfinite(margin):
        return None, f"{short}, and there are no two data sets to say where it points."
    if not typical > 0:
        return None, f"{short}, and the data sets of the others do not stand out either."
    if margin >= INDISTINCT * typical:
        return True, None
    return False, (
        f"Trained too little to be placed: {short[:1].lower()}{short[1:]}, and its cosine with its "
        f"own data set exceeds that with others by {margin:.2g} where {typical:.2g} is usual."
    )
