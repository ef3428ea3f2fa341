"""How closely the pairs of a group were looked at, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from wsgeo.counting import counted
from wsgeo.workflows.group_results import GroupResult

_SAID = {
    "exact": "measured on every example",
    "raced": "raced on as few examples as the question takes",
    "betting": "raced with bets on as few examples as the question takes",
    "inferred": "inferred, as connected pairs join their ends",
    "coarse": "only glimpsed",
}


_NOTHING_SAVED = (
    "Every pair was too close to the threshold for a race, and was measured on every example."
)


def rules_of(pairs: pl.DataFrame) -> dict[str, int]:
    """Return how many pairs were looked at under each rule.

    Parameters
    ----------
    pairs : polars.DataFrame
        The pair table.

    Returns
    -------
    dict of str to int
        By rule, of the pairs that were looked at.
    """
    seen = pairs.filter(pl.col("measured").cast(pl.String).is_in(["measured", "inferred"]))
    found = dict(seen["rule"].cast(pl.String).value_counts().iter_rows())
    return {rule: found[rule] for rule in _SAID if rule in found}


def efforts_of(group: GroupResult) -> list[str]:
    """Return what a reader must know of pairs that were not measured on every example.

    Parameters
    ----------
    group : GroupResult
        What was found.

    Returns
    -------
    list of str
        Sentences; none where every pair was measured, or could not be.
    """
    rules, effort = rules_of(group.pairs), group.effort
    pending = _n_pending(group.pairs)
    raced = effort is not None and effort.mode != "exact"
    if set(rules) <= {"exact"} and not pending:
        return [_NOTHING_SAVED] if raced and rules else []
    counts = ", ".join(f"{n:,} {_SAID[rule]}" for rule, n in rules.items())
    said = [f"Of {counted(group.pairs.height, 'pair')}: {counts}."] if rules else []
    if effort is not None and effort.n_verified:
        sure = effort.n_verified - effort.n_refuted
        said.append(
            f"{counted(effort.n_verified, 'pair')} inside such components "
            f"{'was' if effort.n_verified == 1 else 'were'} raced to verify this: "
            f"{sure} of {effort.n_verified} {'is' if sure == 1 else 'are'} surely connected."
        )
    return said + _time_ran_out(group)


def alerts_of(groups: Sequence[GroupResult]) -> list[str]:
    """Return what must be seen before any verdict: that time ran out."""
    return [f"{group.name}: {said}" for group in groups for said in _time_ran_out(group)]


def _time_ran_out(group: GroupResult) -> list[str]:
    left = rules_of(group.pairs).get("coarse", 0) + _n_pending(group.pairs)
    if not left:
        return []
    seen = f"{counted(left, 'pair')} had no closer look than a glimpse of the middle, or none"
    return [f"Time ran out: {seen}. The same command goes on from here."]


def _n_pending(pairs: pl.DataFrame) -> int:
    return int((pairs["measured"].cast(pl.String) == "pending").sum())
