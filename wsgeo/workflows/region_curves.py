"""The lines that losses are followed along, through a region and out of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from wsgeo.errors import WsgeoError
from wsgeo.processes.abstract import AbstractPool
from wsgeo.processes.worker import WorkFailure
from wsgeo.regions.lines import extrapolation_positions
from wsgeo.workflows.region_choices import SampledRegion
from wsgeo.workflows.region_mixes import Mix
from wsgeo.workflows.region_points import RADIAL, seeds
from wsgeo.zoo import Checkpoint

RADII: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Distances from the centroid at which radial curves are measured, over that of the members."""

INTERPOLATION: Final = "interpolation"
EXTRAPOLATION: Final = "extrapolation"


@final
@dataclass(frozen=True)
class Spot:
    """A position on a curve.

    Parameters
    ----------
    curve, line : str
        As in the table of region curves.
    position : float
        On the line, or distance from the centroid over that of the members.
    mix : Mix
        The point there.
    """

    curve: str
    line: str
    position: float
    mix: Mix


def lines_of(
    region: SampledRegion, positions: Sequence[float], *, n_lines: int, seed: int = 0
) -> list[Spot]:
    """Return positions between and beyond pairs of members.

    Beyond the ends there are ten positions on either side, evenly spaced on a logarithmic scale up
    to 32 lengths of the line, the ends included [gueta2023]_.

    Parameters
    ----------
    region : SampledRegion
        The region.
    positions : sequence of float
        Between the ends, from 0 to 1.
    n_lines : int
        Most pairs; drawn without repetition where there are more.
    seed : int, default 0
        Of the draw.

    Returns
    -------
    list of Spot
        By line. A line runs from the member of the smaller content hash, as those of a scan do.

    References
    ----------
    [gueta2023]_
    """
    before, beyond = extrapolation_positions()
    spots = []
    for a, b in _pairs(region, n_lines, seed):
        for curve, where in ((INTERPOLATION, positions), (EXTRAPOLATION, (*before[::-1], *beyond))):
            spots += [
                Spot(curve, f"{a.id} -> {b.id}", t, Mix.of({a.id: 1.0 - t, b.id: t})) for t in where
            ]
    return spots


def radial_of(
    region: SampledRegion, *, n_directions: int, norm: float | None = None, seed: int = 0
) -> list[Spot]:
    """Return positions on the ways out from the centroid: at random, to the origin, to the base.

    Parameters
    ----------
    region : SampledRegion
        The region.
    n_directions : int
        Random directions; 0 for no way at all.
    norm : float, optional
        Norm of the centroid, over the tensors that distances are taken over; without it there is no
        way to the origin, which ends there.
    seed : int, default 0
        Of the directions.

    Returns
    -------
    list of Spot
        By line; each begins at the centroid.

    References
    ----------
    [gueta2023]_
    """
    if not n_directions or not region.radius:
        return []
    return list(
        itertools.chain(
            _random(region, seeds(seed, RADIAL, n_directions)),
            [] if norm is None else _toward(region, "origin", norm),
            _toward(region, "base", region.to_base) if region.to_base else [],
        )
    )


def star_lines(region: SampledRegion, positions: Sequence[float]) -> dict[str, list[Mix]]:
    """Return mixes on the lines from the centroid to each member, by the member's id.

    Parameters
    ----------
    region : SampledRegion
        The region.
    positions : sequence of float
        From 0, the centroid, to 1.

    Returns
    -------
    dict of str to list of Mix
        One mix per position.
    """
    ids = [member.id for member in region.members]
    share = 1.0 / len(ids)
    return {
        end: [Mix.of({id_: (1.0 - t) * share + t * (id_ == end) for id_ in ids}) for t in positions]
        for end in ids
    }


def centroid_norms(
    regions: Sequence[SampledRegion], pool: AbstractPool
) -> dict[tuple[str, str, str], float]:
    """Return the norm of the centroid of each region, over the tensors that distances are taken over.

    Parameters
    ----------
    regions : sequence of SampledRegion
        The regions.
    pool : AbstractPool
        Its processes read each member once.

    Returns
    -------
    dict of (str, str, str) to float
        By geometry group, level and name.

    Raises
    ------
    WsgeoError
        If a member cannot be read.
    """
    members = {member.id: (member, region.body) for region in regions for member in region.members}
    asked = list(members.values())
    squares: dict[str, float] = {}
    for i, found in pool.run(_squared_norm, asked):
        name = asked[i][0].id
        if isinstance(found, WorkFailure):
            raise WsgeoError(f"its weights cannot be read: {found.reason}", where=name)
        squares[name] = found
    # The mean squared norm of members is that of their mean and their own radius's.
    return {region.place: math.sqrt(max(0.0, _mean_square(region, squares))) for region in regions}


def _mean_square(region: SampledRegion, squares: Mapping[str, float]) -> float:
    mean = math.fsum(squares[member.id] for member in region.members) / len(region.members)
    return mean - region.radius**2


def _squared_norm(asked: tuple[Checkpoint, tuple[str, ...]]) -> float:
    from wsgeo.zoo import load_weights

    member, names = asked
    weights = load_weights(member)
    return math.fsum(float(np.square(weights.tensor(n), dtype=np.float64).sum()) for n in names)


def _pairs(region: SampledRegion, n_lines: int, seed: int) -> list[tuple[Checkpoint, Checkpoint]]:
    pairs = list(itertools.combinations(sorted(region.members, key=lambda m: m.content_hash), 2))
    drawn = np.random.default_rng([seed, len(pairs)]).permutation(len(pairs))[:n_lines]
    return [pairs[i] for i in drawn]


def _random(region: SampledRegion, directions: Sequence[int]) -> Iterator[Spot]:
    centroid = _centroid(region)
    for k, seed in enumerate(directions):
        for radius in RADII:
            mix = Mix.of(centroid, seed=seed, length=radius * region.radius)
            yield Spot("random", f"direction-{k}", radius, mix)


def _toward(region: SampledRegion, goal: str, distance: float) -> Iterator[Spot]:
    """Yield positions toward the origin, which ends the way, or the base, which does not."""
    for radius in RADII:
        share = radius * region.radius / distance
        if goal == "origin" and share >= 1:
            return
        centroid = {id_: (1.0 - share) * own for id_, own in _centroid(region).items()}
        mix = Mix.of(centroid, base=share if goal == "base" else 0.0)
        yield Spot(goal, goal, radius, mix)


def _centroid(region: SampledRegion) -> dict[str, float]:
    return {member.id: 1.0 / len(region.members) for member in region.members}
