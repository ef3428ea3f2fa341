"""Which lines need no look: those between members that connected lines already join."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Sequence
from typing import final

Edge = tuple[Hashable, Hashable]


@final
class Forest:
    """Picks edges, the likely ones first, and leaves out those inside a connected component.

    Edges that are under way and likely to hold count as if they did, so that many can be under way
    at once without one making another needless.

    Parameters
    ----------
    edges : sequence of (hashable, hashable)
        Pairs of nodes, in the order to look at them.
    likely : collection of int
        Positions of the edges that are likely to hold.

    Attributes
    ----------
    spared : set of int
        Edges left out so far: an undirected path of edges that hold joins their ends.
    joined : Components
        What edges that hold join.

    Examples
    --------
    >>> forest = Forest([("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")], likely={0, 1, 2})
    >>> forest.pick(), forest.pick(), forest.pick(), forest.pick()
    (0, 1, 3, None)
    >>> for edge, holds in ((0, True), (1, True), (3, False)):
    ...     forest.tell(edge, holds=holds)
    >>> forest.pick(), forest.spared
    (None, {2})
    """

    def __init__(self, edges: Sequence[Edge], likely: Collection[int]) -> None:
        self._edges, self._likely = list(edges), frozenset(likely)
        self._waiting, self._deferred = deque(range(len(self._edges))), deque[int]()
        self._holding: set[int] = set()
        self._under_way: set[int] = set()
        self._told: set[int] = set()
        self.joined, self._hoped = Components(), Components()
        self.spared: set[int] = set()

    def pick(self) -> int | None:
        """Return the next edge to look at; None while there is none."""
        while self._waiting:
            edge = self._waiting.popleft()
            if edge in self._told:
                continue
            if self.joined.same(*self._edges[edge]):
                self.spared.add(edge)
            elif self._hoped.same(*self._edges[edge]):
                self._deferred.append(edge)
            else:
                self._start(edge)
                return edge
        return None

    def tell(self, edge: int, *, holds: bool) -> None:
        """Learn how an edge that was picked, or was known before, came out."""
        self._under_way.discard(edge)
        self._told.add(edge)
        if holds:
            self._holding.add(edge)
            self.joined.join(*self._edges[edge])
            self._hoped.join(*self._edges[edge])
        elif edge in self._likely:
            self._hoped = Components()
            for other in self._holding | self._under_way:
                if other in self._holding or other in self._likely:
                    self._hoped.join(*self._edges[other])
        if not self._under_way or (not holds and edge in self._likely):
            self._waiting.extendleft(reversed(self._deferred))
            self._deferred.clear()

    def _start(self, edge: int) -> None:
        self._under_way.add(edge)
        if edge in self._likely:
            self._hoped.join(*self._edges[edge])


class Components:
    """Sets of joined nodes."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def same(self, one: Hashable, other: Hashable) -> bool:
        """Return whether two nodes are in one set."""
        return self._root(one) == self._root(other)

    def join(self, one: Hashable, other: Hashable) -> None:
        """Put the sets of two nodes together."""
        self._parent[self._root(one)] = self._root(other)

    def _root(self, node: Hashable) -> Hashable:
        above = self._parent.setdefault(node, node)
        while above != node:
            self._parent[node] = self._parent[above]
            node, above = above, self._parent[above]
        return node
