import numpy as np
import pytest
from graph_cases import NOISES, planted

from wsgeo.graph.partitions import compact, rand_index, silhouettes


def plain_silhouette(values, labels):
    """Compute the silhouette member by member."""
    n = len(labels)
    typical = np.sqrt(np.mean(values[np.triu_indices(n, 1)] ** 2))
    total = 0.0
    for i in range(n):
        own = [j for j in range(n) if labels[j] == labels[i] and j != i]
        others = {label for label in labels if label >= 0 and label != labels[i]}
        if labels[i] < 0 or not own or not others:
            continue
        a = np.mean([values[i, j] for j in own])
        b = min(np.mean([values[i, j] for j in range(n) if labels[j] == label]) for label in others)
        total += (b - a) / max(a, b, typical)
    return total / n


class TestSilhouettes:
    """The statistic."""

    @pytest.mark.parametrize("n_clusters", [2, 3, 5])
    def test_agrees_with_the_reference(self, rng, n_clusters):
        """On random matrices and labels with noise the silhouette is that of the plain formula."""
        values = NOISES["cloud 4-d"](14, rng)
        labels = rng.integers(-1, n_clusters, 14)

        assert silhouettes(values[None], labels[None])[0] == pytest.approx(
            plain_silhouette(values, labels)
        )

    def test_agrees_with_sklearn_where_clusters_lie_apart(self, rng):
        """Where every other cluster is farther than the typical distance it is the usual one."""
        from sklearn.metrics import silhouette_score

        values, labels = planted((6, 6), 0.0, rng)

        assert silhouettes(values[None], labels[None])[0] == pytest.approx(
            silhouette_score(values, labels, metric="precomputed")
        )

    def test_a_stack_is_each_matrix_alone(self, rng):
        """A stack gives each matrix the silhouette it has alone."""
        stack = np.array([NOISES["cloud 2-d"](9, rng) for _ in range(5)])
        labels = rng.integers(0, 3, (5, 9))
        alone = [
            silhouettes(one[None], mine[None])[0] for one, mine in zip(stack, labels, strict=True)
        ]

        assert silhouettes(stack, labels).tolist() == pytest.approx(alone)

    def test_is_free_of_scale(self, rng):
        """Another unit of the distances changes nothing."""
        values, labels = planted((5, 4), 0.01, rng)

        assert silhouettes(1e-3 * values[None], labels[None]) == pytest.approx(
            silhouettes(values[None], labels[None])
        )

    @pytest.mark.parametrize("labels", [[0, 0, 0], [-1, -1, -1], [0, 0, -1]])
    def test_fewer_than_two_clusters_have_none(self, labels):
        """With one cluster or none the silhouette is minus infinity."""
        values = 1.0 - np.eye(3)

        assert silhouettes(values[None], np.array([labels]))[0] == -np.inf

    def test_near_duplicates_are_no_perfect_clusters(self):
        """Two members at distance zero amid small distances earn little."""
        values = np.full((8, 8), 1.0)
        values[:4, :4] = 0.01
        values[0, 1] = values[1, 0] = 0.0
        np.fill_diagonal(values, 0.0)
        halves, pair = np.array([[0] * 4 + [1] * 4]), np.array([[0, 0, 1, 1, 2, 2, 2, 2]])

        assert silhouettes(values[None], pair)[0] < silhouettes(values[None], halves)[0]


class TestCompact:
    """Names of labels."""

    def test_orders_by_size_then_first_member(self):
        """The largest cluster is 0; of equals the one with the first member."""
        assert compact(np.array([4, 9, 9, 2, 2, -1])).tolist() == [2, 0, 0, 1, 1, -1]


class TestRandIndex:
    """Agreement of partitions."""

    def test_agrees_with_sklearn(self, rng):
        """On random labels it is scikit-learn's adjusted Rand index."""
        from sklearn.metrics import adjusted_rand_score

        for _ in range(20):
            one, two = rng.integers(-1, 4, (2, 12))

            assert rand_index(one, two) == pytest.approx(adjusted_rand_score(one, two))
