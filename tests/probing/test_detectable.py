"""How large a difference would have been found."""

import math

import numpy as np
import pytest

from wsgeo.graph.significance import permutation_tests
from wsgeo.probing.detectable import detectable_difference

SIZES = [(6, 6), (8, 4), (20, 2), (4, 4, 3)]


@pytest.mark.parametrize("sizes", SIZES)
def test_it_grows_with_the_spread_alone(sizes):
    """Twice the spread needs twice the difference; no spread needs none."""
    one = detectable_difference(0.1, sizes)

    assert detectable_difference(0.2, sizes) == pytest.approx(2 * one)
    assert detectable_difference(0.0, sizes) == 0.0


def test_the_order_of_basins_does_not_matter():
    """A pair of basins is the same wherever it stands in the list."""
    one = detectable_difference(0.1, (8, 4, 3), pair=(0, 1))

    assert one == detectable_difference(0.1, (3, 4, 8), pair=(2, 1))
    assert one != detectable_difference(0.1, (8, 4, 3), pair=(0, 2))


def test_more_members_find_less_and_more_questions_need_more():
    """The difference falls with the number of members and rises with that of slices."""
    found = [detectable_difference(0.1, (n, n)) for n in (4, 6, 10, 50)]
    asked = [detectable_difference(0.1, (10, 10), n_tests=m) for m in (1, 5, 60)]

    assert found == sorted(found, reverse=True)
    assert asked == sorted(asked)


@pytest.mark.parametrize(("sizes", "n_tests"), [((3, 3), 1), ((2, 2), 1), ((6, 6), 60)])
def test_too_few_members_find_nothing(sizes, n_tests):
    """Where the smallest p-value is above the level, no difference is large enough."""
    assert detectable_difference(0.1, sizes, n_tests=n_tests) == math.inf


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sizes", "n_tests"),
    [
        ((6, 6), 1), ((6, 6), 20), ((8, 4), 1), ((12, 88), 60), ((4, 4), 1), ((5, 5), 3),
        ((4, 4, 2, 2), 1), ((20, 2), 1), ((10, 10, 10), 12), ((3, 4), 1),
    ],
)  # fmt: skip
def test_it_is_found_eight_times_in_ten(sizes, n_tests):
    """Normal scores that differ by so much give a p-value below the level in 70 to 90 % of draws."""
    rng, groups = np.random.default_rng(0), np.repeat(np.arange(len(sizes)), sizes)
    means = np.zeros(len(sizes))
    means[:2] = np.array([1, -1]) * detectable_difference(1.0, sizes, n_tests=n_tests) / 2
    values = rng.standard_normal((sum(sizes), 1_000)) + means[groups][:, None]
    p_values = permutation_tests(values, groups, rng=rng).p_values

    assert 0.7 <= (p_values < 0.05 / n_tests).mean() <= 0.9
