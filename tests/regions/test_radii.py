"""Distances from the centroid of a region."""

import numpy as np
import pytest

from wsgeo.regions.radii import expected_radius, members_radius, relative_radii
from wsgeo.regions.sampling import HULL_KINDS, centroid, hull_samples


def distances(members):
    return np.linalg.norm(members[:, None] - members, axis=2)


def by_hand(coefficients, members):
    """Return relative radii from the members' vectors themselves."""
    middle = members.mean(axis=0)
    unit = np.sqrt(((members - middle) ** 2).sum(axis=1).mean())
    return np.linalg.norm(np.asarray(coefficients) @ members - middle, axis=1) / unit


def orthogonal(n):
    """Return members whose deviations from a common point are orthogonal and of one length."""
    return 5.0 + 3.0 * np.eye(n, n + 2)


@pytest.fixture(params=[(2, 3), (5, 2), (6, 40)])
def members(request, rng):
    return rng.normal(size=request.param)


def test_agrees_with_the_vectors(members, rng):
    """From distances alone come the radii that the vectors have, inside the hull and beyond."""
    shares = rng.normal(size=(20, len(members)))
    shares[:, -1] = 1 - shares[:, :-1].sum(axis=1)

    assert relative_radii(shares, distances(members)) == pytest.approx(by_hand(shares, members))


def test_the_ends_are_exact(members):
    """The centroid is at 0, and the members are at 1 in the root mean square."""
    n, l2 = len(members), distances(members)

    assert relative_radii([centroid(n).coefficients], l2) == pytest.approx([0], abs=1e-7)
    assert np.mean(relative_radii(np.eye(n), l2) ** 2) == pytest.approx(1)


def test_units_do_not_matter(members):
    """Longer distances change the members' radius in proportion, and no relative one."""
    n, l2 = len(members), distances(members)

    assert members_radius(3 * l2) == pytest.approx(3 * members_radius(l2))
    assert relative_radii(np.eye(n), 3 * l2) == pytest.approx(relative_radii(np.eye(n), l2))


def test_members_on_a_sphere():
    """With orthogonal deviations of one length every member is at 1."""
    assert relative_radii(np.eye(7), distances(orthogonal(7))) == pytest.approx(1)


@pytest.mark.parametrize("n", [5, 20])
def test_uniform_samples_lie_near_the_centroid(n, rng):
    """On a sphere the mean squared radius of uniform samples is 1 / (n + 1)."""
    samples = hull_samples(n, 4000, rng, kinds=["uniform"])
    radii = relative_radii([sample.coefficients for sample in samples], distances(orthogonal(n)))

    assert np.mean(radii**2) == pytest.approx(1 / (n + 1), rel=0.05)
    assert expected_radius("uniform", n) ** 2 == pytest.approx(1 / (n + 1))


@pytest.mark.parametrize("kind", HULL_KINDS)
def test_expected_radius_holds_wherever_members_lie(kind, rng):
    """The root mean square over many samples is the closed form, for members in any place."""
    members = rng.normal(size=(6, 4)) * [5, 1, 1, 0.1]
    samples = hull_samples(6, 6000, rng, kinds=[kind])
    radii = relative_radii([sample.coefficients for sample in samples], distances(members))

    assert np.sqrt(np.mean(radii**2)) == pytest.approx(expected_radius(kind, 6), rel=0.04)


def test_expected_radius_of_known_points():
    """Members are at 1, the centroid at 0, a mean without one of n members at 1 / (n - 1)."""
    assert expected_radius("member", 5) == 1
    assert expected_radius("centroid", 5) == 0
    assert expected_radius("leave_one_out", 5) == pytest.approx(0.25)
    assert expected_radius("triple", 3) == pytest.approx(expected_radius("uniform", 3))


def test_expected_radius_is_not_known_outside():
    """Points outside, and kinds without enough members, have no closed form."""
    for kind, n in [("base", 5), ("random", 5), ("triple", 2), ("leave_one_out", 2), ("pair", 1)]:
        assert expected_radius(kind, n) is None


@pytest.mark.parametrize(
    ("shares", "l2", "message"),
    [
        ([[0.5, 0.6]], [[0, 1], [1, 0]], "sum to 1"),
        ([[1.0, np.nan]], [[0, 1], [1, 0]], "sum to 1"),
        ([[1.0]], [[0, 1], [1, 0]], "shape"),
        ([[0.5, 0.5]], [[0, np.nan], [np.nan, 0]], "not finite"),
        ([[0.5, 0.5]], [[0, 0], [0, 0]], "equal"),
        ([[0.5, 0.5]], [0, 1], "square"),
    ],
)
def test_misuse(shares, l2, message):
    """Shares that are not affine, unknown distances, and equal members are refused."""
    with pytest.raises(ValueError, match=message):
        relative_radii(shares, l2)
