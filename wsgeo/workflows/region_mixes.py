"""Mixes of members, their base and a random direction, as points that an engine evaluates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import final

from wsgeo.evaluation.directions import direction
from wsgeo.evaluation.frames import base_in_frame
from wsgeo.evaluation.heads import HeadPolicy, head_for
from wsgeo.evaluation.losses import Point
from wsgeo.tasks import Objective
from wsgeo.workflows.region_choices import SampledRegion
from wsgeo.workflows.sources import GroupData
from wsgeo.zoo import Checkpoint


@final
@dataclass(frozen=True)
class Mix:
    """A point of weight space, before anybody says on which task it is measured.

    Parameters
    ----------
    members : tuple of str
        Ids of the members that are mixed.
    coefficients : tuple of float
        Their shares.
    base : float
        Share of the base; 0 for none.
    seed : int or None
        Seed of a random direction that is added; None for none.
    length : float
        Euclidean length of that direction.

    Examples
    --------
    >>> Mix.of({"a": 0.5, "b": 0.5, "c": 0.0})
    Mix(members=('a', 'b'), coefficients=(0.5, 0.5), base=0.0, seed=None, length=0.0)
    """

    members: tuple[str, ...]
    coefficients: tuple[float, ...]
    base: float = 0.0
    seed: int | None = None
    length: float = 0.0

    @classmethod
    def of(
        cls,
        shares: Mapping[str, float],
        *,
        base: float = 0.0,
        seed: int | None = None,
        length: float = 0.0,
    ) -> Mix:
        """Return the mix of members by their shares; those of no share are left out."""
        kept = {name: share for name, share in shares.items() if share != 0.0}
        along = (seed, length) if length else (None, 0.0)
        return cls(tuple(kept), tuple(kept.values()), base, *along)


@final
@dataclass(frozen=True, eq=False)
class Frame:
    """What the mixes of a region are evaluated with on the data of one loss group.

    What the base lacks, such as the head, a mix with the base has from the region's first member of
    this loss group.

    Parameters
    ----------
    region : SampledRegion
        The region.
    data : GroupData
        One of its loss groups.
    seed : int
        Seed of the halves that a head is fitted anew on.
    """

    region: SampledRegion
    data: GroupData
    seed: int
    _directions: dict[int, Checkpoint] = field(default_factory=dict, init=False, repr=False)

    @property
    def made(self) -> tuple[Checkpoint, ...]:
        """Checkpoints that are no members, of the points so far: the base, and directions."""
        base = () if self.like.base is None else (self._base,)
        return (*base, *self._directions.values())

    @cached_property
    def like(self) -> Checkpoint:
        """The region's first member of this loss group."""
        return next(m for m in self.region.members if m.loss_group == self.data.name)

    def policies(self, asked: HeadPolicy | None) -> tuple[HeadPolicy, ...]:
        """Return the head policies that points are measured under, the chief one first.

        Parameters
        ----------
        asked : HeadPolicy or None
            By the user.

        Returns
        -------
        tuple of HeadPolicy
            Where members are of one loss group, the mean of the heads and, for classifiers, the
            linear probe. Else the probe; language models, which have no probe, keep one head. None
            where the policy that was asked for does not apply.
        """
        if asked is not None:
            return (asked,) if self._allows(asked) else ()
        if self.region.is_of_one_task:
            usual = (HeadPolicy.INTERPOLATE, HeadPolicy.REFIT)
            return tuple(policy for policy in usual if self._allows(policy))
        return (HeadPolicy.REFIT if self.is_classified else HeadPolicy.OWN,)

    def _allows(self, policy: HeadPolicy) -> bool:
        if policy is HeadPolicy.REFIT:
            return self.is_classified
        return policy is not HeadPolicy.INTERPOLATE or self.region.is_of_one_task

    @property
    def is_classified(self) -> bool:
        """Whether the task is one that a linear probe can do."""
        return self.data.task.objective is Objective.CLASSIFICATION

    def point(self, mix: Mix, policy: HeadPolicy) -> Point | None:
        """Return the point of a mix.

        Parameters
        ----------
        mix : Mix
            Of members of the geometry group.
        policy : HeadPolicy
            ``interpolate``: the heads are mixed as the rest is. ``refit``: a probe is fitted.
            ``own``: the head of the member of this loss group that has the largest share.

        Returns
        -------
        Point or None
            None where the policy does not apply: heads of several tasks, or that of a base, cannot
            be mixed.
        """
        ends = {self._known[name].content_hash: share for name, share in self._shares(mix)}
        owner = self._owner(mix)
        if policy is HeadPolicy.INTERPOLATE:
            if mix.base or any(self._is_foreign(name) for name in mix.members):
                return None
            head = None
        elif policy is HeadPolicy.OWN and len(ends) == 1 and owner in ends and not mix.base:
            head = None  # as it was trained; the scan has measured it
        else:
            head = head_for(policy, owner, self.seed)
        if mix.base:
            ends[self._base.content_hash] = mix.base
        if mix.seed is not None:
            ends[self._direction(mix.seed).content_hash] = mix.length
        return Point(tuple(ends), tuple(ends.values()), head)

    @cached_property
    def _known(self) -> dict[str, Checkpoint]:
        return {m.id: m for m in (*self.region.members, *self.region.others)}

    def _is_foreign(self, name: str) -> bool:
        return self._known[name].loss_group != self.data.name

    def _shares(self, mix: Mix) -> list[tuple[str, float]]:
        """Return members and shares in an order of its own: a head that is fitted has the first's layout."""
        shares = zip(mix.members, mix.coefficients, strict=True)
        return sorted(
            shares, key=lambda one: (self._is_foreign(one[0]), self._known[one[0]].content_hash)
        )

    def _owner(self, mix: Mix) -> str:
        own = [(-share, name) for name, share in self._shares(mix) if not self._is_foreign(name)]
        return self._known[min(own)[1]].content_hash if own else self.like.content_hash

    @cached_property
    def _base(self) -> Checkpoint:
        assert self.like.base is not None
        return base_in_frame(self.like.base, self.like)

    def _direction(self, seed: int) -> Checkpoint:
        if seed not in self._directions:
            made = direction(self.like, self.region.body, seed)
            self._directions[seed] = made
        return self._directions[seed]
