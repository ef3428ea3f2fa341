"""Clusters against the groups that they were to find."""

from itertools import permutations

import numpy as np
import pytest

from wsgeo.graph.partitions import compact
from wsgeo.regions.recovery import recovery


def plain_purity(groups, clusters):
    """Count, cluster by cluster, the members of its most frequent group."""
    right = 0
    for cluster in set(clusters) - {-1}:
        mine = [group for group, one in zip(groups, clusters, strict=True) if one == cluster]
        right += max(mine.count(group) for group in set(mine))
    return right / len(groups)


def plain_f1(groups, clusters):
    """Try every one-to-one assignment of clusters to groups."""
    names, found = sorted(set(groups)), sorted(set(clusters) - {-1})
    found += [None] * len(names)
    best = 0.0
    for chosen in permutations(found, len(names)):
        total = 0.0
        for group, cluster in zip(names, chosen, strict=True):
            hit = sum(g == group and c == cluster for g, c in zip(groups, clusters, strict=True))
            size = groups.count(group) + (0 if cluster is None else clusters.count(cluster))
            total += 2 * hit / size
        best = max(best, total / len(names))
    return best


def labels(rng, n_groups=3, n_clusters=4, n=14):
    """Draw groups without gaps, and clusters with members in none."""
    groups = np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, n - n_groups)])
    return groups, compact(rng.integers(-1, n_clusters, n))


class TestScores:
    """Purity, one-to-one F1, adjusted Rand index and mutual information."""

    @pytest.mark.parametrize(("n_groups", "n_clusters"), [(2, 2), (3, 4), (4, 2)])
    def test_purity_and_f1_are_those_of_plain_counting(self, rng, n_groups, n_clusters):
        """On random labels they are those of a loop over members and all assignments."""
        for _ in range(10):
            groups, clusters = labels(rng, n_groups, n_clusters)
            found = recovery(groups, clusters, rng=rng)
            plain = (groups.tolist(), clusters.tolist())

            assert found.purity == pytest.approx(plain_purity(*plain))
            assert found.f1 == pytest.approx(plain_f1(*plain))

    @pytest.mark.slow
    def test_rand_index_and_information_are_those_of_sklearn(self, rng):
        """On random labels they agree with scikit-learn, members in no cluster being one more."""
        from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

        for _ in range(10):
            groups, clusters = labels(rng)
            found = recovery(groups, clusters, rng=rng)

            assert found.ari == pytest.approx(adjusted_rand_score(groups, clusters))
            assert found.nmi == pytest.approx(normalized_mutual_info_score(groups, clusters))

    def test_equal_partitions_score_one(self, rng):
        """Clusters that are the groups, by other names, have every score 1 and the smallest p."""
        groups = np.repeat([0, 1, 2], 4)
        found = recovery(groups, np.array([2, 0, 1])[groups], rng=rng)

        assert (found.purity, found.f1, found.ari, found.n_exact) == (1, 1, 1, 3)
        assert found.nmi == pytest.approx(1)
        assert found.p_value == 1 / 2000

    def test_names_of_groups_and_clusters_do_not_matter(self, rng):
        """Other numbers for the same groups and clusters give the same scores."""
        groups, clusters = labels(rng)
        renamed = np.where(clusters < 0, -1, clusters.max() - clusters)
        one = recovery(groups, clusters, rng=np.random.default_rng(1))
        other = recovery(groups.max() - groups, renamed, rng=np.random.default_rng(1))

        scores = [(f.purity, f.f1, f.ari, f.nmi) for f in (one, other)]
        assert scores[0] == pytest.approx(scores[1])

    def test_shattered_clusters_are_pure_but_not_one_to_one(self, rng):
        """Every member alone is pure for nothing; the one-to-one F1 says so."""
        found = recovery(np.repeat([0, 1], 6), np.arange(12), rng=rng)

        assert found.purity == 1
        assert found.f1 == pytest.approx(2 / 7)
        assert found.n_exact == 0

    def test_members_in_no_cluster_count_as_wrong(self, rng):
        """A member that no cluster holds lowers purity and F1, and its group is not exact."""
        groups, clusters = np.repeat([0, 1], 4), np.repeat([0, 1], 4)
        clusters[0] = -1
        found = recovery(groups, clusters, rng=rng)

        assert found.purity == 7 / 8
        assert found.f1 == pytest.approx((6 / 7 + 1) / 2)
        assert (found.n_exact, found.n_members, found.n_clusters) == (1, 8, 2)

    def test_nothing_found_is_not_tested(self, rng):
        """One cluster, no cluster and too few members have no p-value."""
        groups = np.repeat([0, 1], 4)

        assert recovery(groups, np.zeros(8, dtype=np.int64), rng=rng).p_value is None
        assert recovery(groups, np.full(8, -1), rng=rng).purity == 0
        assert recovery(groups[2:5], np.array([0, 0, 1]), rng=rng).p_value is None

    @pytest.mark.slow
    def test_unrelated_groups_rarely_have_a_small_p(self, rng):
        """Of groups dealt at random about one in twenty has p at most 0.05."""
        small = [
            recovery(
                rng.permutation(np.repeat([0, 1, 2], 8)), np.repeat([0, 1], 12), rng=rng
            ).p_value
            <= 0.05
            for _ in range(300)
        ]

        assert 0.01 <= np.mean(small) <= 0.09
