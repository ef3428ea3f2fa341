import numpy as np
import pytest
from graph_cases import NOISES

from wsgeo.graph.merging import bottlenecks, cut, groups_at, merge_tree, walk
from wsgeo.graph.partitions import rand_index


def plain_bottlenecks(values):
    """Relax every path through every member, as Floyd and Warshall do."""
    passes = values.copy()
    for k in range(len(values)):
        passes = np.minimum(passes, np.maximum(passes[:, k, None], passes[k]))
    return passes


class TestMergeTree:
    """Single linkage."""

    @pytest.mark.parametrize("n", [2, 3, 12, 40])
    def test_agrees_with_scipy(self, rng, n):
        """Heights and sizes are those of scipy's single linkage."""
        from scipy.cluster.hierarchy import linkage
        from scipy.spatial.distance import squareform

        values = NOISES["independent uniform"](n, rng)
        rows = linkage(squareform(values), "single")
        tree = merge_tree(values)

        assert tree.height == pytest.approx(rows[:, 2])
        assert list(tree.size) == rows[:, 3].astype(int).tolist()

    def test_edges_are_the_minimum_spanning_tree(self, rng):
        """The joining edges are networkx's minimum spanning tree."""
        import networkx as nx

        values = NOISES["independent uniform"](15, rng)
        expected = nx.minimum_spanning_tree(nx.from_numpy_array(values))

        assert {tuple(sorted(edge)) for edge in expected.edges} == set(merge_tree(values).edges)

    def test_order_keeps_groups_together(self, rng):
        """In dendrogram order the members of every node stand side by side."""
        tree = merge_tree(NOISES["cloud 2-d"](13, rng))
        order, below = tree.order(), [{i} for i in range(13)]

        assert sorted(order) == list(range(13))
        for left, right in zip(tree.left, tree.right, strict=True):
            below.append(below[left] | below[right])
            places = sorted(order.index(i) for i in below[-1])
            assert places == list(range(places[0], places[0] + len(places)))

    def test_one_member_has_no_join(self):
        """A single member has an empty tree and is its own order."""
        tree = merge_tree(np.zeros((1, 1)))

        assert tree.height == ()
        assert tree.order() == [0]


class TestBottlenecks:
    """Minimax paths."""

    def test_agree_with_the_reference(self, rng):
        """On random matrices with missing edges they are the plain minimax paths."""
        values = NOISES["independent exponential"](12, rng)
        values[np.triu(rng.random((12, 12)) < 0.6, 1)] = np.inf
        values = np.maximum(values, values.T)

        assert np.array_equal(bottlenecks(values), plain_bottlenecks(values))


class TestCuts:
    """Groups of the merge tree."""

    def test_agree_with_scipy(self, rng):
        """Cuts into k groups and at a height are those of scipy."""
        from scipy.cluster.hierarchy import fcluster, linkage
        from scipy.spatial.distance import squareform

        values = NOISES["cloud 4-d"](20, rng)
        rows, walks = linkage(squareform(values), "single"), walk(values[None])
        for k in range(1, 9):
            assert rand_index(cut(walks, k)[0], fcluster(rows, k, "maxclust")) == 1.0
        height = float(np.median(rows[:, 2]))

        assert rand_index(groups_at(walks, height)[0], fcluster(rows, height, "distance")) == 1.0
