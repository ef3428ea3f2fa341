"""Low-rank algebra agrees with dense matrices, and with PEFT."""

from __future__ import annotations

import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsgeo.weights import lowrank
from wsgeo.weights.geometry import cosines, distances
from wsgeo.weights.lowrank import (
    LowRankUpdate,
    adapter_scaling,
    inner_products,
    mean_of_factors,
    merge_adapter,
    product_mean,
)


def update(rng, n_out, n_in, rank, scaling=1.0):
    return LowRankUpdate(
        rng.normal(size=(rank, n_in)).astype(np.float32),
        rng.normal(size=(n_out, rank)).astype(np.float32),
        scaling,
    )


def dense(member):
    """Multiply the factors entry by entry."""
    n_out, n_in = member.shape
    result = np.zeros((n_out, n_in))
    for k in range(member.rank):
        result += member.scaling * np.outer(member.b[:, k].astype(float), member.a[k].astype(float))
    return result


@pytest.fixture
def rng():
    return np.random.default_rng(0)


class TestMerging:
    """Base plus change."""

    def test_a_zero_factor_leaves_the_base(self, rng):
        """An adapter that was never trained (b = 0) is the base to the bit."""
        base = rng.normal(size=(6, 5)).astype(np.float32)
        untrained = LowRankUpdate(
            rng.normal(size=(2, 5)).astype(np.float32), np.zeros((6, 2), "f4")
        )

        np.testing.assert_array_equal(merge_adapter(base, untrained), base)

    @pytest.mark.parametrize("fan_in_fan_out", [False, True])
    def test_agrees_with_the_dense_sum(self, rng, fan_in_fan_out):
        """The merged matrix is base + s b a, transposed where the base is stored input first."""
        member = update(rng, 6, 5, 2, 0.25)
        change = dense(member).T if fan_in_fan_out else dense(member)
        base = rng.normal(size=change.shape).astype(np.float32)

        merged = merge_adapter(base, member, fan_in_fan_out=fan_in_fan_out)

        np.testing.assert_allclose(merged, base + change, rtol=1e-6)
        assert merged.dtype == np.float32

    def test_scalings(self):
        """Alpha over the rank, or over its root."""
        assert adapter_scaling(32, 16) == 2
        assert adapter_scaling(32, 16, rank_stabilised=True) == 8

    def test_misuse_is_refused(self, rng):
        """Factors, bases, ranks and scalings that do not fit are errors."""
        with pytest.raises(ValueError, match="no product"):
            LowRankUpdate(np.ones((2, 5), "f4"), np.ones((6, 3), "f4"))
        with pytest.raises(ValueError, match="not finite"):
            LowRankUpdate(np.ones((2, 5), "f4"), np.ones((6, 2), "f4"), math.inf)
        with pytest.raises(ValueError, match="does not fit"):
            merge_adapter(np.ones((5, 6), "f4"), update(rng, 6, 5, 2))
        with pytest.raises(ValueError, match="no scaling"):
            adapter_scaling(16, 0)


class TestInnerProducts:
    """Frobenius inner products without dense matrices."""

    @settings(deadline=None, max_examples=40)
    @given(
        ranks=st.lists(st.integers(0, 5), min_size=1, max_size=7),
        entries=st.sampled_from([1, 60, 10**6]),
    )
    def test_agree_with_dense_matrices(self, ranks, entries):
        """Any ranks, zero included, and any memory limit give the dense inner products."""
        rng = np.random.default_rng(len(ranks))
        members = [update(rng, 9, 7, rank, 0.5 + i) for i, rank in enumerate(ranks)]
        flat = np.array([dense(member).ravel() for member in members])

        with mock.patch.object(lowrank, "_ENTRIES", entries):
            result = inner_products(members)

        np.testing.assert_allclose(result, flat @ flat.T, rtol=1e-10, atol=1e-10)

    def test_do_not_depend_on_the_factors(self, rng):
        """An invertible matrix moved from one factor to the other changes nothing."""
        member, other = update(rng, 20, 30, 4), update(rng, 20, 30, 4)
        mixing = rng.normal(size=(4, 4)) + 4 * np.eye(4)
        same = LowRankUpdate(
            (np.linalg.inv(mixing) @ member.a).astype(np.float32),
            (member.b @ mixing).astype(np.float32),
        )

        gram = inner_products([member, same, other])

        assert distances(gram)[0, 1] < 1e-5 * math.sqrt(gram[0, 0])
        assert cosines(gram)[0, 1] == pytest.approx(1, abs=1e-9)

    def test_shapes_must_match(self, rng):
        """Updates of different matrices, or none at all, have no inner product."""
        with pytest.raises(ValueError, match="one matrix"):
            inner_products([update(rng, 3, 4, 1), update(rng, 4, 3, 1)])
        with pytest.raises(ValueError, match="one matrix"):
            inner_products([])


class TestProductMean:
    """The mean of what the adapters do."""

    @pytest.mark.parametrize("shape", [(40, 30), (6, 50), (5, 4)])
    def test_is_exact_at_the_summed_rank(self, rng, shape):
        """With no rank given, the mean is the dense mean, even where ranks pass the matrix."""
        members = [update(rng, *shape, rank, 1.5) for rank in (2, 4, 3)]

        mean, error = product_mean(members)

        assert mean.rank == 9
        assert error == 0
        expected = np.mean([dense(member) for member in members], axis=0)
        np.testing.assert_allclose(mean.product(), expected, atol=2e-6)

    @pytest.mark.parametrize("rank", [1, 3, 6])
    def test_a_smaller_rank_is_the_best_of_its_rank(self, rng, rank):
        """The error reported is that of the truncated decomposition of the dense mean."""
        members = [update(rng, 25, 35, 2) for _ in range(4)]
        target = np.mean([dense(member) for member in members], axis=0)
        values = np.linalg.svd(target, compute_uv=False)

        mean, error = product_mean(members, rank)

        best = np.linalg.norm(values[rank:]) / np.linalg.norm(values)
        assert error == pytest.approx(best, rel=1e-6)
        actual = np.linalg.norm(mean.product() - target) / np.linalg.norm(target)
        assert actual == pytest.approx(best, rel=1e-5)
        assert mean.rank == rank

    def test_of_one_is_that_one(self, rng):
        """The mean of a single adapter does what the adapter does, also at a larger rank."""
        member = update(rng, 12, 10, 3, 2.0)

        for rank in (None, 3, 8):
            mean, error = product_mean([member], rank)
            assert error < 1e-12
            np.testing.assert_allclose(mean.product(), dense(member), atol=1e-5)

    def test_opposites_cancel(self, rng):
        """The mean of an update and its negative is zero, with error 0 and no NaN."""
        member = update(rng, 6, 5, 2)
        mean, error = product_mean([member, LowRankUpdate(member.a, member.b, -1.0)], 2)

        assert abs(mean.product()).max() < 1e-6
        assert error <= 1
        zero = LowRankUpdate(np.zeros((2, 5), "f4"), np.zeros((6, 2), "f4"))
        assert product_mean([zero, zero], 1)[1] == 0

    def test_weights_count(self, rng):
        """Weights count relative to their sum."""
        members = [update(rng, 8, 9, 2), update(rng, 8, 9, 2)]

        mean, _ = product_mean(members, weights=[3, 1])

        expected = 0.75 * dense(members[0]) + 0.25 * dense(members[1])
        np.testing.assert_allclose(mean.product(), expected, atol=2e-6)

    def test_misuse_is_refused(self, rng):
        """Rank zero and weights that do not fit are errors."""
        member = update(rng, 3, 4, 1)
        with pytest.raises(ValueError, match="rank 0"):
            product_mean([member], 0)
        for weights in ([1, 1], [0], [-1], [math.nan]):
            with pytest.raises(ValueError, match="weights"):
                product_mean([member], weights=weights)


class TestMeanOfFactors:
    """What averaging adapter files does."""

    def test_is_the_product_of_means(self, rng):
        """The factors are averaged, scaling included, which differs from the mean of products."""
        members = [update(rng, 7, 6, 2, scaling) for scaling in (1.0, 2.0)]

        result = mean_of_factors(members)

        a = (members[0].a + members[1].a) / 2
        b = (members[0].b + 2 * members[1].b) / 2
        np.testing.assert_allclose(result.product(), b @ a, atol=1e-5)
        assert abs(result.product() - product_mean(members)[0].product()).max() > 0.1

    def test_ranks_must_match(self, rng):
        """Factors of different ranks cannot be averaged."""
        with pytest.raises(ValueError, match="ranks"):
            mean_of_factors([update(rng, 3, 4, 1), update(rng, 3, 4, 2)])
