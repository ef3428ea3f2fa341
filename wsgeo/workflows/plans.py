"""What a scan will cost, before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from wsgeo.counting import counted
from wsgeo.evaluation.heads import HeadPolicy
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData


@final
@dataclass(frozen=True)
class ScanPlan:
    """Counts of a scan.

    Parameters
    ----------
    zoo : str
        Name of the zoo.
    n_members, n_distinct, n_excluded : int
        Accepted members, those with distinct weights, and entries left out.
    groups : tuple of (str, int, int, int)
        Name, distinct members, pairs and evaluations of each loss group with data.
    n_examples, n_points : int
        Examples per evaluation, positions per path.
    alerts : tuple of str
        What was guessed or looks odd.
    n_kept : int
        Finished evaluations that the run folder keeps, whatever they are of.
    mode : str
        How closely lines are looked at.
    """

    zoo: str
    n_members: int
    n_distinct: int
    n_excluded: int
    groups: tuple[tuple[str, int, int, int], ...]
    n_examples: int
    n_points: int
    alerts: tuple[str, ...] = ()
    n_kept: int = 0
    mode: str = "exact"

    @property
    def n_pairs(self) -> int:
        """Pairs over all groups."""
        return sum(group[2] for group in self.groups)

    @property
    def n_evaluations(self) -> int:
        """Evaluations over all groups, those found done included."""
        return sum(group[3] for group in self.groups)

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        groups = [
            dict(zip(("group", "members", "pairs", "evaluations"), group, strict=True))
            for group in self.groups
        ]
        return {
            "zoo": self.zoo,
            "n_members": self.n_members,
            "n_distinct": self.n_distinct,
            "n_excluded": self.n_excluded,
            "groups": groups,
            "n_examples": self.n_examples,
            "n_points": self.n_points,
            "mode": self.mode,
            "n_evaluations": self.n_evaluations,
            "n_kept": self.n_kept,
            "alerts": list(self.alerts),
        }

    def __str__(self) -> str:
        """Return the plan in words."""
        first = f"{self.zoo}: {counted(self.n_members, 'member')}"
        if self.n_distinct < self.n_members:
            first += f" ({self.n_distinct} distinct)"
        if self.n_excluded:
            first += f", {counted(self.n_excluded, 'entry', 'entries')} left out"
        if not self.groups:
            return f"{first}; no data, so the weights alone are compared."
        kept = f" (the run folder keeps {self.n_kept:,})" if self.n_kept else ""
        pairs = f"{first}; {counted(self.n_pairs, 'pair')} of {self.n_points} points"
        all_ = (
            f"{counted(self.n_evaluations, 'evaluation')} of {counted(self.n_examples, 'example')}"
        )
        if self.mode != "exact":
            return f"{pairs}, raced: a part of {all_}{kept}; how large, the gaps decide."
        return (
            f"{pairs}: {all_}, less those found done{kept}, and further ones where a peak hides "
            "between points."
        )


def plan_of(
    zoo: str,
    hashes: Sequence[str],
    n_excluded: int,
    groups: Sequence[GroupData],
    settings: ScanSettings,
    alerts: Sequence[str],
) -> ScanPlan:
    """Count what a scan does.

    Parameters
    ----------
    zoo : str
        Name of the zoo.
    hashes : sequence of str
        Content hashes of the accepted members.
    n_excluded : int
        Entries left out.
    groups : sequence of GroupData
        Groups with data.
    settings : ScanSettings
        Settings of the scan.
    alerts : sequence of str
        What was guessed or looks odd.

    Returns
    -------
    ScanPlan
        The counts.
    """
    counts = []
    for group in groups:
        n = len({member.content_hash for member in group.members})
        n_pairs = n * (n - 1) // 2
        counts.append((group.name, n, n_pairs, _evaluations(n, n_pairs, settings)))
    n_examples = max((len(group.encoded) for group in groups), default=0)
    return ScanPlan(
        zoo=zoo,
        n_members=len(hashes),
        n_distinct=len(set(hashes)),
        n_excluded=n_excluded,
        groups=tuple(counts),
        n_examples=n_examples,
        n_points=settings.n_points,
        alerts=tuple(alerts),
        mode=settings.mode,
    )


def _evaluations(n: int, n_pairs: int, settings: ScanSettings) -> int:
    """Count the evaluations for the gate, of ends under another head than their own, and inside."""
    # With the head of one end the other end is a point of its own in every pair; a fitted head is
    # fitted once to each member.
    other_ends = {
        HeadPolicy.INTERPOLATE: 0,
        HeadPolicy.OWN: n_pairs,
        HeadPolicy.SOURCE: n_pairs,
        HeadPolicy.REFIT: n if n_pairs else 0,
    }
    inside = n_pairs * (settings.n_points - 2)
    return n + other_ends[HeadPolicy(settings.head_policy)] + inside
