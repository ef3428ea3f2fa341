"""Distances and angles agree with float64 brute force, however close the members are."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest

from wsgeo.weights.geometry import (
    cosines,
    distances,
    gram,
    span_grams,
    task_vector_geometry,
)


def brute_force(vectors, base, columns):
    """Return distances, cosines and norms pair by pair in float64."""
    tau = (vectors.astype(np.float64) - base.astype(np.float64))[:, columns]
    n = len(tau)
    l2, cosine = np.zeros((n, n)), np.ones((n, n))
    norms = np.array([np.sqrt((row**2).sum()) for row in tau])
    for i, j in itertools.permutations(range(n), 2):
        l2[i, j] = np.sqrt(((tau[i] - tau[j]) ** 2).sum())
        cosine[i, j] = (tau[i] * tau[j]).sum() / (norms[i] * norms[j])
    return l2, cosine, norms


def zoo(n, size, norm, distance, seed=0):
    """Make a base of a given norm and members about ``distance`` apart."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=size) * norm / np.sqrt(size)
    members = base + rng.normal(size=(n, size)) * distance / np.sqrt(2 * size)
    return members.astype(np.float32), base.astype(np.float32)


class TestTaskVectorGeometry:
    """Distances, cosines and norms of a zoo."""

    @pytest.mark.parametrize("distance", [300, 3, 0.1])
    def test_agrees_with_brute_force(self, distance):
        """At norm 400, distances of 3 and less keep seven digits."""
        vectors, base = zoo(6, 100_000, 400, distance)

        l2, cosine, norms = task_vector_geometry(lambda i: vectors[i], 6, base)

        expected = brute_force(vectors, base, slice(None))
        np.testing.assert_allclose(l2, expected[0], rtol=1e-7)
        np.testing.assert_allclose(cosine, expected[1], rtol=0, atol=1e-7)
        np.testing.assert_allclose(norms, expected[2], rtol=1e-7)

    def test_near_twins_far_from_the_base(self):
        """Two steps of one run, 3e-3 apart and 3 away from the base, keep seven digits."""
        vectors, base = zoo(3, 50_000, 400, 4)
        twin = vectors[0] + np.random.default_rng(9).normal(size=50_000).astype(np.float32) * 1e-5
        vectors = np.concatenate([vectors, twin[None]])

        l2 = task_vector_geometry(lambda i: vectors[i], 4, base).l2

        assert l2[0, 3] < 1e-2
        np.testing.assert_allclose(l2, brute_force(vectors, base, slice(None))[0], rtol=1e-7)

    def test_only_the_given_spans_count(self):
        """The head does not enter: its values may even be those of another task."""
        vectors, base = zoo(4, 1000, 10, 1)
        vectors[:, 900:] = np.random.default_rng(1).normal(size=(4, 100)) * 100
        body = [slice(500, 900), slice(0, 300)]

        result = task_vector_geometry(lambda i: vectors[i], 4, base, body)

        expected = brute_force(vectors, base, np.r_[0:300, 500:900])
        for ours, theirs in zip(result, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)

    @pytest.mark.parametrize("held", [1, 2, 3, 5, 50])
    def test_little_memory_changes_nothing_but_the_loads(self, held):
        """With few resident members, the figures stay and the loads are about n^2 / 2C."""
        n, size = 11, 5000
        vectors, base = zoo(n, size, 10, 1)
        calls = []

        def load(i):
            calls.append(i)
            return vectors[i]

        result = task_vector_geometry(load, n, base, memory=held * 4 * size)

        expected = brute_force(vectors, base, slice(None))
        for ours, theirs in zip(result, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)
        capacity = n if held >= n else max(1, held - 1)
        assert len(calls) <= n**2 / (2 * capacity) + n

    def test_matrices_are_symmetric_with_exact_diagonals(self):
        """Distances have zeros and cosines ones on the diagonal, and both are symmetric."""
        vectors, base = zoo(7, 4001, 50, 2)

        l2, cosine, _ = task_vector_geometry(lambda i: vectors[i], 7, base)

        for matrix, diagonal in [(l2, 0), (cosine, 1)]:
            np.testing.assert_array_equal(matrix, matrix.T)
            np.testing.assert_array_equal(np.diag(matrix), diagonal)

    def test_the_order_of_members_does_not_matter(self):
        """Members in another order give the same matrices in that order."""
        vectors, base = zoo(6, 20_000, 50, 2)
        order = np.array([3, 0, 5, 1, 4, 2])

        l2, cosine, norms = task_vector_geometry(lambda i: vectors[i], 6, base)
        shuffled = task_vector_geometry(lambda i: vectors[order[i]], 6, base)

        np.testing.assert_allclose(shuffled.l2, l2[np.ix_(order, order)], rtol=1e-12)
        np.testing.assert_allclose(shuffled.cosine, cosine[np.ix_(order, order)], atol=1e-12)
        np.testing.assert_allclose(shuffled.norms, norms[order], rtol=1e-12)

    def test_duplicates_have_distance_zero(self):
        """Equal members are 0 apart, not the root of a rounding error, with cosine 1."""
        vectors, base = zoo(3, 30_000, 400, 3)
        vectors[2] = vectors[0]

        l2, cosine, _ = task_vector_geometry(lambda i: vectors[i], 3, base)

        assert l2[0, 2] == 0
        assert cosine[0, 2] == pytest.approx(1, abs=1e-12)

    def test_a_member_that_is_the_base_has_no_direction(self):
        """An untrained member has norm 0 and cosine NaN; the others keep theirs."""
        vectors, base = zoo(3, 100, 5, 1)
        vectors[1] = base

        l2, cosine, norms = task_vector_geometry(lambda i: vectors[i], 3, base)

        assert norms[1] == 0
        assert np.isnan(cosine[1]).all()
        assert np.isfinite(cosine[0, 2])
        assert np.isfinite(l2).all()

    def test_without_a_base_there_are_only_distances(self):
        """Distances do not need the base; cosines and norms are NaN."""
        vectors, base = zoo(4, 10_000, 400, 3)

        l2, cosine, norms = task_vector_geometry(lambda i: vectors[i], 4, None)

        np.testing.assert_allclose(l2, brute_force(vectors, base, slice(None))[0], rtol=1e-7)
        assert np.isnan(cosine).all()
        assert np.isnan(norms).all()

    def test_misuse_is_refused(self):
        """No member, overlapping spans and a vector of another length are errors."""
        base = np.zeros(10, np.float32)
        cases = [
            (0, None, base),
            (1, [slice(0, 5), slice(4, 6)], base),
            (1, None, np.zeros(9, np.float32)),
            (1, None, np.zeros(11, np.float32)),
            (1, [slice(0, 5)], np.zeros(9, np.float32)),
        ]
        for n, spans, vector in cases:
            with pytest.raises(ValueError, match=r"member|overlap|shape"):
                task_vector_geometry([vector].__getitem__, n, base, spans)


class TestGram:
    """Blocks and spans."""

    def test_span_grams_sum_to_the_whole(self):
        """The Gram matrices of the tensors add up to that of the model."""
        vectors, base = zoo(5, 70_000, 20, 2)
        spans = [slice(0, 3), slice(3, 40_000), slice(40_000, 40_000), slice(40_000, 70_000)]

        parts = list(span_grams(lambda i, c: vectors[i, c], 5, spans, base))

        whole = gram(lambda i, c: vectors[i, c], 5, spans, base)
        np.testing.assert_allclose(sum(parts), whole, rtol=1e-12)
        tau = vectors.astype(np.float64) - base
        np.testing.assert_allclose(parts[0], tau[:, :3] @ tau[:, :3].T, rtol=1e-12)
        assert not parts[2].any()

    def test_many_members_take_smaller_blocks(self):
        """With thousands of members the blocks shrink and the products stay."""
        vectors = np.random.default_rng(3).normal(size=(2500, 4000)).astype(np.float32)

        result = gram(lambda i, c: vectors[i, c], 2500, [slice(0, 4000)], np.zeros(4000, "f4"))

        expected = vectors[:3].astype(np.float64) @ vectors.T.astype(np.float64)
        np.testing.assert_allclose(result[:3], expected, rtol=1e-12, atol=1e-9)

    def test_memory_does_not_grow_with_the_model(self):
        """Only one block per member is held, here 20 blocks beside 40 MB of weights."""
        values = np.random.default_rng(0).normal(size=20_000).astype(np.float32)

        def read(i, columns):
            return values[: columns.stop - columns.start] * np.float32(i)

        tracemalloc.start()
        gram(read, 20, [slice(0, 500_000)])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4e6

    def test_distances_and_cosines_of_a_known_gram(self):
        """Three points: two at a right angle, one at their middle."""
        points = np.array([[3.0, 0], [0, 4], [1.5, 2]])

        assert distances(points @ points.T)[0].tolist() == [0, 5, 2.5]
        np.testing.assert_allclose(cosines(points @ points.T)[0], [1, 0, 0.6])
