"""Interpolation hits its ends, sums are exact to float32, and nothing needs many copies."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wsgeo.weights.arithmetic import lerp, mean, mix
from wsgeo.weights.precision import narrow, widen

VALUES = st.floats(-(2.0**60), 2.0**60, width=32)
POSITIONS = st.floats(0, 1)


def pairs(n: int = 7) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    vector = arrays(np.float32, n, elements=VALUES)
    return st.tuples(vector, vector)


class TestLerp:
    """The segment between two vectors."""

    @settings(deadline=None)
    @given(ends=pairs())
    def test_the_ends_are_exact(self, ends):
        """At 0 and 1 the ends come back to the bit."""
        a, b = ends

        np.testing.assert_array_equal(lerp(a, b, 0), a)
        np.testing.assert_array_equal(lerp(a, b, 1), b)

    @settings(deadline=None)
    @given(ends=pairs(), t=POSITIONS)
    def test_a_point_joined_to_itself_is_itself(self, ends, t):
        """The segment from a point to itself is that point to the bit."""
        a, _ = ends

        np.testing.assert_array_equal(lerp(a, a.copy(), t), a)

    @settings(deadline=None)
    @given(ends=pairs(), t=st.integers(0, 64))
    def test_the_direction_does_not_matter(self, ends, t):
        """Walking from b by 1 - t gives the point at t, to one rounding of the larger end."""
        a, b = ends
        tolerance = np.spacing(np.maximum(abs(a), abs(b)))

        difference = abs(lerp(a, b, t / 64) - lerp(b, a, 1 - t / 64))

        assert (difference <= tolerance).all()

    @settings(deadline=None)
    @given(ends=pairs(), t=st.floats(-32, 32))
    def test_agrees_with_the_formula_in_float64(self, ends, t):
        """On and beyond the segment the value is that of (1 - t) a + t b."""
        a, b = (end.astype(np.float64) for end in ends)
        scale = (1 + 2 * abs(t)) * np.maximum(abs(a), abs(b))

        error = abs(lerp(*ends, t) - ((1 - t) * a + t * b))

        assert (error <= 3e-7 * scale + 1e-40).all()

    @pytest.mark.parametrize("target", ["a", "b"])
    def test_the_result_may_replace_an_end(self, target):
        """The output may be one of the ends, across block borders."""
        rng = np.random.default_rng(0)
        ends = {name: rng.normal(size=100_000).astype(np.float32) for name in "ab"}
        expected = lerp(ends["a"], ends["b"], 0.3)

        result = lerp(ends["a"], ends["b"], 0.3, out=ends[target])

        assert result is ends[target]
        np.testing.assert_array_equal(result, expected)

    def test_an_end_that_is_not_finite_leaves_the_other_alone(self):
        """At an end the other end is not touched, so its infinities do not spread."""
        a, b = np.float32([1, 2]), np.float32([np.inf, np.nan])

        assert lerp(a, b, 0).tolist() == [1, 2]

    def test_misuse_is_refused(self):
        """Other shapes and types, and a position that is no number, are errors."""
        a = np.zeros(3, np.float32)
        for other in (np.zeros(2, np.float32), np.zeros(3), np.zeros((3, 1), np.float32)):
            with pytest.raises(ValueError, match="float32"):
                lerp(a, other, 0.5)
        with pytest.raises(ValueError, match="finite"):
            lerp(a, a, float("nan"))


class TestMix:
    """Linear combinations."""

    def test_agrees_with_float64(self):
        """The combination is the float64 sum, rounded once."""
        rng = np.random.default_rng(1)
        vectors = rng.normal(size=(5, 70_000)).astype(np.float32)
        factors = rng.normal(size=5)

        result = mix(list(vectors), factors)

        expected = sum(f * v.astype(np.float64) for f, v in zip(factors, vectors, strict=True))
        np.testing.assert_allclose(result, expected, rtol=6.1e-8, atol=1e-14)

    def test_unit_factors_pick_a_vector(self):
        """A factor of one picks its vector to the bit, in place too."""
        vectors = list(np.random.default_rng(2).normal(size=(3, 50_000)).astype(np.float32))
        expected = vectors[1].copy()

        result = mix(vectors, [0, 1, 0], out=vectors[0])

        assert result is vectors[0]
        np.testing.assert_array_equal(result, expected)

    def test_misuse_is_refused(self):
        """No vectors, or factors that do not match or are not finite, are errors."""
        a = np.zeros(3, np.float32)
        for vectors, factors in [([], []), ([a], [1, 2]), ([a], [np.nan])]:
            with pytest.raises(ValueError, match="vectors"):
                mix(vectors, factors)


class TestMean:
    """Means of streams."""

    def test_of_bfloat16_members(self):
        """The mean of 64 bfloat16 members is within 1e-6 of the float64 mean."""
        rng = np.random.default_rng(3)
        members = rng.normal(size=(64, 40_000)).astype(np.float32)
        members = widen(narrow(members, "BF16"), "BF16")

        result = mean(iter(members))

        np.testing.assert_allclose(result, members.astype(np.float64).mean(0), rtol=1e-6, atol=1e-9)

    @settings(deadline=None)
    @given(vector=arrays(np.float32, 9, elements=VALUES), weight=st.floats(1e-6, 1e6))
    def test_of_one_is_that_one(self, vector, weight):
        """The mean of a single member is the member to the bit, whatever its weight."""
        np.testing.assert_array_equal(mean([vector]), vector)
        np.testing.assert_array_equal(mean([vector], [weight]), vector)

    def test_of_equal_members_is_that_member(self):
        """Averaging copies changes no bit."""
        vector = np.random.default_rng(4).normal(size=1000).astype(np.float32)

        np.testing.assert_array_equal(mean([vector] * 7), vector)

    def test_weights_need_not_sum_to_one(self):
        """Weights count relative to their sum."""
        a, b = np.float32([1, 0]), np.float32([0, 1])

        assert mean([a, b], [3, 1]).tolist() == [0.75, 0.25]

    def test_the_order_does_not_matter(self):
        """The float64 sum hides the order of the members from float32."""
        members = np.random.default_rng(5).normal(size=(33, 5000)).astype(np.float32)

        np.testing.assert_allclose(mean(members), mean(members[::-1]), rtol=1.2e-7)

    def test_half_precision_members_do_not_overflow(self):
        """Members whose sum leaves float16 have a mean in it."""
        member = np.full(3, 60_000, np.float32)

        assert mean([member, member]).tolist() == [60_000] * 3

    def test_memory_is_three_vectors(self):
        """The sum (two float32 vectors) and one more, whatever the number of members."""
        n = 1_000_000

        def members():
            for i in range(6):
                yield np.full(n, i, np.float32)

        tracemalloc.start()
        result = mean(members())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert result[0] == 2.5
        assert peak < 3.3 * 4 * n

    def test_misuse_is_refused(self):
        """An empty stream, other shapes and unfit weights are errors."""
        a, b = np.zeros(3, np.float32), np.zeros(4, np.float32)
        cases = [([], None), ([a, b], None), ([a], []), ([a], [1, 2]), ([a], [0]), ([a], [-1])]
        for vectors, weights in cases:
            with pytest.raises(ValueError, match=r"vector"):
                mean(vectors, weights)
