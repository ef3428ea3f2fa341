"""What a diagnosis will cost, before it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from wsgeo.counting import counted
from wsgeo.progress import duration
from wsgeo.workflows.diagnosis import Questions
from wsgeo.workflows.scan_rates import rate_of
from wsgeo.workflows.sources import GroupData


@final
@dataclass(frozen=True)
class DiagnosisPlan:
    """Counts of a diagnosis.

    Parameters
    ----------
    groups : tuple of (str, int, int, int)
        Name, distinct members, examples asked of each, and examples asked along lines, of each
        loss group.
    sets : tuple of str
        Sets that fit a group.
    refused : mapping of str to str
        Why a set fits no group, by its name.
    seconds_per_example : float or None
        Of one process in the scan of this run; None where that is not known.
    """

    groups: tuple[tuple[str, int, int, int], ...]
    sets: tuple[str, ...]
    refused: Mapping[str, str]
    seconds_per_example: float | None = None

    @property
    def n_forwards(self) -> int:
        """Examples that are put through a model, those found done included."""
        return sum(n * each + along for _, n, each, along in self.groups)

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        keys = ("group", "members", "examples_each", "examples_along_lines")
        rate = self.seconds_per_example
        return {
            "groups": [dict(zip(keys, group, strict=True)) for group in self.groups],
            "sets": list(self.sets),
            "refused": dict(self.refused),
            "n_forwards": self.n_forwards,
            "cpu_seconds": None if rate is None else round(rate * self.n_forwards),
        }

    def __str__(self) -> str:
        """Return the plan in words."""
        what = "No diagnostic set"
        if self.sets:
            what = f"{counted(len(self.sets), 'diagnostic set')}: {', '.join(self.sets)}"
        cost = f"{counted(self.n_forwards, 'text')} through models, less those found done"
        rate = self.seconds_per_example
        time = "" if rate is None else f"; about {duration(rate * self.n_forwards)} of one process"
        return f"{what}. {cost}{time}."


def plan_of(
    asked: Sequence[tuple[GroupData, Questions]],
    n_inner: int,
    summary: Mapping[str, Any],
) -> DiagnosisPlan:
    """Count what a diagnosis does.

    Parameters
    ----------
    asked : sequence of (GroupData, Questions)
        Loss groups and what they are asked.
    n_inner : int
        Positions inside a line.
    summary : mapping
        What the scan said of itself.

    Returns
    -------
    DiagnosisPlan
        The counts.
    """
    groups, refused = [], dict[str, str]()
    for group, questions in asked:
        n = len({member.content_hash for member in group.members})
        along = (
            len(questions.lines) * n_inner * sum(one.examples.height for one in questions.followed)
        )
        groups.append((group.name, n, questions.n_examples, along))
        refused |= questions.refused
    n_examples = max((len(group.encoded) for group, _ in asked), default=0)
    fits = list(dict.fromkeys(name for _, questions in asked for name in questions.sets))
    refused = {name: why for name, why in refused.items() if name not in fits}
    return DiagnosisPlan(tuple(groups), tuple(fits), refused, rate_of(summary, n_examples))
