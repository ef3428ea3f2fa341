"""How closely the pairs of a group were looked at, in sentences."""

from __future__ import annotations

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
    seen = pairs.filter(pl.col("measured").cast(pl.String) == "measured")
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
    pending = int((group.pairs["measured"].cast(pl.String) == "pending").sum())
    if set(rules) <= {"exact"} and not pending:
        return []
    counts = ", ".join(f"{n:,} {_SAID[rule]}" for rule, n in rules.items())
    said = [f"Of {counted(group.pairs.height, 'pair')}: {counts}."] if rules else []
    if effort is not None and effort.n_verified:
        said.append(
            f"Of {counted(effort.n_verified, 'pair')} that others join and that "
            f"{'was' if effort.n_verified == 1 else 'were'} raced all the same, "
            f"{effort.n_refuted or 'none'} turned out not to be surely connected."
        )
    if rules.get("coarse") or pending:
        left = rules.get("coarse", 0) + pending
        said.append(
            f"Time ran out before {counted(left, 'pair')}: the same command goes on from here."
        )
    return said
