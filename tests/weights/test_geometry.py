"""Distances and angles agree with float64 brute force, however close the members are."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest

from wsgeo.weights.geometry import cosines, distances, gram


def brute_force(vectors, base):
    """Return distances and cosines pair by pair in float64."""
    tau = vectors.astype(np.float64) - base.astype(np.float64)
    n = len(tau)
    l2, cosine = np.zeros((n, n)), np.ones((n, n))
    norms = np.array([np.sqrt((row**2).sum()) for row in tau])
    for i, j in itertools.permutations(range(n), 2):
        l2[i, j] = np.sqrt(((tau[i] - tau[j]) ** 2).sum())
        cosine[i, j] = (tau[i] * tau[j]).sum() / (norms[i] * norms[j])
    return l2, cosine


def zoo(n, size, norm, distance, seed=0):
    """Make a base of a given norm and members about ``distance`` apart."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=size) * norm / np.sqrt(size)
    members = base + rng.normal(size=(n, size)) * distance / np.sqrt(2 * size)
    return members.astype(np.float32), base.astype(np.float32)


def measured(vectors, base=None):
    """Return the Gram matrix of vectors; the base comes last, as in a zoo."""
    held = vectors if base is None else np.concatenate([vectors, base[None]])

    def read(i, columns, out):
        out[:] = held[i, columns]

    return gram(read, len(vectors), vectors.shape[1], len(held) - 1 if base is not None else 0)


SIZES = [1000, 65_535, 65_536, 300_000]


class TestGram:
    """Inner products of one tensor."""

    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("distance", [300, 4, 0.4, 0.1, 0.03, 0.01])
    def test_agrees_with_brute_force(self, size, distance):
        """At norm 400, distances down to 0.01 keep seven digits, in small and large tensors."""
        vectors, base = zoo(6, size, 400, distance)

        found = measured(vectors, base)

        l2, cosine = brute_force(vectors, base)
        np.testing.assert_allclose(distances(found), l2, rtol=1e-7)
        np.testing.assert_allclose(cosines(found), cosine, rtol=0, atol=1e-7)

    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("ratio", [2, 3, 6, 100, 1000])
    def test_members_far_from_the_base(self, size, ratio):
        """Groups of members far closer to each other than to the base keep seven digits."""
        rng = np.random.default_rng(1)
        centres, base = zoo(3, size, 100, 30)
        step = 30 / ratio / np.sqrt(2 * size)
        vectors = np.repeat(centres, [3, 1, 4], axis=0)
        vectors = (vectors + step * rng.normal(size=vectors.shape)).astype(np.float32)
        shuffled = vectors[rng.permutation(len(vectors))]

        found = measured(shuffled, base)

        l2, cosine = brute_force(shuffled, base)
        np.testing.assert_allclose(distances(found), l2, rtol=1e-7)
        np.testing.assert_allclose(1 - cosines(found), 1 - cosine, rtol=1e-6, atol=1e-8)

    def test_a_chain_of_steps(self):
        """Steps of one run, each close to the next, and the last far from the first."""
        rng = np.random.default_rng(2)
        base = rng.normal(size=140_000).astype(np.float32)
        walk = np.cumsum(rng.normal(size=(12, 140_000)) * 1e-3, axis=0) + 0.02
        vectors = (base + walk).astype(np.float32)

        found = measured(vectors, base)

        np.testing.assert_allclose(distances(found), brute_force(vectors, base)[0], rtol=1e-7)

    @pytest.mark.parametrize("size", SIZES)
    def test_without_a_base(self, size):
        """Seen from the first member, the distances are the same."""
        vectors, base = zoo(5, size, 400, 3)

        found = measured(vectors)

        np.testing.assert_allclose(distances(found), brute_force(vectors, base)[0], rtol=1e-7)
        assert not found[0].any()

    @pytest.mark.parametrize("size", SIZES)
    def test_duplicates_have_distance_zero(self, size):
        """Equal members are 0 apart, not the root of a rounding error, with cosine 1."""
        vectors, base = zoo(9, size, 400, 3)
        vectors[[2, 7, 8]] = vectors[0]

        found = measured(vectors, base)

        assert not distances(found)[np.ix_([0, 2, 7, 8], [0, 2, 7, 8])].any()
        np.testing.assert_allclose(cosines(found)[0, [2, 7, 8]], 1, rtol=0, atol=1e-12)

    @pytest.mark.parametrize("size", SIZES)
    def test_a_member_that_is_the_base_has_no_direction(self, size):
        """An untrained member has length 0 and no cosine; the others keep theirs."""
        vectors, base = zoo(3, size, 5, 1)
        vectors[1] = base

        found = measured(vectors, base)

        assert found[1, 1] == 0
        assert np.isnan(cosines(found)[1]).all()
        assert np.isfinite(cosines(found)[0, 2])
        assert distances(found)[0, 1] == pytest.approx(np.sqrt(found[0, 0]))

    @pytest.mark.parametrize("scale", [1e-12, 1e12, 1e25])
    def test_scale_is_no_matter(self, scale):
        """Squares that float32 cannot hold are taken in float64."""
        vectors, base = zoo(4, 140_000, 4, 2)
        vectors, base = vectors * np.float32(scale), base * np.float32(scale)

        found = measured(vectors, base)

        np.testing.assert_allclose(distances(found), brute_force(vectors, base)[0], rtol=1e-7)

    def test_matrices_are_symmetric_with_exact_diagonals(self):
        """Distances have zeros and cosines ones on the diagonal, and both are symmetric."""
        vectors, base = zoo(7, 140_001, 50, 2)
        vectors[3:5] = vectors[2] + np.float32(1e-4)

        found = measured(vectors, base)

        for matrix, diagonal in [(distances(found), 0), (cosines(found), 1)]:
            np.testing.assert_array_equal(matrix, matrix.T)
            np.testing.assert_array_equal(np.diag(matrix), diagonal)

    def test_the_order_of_members_does_not_matter(self):
        """Members in another order give the same matrices in that order."""
        vectors, base = zoo(6, 140_000, 50, 2)
        order = np.array([3, 0, 5, 1, 4, 2])

        found, shuffled = measured(vectors, base), measured(vectors[order], base)

        np.testing.assert_allclose(
            distances(shuffled), distances(found)[np.ix_(order, order)], rtol=1e-7
        )

    def test_many_members_take_smaller_blocks(self):
        """With thousands of members the blocks shrink and the products stay."""
        vectors = np.random.default_rng(3).normal(size=(5000, 1500)).astype(np.float32)

        found = measured(vectors, np.zeros(1500, np.float32))

        expected = vectors[:3].astype(np.float64) @ vectors.T.astype(np.float64)
        np.testing.assert_allclose(found[:3], expected, rtol=1e-12, atol=1e-9)

    def test_memory_does_not_grow_with_the_model(self):
        """Of 200 members of 300,000 values, 240 MB, less than 30 MB are held."""
        values = np.random.default_rng(0).normal(size=1 << 15).astype(np.float32)

        def read(i, columns, out):
            out[:] = values[: columns.stop - columns.start]

        tracemalloc.start()
        gram(read, 200, 300_000, origin=0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 30e6

    def test_each_value_is_read_once(self):
        """Members of no close group are read once, and those of one twice, in slices in order."""
        vectors, base = zoo(4, 150_000, 50, 2)
        vectors[1] = vectors[3] + np.float32(1e-4)
        held, seen = np.concatenate([vectors, base[None]]), {i: [] for i in range(5)}

        def read(i, columns, out):
            out[:] = held[i, columns]
            seen[i] += range(columns.start, columns.stop)

        gram(read, 4, 150_000, origin=4)

        whole = list(range(150_000))
        assert seen[0] == seen[2] == seen[4] == whole
        assert seen[3] == whole + whole

    def test_no_member_is_refused(self):
        """A Gram matrix of nothing is an error."""
        with pytest.raises(ValueError, match="at least one member"):
            measured(np.zeros((0, 3), np.float32))


def test_distances_and_cosines_of_a_known_gram():
    """Three points: two at a right angle, one at their middle."""
    points = np.array([[3.0, 0], [0, 4], [1.5, 2]])

    assert distances(points @ points.T)[0].tolist() == [0, 5, 2.5]
    np.testing.assert_allclose(cosines(points @ points.T)[0], [1, 0, 0.6])
