"""What the regions of a geometry group are, and how well they were found again, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from wsgeo.counting import counted
from wsgeo.graph.setting_words import title
from wsgeo.graph.verdicts import LEVEL
from wsgeo.regions.region_groups import ESTIMATED, Group
from wsgeo.regions.region_scores import WEIGHTS, Scored
from wsgeo.regions.traits import DATASET_AXES, NOUNS, TASK_AXES

_AXES: Final = {"dataset": DATASET_AXES, "task": TASK_AXES}
_PLURALS: Final = {"dataset": "data sets", "task": "task families"}


def told(group: Group, scored: Sequence[Scored], members: pl.DataFrame) -> tuple[str, ...]:
    """Return what was found of a geometry group, as sentences.

    Parameters
    ----------
    group : Group
        The members.
    scored : sequence of Scored
        Clusterings and their scores.
    members : polars.DataFrame
        Schema `REGION_MEMBERS`.

    Returns
    -------
    tuple of str
        What was found, then what does not apply, and why.
    """
    return (
        *([ESTIMATED] if group.vectors.estimated else []),
        *(_sentence(one) for one in scored),
        *(_absent(group, level) for level in NOUNS if _has_no_groups(group, scored, level)),
        *_failed(group),
        *_unplaced(members),
    )


def _sentence(one: Scored) -> str:
    """Return one clustering with its scores, and what they mean."""
    got, nouns = one.recovery, f"{_PLURALS[one.trait.level]} ({title(one.trait.axis)})"
    if got.n_clusters < 2:
        return f"{_head(one)} do not split: the {got.n_groups} {nouns} are not found again."
    said = (
        f"purity {got.purity:.2f}, one-to-one F1 {got.f1:.2f}, adjusted Rand {got.ari:.2f}, mutual "
        f"information {got.nmi:.2f}"
    )
    if got.p_value is None:
        return f"{_head(one)} fall into clusters too small to test against {nouns}: {said}."
    said = f"{said}, p = {got.p_value:.2g}"
    if got.p_value > LEVEL:
        return f"{_head(one)} do not find the {nouns} again better than chance: {said}."
    if not got.n_exact:
        return f"{_head(one)} follow the {nouns} better than chance, none found exactly: {said}."
    return f"{_head(one)} find {got.n_exact} of {got.n_groups} {nouns} exactly again: {said}."


def _head(one: Scored) -> str:
    if one.space == WEIGHTS:
        return "For comparison only: raw weights in Euclidean distance, the number given,"
    seen = "Task vectors from an estimated base" if one.estimated else "Task vectors"
    clusters = counted(one.recovery.n_clusters, "cluster")
    if one.clusters == "given":
        return f"{seen}, the number of clusters given,"
    if one.clusters == "suggested":
        return f"{seen}, in the {clusters} of the best silhouette, which no null tests,"
    if one.recovery.n_clusters < 2:
        return f"{seen}, tested against noise without that number,"
    return f"{seen}, in the {clusters} that stand out from noise,"


def _has_no_groups(group: Group, scored: Sequence[Scored], level: str) -> bool:
    return not any(one.trait.level == level for one in scored) and len(group.vectors.ids) > 1


def _absent(group: Group, level: str) -> str:
    """Return why there is nothing to find again at a level."""
    trait = next((one for one in group.traits if one.level == level), None)
    noun, nouns = NOUNS[level], _PLURALS[level]
    if trait is None:
        return (
            f"Regions of {nouns} are not applicable: no setting names the {noun} of a member. Give "
            f"{' or '.join(_AXES[level])} below facts in zoo.toml, and scan again."
        )
    values = [trait.value_of[one] for one in group.vectors.ids if one in trait.value_of]
    if len(set(values)) < 2:
        return f"Whether {nouns} are found again is not applicable: the members are of one {noun}."
    return f"Whether {nouns} are found again is not applicable: each member is of another {noun}."


def _failed(group: Group) -> list[str]:
    n = len(group.failed)
    if not n:
        return []
    said = counted(n, "member that failed", "members that failed")
    place = "is in no region" if n == 1 else "are in no region"
    return [f"{said} the end-point gate {place}, yet counted in the clusterings above."]


def _unplaced(members: pl.DataFrame) -> list[str]:
    names = members.filter(~pl.col("placed"))["id"].to_list()
    if not names:
        return []
    some = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    have = "has" if len(names) == 1 else "have"
    who = counted(len(names), "member")
    return [f"{who} {have} too little training to be placed, which blurs the clusterings: {some}."]
