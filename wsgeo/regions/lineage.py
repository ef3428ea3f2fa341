"""From which models others come, by the distances of their weights.

Fine-tuning moves weights little and in a direction of its own: a model lies nearest to the one it
was tuned from, at a right angle to the way that led there; copies lie far nearer still. What is told
are readings of distances, not records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from wsgeo.weights.geometry import Matrix

UNRELATED: Final = 0.7
"""Relative distance from which two models share no base: independent ones are at 1.4, and members
of zoos of small models were seen at 0.03 to 0.17."""

NEAR: Final = 0.1
"""Share of the usual distance to the nearest model below which two count as near-duplicates."""

CHILD: Final = 0.8
"""Distance to a parent over that to the base up to which a parent is told. Tuned on the same data,
more slowly and from the same seed, a model that is no parent was seen at 0.93."""

TURN: Final = 0.1
"""Cosine, at the parent, of the ways to the base and to the child up to which a parent is told."""

MOST: Final = 0.75
"""Share of the others to which a model must be nearest to be told as the likely base."""

ESTIMATE: Final = "estimated base"
"""Stands for a base that is not at hand: the mean of the models."""

OfRoot: TypeAlias = Callable[[Matrix, int, int], tuple[float, float]]
"""Distances of two models from where their family begins."""


class Relation(NamedTuple):
    """What the weights tell of a model and another.

    Parameters
    ----------
    id : str
        The model.
    relation : str
        ``duplicate``, ``rounded``, ``near_duplicate``, ``base``, ``parent``, ``related``,
        ``stranger`` or ``contradiction``.
    other : str or None
        The other model; None for a stranger.
    distance : float or None
        Distance of the two over the root mean square of their norms.
    words : str
        The same as a sentence.
    """

    id: str
    relation: str
    other: str | None
    distance: float | None
    words: str


def relations(
    ids: Sequence[str],
    relative: Matrix,
    declared: Mapping[str, str],
    rounded: Mapping[tuple[str, str], str] | None = None,
    contents: Mapping[str, str] | None = None,
) -> list[Relation]:
    """Return what the distances of some models tell of their lineage.

    Parameters
    ----------
    ids : sequence of str
        Names of members and bases; of equal ones the first is the original.
    relative : ndarray of float64, shape (n, n)
        Distance of each two over the root mean square of their norms.
    declared : mapping of str to str
        By member, the name of the base that it states, among ``ids``.
    rounded : mapping of (str, str) to str, optional
        Type to which the first model was rounded to give the second.
    contents : mapping of str to str, optional
        Hash of all that a model's files hold; only models of one hash are duplicates.

    Returns
    -------
    list of Relation
        Copies, then by family (models of one base) the base and the parents, then strangers and
        statements that the weights contradict.

    References
    ----------
    [horwitz2024]_

    Examples
    --------
    >>> places = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 1]])
    >>> distances = np.linalg.norm(places[:, None] - places, axis=2) / 10
    >>> for row in relations(["base", "a", "b", "c"], distances, dict.fromkeys("abc", "base")):
    ...     print(row.id, row.relation, row.other)
    a base base
    b base base
    c parent b
    """
    space = _Space(ids, relative, frozenset(declared.values()))
    copies = {row.id: row for row in _copies(space, rounded or {}, contents or {})}
    wrong = {row.id: row for row in _contradictions(space, declared)}
    found = list(copies.values())
    families = _families(space, [name for name in ids if name not in copies])
    for family in families:
        if len(family) > 1:
            found += _descents(space, family)
        elif len(families) > 1 and family[0] not in space.bases | wrong.keys():
            words = f"{family[0]} shares no base with any other model"
            found.append(Relation(family[0], "stranger", None, None, words))
    return found + list(wrong.values())


class _Space:
    """Relative distances by name."""

    def __init__(self, ids: Sequence[str], relative: Matrix, bases: frozenset[str]) -> None:
        self.ids, self.relative, self.bases = tuple(ids), relative, bases
        self.places = {name: place for place, name in enumerate(ids)}

    def between(self, a: str, b: str) -> float:
        return float(self.relative[self.places[a], self.places[b]])


def _copies(
    space: _Space, rounded: Mapping[tuple[str, str], str], contents: Mapping[str, str]
) -> Iterator[Relation]:
    """Give each model that is a copy of another that is none, the closest kind of copy first."""
    pairs = space.relative[np.triu_indices(len(space.ids), 1)]
    related = pairs[pairs < UNRELATED]
    near = NEAR * float(np.median(related)) if related.size else 0.0
    known = {copy: (source, kind) for (source, copy), kind in rounded.items()}
    copies: set[str] = set()
    first: dict[str, str] = {}  # model by content
    for place, name in enumerate(space.ids):
        earlier = [other for other in space.ids[:place] if other not in copies]
        found = _copy(space, name, earlier, near, known.get(name))
        if (twin := first.setdefault(contents.get(name, name), name)) != name:
            found = Relation(name, "duplicate", twin, 0.0, f"{name} has all weights of {twin}")
        if found is not None:
            copies.add(name)
            yield found


def _copy(
    space: _Space, name: str, earlier: Sequence[str], near: float, rounded: tuple[str, str] | None
) -> Relation | None:
    if rounded is not None:
        source, kind = rounded
        words = f"{name} is {source}, rounded to {kind}"
        return Relation(name, "rounded", source, space.between(name, source), words)
    nearest = min(earlier, key=lambda other: space.between(name, other), default=name)
    distance = space.between(name, nearest)
    if nearest == name or (distance > 0 and distance >= near):
        return None
    words = f"{name} is nearly {nearest}: {_far(distance)}, less than a tenth of what is usual here"
    if distance == 0:  # heads, biases and norms may differ
        words = f"{name} has the matrices of {nearest}"
    return Relation(name, "near_duplicate", nearest, distance, words)


def _families(space: _Space, names: Sequence[str]) -> list[list[str]]:
    """Return the models that share a base, as far as chains of related models reach."""
    left, families = list(names), []
    while left:
        family = [left.pop(0)]
        for name in family:  # grows as it is read
            near = [other for other in left if space.between(name, other) < UNRELATED]
            left = [other for other in left if other not in near]
            family += near
        families.append(sorted(family, key=space.ids.index))
    return families


def _descents(space: _Space, family: Sequence[str]) -> Iterator[Relation]:
    """Tell from whom each member of a family was tuned."""
    places = [space.places[name] for name in family]
    distances = space.relative[np.ix_(places, places)]
    root = _root(space, family, distances)
    if root is None and len(family) < 4:  # a mean of the others would be one or two models
        yield from _related(space, family)
        return
    of_root = _from_mean if root is None else _from_node(family.index(root))
    for place, name in enumerate(family):
        if name == root or name in space.bases:
            continue
        parent, from_root = _parent(distances, place, of_root)
        if parent is not None:
            yield _tuned_from(space, name, family[parent], root, from_root)
        else:
            yield _from_base(space, name, root, from_root)


def _root(space: _Space, family: Sequence[str], relative: Matrix) -> str | None:
    """Return the base that most members are nearest to, or else a member that may be the base."""
    bases = [name for name in family if name in space.bases]
    if not bases:
        return _middle(relative, family)
    members = [name for name in family if name not in space.bases]
    nearest = [min(bases, key=lambda base: space.between(name, base)) for name in members]
    return max(bases, key=nearest.count)


def _middle(relative: Matrix, family: Sequence[str]) -> str | None:
    """Return the model that is nearest to most others, and nearer than their mean."""
    nearest = np.argmin(relative + np.diag(np.full(len(family), np.inf)), axis=1).tolist()
    place = max(range(len(family)), key=nearest.count)
    if len(family) < 4 or nearest.count(place) < MOST * (len(family) - 1):
        return None
    others = [other for other in range(len(family)) if other != place]
    to_mean = [_from_mean(relative, place, other)[1] for other in others]
    return family[place] if np.median(relative[place, others]) < np.median(to_mean) else None


def _from_node(root: int) -> OfRoot:
    def distances(relative: Matrix, a: int, b: int) -> tuple[float, float]:
        return float(relative[a, root]), float(relative[b, root])

    return distances


def _from_mean(relative: Matrix, a: int, b: int) -> tuple[float, float]:
    """Return the distances of two models from the mean of the others."""
    others = np.delete(np.arange(len(relative)), [a, b])
    spread = (relative[np.ix_(others, others)] ** 2).mean() / 2
    squares = [(relative[place, others] ** 2).mean() - spread for place in (a, b)]
    return float(np.sqrt(max(squares[0], 0.0))), float(np.sqrt(max(squares[1], 0.0)))


def _parent(relative: Matrix, child: int, of_root: OfRoot) -> tuple[int | None, float]:
    """Return the nearest model that the child can have been tuned from, and its way to the root."""
    found: list[tuple[float, int]] = []
    ways = []
    for other in range(len(relative)):
        if other == child:
            continue
        a, b = of_root(relative, other, child)
        side = float(relative[other, child])
        ways.append(b)
        if 0 < a < b and 0 < side <= CHILD * b and a**2 + side**2 - b**2 <= 2 * TURN * a * side:
            found.append((side, other))
    return (min(found)[1] if found else None), float(np.median(ways))


def _tuned_from(
    space: _Space, name: str, parent: str, root: str | None, from_root: float
) -> Relation:
    distance = space.between(name, parent)
    kind = "base" if parent in space.bases else "parent"
    words = (
        f"{name} was likely tuned from {parent}: {_far(distance)}, and {from_root:.2g} from "
        f"{'the estimated base' if root is None else root}"
    )
    return Relation(name, kind, parent, distance, words)


def _from_base(space: _Space, name: str, root: str | None, distance: float) -> Relation:
    words = f"{name} comes from {root}: {_far(distance)}"
    if root is None:
        words = f"{name} comes from a base that is not at hand: {_far(distance)} from its estimate"
    elif root not in space.bases:
        words = f"{name} likely comes from {root}, the model nearest to most: {_far(distance)}"
    return Relation(name, "base", root or ESTIMATE, distance, words)


def _related(space: _Space, family: Sequence[str]) -> Iterator[Relation]:
    """Name the nearest of few models whose base is not at hand."""
    for name in family:
        others = [other for other in family if other != name]
        distance, nearest = min((space.between(name, other), other) for other in others)
        told = f"{name} is related to {nearest} ({_far(distance)})"
        words = f"{told}; without their base nobody can say which was tuned from which"
        yield Relation(name, "related", nearest, distance, words)


def _contradictions(space: _Space, declared: Mapping[str, str]) -> Iterator[Relation]:
    """Give the members that lie where their stated base cannot be theirs."""
    for name, base in declared.items():
        distance = space.between(name, base)
        to_nearest, nearest = min((space.between(name, other), other) for other in space.bases)
        if distance >= UNRELATED:
            why = "as far as unrelated models are"
        elif nearest != base and distance > 0 and to_nearest <= CHILD * distance:
            why = f"and is nearer to {nearest} ({to_nearest:.2g})"
        else:
            continue
        words = f"{name} states the base {base}, but lies at the {_far(distance)} from it, {why}"
        yield Relation(name, "contradiction", base, distance, words)


def _far(distance: float) -> str:
    return f"relative distance {distance:.2g}"
