"""Which edges need no look."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from wsgeo.paths.forests import Forest


def walked(edges, holds, likely, at_once=1):
    """Return the edges looked at, when so many are under way at once, and those that were spared."""
    forest, looked, under_way = Forest(edges, likely), [], []
    while True:
        while len(under_way) < at_once and (edge := forest.pick()) is not None:
            under_way.append(edge)
        if not under_way:
            return looked, forest.spared
        looked.append(under_way.pop(0))
        forest.tell(looked[-1], holds=looked[-1] in holds)


@pytest.mark.parametrize("at_once", [1, 3, 50])
@pytest.mark.parametrize("seed", range(6))
class TestForest:
    """On graphs of clusters, and on graphs of no order at all."""

    @pytest.fixture
    def graph(self, seed):
        """Return edges in random order, those that hold, and those that seem likely to."""
        rng = np.random.default_rng(seed)
        edges = [tuple(edge) for edge in rng.permutation(list(combinations(range(14), 2)))]
        part = rng.integers(3, size=14)
        if seed % 2:
            holds = {i for i, (a, b) in enumerate(edges) if part[a] == part[b]}
        else:
            holds = {i for i in range(len(edges)) if rng.random() < 0.1}
        wrong = {i for i in range(len(edges)) if rng.random() < 0.1}
        return edges, holds, holds ^ wrong

    def test_components_are_those_of_all_edges(self, graph, at_once):
        """Whatever is left out, the edges that hold among those looked at join the same members."""
        edges, holds, likely = graph
        looked, _ = walked(edges, holds, likely, at_once)

        assert components(edges, holds & set(looked)) == components(edges, holds)

    def test_every_edge_is_looked_at_or_spared(self, graph, at_once):
        """Each edge is looked at once or left out, never both."""
        edges, holds, likely = graph
        looked, spared = walked(edges, holds, likely, at_once)

        assert sorted([*looked, *spared]) == list(range(len(edges)))

    def test_only_joined_ends_are_spared(self, graph, at_once):
        """An edge is left out only where edges that hold join its ends."""
        edges, holds, likely = graph
        looked, spared = walked(edges, holds, likely, at_once)
        joined = nx.Graph([edges[i] for i in holds & set(looked)])

        assert all(nx.has_path(joined, *edges[i]) for i in spared)


def components(edges, holding):
    """Return the connected components, by their members."""
    graph = nx.Graph()
    graph.add_nodes_from(node for edge in edges for node in edge)
    graph.add_edges_from(edges[i] for i in holding)
    return {frozenset(part) for part in nx.connected_components(graph)}


def test_a_tree_is_enough_where_all_are_likely():
    """Of a clique whose edges all hold, one by one or many at a time, a spanning tree is looked at."""
    edges = list(combinations(range(12), 2))
    everything = set(range(len(edges)))

    assert {len(walked(edges, everything, everything, n)[0]) for n in (1, 4, 40)} == {11}
