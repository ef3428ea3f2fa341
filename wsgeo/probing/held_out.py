"""How well members are placed, and their scores predicted, when each is held out in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from wsgeo.counting import counted
from wsgeo.graph.maps import classical_scaling
from wsgeo.probing.map_places import map_place
from wsgeo.probing.member_scores import measured_rows
from wsgeo.probing.placement import Placement, placed, reaches, representatives
from wsgeo.probing.predictions import inside, predicted
from wsgeo.probing.tables import PLACEMENTS, PREDICTIONS

N_PER_BASIN = 3
"""Members of each basin that a model is joined with by lines: the fewest whose median one outlier
does not move."""


@final
@dataclass(frozen=True)
class HeldOut:
    """What comes of placing each member as if it were new.

    The basins themselves are as they were found with the member: this asks whether a few lines and
    the others' scores suffice, not whether the clustering would come out the same.

    Parameters
    ----------
    placements : DataFrame
        Schema `wsgeo.probing.tables.PLACEMENTS`, one row per member.
    predictions : DataFrame
        Schema `wsgeo.probing.tables.PREDICTIONS`, one row per member and slice.
    """

    placements: pl.DataFrame
    predictions: pl.DataFrame

    @property
    def summary(self) -> dict[str, Any]:
        """What `held_out_summary` says of the tables."""
        return held_out_summary(self.placements, self.predictions)

    @property
    def sentence(self) -> str:
        """The summary in one sentence; empty where no member has another in its basin."""
        return held_out_sentence(self.summary)


def hold_out(
    gaps: ArrayLike,
    ids: Sequence[str],
    labels: Sequence[int],
    scores: pl.DataFrame,
    *,
    tau: float | None = None,
    n_per_basin: int = N_PER_BASIN,
    hashes: Mapping[str, str] | None = None,
) -> HeldOut:
    """Place each member by its gaps to a few of the others, and predict its scores from theirs.

    Parameters
    ----------
    gaps : array_like, shape (n_members, n_members)
        Gaps in nats per example; NaN where not measured.
    ids : sequence of str, length n_members
        Names of the distinct members.
    labels : sequence of int, length n_members
        Basins as found with all members; -1 for none. All -1 where no basins were found.
    scores : DataFrame
        Schema `wsgeo.probing.tables.SCORES`; may be empty.
    tau : float, optional
        Gap up to which two members count as connected.
    n_per_basin : int, default 3
        Most members of each basin that are looked at.
    hashes : mapping of str to str, optional
        Content hash of each member.

    Returns
    -------
    HeldOut
        Tables.

    Raises
    ------
    ValueError
        If the shapes do not match, or ``n_per_basin`` is below 1.

    Examples
    --------
    >>> from wsgeo.probing.tables import SCORES
    >>> line = np.array([0.0, 0.01, 0.02, 0.9, 0.91, 0.93])
    >>> found = hold_out(np.abs(line[:, None] - line), list("abcdef"), [0] * 3 + [1] * 3,
    ...                  pl.DataFrame(schema=SCORES), tau=0.1)
    >>> found.sentence
    'Held out one by one, 6 of 6 members are put into their own basin.'
    """
    values, basin = _aligned(gaps, ids, labels)
    seen = [_without(values, basin, i, tau, n_per_basin) for i in range(len(ids))]
    coordinates = _coordinates(values)
    rows = [
        placement_row(
            one.placement, name, ids,
            held_out=True,
            content_hash=(hashes or {}).get(name),
            own_basin=int(own) if own >= 0 else None,
            place=map_place(one.seen, coordinates) or (None, None),
        )
        for name, own, one in zip(ids, basin, seen, strict=True)
    ]  # fmt: skip
    basins = dict(zip(ids, basin.tolist(), strict=True))
    told = [
        _told(name, one.placement.basin, basins, scores)
        for name, one in zip(ids, seen, strict=True)
    ]
    predictions = pl.concat([pl.DataFrame(schema=PREDICTIONS), *told])
    return HeldOut(pl.DataFrame(rows, schema=PLACEMENTS), predictions)


def placement_row(
    found: Placement,
    name: str,
    ids: Sequence[str],
    *,
    held_out: bool,
    content_hash: str | None = None,
    own_basin: int | None = None,
    place: tuple[float | None, float | None] = (None, None),
) -> dict[str, Any]:
    """Return the row of one model.

    Parameters
    ----------
    found : Placement
        Where it lies.
    name : str
        Its id.
    ids : sequence of str
        Names of the members.
    held_out : bool
        Whether it is a member.
    content_hash : str, optional
        Of the model.
    own_basin : int, optional
        Of a member.
    place : tuple of (float or None, float or None)
        On the map.

    Returns
    -------
    dict
        Of the schema `wsgeo.probing.tables.PLACEMENTS`.
    """
    return {
        "id": name,
        "held_out": held_out,
        "content_hash": content_hash,
        "basin": found.basin,
        "own_basin": own_basin,
        "nearest": None if found.nearest is None else ids[found.nearest],
        "gap": found.gap,
        "next_gap": found.next_gap,
        "n_lines": found.n_lines,
        "x": place[0],
        "y": place[1],
        "reason": found.reason or found.caution,
    }


def held_out_summary(placements: pl.DataFrame, predictions: pl.DataFrame) -> dict[str, Any]:
    """Return how often members are put where they belong, and how well their scores are told.

    Parameters
    ----------
    placements, predictions : DataFrame
        Tables of `wsgeo.probing.tables`; rows of models that are no members do not count.

    Returns
    -------
    dict
        ``n`` (members whose basin has another), ``n_right`` (put into their own), ``n_wrong`` (into
        another; the rest into none), ``n_alone`` (members without another in their basin, or
        without a basin), ``n_scores`` (slice scores with a prediction), ``error`` and
        ``error_everyone`` (mean absolute errors of these, from the basin and from all others),
        ``inside`` (fraction of those with an interval that lie in it). Fractions in [0, 1]; None
        where there is nothing to count.
    """
    held = placements.filter("held_out")
    sizes = held["own_basin"].drop_nulls().value_counts()
    shared = sizes.filter(pl.col("count") > 1)["own_basin"].to_list()
    counted_ = held.filter(pl.col("own_basin").is_in(shared))
    right = pl.col("basin") == pl.col("own_basin")
    told = predictions.filter(
        pl.col("held_out") & pl.col("predicted").is_not_null() & pl.col("actual").is_not_null()
    )
    actual, limits = pl.col("actual"), told.drop_nulls(["lo", "hi"])
    return {
        "n": counted_.height,
        "n_right": counted_.filter(right).height,
        "n_wrong": counted_.filter(~right).height,
        "n_alone": held.height - counted_.height,
        "n_scores": told.height,
        "error": told.select((pl.col("predicted") - actual).abs().mean()).item(),
        "error_everyone": told.select((pl.col("everyone") - actual).abs().mean()).item(),
        "inside": limits.select(inside(actual, pl.col("lo"), pl.col("hi")).mean()).item(),
    }


def held_out_sentence(summary: Mapping[str, Any]) -> str:
    """Return the summary in words.

    Parameters
    ----------
    summary : mapping
        From `held_out_summary`.

    Returns
    -------
    str
        One sentence; empty where no member has another in its basin.
    """
    if not summary["n"]:
        return ""
    right, n = summary["n_right"], summary["n"]
    said = (
        f"Held out one by one, {right} of {counted(n, 'member')} "
        f"{'is' if right == 1 else 'are'} put into {'its' if n == 1 else 'their'} own basin"
    )
    if not summary["n_scores"]:
        return f"{said}."
    return (
        f"{said}; slice scores are predicted to {summary['error']:.2f} on average "
        f"({summary['error_everyone']:.2f} from the mean of all)."
    )


@final
@dataclass(frozen=True)
class _Seen:
    """The placement of a member, and its gaps to those that were looked at."""

    placement: Placement
    seen: NDArray[np.float64]


def _aligned(
    gaps: ArrayLike, ids: Sequence[str], labels: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    values, basin = np.asarray(gaps, np.float64), np.asarray(labels, np.int64)
    if values.shape != (len(ids),) * 2 or basin.shape != (len(ids),):
        raise ValueError(f"{len(ids)} ids, {len(basin)} labels and gaps of shape {values.shape}.")
    return values, basin


def _coordinates(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the map of all members; NaN where a gap among them is not known."""
    whole = bool(np.isfinite(values).all())
    return classical_scaling(values) if whole else np.full((len(values), 2), np.nan)


def _without(
    values: NDArray[np.float64],
    basin: NDArray[np.int64],
    i: int,
    tau: float | None,
    n_per_basin: int,
) -> _Seen:
    """Place one member by the others."""
    rest = np.flatnonzero(np.arange(len(basin)) != i)
    among, labels = values[np.ix_(rest, rest)], basin[rest]
    # Where no basins were found, members are looked at all the same: one of them is nearest.
    groups = labels if (labels >= 0).any() else np.zeros_like(labels)
    chosen = [row for rows in representatives(among, groups, n_per_basin).values() for row in rows]
    seen = np.full(len(basin), np.nan)
    seen[rest[chosen]] = values[i, rest[chosen]]
    others = np.where(np.arange(len(basin)) == i, -1, basin)
    return _Seen(placed(seen, others, reaches(among, labels, tau)), seen)


def _told(
    name: str, basin: int | None, basins: Mapping[str, int], scores: pl.DataFrame
) -> pl.DataFrame:
    """Return what the others tell of a member's scores, beside those that it has."""
    told = predicted(scores, {one: b for one, b in basins.items() if one != name}, basin)
    actual = measured_rows(scores, [name]).select("set", "slice", actual="metric")
    # A slice on which the member was not measured has nothing to compare.
    both = told.join(actual, on=["set", "slice"], how="inner", maintain_order="left")
    own = both.with_columns(id=pl.lit(name), held_out=pl.lit(True))
    return own.select(list(PREDICTIONS)).cast(PREDICTIONS)
