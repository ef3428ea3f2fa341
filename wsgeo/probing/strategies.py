"""What the members of a basin do that those of another do not.

A basin's strategy is its profile over diagnostic slices. Whether basins differ on a slice is asked
of their members, not of the examples: the members are what was sampled. Basins come from in-domain
losses alone, so under the hypothesis of no difference every way of dealing the members into groups
of these sizes is equally likely, and a permutation test is exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import polars as pl

from wsgeo.counting import counted
from wsgeo.graph.partitions import Labels
from wsgeo.graph.significance import smallest_p
from wsgeo.probing.contrasts import LEAST_MEMBERS, contrast_basins
from wsgeo.probing.differences import (
    SIGNIFICANT,
    Difference,
    difference_of,
    findings,
    listed,
    tell,
)
from wsgeo.probing.leans import leans
from wsgeo.probing.member_scores import MemberScores, member_scores
from wsgeo.probing.tables import CONTRASTS, PROFILE

SHOWN: Final = 3
"""Most members whose reason for being left out is told."""

_NOISE = -1


@final
@dataclass(frozen=True)
class Strategies:
    """How basins differ over diagnostic slices.

    Parameters
    ----------
    profile : DataFrame
        Schema `PROFILE`: mean and spread per basin and slice.
    contrasts : DataFrame
        Schema `CONTRASTS`: all basins of two members or more; empty with fewer than two.
    sentences : tuple of str
        What was found, in words: first ``leans``, then ``told`` one by one, and then how many
        slices are not told (those that are part of a told one or hold one, and small differences)
        and which members were left out. At least one.
    better : int or None
        Which basin is right more often over the slices told; None without a difference.
    leans : tuple of str
        Which basins answer by one cue.
    told : tuple of Difference
        The differences told, the largest first.
    """

    profile: pl.DataFrame
    contrasts: pl.DataFrame
    sentences: tuple[str, ...]
    better: int | None = None
    leans: tuple[str, ...] = ()
    told: tuple[Difference, ...] = ()


def basin_profile(
    scores: pl.DataFrame,
    labels: Mapping[str, int],
    *,
    rng: np.random.Generator,
    coordinate: Mapping[str, float] | None = None,
    excluded: Mapping[str, str] | None = None,
    names: Mapping[int, str] | None = None,
) -> Strategies:
    """Describe each basin by what its members reach per slice, and compare all basins.

    Parameters
    ----------
    scores : DataFrame
        Schema `SCORES`; only measured rows count.
    labels : mapping of str to int
        Basin of each member, -1 for noise; members that are not named are left out. Name only one
        of several identical checkpoints, so that copies do not count as evidence.
    rng : numpy.random.Generator
        Draws permutations where there are too many to count, and members for intervals.
    coordinate : mapping of str to float, optional
        Place of members on the axis between two basins.
    excluded : mapping of str to str, optional
        Why members count as no evidence, by id.
    names : mapping of int to str, optional
        What is compared, if not basins: the name of each label.

    Returns
    -------
    Strategies
        Profile, contrasts, and sentences. A difference is stated only where the p-value, corrected
        over all slices by Benjamini and Hochberg, is below 0.05.

    References
    ----------
    [juneja2022]_
    """
    away = {name: why for name, why in (excluded or {}).items() if name in labels}
    mine = {name: basin for name, basin in labels.items() if basin != _NOISE and name not in away}
    evidence = member_scores(scores, mine)
    basins = np.array([mine[name] for name in evidence.ids], np.int64)
    kind = "group" if names else "basin"
    called = {basin: f"{kind} {basin}" for basin in mine.values()} | dict(names or {})
    profile, left_out = _profile(evidence, basins), _left_out(away)
    if why := _nothing_to_compare(basins, evidence, called, kind):
        return Strategies(profile, pl.DataFrame(schema=CONTRASTS), (why, *left_out))
    places = np.array([(coordinate or {}).get(name, np.nan) for name in evidence.ids], np.float64)
    contrasts = contrast_basins(evidence, basins, called, places, rng=rng)
    found = findings(contrasts)
    if not found:
        return Strategies(
            profile, contrasts, (_nothing_found(contrasts, basins, called), *left_out)
        )
    measures = dict(zip(evidence.keys, evidence.measures, strict=True))
    told = tuple(difference_of(row, measures[row["set"], row["slice"]], called) for row in found)
    leaning = leans(evidence, basins, contrasts, called, rng=rng)
    sentences = (*leaning, *(tell([one]) for one in told), *_rest(contrasts, len(found)), *left_out)
    better = _better(profile, told)
    return Strategies(profile, contrasts, sentences, better, leaning, told)


def _nothing_to_compare(
    basins: Labels, evidence: MemberScores, names: Mapping[int, str], kind: str
) -> str | None:
    """Say why no basins are compared, if none are."""
    sizes = Counter(basins.tolist())
    if len(sizes) < 2:
        word = f"one {kind}" if sizes else f"no {kind}"
        return f"There is {word}: no strategies to compare."
    enough = [names[basin] for basin in sorted(sizes) if sizes[basin] >= LEAST_MEMBERS]
    if len(enough) < 2:
        which = f"only {enough[0]} has" if enough else "none has"
        return (
            f"Of {counted(len(sizes), kind)} {which} two members or more, and one member cannot "
            "show a difference: nothing to compare."
        )
    known = [
        np.unique(basins[np.isfinite(column)], return_counts=True)[1] >= LEAST_MEMBERS
        for column in evidence.values.T
    ]
    if not any(many.sum() > 1 for many in known):
        return f"No slice was measured on two {kind}s: no strategies to compare."
    return None


def _nothing_found(contrasts: pl.DataFrame, basins: Labels, names: Mapping[int, str]) -> str:
    """Say that no difference was found, and which one would have been."""
    kinds, counts = np.unique(basins, return_counts=True)
    enough = counts >= LEAST_MEMBERS
    sizes = counts[enough].tolist()
    between = listed([names[int(basin)] for basin in kinds[enough]])
    where = f"any of {counted(contrasts.height, 'slice')}" if contrasts.height > 1 else "the slice"
    said = f"No difference found between {between} on {where}"
    least = smallest_p(sizes)
    if least >= SIGNIFICANT:
        few = listed([str(n) for n in sizes])
        return f"{said}: {few} members are too few to show one (smallest possible p = {least:.2g})."
    largest = contrasts["detectable"].max()
    if contrasts["detectable"].null_count() or not isinstance(largest, float):
        return (
            f"{said}; with so few members one on a single slice could not have been found "
            f"(smallest possible p = {least:.2g} before correction)."
        )
    if largest > 1:
        return (
            f"{said}; members of one basin differ so much that none could have been found surely."
        )
    points = max(1, round(100 * largest))
    single = "" if contrasts.height == 1 else " on a single slice"
    return (
        f"{said}; one of {counted(points, 'percentage point')}{single} would have been found at "
        "least 8 times in 10."
    )


def _rest(contrasts: pl.DataFrame, n_told: int) -> list[str]:
    """Return a sentence about the slices that are not told, if there are any."""
    alike = contrasts.filter(pl.col("p_adjusted") >= SIGNIFICANT).height
    less = contrasts.height - alike - n_told
    said = [f"No difference found on {counted(alike, 'further slice')}."] * bool(alike)
    if less:
        said.insert(0, f"{counted(less, 'further slice')}: smaller differences, or parts of these.")
    return [" ".join(said)] if said else []


def _left_out(excluded: Mapping[str, str]) -> list[str]:
    """Return a sentence about the members that are no evidence, if there are any."""
    if not excluded:
        return []
    names = sorted(excluded)
    told = [f"{name} ({excluded[name].rstrip('.')})" for name in names[:SHOWN]]
    further = [f"{len(names) - SHOWN:,} more"] if len(names) > SHOWN else []
    return [f"Not counted as evidence: {listed([*told, *further])}."]


def _better(profile: pl.DataFrame, told: Sequence[Difference]) -> int | None:
    """Return the basin of the highest mean over told slices on which members are right or wrong."""
    judged = [(one.set, one.part) for one in told if one.measure != "invariance"]
    slices = pl.DataFrame(judged, schema=["set", "slice"], orient="row")
    means = (
        profile.filter(pl.col("n") >= LEAST_MEMBERS)
        .join(slices.cast(pl.String), on=["set", "slice"])
        .group_by("basin")
        .agg(pl.len(), pl.col("mean").mean())
        .filter(pl.col("len") == len(judged))
        .sort("mean", "basin", descending=[True, False])
    )
    return int(means["basin"][0]) if means.height else None


def _profile(evidence: MemberScores, basins: Labels) -> pl.DataFrame:
    """Summarise each basin on each slice."""
    rows = []
    for (name, part), column in zip(evidence.keys, evidence.values.T, strict=True):
        for basin in np.unique(basins[np.isfinite(column)]):
            own = column[(basins == basin) & np.isfinite(column)]
            spread = float(own.std(ddof=1)) if len(own) > 1 else None
            rows.append((
                name, part, int(basin), len(own), float(own.mean()), spread,
                float(own.min()), float(own.max()),
            ))  # fmt: skip
    return pl.DataFrame(rows, schema=PROFILE, orient="row")
