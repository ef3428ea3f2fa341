"""The points that are measured inside and outside a region."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from wsgeo.regions.radii import relative_radii
from wsgeo.regions.sampling import Sample, centroid, hull_samples
from wsgeo.workflows.region_choices import SampledRegion
from wsgeo.workflows.region_mixes import Mix

RANDOM: Final = 1
"""Stream of seeds of the random points outside; `RADIAL` is that of directions from the centroid."""

RADIAL: Final = 2

BASE: Final = "base"
"""Kind and name of the base among the points."""


@final
@dataclass(frozen=True)
class PlacedPoint:
    """A point in or around a region.

    Parameters
    ----------
    kind, name : str
        As in the table of region points.
    mix : Mix
        What it is made of.
    radius : float or None
        Distance from the centroid over the members' root mean square; None where it is not known.
    """

    kind: str
    name: str
    mix: Mix
    radius: float | None


def points_of(
    region: SampledRegion, *, n_samples: int | None = None, seed: int = 0
) -> list[PlacedPoint]:
    """Return the points of a region: members, samples of their hull, and points outside.

    Outside are the members of the other regions, the base, and the base with a random direction as
    long as the members' task vectors are on average [gueta2023]_. The radius of such a random point
    is its expected one: a direction is all but orthogonal to the task vectors.

    Parameters
    ----------
    region : SampledRegion
        The region.
    n_samples : int, optional
        Samples of each kind; default as many as members.
    seed : int, default 0
        Regions with the same members have the same samples.

    Returns
    -------
    list of PlacedPoint
        Without the base and random points where the base or the norms are not known.

    References
    ----------
    [gueta2023]_
    """
    return [*_inside(region, n_samples, seed), *_other_members(region), *_around_base(region, seed)]


def has_base(region: SampledRegion) -> bool:
    """Return whether the base of a region is known, and how far its members are from it."""
    return region.members[0].base is not None and region.norm is not None


def seeds(seed: int, stream: int, n: int) -> list[int]:
    """Return seeds of random directions; more of them begin with the fewer.

    Parameters
    ----------
    seed : int
        Of all draws.
    stream : int
        `RANDOM` or `RADIAL`.
    n : int
        How many.

    Returns
    -------
    list of int
        At least 0.

    Examples
    --------
    >>> seeds(0, RADIAL, 2) == seeds(0, RADIAL, 5)[:2]
    True
    """
    # One child each, not words of one state: those depend on how many are drawn.
    children = np.random.SeedSequence([seed, stream]).spawn(n)
    return [int(child.generate_state(1)[0]) for child in children]


def _inside(region: SampledRegion, n_samples: int | None, seed: int) -> list[PlacedPoint]:
    ids, n = [member.id for member in region.members], len(region.members)
    members = [
        Sample("member", id_, tuple(row))
        for id_, row in zip(ids, np.eye(n).tolist(), strict=True)
    ]  # fmt: skip
    drawn = hull_samples(n, n if n_samples is None else n_samples, _rng(region, seed))
    samples = [*members, centroid(n), *drawn]
    radii = relative_radii([sample.coefficients for sample in samples], region.inner)
    return [
        PlacedPoint(
            sample.kind, sample.name,
            Mix.of(dict(zip(ids, sample.coefficients, strict=True))), float(radius),
        )
        for sample, radius in zip(samples, radii, strict=True)
    ]  # fmt: skip


def _other_members(region: SampledRegion) -> list[PlacedPoint]:
    n = len(region.members)
    return [
        PlacedPoint(
            "other_member", other.id, Mix.of({other.id: 1.0}),
            _relative(region, region.from_centroid(region.l2[n + k, :n])),
        )
        for k, other in enumerate(region.others)
    ]  # fmt: skip


def _around_base(region: SampledRegion, seed: int) -> list[PlacedPoint]:
    norm, to_base = region.norm, region.to_base
    if not has_base(region) or norm is None or to_base is None:
        return []
    radius = _relative(region, float(np.hypot(to_base, norm)))
    random = [
        PlacedPoint("random", f"random-{k}", Mix.of({}, base=1.0, seed=one, length=norm), radius)
        for k, one in enumerate(seeds(seed, RANDOM, len(region.members)))
    ]
    return [PlacedPoint(BASE, BASE, Mix.of({}, base=1.0), _relative(region, to_base)), *random]


def _relative(region: SampledRegion, distance: float | None) -> float | None:
    return None if distance is None or not region.radius else distance / region.radius


def _rng(region: SampledRegion, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, *_words([m.content_hash for m in region.members])])


def _words(hashes: Sequence[str]) -> list[int]:
    digest = hashlib.sha256("\n".join(hashes).encode()).digest()
    return [int(word) for word in np.frombuffer(digest[:16], "<u4")]
