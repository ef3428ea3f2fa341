"""The models that a fine-tuning could start from: base, members, and middles of regions."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import polars as pl

from wsgeo.graph.matrices import square
from wsgeo.regions.centroids import medoid
from wsgeo.regions.differences import BASE
from wsgeo.workflows.start_regions import Region
from wsgeo.zoo import Checkpoint

GENERAL: Final = "centroid of all"
"""Name of the start that is the mean of all members."""

SOUP: Final = "soup of the best half"
"""Name of the mean of the members that are best by the cheap score."""

_MIDDLES: Final = ("centroid", "medoid")
_FEWEST: Final = 4


@final
@dataclass(frozen=True)
class Candidate:
    """An encoder that a fine-tuning could start from.

    Parameters
    ----------
    name : str
        The same for every target.
    kind : str
        ``base``, ``member``, ``medoid``, ``centroid`` or ``soup``.
    members : tuple of Checkpoint
        Whose encoders are averaged; none for the base.
    weights : tuple of float
        Their shares, summing to 1.
    level : str or None
        Of the region.
    left_out : tuple of str
        Members of the region that know the target.
    aliases : tuple of str
        Names of other candidates that are the same encoder.
    """

    name: str
    kind: str
    members: tuple[Checkpoint, ...] = ()
    weights: tuple[float, ...] = ()
    level: str | None = None
    left_out: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the members."""
        return tuple(member.id for member in self.members)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it goes by."""
        return (self.name, *self.aliases)

    @property
    def note(self) -> str | None:
        """What it equals, in words."""
        return f"The same encoder as {', '.join(self.aliases)}." if self.aliases else None

    def key(self, base: str) -> str:
        """Return the hash of what it is made of, from the key of the base."""
        parts = sorted(zip((m.content_hash for m in self.members), self.weights, strict=True))
        return hashlib.sha256(repr((base, parts)).encode()).hexdigest()


def candidates_for(
    pool: Sequence[Checkpoint],
    regions: Iterable[Region],
    distances: pl.DataFrame,
    known: Collection[str],
) -> list[Candidate]:
    """Return the candidates for a target: each encoder once, its other names beside it.

    Parameters
    ----------
    pool : sequence of Checkpoint
        The distinct members that can be averaged.
    regions : iterable of Region
        The widest level first.
    distances : polars.DataFrame
        Rows of ``distances`` of their geometry group, for medoids.
    known : collection of str
        Ids of members that were trained on the target; no candidate is made of them.

    Returns
    -------
    list of Candidate
        The base first. A member that is called as another candidate goes by ``member NAME``.
    """
    regions = list(regions)
    taken = {BASE, SOUP, *(f"{kind} of {r.title}" for kind in _MIDDLES for r in regions)}
    called = _names([member.id for member in pool], taken)
    free = {member.id: member for member in pool if member.id not in known}
    found = [Candidate(BASE, "base")]
    middles: list[Candidate] = []
    for region in regions:
        inside = [free[name] for name in region.members if name in free]
        out = tuple(name for name in region.members if name in known)
        if inside:
            found.append(mean_of(inside, f"centroid of {region.title}", region.level, out))
            middle = _medoid(inside, distances, f"medoid of {region.title}", region.level, out)
            middles += [middle] if middle else []
    alone = [_mean([member], called[name], "member") for name, member in free.items()]
    return _distinct([*found, *middles, *alone])


def mean_of(
    members: Sequence[Checkpoint], name: str, level: str, left_out: tuple[str, ...] = ()
) -> Candidate:
    """Return the plain mean of a region's members.

    Parameters
    ----------
    members : sequence of Checkpoint
        At least one.
    name, level : str
        Of the candidate.
    left_out : tuple of str
        Members that are not in it.

    Returns
    -------
    Candidate
        A centroid.
    """
    plain = _mean(members, name, "centroid")
    return dataclasses.replace(plain, level=level, left_out=left_out)


def soup_of(
    candidates: Sequence[Candidate], scores: Mapping[str, float | None]
) -> Candidate | None:
    """Return the mean of the better half of the members.

    Parameters
    ----------
    candidates : sequence of Candidate
        With cheap scores; single members enter, whatever they are called.
    scores : mapping of str to float or None
        Cheap score by name of the candidate, less is better.

    Returns
    -------
    Candidate or None
        None with fewer than four members, of which two are no choice, or where the same mean is
        among the candidates.
    """
    single = [c for c in candidates if len(c.members) == 1 and scores.get(c.name) is not None]
    if not can_be_soup(single):
        return None
    ranked = sorted(single, key=lambda c: (scores[c.name], c.name))
    best = sorted((c.members[0] for c in ranked[: len(ranked) // 2]), key=lambda m: m.id)
    soup = _mean(best, SOUP, "soup")
    return None if any(_content(c) == _content(soup) for c in candidates) else soup


def named(candidates: Iterable[Candidate], name: str) -> Candidate | None:
    """Return the candidate of a name, or of an alias.

    Parameters
    ----------
    candidates : iterable of Candidate
        Of one target.
    name : str
        What the user said.

    Returns
    -------
    Candidate or None
        None where the target has no such candidate.
    """
    return next((one for one in candidates if name in one.names), None)


def can_be_soup(candidates: Iterable[Candidate]) -> bool:
    """Tell whether there are members enough for a soup: of three, two are no choice."""
    return sum(len(candidate.members) == 1 for candidate in candidates) >= _FEWEST


def _names(ids: Sequence[str], taken: Collection[str]) -> dict[str, str]:
    """Return the name of each member among candidates: a folder may be called as any of them."""
    names = dict(zip(ids, ids, strict=True))
    used = {*ids, *taken}
    for name in ids:
        while names[name] in taken or (names[name] != name and names[name] in used):
            names[name] = f"member {names[name]}"
        used.add(names[name])
    return names


def _mean(members: Sequence[Checkpoint], name: str, kind: str) -> Candidate:
    share = 1.0 / len(members)
    return Candidate(name, kind, tuple(members), (share,) * len(members))


def _medoid(
    members: Sequence[Checkpoint],
    distances: pl.DataFrame,
    name: str,
    level: str,
    left_out: tuple[str, ...],
) -> Candidate | None:
    """Return the member in the middle; None where distances are missing, or nothing is between."""
    matrix = square(distances, [member.id for member in members], "l2")
    if len(members) < 3 or not np.isfinite(matrix).all():
        return None
    found = _mean([members[medoid(matrix)]], name, "medoid")
    return dataclasses.replace(found, level=level, left_out=left_out)


def _content(candidate: Candidate) -> frozenset[tuple[str, float]]:
    return frozenset(zip(candidate.ids, candidate.weights, strict=True))


def _distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Keep the first of equal candidates, with the names of the others."""
    first: dict[frozenset[tuple[str, float]], Candidate] = {}
    for candidate in candidates:
        content = _content(candidate)
        kept = first.setdefault(content, candidate)
        if kept is not candidate:
            aliases = (*kept.aliases, candidate.name)
            first[content] = dataclasses.replace(kept, aliases=aliases)
    return list(first.values())
