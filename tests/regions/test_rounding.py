"""Whether weights are another model's, rounded."""

import numpy as np
import pytest
import torch

from wsgeo.regions.rounding import rounding_of, roundings


@pytest.fixture
def weights(rng):
    """Give a matrix like a trained one."""
    return rng.normal(0, 0.05, (64, 48)).astype(np.float32)


def stored(values, kind):
    """Return values as torch stores and reads them."""
    dtype = {"f16": torch.float16, "bf16": torch.bfloat16}[kind]
    return torch.from_numpy(values).to(dtype).to(torch.float32).numpy()


def quantised(values, axis):
    """Return values as 8 bits with one factor, or one per row or column, give them back."""
    step = np.abs(values).max(axis=axis, keepdims=True) / np.float32(127)
    return (np.round(values / step).clip(-127, 127) * step).astype(np.float32)


@pytest.mark.parametrize("kind", ["f16", "bf16"])
def test_sixteen_bits_are_told_apart(weights, kind):
    """A rounded copy is the one that torch makes; the way back is none."""
    copy = stored(weights, kind)

    assert rounding_of(weights, copy) == kind
    assert rounding_of(copy, weights) is None
    assert kind in roundings(copy)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_eight_bits_are_found_whatever_shares_a_factor(weights, axis):
    """One factor per matrix, row or column; a factor of 16 bits changes nothing."""
    copy = quantised(weights, axis)

    assert rounding_of(weights, copy) == "int8"
    assert rounding_of(weights, copy * np.float32(1.002)) == "int8"
    assert "int8" in roundings(copy)


def test_a_tuned_model_is_no_rounding(rng, weights):
    """A small change of every weight is not one that fewer bits make."""
    changed = weights + rng.normal(0, 1e-4, weights.shape).astype(np.float32)

    assert rounding_of(weights, changed) is None
    assert rounding_of(weights, weights) is None
    assert rounding_of(weights, weights[:, :8]) is None
    assert not roundings(weights)


def test_what_does_not_fit_is_no_rounding():
    """Values beyond the range of 16 bits are not told to be rounded to it."""
    assert roundings(np.float32([1e6])) == frozenset()
    assert rounding_of(np.float32([[1e6, 0.1]]), np.float32([[np.inf, 0.1]])) is None
