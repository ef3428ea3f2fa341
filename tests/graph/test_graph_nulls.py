import numpy as np
import pytest
from graph_cases import NOISES, PLANTED, chain, planted

from wsgeo.graph import nulls
from wsgeo.graph.clustering import best_silhouettes, find_basins
from wsgeo.graph.null_tests import null_test
from wsgeo.graph.partitions import rand_index


class TestDraws:
    """Matrices without basins."""

    @pytest.mark.parametrize("name", list(nulls.NULLS))
    def test_are_distance_matrices(self, rng, name):
        """Every draw is symmetric, at least 0, with a zero diagonal."""
        values, _ = planted((5, 4), 0.02, rng)
        stack = nulls.NULLS[name](values, 7, rng)

        assert stack.shape == (7, 9, 9)
        assert (stack >= 0).all()
        assert np.allclose(stack, np.swapaxes(stack, 1, 2))
        assert not stack[:, np.arange(9), np.arange(9)].any()

    def test_independent_gaps_keep_their_values(self, rng):
        """The shuffled gaps are the measured ones in another order."""
        values = NOISES["independent uniform"](8, rng)
        upper = np.triu_indices(8, 1)
        for drawn in nulls.independent(values, 5, rng):
            assert sorted(drawn[upper]) == sorted(values[upper])

    def test_the_cloud_has_the_measured_shape(self, rng):
        """Distances along one line are redrawn along one line of the same spread."""
        values = NOISES["cloud 1-d"](60, rng)
        drawn = nulls.cloud(values, 200, rng)

        assert (drawn**2).mean() == pytest.approx((values**2).mean(), rel=0.05)
        assert np.linalg.matrix_rank(drawn[0] ** 2, tol=1e-8) <= 3

    def test_member_effects_are_recovered(self, rng):
        """Exact additive gaps give back their effects and no residual."""
        a = rng.exponential(size=9)
        effects, residuals = nulls.member_effects((a[:, None] + a) * (1 - np.eye(9)))

        assert effects == pytest.approx(a)
        assert np.abs(residuals).max() < 1e-12

    def test_common_gap_has_the_standard_errors(self, rng):
        """The spread of the drawn gaps is that of the errors."""
        errors = np.full((4, 4), 0.1)
        drawn = nulls.common_gap(errors, 5 * (1 - np.eye(4)), 4000, rng)

        assert drawn[:, 0, 1].std() == pytest.approx(0.1, rel=0.1)


class TestNullTest:
    """The p-value."""

    def test_the_p_value_is_the_largest(self, rng):
        """The p-value is that of the noise hardest to rule out."""
        test = null_test(NOISES["cloud 2-d"](9, rng), best_silhouettes, rng=rng, n_draws=40)

        assert test.p_value == max(test.p_by_null.values())

    def test_same_seed_same_draws(self, rng):
        """Two tests with the same seed agree in every draw."""
        values = NOISES["cloud 2-d"](9, rng)
        one, two = (
            find_basins(values, rng=np.random.default_rng(3), n_draws=30).test for _ in range(2)
        )

        assert all(np.array_equal(one.draws[k], two.draws[k]) for k in one.draws)

    def test_errors_add_a_null(self, rng):
        """With standard errors the common gap is ruled out too."""
        values = NOISES["cloud 2-d"](9, rng)
        search = find_basins(values, rng=rng, n_draws=20, errors=np.full((9, 9), 0.1))

        assert set(search.test.p_by_null) == {*nulls.NULLS, "errors"}

    def test_giving_up_changes_no_decision(self, rng):
        """Stopping early never turns noise into basins, nor basins into noise."""
        for values in (NOISES["cloud 2-d"](12, rng), planted((6, 6), 0.01, rng)[0]):
            full = find_basins(values, rng=rng, n_draws=199).test.p_value
            short = find_basins(values, rng=rng, n_draws=199, give_up=10).test.p_value

            assert (full <= 0.05) == (short <= 0.05)

    def test_is_the_smallest_where_nothing_is_like_it(self, rng):
        """Two clear basins get the smallest p-value that the draws allow."""
        values, _ = planted((6, 6), 0.0, rng)

        assert find_basins(values, rng=rng, n_draws=99).test.p_value == 0.01


def _claimed(values, rng):
    search = find_basins(values, rng=rng, n_draws=99, give_up=5)
    return search.test.p_value <= 0.05, search.candidates[search.best].labels


@pytest.mark.slow
class TestPlantedBasins:
    """Power."""

    @pytest.mark.parametrize("sigma", [0.01, 0.03])
    @pytest.mark.parametrize("case", ["two basins 6/6", "two basins 8/4"])
    def test_are_found(self, rng, case, sigma):
        """Two planted basins of twelve members are claimed with the right labels."""
        values, labels = planted(PLANTED[case], sigma, rng)
        claimed, found = _claimed(values, rng)

        assert claimed
        assert rand_index(found, labels) == 1.0

    @pytest.mark.slow
    @pytest.mark.parametrize("sigma", [0.01, 0.02, 0.03])
    @pytest.mark.parametrize("case", [name for name in PLANTED if "basins" in name])
    def test_are_found_in_most_draws(self, case, sigma):
        """In at least four of five draws the planted basins are claimed, with nearly all labels."""
        # Three small basins at the largest noise are claimed in about half of the draws: the
        # additive null that holds heavy tails at bay costs this power (docs/decisions/0003).
        least = 1 if (case, sigma) == ("three basins 5/4/3", 0.03) else 4
        rng = np.random.default_rng(1)
        right = 0
        for _ in range(5):
            values, labels = planted(PLANTED[case], sigma, rng)
            claimed, found = _claimed(values, rng)
            right += claimed and rand_index(found, labels) > 0.8

        assert right >= least

    @pytest.mark.parametrize("sizes", [(11, 1), (13, 1)])
    def test_a_single_outlier_is_a_basin_of_one(self, rng, sizes):
        """A member far from all others is split off, although its own silhouette is zero."""
        values, labels = planted(sizes, 0.005, rng)
        claimed, found = _claimed(values, rng)

        assert claimed
        assert rand_index(found, labels) == 1.0

    def test_a_chain_mixes_no_groups(self, rng):
        """With members that drift far from their core the other groups are still found whole."""
        values, labels = chain(rng)
        claimed, found = _claimed(values, rng)

        assert claimed
        assert rand_index(found[14:], labels[14:]) == 1.0
        assert not set(found[:14]) & set(found[14:])

    @pytest.mark.slow
    @pytest.mark.parametrize("sigma", [0.01, 0.03])
    def test_the_published_imbalance_is_found(self, rng, sigma):
        """88 and 12 members are two basins."""
        values, labels = planted((88, 12), sigma, rng)
        claimed, found = _claimed(values, rng)

        assert claimed
        assert rand_index(found, labels) > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("n", [12, 24])
@pytest.mark.parametrize("name", [name for name in NOISES if "1.0" not in name])
def test_noise_has_no_basins(name, n):
    """In 40 draws of each noise the rate of false basins is not significantly above 5 percent."""
    rng = np.random.default_rng(2)
    false = sum(_claimed(NOISES[name](n, rng), rng)[0] for _ in range(40))

    # Seven or more of 40 has a probability of 0.3 % at a rate of 5 %.
    assert false < 7


def test_noise_of_each_kind_has_no_basins():
    """One draw per kind of noise: at most the few that a level of 5 percent allows."""
    rng = np.random.default_rng(2)
    false = sum(_claimed(draw(12, rng), rng)[0] for draw in NOISES.values())

    assert false < 6
