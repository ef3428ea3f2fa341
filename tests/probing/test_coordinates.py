"""The axis between two basins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgeo.probing.coordinates import basin_coordinate, coordinate_correlations


def gaps(z, noise=0.0, rng=None):
    """Return distances between places on a line, with noise."""
    z = np.asarray(z, float)
    values = np.abs(z[:, None] - z)
    if noise:
        values = values + np.triu(rng.exponential(noise, values.shape), 1)
    values = np.triu(values, 1)
    return values + values.T


def two_basins(rng, n_a=8, n_b=5, noise=0.05):
    """Return distances, labels and latent places of two basins."""
    z = np.concatenate([rng.normal(0, 0.1, n_a), rng.normal(1, 0.1, n_b)])
    return gaps(z, noise, rng), np.repeat([0, 1], [n_a, n_b]), z


class TestBasinCoordinate:
    """The place of members between the two largest basins."""

    def test_agrees_with_the_reference(self, rng):
        """It is the paper's difference of distances to the means of a 2-D embedding, over theirs."""
        values, labels, _ = two_basins(rng)
        weight = np.exp(-((values / 0.7) ** 2) / 2)
        degree = np.diag(weight.sum(axis=1) ** -0.5)
        vectors = degree @ np.linalg.eigh(degree @ weight @ degree)[1][:, [-1, -2]]
        centres = [vectors[labels == basin].mean(axis=0) for basin in (0, 1)]
        to_one, to_two = (np.linalg.norm(vectors - centre, axis=1) for centre in centres)
        expected = (to_two - to_one) / np.linalg.norm(centres[0] - centres[1])

        assert basin_coordinate(values, labels, scale=0.7) == pytest.approx(expected)

    def test_it_is_positive_towards_the_largest_basin(self, rng):
        """The members of the larger basin lie above 0, those of the other below, all within 1."""
        values, labels, _ = two_basins(rng)
        found = basin_coordinate(values, labels)

        assert (found[labels == 0] > 0).all()
        assert (found[labels == 1] < 0).all()
        assert np.abs(found).max() <= 1 + 1e-12

    @given(seed=st.integers(0, 50), factor=st.sampled_from([1e-200, 1e-6, 3.0, 1e200]))
    def test_order_and_unit_do_not_matter(self, seed, factor):
        """Shuffled members keep their places, in any unit of the distances."""
        rng = np.random.default_rng(seed)
        values, labels, _ = two_basins(rng)
        order = rng.permutation(len(labels))
        found = basin_coordinate(values, labels)
        turned = basin_coordinate(factor * values[np.ix_(order, order)], labels[order])

        assert turned == pytest.approx(found[order], abs=1e-8)

    def test_other_labels_give_the_same_up_to_sign(self, rng):
        """The larger basin is first by any name; of equal ones that of the lower label is."""
        values, labels, _ = two_basins(rng)
        even, halves, _ = two_basins(rng, 6, 6)

        assert basin_coordinate(values, 1 - labels) == pytest.approx(
            basin_coordinate(values, labels)
        )
        assert basin_coordinate(even, 1 - halves) == pytest.approx(-basin_coordinate(even, halves))

    @pytest.mark.parametrize("label", [0, -1])
    def test_without_two_basins_the_best_split_is_taken(self, rng, label):
        """One basin, or none, is split in two: here that gives the basins themselves."""
        values, labels, _ = two_basins(rng)

        assert basin_coordinate(values, np.full(len(labels), label)) == pytest.approx(
            basin_coordinate(values, labels)
        )

    def test_members_without_distances_have_no_place(self, rng):
        """A member without a pair is NaN and changes nothing for the others."""
        values, labels, _ = two_basins(rng)
        wider = np.full((14, 14), np.nan)
        wider[1:, 1:] = values
        found = basin_coordinate(wider, [0, *labels])

        assert np.isnan(found[0])
        assert found[1:] == pytest.approx(basin_coordinate(values, labels))

    @pytest.mark.parametrize("n", [0, 1, 2])
    def test_two_members_make_no_axis(self, n):
        """Fewer than three members have no place."""
        assert np.isnan(basin_coordinate(np.zeros((n, n)), [0] * n)).all()

    def test_equal_members_lie_in_the_middle(self):
        """Where all distances are 0 every member is at 0."""
        assert basin_coordinate(np.zeros((4, 4)), [0, 0, 1, 1]).tolist() == [0.0] * 4

    @pytest.mark.parametrize("basin", [0, 1])
    def test_one_member_apart_does_not_take_the_axis(self, rng, basin):
        """With one member far from all, the others still lie on their sides of the middle."""
        values, labels, z = two_basins(rng, 88, 12, 0.07)
        apart = int(np.flatnonzero(labels == basin)[0])
        values[apart] += 2.0
        values[:, apart] += 2.0
        values[apart, apart] = 0.0
        found, others = basin_coordinate(values, labels), np.arange(100) != apart

        assert ((found[others] > 0) == (labels[others] == 0)).all()
        assert np.corrcoef(found[others], z[others])[0, 1] < -0.9

    def test_a_third_basin_does_not_take_the_axis(self, rng):
        """With a third basin farther away, the two largest are still at the two ends."""
        z = np.concatenate([rng.normal(0, 0.05, 8), rng.normal(1, 0.05, 6), rng.normal(5, 0.05, 4)])
        labels = np.repeat([0, 1, 2], [8, 6, 4])
        found = basin_coordinate(gaps(z), labels)

        assert (found[labels == 0] > 0.5).all()
        assert (found[labels == 1] < -0.5).all()


class TestCorrelations:
    """What goes with the coordinate."""

    def test_agrees_with_pearson(self, rng):
        """The correlation is Pearson's, and the interval holds it."""
        x, y = rng.random(20), rng.random((20, 3))
        found = coordinate_correlations(x, y, rng=rng)

        assert found[:, 0] == pytest.approx([np.corrcoef(x, column)[0, 1] for column in y.T])
        assert (found[:, 1] < found[:, 0]).all()
        assert (found[:, 0] < found[:, 2]).all()

    def test_interval_agrees_with_drawing_members(self, rng):
        """The interval is that of correlations over members drawn one by one, with replacement."""
        x = rng.normal(size=30)
        y = x + rng.normal(size=30)
        drawn = [np.corrcoef(x[i], y[i])[0, 1] for i in rng.integers(0, 30, (4_000, 30))]
        found = coordinate_correlations(x, y[:, None], rng=rng)[0]

        assert found[1:] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.04)

    @pytest.mark.parametrize("constant", [0.1, 0.0, 1e9])
    def test_what_does_not_vary_has_no_correlation(self, rng, constant):
        """A constant column or coordinate is NaN."""
        x, still = rng.random(7), np.full(7, constant)

        assert np.isnan(coordinate_correlations(x, still[:, None], rng=rng)).all()
        assert np.isnan(coordinate_correlations(still, x[:, None], rng=rng)).all()

    def test_one_member_apart_has_no_interval(self, rng):
        """Where one member makes the correlation, draws often lack it: there is no interval."""
        found = coordinate_correlations([0, 0, 0, 0, 1], [[0], [0], [0], [0], [1]], rng=rng)[0]

        assert found[0] == pytest.approx(1.0)
        assert np.isnan(found[1:]).all()
