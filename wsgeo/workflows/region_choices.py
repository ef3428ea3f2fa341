"""Which regions of a run are sampled, and what is known of where their members lie."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import polars as pl

from wsgeo.errors import WsgeoError
from wsgeo.graph.matrices import square
from wsgeo.regions.radii import members_radius
from wsgeo.regions.region_groups import LEVELS
from wsgeo.sentences import capital
from wsgeo.store import Run
from wsgeo.suggestions import suggestion
from wsgeo.weights.geometry import Matrix
from wsgeo.workflows.inputs import ScanInputs
from wsgeo.workflows.sources import GroupData
from wsgeo.zoo import Checkpoint

USUAL: Final = LEVELS[:3]
"""Levels that are sampled where nobody names one."""

_NOUNS: Final = {"dataset": "data set", "basin": "group"}
_FEWEST = 2
"""Members from which on a region has an inside."""


@final
@dataclass(frozen=True, eq=False)
class SampledRegion:
    """A region whose inside and outside are measured.

    Parameters
    ----------
    group : str
        Geometry group.
    level, name : str
        As in the table of regions.
    members, others : tuple of Checkpoint
        Those inside, in the order of their ids, and those of the other regions of the group.
    data : tuple of GroupData
        Loss groups of its members that have data: on these the losses are measured.
    l2 : ndarray of float64, shape (n, n)
        Distances between members and others, members first.
    norms : ndarray of float64, shape (n_members,)
        Norms of the members' task vectors; NaN where not known.
    body : tuple of str
        Tensors that distances and norms are taken over, by canonical name: those that the members
        of the geometry group share with their base, the heads of all of them left out.
    """

    group: str
    level: str
    name: str
    members: tuple[Checkpoint, ...]
    others: tuple[Checkpoint, ...]
    data: tuple[GroupData, ...]
    l2: Matrix
    norms: np.ndarray[tuple[int], np.dtype[np.float64]]
    body: tuple[str, ...]

    @property
    def title(self) -> str:
        """Level and name in words, such as ``data set snli``."""
        return title_of(self.level, self.name)

    @property
    def place(self) -> tuple[str, str, str]:
        """What its rows are found by: group, level and name."""
        return self.group, self.level, self.name

    @property
    def base_id(self) -> str:
        """Id of its base, or ``base`` where that is not known."""
        base = self.members[0].base
        return "base" if base is None else base.id

    @property
    def is_of_one_task(self) -> bool:
        """Whether its members are of one loss group, so that their heads can be mixed."""
        return len({member.loss_group for member in self.members}) == 1

    @property
    def inner(self) -> Matrix:
        """Distances between its members, shape (n_members, n_members)."""
        n = len(self.members)
        return self.l2[:n, :n]

    @property
    def radius(self) -> float:
        """Root mean square distance of the members from the centroid."""
        return members_radius(self.inner)

    @property
    def norm(self) -> float | None:
        """Mean norm of the members' task vectors; None where one is not known."""
        known = float(self.norms.mean())
        return known if math.isfinite(known) else None

    @property
    def to_base(self) -> float | None:
        """Distance from the centroid to the base; None where it is not known."""
        return self.from_centroid(self.norms)

    def from_centroid(self, to_members: Sequence[float] | Matrix) -> float | None:
        """Return how far a point is from the centroid, by its distances to the members."""
        # The mean squared distance to the members is that to their mean and their own radius's.
        squared = float(np.mean(np.square(to_members))) - self.radius**2
        return math.sqrt(max(0.0, squared)) if math.isfinite(squared) else None


def title_of(level: str, name: str) -> str:
    """Return what a region is called in sentences.

    Parameters
    ----------
    level, name : str
        As in the table of regions.

    Returns
    -------
    str
        Its level and name; all members together have a level only.

    Examples
    --------
    >>> title_of("dataset", "snli"), title_of("general", "all"), title_of("basin", "g0.l0 basin 0")
    ('data set snli', 'all members', 'group g0.l0 basin 0')
    """
    if level == "general":
        return "all members"
    return f"{_NOUNS.get(level, level)} {name}"


def choose_regions(
    regions: pl.DataFrame,
    run: Run,
    inputs: ScanInputs,
    *,
    level: str | None = None,
    names: Collection[str] = (),
) -> tuple[list[SampledRegion], list[str]]:
    """Return the regions that can be sampled, of those that are asked for and known.

    Parameters
    ----------
    regions : polars.DataFrame
        The table of regions.
    run : Run
        A finished run, with its distances.
    inputs : ScanInputs
        Its zoo and data.
    level : str, optional
        One level; default data sets, tasks and all members.
    names : collection of str, optional
        Names of regions; default all.

    Returns
    -------
    chosen : list of SampledRegion
        In the order of the table.
    notes : list of str
        Why a region has no inside, or nothing that its losses can be measured on.
    """
    if regions.is_empty():
        return [], ["No member passed the end-point gate, so there is no region."]
    levels = USUAL if level is None and not names else LEVELS if level is None else (level,)
    wanted = regions.filter(pl.col("level").is_in(levels))
    if names:
        wanted = wanted.filter(pl.col("name").is_in(list(names)))
    chosen, notes = [], []
    bodies = {group: _body(group, inputs) for group in wanted["group"].unique()}
    for row in wanted.iter_rows(named=True):
        why, found = _sampled(row, regions, run, inputs, bodies[row["group"]])
        chosen += [found] if found is not None else []
        notes += [f"{capital(title_of(row['level'], row['name']))} {why}."] if why else []
    return chosen, notes


def _sampled(
    row: Mapping[str, Any],
    regions: pl.DataFrame,
    run: Run,
    inputs: ScanInputs,
    body: tuple[str, ...],
) -> tuple[str, SampledRegion | None]:
    by_id = {member.id: member for member in inputs.zoo.members}
    members = tuple(by_id[name] for name in row["members"])
    if len(members) < _FEWEST:
        return "has one member: it has no inside to sample", None
    losses = {member.loss_group for member in members}
    data = tuple(group for group in inputs.groups if group.name in losses)
    if not data:
        return "is not sampled: the run has no data for its members", None
    everyone = regions.filter(group=row["group"])["members"].explode().drop_nulls().unique()
    others = tuple(by_id[name] for name in sorted(set(everyone) - set(row["members"])))
    ids = [member.id for member in (*members, *others)]
    l2 = square(run.table("distances").filter(group=row["group"]), ids, "l2")
    if not np.isfinite(l2).all():
        return "is not sampled: the run lacks distances between its members", None
    norms = dict(run.table("models").select("id", "task_vector_norm").iter_rows())
    own = np.array([norms.get(member.id) for member in members], np.float64)
    place = row["group"], row["level"], row["name"]
    return "", SampledRegion(*place, members, others, data, l2, own, body)


def _body(group: str, inputs: ScanInputs) -> tuple[str, ...]:
    """Return the tensors that distances in a geometry group are taken over."""
    members = [member for member in inputs.zoo.members if member.geometry_group == group]
    heads = frozenset[str]().union(*(member.head for member in members))
    first = members[0]
    names = [name for name in first.layout.names if name not in heads]
    if first.base is None:
        return tuple(names)
    tensors = first.base.tensors
    return tuple(n for n in names if n in tensors and tensors[n].shape == first.layout.shape(n))


def refuse_unknown(regions: pl.DataFrame, level: str | None, names: Collection[str]) -> None:
    """Refuse a level or a name that no region of a run has.

    Parameters
    ----------
    regions : polars.DataFrame
        The table of regions.
    level : str or None
        One level, or any.
    names : collection of str
        Names of regions.

    Raises
    ------
    WsgeoError
        If there is none such; never where there is no region at all, of which `choose_regions` tells.
    """
    if regions.is_empty():
        return
    known = regions if level is None else regions.filter(level=level)
    if level is not None and known.is_empty():
        raise WsgeoError(
            f"the run has no region of level {level}", remedy=suggestion("", regions["level"])
        )
    for name in names:
        if name not in known["name"]:
            raise WsgeoError(
                f"no region is called {name!r}", remedy=suggestion(name, known["name"])
            )
