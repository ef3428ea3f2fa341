"""Means of members and their kin: one affine combination for each tensor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from merge_cases import HEAD, SHAPES, moved, write_members

from wsgeo.regions.affine_merges import (
    GeometricMedian,
    Mean,
    Medoid,
    ModelStock,
    TaskArithmetic,
    Weighted,
    stock_share,
)
from wsgeo.regions.merging import merge
from wsgeo.zoo import load_weights

BODY = [name for name in SHAPES if name != HEAD]


class TestAffine:
    """Means and their kin."""

    def test_a_weighted_mean_is_exact(self, members, models):
        """Nine parts and one are summed in float64 and rounded once."""
        merged = merge(Weighted((0.9, 0.1)), members[:2])

        assert merged.coefficients == (0.9, 0.1)
        for name in SHAPES:
            expected = 0.9 * models[0][name].astype(float) + 0.1 * models[1][name].astype(float)
            np.testing.assert_array_equal(merged.weights.tensor(name), np.float32(expected))

    def test_weights_need_not_sum_to_one(self, members):
        """Multiples of weights give the same model, and a member of weight 0 is not read."""
        there = merge(Weighted((1, 3, 0)), members)
        gone = replace(members[2], tensors={n: members[0].tensors[n] for n in SHAPES})

        back = merge(Weighted((2, 6, 0)), [*members[:2], gone])

        assert there.coefficients == back.coefficients == (0.25, 0.75, 0)
        np.testing.assert_array_equal(there.weights.vector, back.weights.vector)

    def test_the_mean_of_many_in_half_precision(self, tmp_path, start):
        """64 members stored as bfloat16 are averaged within 1e-6 of their mean in float64."""
        members = write_members(tmp_path, None, moved(start, 64), dtype="BF16")
        stored = [load_weights(member).vector.astype(float) for member in members]

        found = merge(Mean(), members).weights.vector

        np.testing.assert_allclose(found, np.mean(stored, axis=0), rtol=0, atol=1e-6)

    def test_the_mean_of_equal_members(self, tmp_path, base, start):
        """The mean of copies is the copy to the bit, also of negative zeros."""
        start["bert.encoder.layer.0.output.dense.bias"][:] = -0.0
        members = write_members(tmp_path, base, [start] * 3)

        found = merge(Mean(), members).weights

        assert found.vector.tobytes() == load_weights(members[0]).vector.tobytes()

    def test_medoid_and_median_of_an_outlier(self, tmp_path, base, start):
        """Of three members on a line both are the middle one, however far the third is."""
        models = [{n: start[n] + np.float32(step) for n in start} for step in (0.1, 0.2, 9)]
        members = write_members(tmp_path, base, models)

        for method in (Medoid(), GeometricMedian()):
            merged = merge(method, members)
            assert merged.coefficients == (0, 1, 0)
            np.testing.assert_array_equal(merged.weights.vector, load_weights(members[1]).vector)

    @pytest.mark.parametrize("weights", [(), (1, 0.5, 2)])
    def test_task_arithmetic(self, base, members, models, start, weights):
        """The scaled mean of the task vectors is added to the base."""
        merged = merge(TaskArithmetic(0.7, weights), members, base).weights
        factors = np.array(weights or (1, 1, 1)) * 0.7 / sum(weights or (1, 1, 1))

        for name in BODY:
            change = sum(
                f * (m[name] - start[name].astype(float))
                for f, m in zip(factors, models, strict=True)
            )
            np.testing.assert_allclose(merged.tensor(name), start[name] + change, atol=1e-7)

    def test_task_arithmetic_has_exact_ends(self, base, members, start):
        """A scale of 0 is the base, and a scale of 1 the mean."""
        none, whole = (merge(TaskArithmetic(x), members, base).weights for x in (0, 1))

        np.testing.assert_array_equal(whole.vector, merge(Mean(), members).weights.vector)
        for name in BODY:
            np.testing.assert_array_equal(none.tensor(name), start[name])


def plain_stock(models, start, names):
    """Return base and mean in the shares of the paper's equation, over some tensors together."""
    tau = [np.concatenate([(m[n] - start[n]).ravel() for n in names]).astype(float) for m in models]
    cosines = [
        tau[i] @ tau[j] / (np.linalg.norm(tau[i]) * np.linalg.norm(tau[j]))
        for i in range(len(tau))
        for j in range(i)
    ]
    n, cosine = len(models), np.mean(cosines)
    share = n * cosine / ((n - 1) * cosine + 1)
    mean = {name: np.mean([m[name].astype(float) for m in models], axis=0) for name in names}
    return share, {name: share * mean[name] + (1 - share) * start[name] for name in names}


class TestModelStock:
    """The mean, drawn toward the base."""

    @pytest.mark.parametrize("per", ["layer", "tensor"])
    def test_agrees_with_the_plain_formula(self, base, members, models, start, per):
        """Each layer, or tensor, has the share that its own angle gives."""
        merged = merge(ModelStock(per), members, base)
        parts = [[n for n in BODY if part in n] for part in ("embeddings", "layer.0", "layer.1")]

        for k, names in enumerate(parts):
            groups = [names] if per == "layer" else [[name] for name in names]
            shares = []
            for group in groups:
                share, expected = plain_stock(models, start, group)
                shares.append(share)
                for name in group:
                    np.testing.assert_allclose(
                        merged.weights.tensor(name), expected[name], rtol=1e-5, atol=1e-7
                    )
            sizes = [sum(start[name].size for name in group) for group in groups]
            expected = np.average(shares, weights=sizes)
            assert merged.layers["share"][k] == pytest.approx(expected, rel=1e-6)
        assert merged.coefficients == (1 / 3,) * 3

    @pytest.mark.parametrize("n", [2, 3, 10])
    def test_has_exact_ends(self, n):
        """Members in one direction are averaged; at or beyond a right angle the base remains."""
        assert stock_share(np.ones((n, n))) == pytest.approx(1)
        assert stock_share(np.eye(n)) == 0
        assert stock_share(np.eye(n) - 0.05) == 0
        assert stock_share(np.zeros((n, n))) == 1

    def test_grows_with_members_and_agreement(self):
        """More members and smaller angles give the mean more."""
        shares = [stock_share(0.3 * np.ones((n, n)) + 0.7 * np.eye(n)) for n in (2, 4, 8)]
        assert shares == sorted(shares)
        assert stock_share(np.array([[1, 0.9], [0.9, 1]])) > shares[0]
