"""Points of the hull of a region's members."""

import math

import numpy as np
import pytest

from wsgeo.regions.sampling import HULL_KINDS, SPARSITY, Sample, centroid, hull_samples


def drawn(n, n_samples, seed=0, kinds=None):
    return hull_samples(n, n_samples, np.random.default_rng(seed), kinds)


def shares(kind, n, n_samples):
    return np.array([sample.coefficients for sample in drawn(n, n_samples, kinds=[kind])])


@pytest.mark.parametrize("n", [2, 3, 7, 30])
def test_shares_are_convex(n):
    """The shares of every sample are at least 0 and sum to 1 as closely as they can."""
    for sample in [*drawn(n, n), centroid(n)]:
        assert len(sample.coefficients) == n
        assert min(sample.coefficients) >= 0
        assert abs(math.fsum(sample.coefficients) - 1) <= 2**-52


def test_names_are_distinct():
    """Every sample has a name of its own, which begins with its kind."""
    found = drawn(6, 9)

    assert len({sample.name for sample in found}) == len(found)
    assert all(sample.name.startswith(f"{sample.kind}-") for sample in found)


def test_as_many_as_asked_of_each_kind():
    """Each kind has as many samples as asked for; means without one member are no more than members."""
    counts = {kind: len(drawn(5, 8, kinds=[kind])) for kind in HULL_KINDS}

    assert counts == {"uniform": 8, "sparse": 8, "pair": 8, "triple": 8, "leave_one_out": 5}
    assert len(drawn(5, 3, kinds=["leave_one_out"])) == 3


def test_the_same_from_the_same_generator():
    """The samples are a function of the generator's state."""
    assert drawn(5, 5, seed=1) == drawn(5, 5, seed=1)
    assert drawn(5, 5, seed=1) != drawn(5, 5, seed=2)


def test_kinds_do_not_touch_each_other():
    """The choice of kinds changes no sample of the others."""
    everything = drawn(5, 5)

    for kind in HULL_KINDS:
        assert drawn(5, 5, kinds=[kind]) == [one for one in everything if one.kind == kind]


@pytest.mark.parametrize("kind", HULL_KINDS)
def test_more_samples_begin_with_the_fewer(kind):
    """A larger number of samples adds to a smaller one."""
    assert drawn(6, 6, kinds=[kind])[:3] == drawn(6, 3, kinds=[kind])


@pytest.mark.parametrize(("kind", "size"), [("pair", 2), ("triple", 3)])
def test_mixes_have_few_members(kind, size):
    """A mix of a few has that many members, and all members have their turn."""
    found = drawn(5, 200, kinds=[kind])

    assert {len(sample.support) for sample in found} == {size}
    assert {i for sample in found for i in sample.support} == set(range(5))


def test_means_without_one():
    """All members but one have equal shares, and each is left out once."""
    found = shares("leave_one_out", 5, 5)

    assert sorted(found.tolist()) == sorted(((1 - np.eye(5)) / 4).tolist())


@pytest.mark.parametrize(("kind", "concentration"), [("uniform", 1.0), ("sparse", SPARSITY)])
def test_moments_are_those_of_dirichlet(kind, concentration):
    """Mean and variance of a share are those of the symmetric Dirichlet law."""
    n, found = 6, shares(kind, 6, 40_000)

    total = n * concentration
    variance = (1 / n) * (1 - 1 / n) / (total + 1)
    assert found.mean(axis=0) == pytest.approx(1 / n, rel=0.03)
    assert found.var(axis=0) == pytest.approx(variance, rel=0.05)


def test_few_members():
    """One member has no hull to sample, and two have no triples."""
    assert drawn(1, 4) == []
    assert {sample.kind for sample in drawn(2, 4)} == {"uniform", "sparse", "pair"}
    assert centroid(1) == Sample("centroid", "centroid", (1.0,))


def test_misuse():
    """No members and unknown kinds are misuse."""
    with pytest.raises(ValueError, match="needs members"):
        drawn(0, 4)
    with pytest.raises(ValueError, match="needs members"):
        centroid(0)
    with pytest.raises(ValueError, match="'corner'"):
        drawn(4, 4, kinds=["corner"])
