"""All that is asked of one region, and its tables once that is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, final

import numpy as np
import polars as pl

from wsgeo.errors import WsgeoError
from wsgeo.evaluation.heads import HeadPolicy
from wsgeo.graph.matrices import square
from wsgeo.paths.barriers import convexity_gap
from wsgeo.regions.orders import region_orders
from wsgeo.regions.region_tables import REGION_CURVES, REGION_ORDERS, REGION_POINTS, STARS
from wsgeo.regions.stars import stars
from wsgeo.workflows.region_choices import SampledRegion
from wsgeo.workflows.region_curves import Spot, lines_of, radial_of, star_lines
from wsgeo.workflows.region_losses import Asked, Found, Measured, ask
from wsgeo.workflows.region_mixes import Frame
from wsgeo.workflows.region_points import PlacedPoint, points_of
from wsgeo.workflows.settings import ScanSettings

HEADS: Final = (HeadPolicy.INTERPOLATE, HeadPolicy.REFIT, HeadPolicy.OWN)
"""Head policies that a region can be measured under."""

Policies = Mapping[str, Sequence[HeadPolicy]]


@final
@dataclass(frozen=True)
class Sampling:
    """How densely regions are sampled.

    Parameters
    ----------
    n_samples : int or None
        Samples of each kind; None for as many as members.
    head : str or None
        Head policy, one of `HEADS`; None for what suits each region.
    n_lines : int
        Most pairs of members whose line is followed.
    n_directions : int
        Random directions from the centroid; 0 for no way out of it.
    seed : int
        Of every draw.

    Raises
    ------
    WsgeoError
        If there is no such head policy, or a number is negative.

    Examples
    --------
    >>> Sampling(n_lines=2).policy is None
    True
    """

    n_samples: int | None = None
    head: str | None = None
    n_lines: int = 3
    n_directions: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no region can be sampled by."""
        if self.head is not None and self.head not in HEADS:
            raise WsgeoError(f"--head is {self.head!r}", remedy=f"Take one of {', '.join(HEADS)}.")
        numbers = {
            "samples": self.n_samples, "lines": self.n_lines,
            "directions": self.n_directions, "seed": self.seed,
        }  # fmt: skip
        for name, number in numbers.items():
            if number is not None and number < 0:
                raise WsgeoError(f"--{name} is {number}", remedy="Take 0 or more.")

    @property
    def policy(self) -> HeadPolicy | None:
        """The head policy."""
        return None if self.head is None else HeadPolicy(self.head)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, under the names that the user knows."""
        return {
            "seed": self.seed, "samples": self.n_samples, "lines": self.n_lines,
            "directions": self.n_directions, "head": self.head,
        }  # fmt: skip


@final
@dataclass(frozen=True, eq=False)
class RegionWork:
    """What is asked of a region.

    Parameters
    ----------
    region : SampledRegion
        The region.
    points : tuple of (PlacedPoint, Asked)
        Inside and outside, on each task and under each head policy.
    spots : tuple of (Spot, Asked)
        Along its curves.
    star : mapping of str to tuple of Asked
        On the lines from the centroid to each member, by the member's id.
    positions : tuple of float
        Of the latter.
    """

    region: SampledRegion
    points: tuple[tuple[PlacedPoint, Asked], ...]
    spots: tuple[tuple[Spot, Asked], ...]
    star: Mapping[str, tuple[Asked, ...]]
    positions: tuple[float, ...]

    @property
    def asked(self) -> list[Asked]:
        """All of it."""
        pairs = chain(self.points, self.spots)
        return [*(asked for _, asked in pairs), *chain.from_iterable(self.star.values())]

    def tables(self, found: Found, pairs: pl.DataFrame, seed: int) -> dict[str, pl.DataFrame]:
        """Return the tables of the region.

        Parameters
        ----------
        found : mapping of (str, Point) to Measured
            What was measured.
        pairs : polars.DataFrame
            The run's table of pairs.
        seed : int
            Of resamples.

        Returns
        -------
        dict of str to polars.DataFrame
            ``region_points``, ``region_orders``, ``region_curves`` and ``stars``.
        """
        points = _frame([self._point_row(*one, found) for one in self.points], REGION_POINTS)
        curves = _frame([self._spot_row(*one, found) for one in self.spots], REGION_CURVES)
        orders = pl.DataFrame(schema=REGION_ORDERS)
        if points.height:
            orders = region_orders(points, seed=seed)
        return {
            "region_points": points,
            "region_orders": orders,
            "region_curves": curves,
            "stars": self._stars(found, pairs),
        }

    def failures(self, found: Found) -> list[str]:
        """Return what could not be evaluated, and why; a loss that is not finite is a finding."""
        named = [(point.name, asked) for point, asked in self.points]
        named += [(f"{spot.line} at {spot.position:.3g}", asked) for spot, asked in self.spots]
        named += [
            (f"centroid -> {end}", asked) for end, line in self.star.items() for asked in line
        ]
        return [
            f"{self.region.title}, {name}, on {asked.frame.data.name}: {found[asked.key].reason}"
            for name, asked in named
            if found[asked.key].failed
        ]

    def _point_row(self, point: PlacedPoint, asked: Asked, found: Found) -> dict[str, Any]:
        return {
            **self._key,
            "kind": point.kind,
            "point": point.name,
            # A random point is the base and a direction, which is nobody's share.
            "members": list(point.mix.members) or [self.region.base_id],
            "coefficients": list(point.mix.coefficients) or [point.mix.base],
            "radius": point.radius,
            **asked.row(found),
            "reason": found[asked.key].reason,
        }

    def _spot_row(self, spot: Spot, asked: Asked, found: Found) -> dict[str, Any]:
        place = {"curve": spot.curve, "line": spot.line, "position": spot.position}
        return {**self._key, **place, **asked.row(found)}

    @property
    def _key(self) -> dict[str, str]:
        return {"level": self.region.level, "name": self.region.name}

    def _stars(self, found: Found, pairs: pl.DataFrame) -> pl.DataFrame:
        """Return the star scores; empty where no gaps were measured under the mean of the heads."""
        if not self.star:
            return pl.DataFrame(schema=STARS)
        ids = [member.id for member in self.region.members]
        gaps = [self._gap([found[one.key] for one in self.star[id_]]) for id_ in ids]
        return stars(ids, square(pairs, ids), gaps, **self._key)

    def _gap(self, losses: Sequence[Measured]) -> float:
        known = [one.loss for one in losses if one.loss is not None]
        return convexity_gap(self.positions, known) if len(known) == len(losses) else np.nan


def work_of(
    region: SampledRegion, sampling: Sampling, settings: ScanSettings, norm: float | None = None
) -> RegionWork:
    """Return what is asked of a region.

    Parameters
    ----------
    region : SampledRegion
        The region.
    sampling : Sampling
        How densely.
    settings : ScanSettings
        Of the scan: positions on lines, and the seed of the halves of a linear probe.
    norm : float, optional
        Norm of the centroid; without it there is no way to the origin.

    Returns
    -------
    RegionWork
        Lines are followed under the chief head policy of each task, ways out of the centroid with a
        linear probe where there is one: the base has no head.
    """
    frames = [Frame(region, data, settings.seed) for data in region.data]
    policies = {frame.data.name: frame.policies(sampling.policy) for frame in frames}
    chief = {name: every[:1] for name, every in policies.items()}
    outward = {name: _outward(every) for name, every in policies.items()}
    lines = lines_of(region, settings.positions, n_lines=sampling.n_lines, seed=sampling.seed)
    ways = radial_of(region, n_directions=sampling.n_directions, norm=norm, seed=sampling.seed)
    points = points_of(region, n_samples=sampling.n_samples, seed=sampling.seed)
    spots = [(spot, one) for spot in lines for one in ask(spot.mix, frames, chief)]
    spots += [
        (spot, one)
        for spot in ways
        for one in ask(spot.mix, frames, outward)
        # With heads that are mixed the way to the origin would shrink the head as well.
        if not (spot.line == "origin" and one.policy is HeadPolicy.INTERPOLATE)
    ]
    return RegionWork(
        region,
        tuple((point, one) for point in points for one in ask(point.mix, frames, policies)),
        tuple(spots),
        _star(region, frames, policies, settings),
        settings.positions,
    )


def _outward(policies: Sequence[HeadPolicy]) -> Sequence[HeadPolicy]:
    return (HeadPolicy.REFIT,) if HeadPolicy.REFIT in policies else policies[:1]


def _star(
    region: SampledRegion, frames: Sequence[Frame], policies: Policies, settings: ScanSettings
) -> dict[str, tuple[Asked, ...]]:
    """Return what is asked between the centroid and members, where the scan's gaps are of that kind."""
    mixed = any(HeadPolicy.INTERPOLATE in every for every in policies.values())
    if not (region.is_of_one_task and mixed and settings.head_policy == HeadPolicy.INTERPOLATE):
        return {}
    policy = {frame.data.name: (HeadPolicy.INTERPOLATE,) for frame in frames}
    lines = star_lines(region, settings.positions)
    return {
        end: tuple(a for mix in line for a in ask(mix, frames, policy))
        for end, line in lines.items()
    }


def _frame(rows: Sequence[Mapping[str, Any]], schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema)
