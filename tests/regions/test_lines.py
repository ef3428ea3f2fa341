"""Positions beyond the ends of lines, and where losses rise."""

import numpy as np
import pytest

from wsgeo.regions.lines import extrapolation_positions, first_crossing


def test_positions_beyond_either_end():
    """Steps beyond the end at 1 grow by one factor, and those beyond 0 mirror them."""
    before, beyond = extrapolation_positions()

    assert (len(before), before[0], beyond[0]) == (10, 0, 1)
    assert (before[-1], beyond[-1]) == (pytest.approx(-31), pytest.approx(32))
    assert np.diff(np.log(beyond)) == pytest.approx(np.log(32) / 9)
    assert np.add(before, beyond) == pytest.approx(1)


@pytest.mark.parametrize(("n", "farthest"), [(1, 32), (10, 1), (10, np.inf), (10, np.nan)])
def test_positions_go_beyond(n, farthest):
    """A single point, or no way to go, is misuse."""
    with pytest.raises(ValueError, match="beyond"):
        extrapolation_positions(n, farthest)


def test_a_crossing_of_a_slope(rng):
    """On a slope the crossing is where the slope has the level, walked either way."""
    t = np.sort(rng.uniform(0, 10, 8))

    assert first_crossing(t, 2 * t, 2 * t[3] + 0.1) == pytest.approx(t[3] + 0.05)
    assert first_crossing(-t, 2 * t, 2 * t[3] + 0.1) == pytest.approx(-t[3] - 0.05)


def test_only_the_first_rise_counts():
    """What comes after the first rise does not matter, and a touch is no rise."""
    assert first_crossing([0, 1, 2, 3, 4], [1, 2, 3, 0, 9], 2) == 1
    assert first_crossing([0, 1, 2], [1, 2, 1], 2) is None


def test_ends():
    """A loss that is above from the start crosses there; one that is never above does not."""
    assert first_crossing([1, 2], [3, 4], 2) == 1
    assert first_crossing([1, 2], [1, 2], 3) is None


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_what_has_no_value_is_above(broken):
    """A loss without a value lies above; the last position before it is named."""
    assert first_crossing([1, 2, 3], [0.1, 0.2, broken], 1) == 2
    assert first_crossing([1, 2], [broken, 0.1], 1) == 1


def test_no_curve():
    """Unequal shapes and no points are misuse."""
    with pytest.raises(ValueError, match="no curve"):
        first_crossing([1, 2], [1], 1)
    with pytest.raises(ValueError, match="no curve"):
        first_crossing([], [], 1)
