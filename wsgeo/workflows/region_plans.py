"""What sampling the regions of a run will cost, before it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from wsgeo.counting import counted
from wsgeo.progress import duration
from wsgeo.workflows.region_losses import n_points_of
from wsgeo.workflows.region_work import RegionWork
from wsgeo.workflows.scan_rates import rate_of


@final
@dataclass(frozen=True)
class RegionPlan:
    """Counts of what `region` measures.

    Parameters
    ----------
    regions : tuple of (str, str, int)
        Level, name and members of each region.
    tasks : tuple of (str, int, int)
        Name of each loss group, distinct points on its data, and its examples.
    notes : tuple of str
        Why regions are not sampled, or not wholly.
    seconds_per_example : float or None
        Of one process in the scan of this run; None where that is not known.
    """

    regions: tuple[tuple[str, str, int], ...]
    tasks: tuple[tuple[str, int, int], ...]
    notes: tuple[str, ...] = ()
    seconds_per_example: float | None = None

    @property
    def n_points(self) -> int:
        """Evaluations, those found done included."""
        return sum(n for _, n, _ in self.tasks)

    @property
    def n_forwards(self) -> int:
        """Examples that are put through a model, those found done included."""
        return sum(n * each for _, n, each in self.tasks)

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        rate = self.seconds_per_example
        return {
            "regions": [
                dict(zip(("level", "name", "members"), one, strict=True)) for one in self.regions
            ],
            "tasks": [
                dict(zip(("task", "points", "examples"), one, strict=True)) for one in self.tasks
            ],
            "notes": list(self.notes),
            "n_points": self.n_points,
            "n_forwards": self.n_forwards,
            "cpu_seconds": None if rate is None else round(rate * self.n_forwards),
        }

    def __str__(self) -> str:
        """Return the plan in words, the cost first."""
        if not self.regions:
            return "No region is sampled."
        rate = self.seconds_per_example
        time = "" if rate is None else f" (about {duration(rate * self.n_forwards)} of one process)"
        return (
            f"{counted(self.n_points, 'evaluation')}{time}, less those found done: inside and outside "
            f"of {counted(len(self.regions), 'region')}, on the data of "
            f"{counted(len(self.tasks), 'loss group')}."
        )


def plan_of(
    work: Sequence[RegionWork], notes: Sequence[str], summary: Mapping[str, Any]
) -> RegionPlan:
    """Count what sampling regions does.

    Parameters
    ----------
    work : sequence of RegionWork
        What is asked of each region.
    notes : sequence of str
        Why others are not sampled.
    summary : mapping
        What the scan said of itself.

    Returns
    -------
    RegionPlan
        The counts; points that several regions share count once.
    """
    data = {group.name: group for one in work for group in one.region.data}
    counts = n_points_of([asked for one in work for asked in one.asked])
    tasks = tuple((name, n, len(data[name].encoded)) for name, n in counts.items())
    regions = tuple((*one.region.place[1:], len(one.region.members)) for one in work)
    n_examples = max((each for _, _, each in tasks), default=0)
    return RegionPlan(regions, tasks, tuple(notes), rate_of(summary, n_examples))
