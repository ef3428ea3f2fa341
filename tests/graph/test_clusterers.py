import numpy as np
import pytest
from graph_cases import NOISES, chain, planted
from hypothesis import given, settings
from hypothesis import strategies as st

from wsgeo.graph import components, density, louvain, spectral
from wsgeo.graph.partitions import rand_index

METHODS = [components, density, spectral, louvain]


@pytest.mark.parametrize("method", METHODS)
class TestEveryMethod:
    """What holds of every method."""

    def test_a_stack_is_each_matrix_alone(self, rng, method):
        """Every matrix of a stack gets the labels it gets alone."""
        stack = np.array([NOISES["cloud 4-d"](12, rng) for _ in range(4)])
        together = method.partitions(stack)

        for i, values in enumerate(stack):
            for one, alone in zip(together, method.partitions(values[None]), strict=True):
                assert one.parameters == alone.parameters
                assert rand_index(one.labels[i], alone.labels[0]) == 1.0

    def test_finds_planted_basins(self, rng, method):
        """One of the settings finds two clear basins exactly."""
        values, labels = planted((8, 6), 0.003, rng)

        assert any(rand_index(p.labels[0], labels) == 1.0 for p in method.partitions(values[None]))

    @pytest.mark.parametrize("n", [4, 8])
    def test_survives_members_that_coincide(self, method, n):
        """Zero distances give labels for every member and no warning."""
        for found in method.partitions(np.zeros((1, n, n))):
            assert found.labels.shape == (1, n)


class TestDensity:
    """HDBSCAN without the package."""

    @given(seed=st.integers(0, 10_000), n=st.integers(8, 30), size=st.sampled_from([2, 3, 5]))
    @settings(max_examples=25, deadline=None)
    def test_agrees_with_the_hdbscan_package(self, seed, n, size):
        """With one neighbour, where no ties occur, the labels are the package's."""
        import hdbscan

        values = NOISES["cloud 2-d"](n, np.random.default_rng(seed))
        (found,) = density.partitions(values[None], settings=((min(size, n // 2), 1),))
        fit = hdbscan.HDBSCAN(
            min_cluster_size=min(size, n // 2), min_samples=1, metric="precomputed"
        ).fit(values)

        assert rand_index(found.labels[0], fit.labels_) == 1.0
        assert np.array_equal(found.labels[0] < 0, fit.labels_ < 0)

    def test_agrees_with_sklearn_on_clear_basins(self, rng):
        """On clear basins the labels are scikit-learn's, which counts the member itself."""
        from sklearn.cluster import HDBSCAN

        values, _ = planted((12, 9), 0.003, rng)
        (found,) = density.partitions(values[None], settings=((3, 3),))
        fit = HDBSCAN(min_cluster_size=3, min_samples=4, metric="precomputed", copy=True)

        assert rand_index(found.labels[0], fit.fit_predict(values)) == 1.0

    def test_members_that_coincide_are_one_cluster(self):
        """Where HDBSCAN calls zero distances noise, they are one cluster."""
        for found in density.partitions(np.zeros((1, 10, 10))):
            assert found.labels.tolist() == [[0] * 10]

    def test_is_silent_below_eight_members(self, rng):
        """Seven members get no density labels."""
        assert density.partitions(NOISES["cloud 2-d"](7, rng)[None]) == []

    def test_a_long_chain_does_not_overflow(self):
        """A thousand members that split one by one are no deep recursion."""
        place = np.cumsum(1.01 ** np.arange(600.0))
        values = np.abs(place[:, None] - place)

        assert density.partitions(values[None], settings=((2, 1),))[0].labels.shape == (1, 600)


class TestSpectral:
    """Groups from eigenvectors."""

    def test_eigengap_counts_clear_basins(self, rng):
        """The largest gap of the eigenvalues lies after the number of basins."""
        values, _ = planted((8, 8, 8), 0.0, rng)
        powers, _ = spectral.eigenpairs(values[None], "local")

        assert spectral.eigengap(powers[0])[0] == 3

    @pytest.mark.slow
    @pytest.mark.parametrize("sigma", [0.0, 0.01, 0.02, 0.03])
    def test_finds_the_published_imbalance(self, rng, sigma):
        """88 and 12 members are told apart up to noise of 0.03."""
        values, labels = planted((88, 12), sigma, rng)
        two = [p for p in spectral.partitions(values[None]) if p.parameters["n_clusters"] == 2]

        assert max(rand_index(p.labels[0], labels) for p in two) > 0.99


class TestLouvain:
    """Communities by modularity."""

    def test_is_as_modular_as_networkx(self, rng):
        """The communities reach the modularity of networkx's Louvain, within one percent."""
        import networkx as nx

        values, _ = chain(rng)
        weight = spectral.affinity(values[None])
        weight[:, np.arange(len(values)), np.arange(len(values))] = 0.0
        labels = louvain.communities(weight)[0]
        graph = nx.from_numpy_array(weight[0])
        mine = [set(np.flatnonzero(labels == label)) for label in set(labels)]
        theirs = nx.community.louvain_communities(graph, seed=0)
        modularity = nx.community.modularity

        assert modularity(graph, mine) > 0.99 * modularity(graph, theirs)
