"""Laws and golden numbers of the barrier definitions."""

import numpy as np
import pytest

from wsgeo.paths import barriers, envelopes

# Recovered from the vector figure of juneja2022: mean over pairs, ten positions.
ACROSS = np.array([0.4814, 0.4343, 0.4232, 0.4510, 0.4951, 0.5005, 0.4620, 0.4350, 0.4494, 0.5056])
WITHIN_FIRST = np.array([0.4814, 0.4358, 0.4116, 0.4064, 0.4100])
WITHIN_SECOND = np.array([0.5056, 0.4526, 0.4292, 0.4334, 0.4474])
TEN = np.linspace(0, 1, 10)
MAXIMA = [barriers.barrier_height, barriers.barrier_mean, barriers.convexity_gap, barriers.area]


def uneven(rng, n_points):
    """Return an uneven grid from 0 to 1."""
    return np.concatenate([[0.0], np.sort(rng.uniform(0.01, 0.99, n_points - 2)), [1.0]])


class TestLaws:
    """What holds for every profile."""

    @pytest.mark.parametrize("measure", MAXIMA)
    @pytest.mark.parametrize("slope", [-3.0, 0.0, 0.1, 7.0])
    def test_a_slope_is_no_barrier(self, measure, slope, rng):
        """A straight profile has barrier zero, except for half the difference in barrier_mean."""
        t = uneven(rng, 11)
        expected = abs(slope) / 2 if measure is barriers.barrier_mean else 0.0

        assert measure(t, 0.3 + slope * t) == pytest.approx(expected, abs=1e-14)

    @pytest.mark.parametrize("measure", [*MAXIMA, barriers.error_barrier, barriers.midpoint_excess])
    def test_direction_does_not_matter(self, measure, rng):
        """Walking the path from the other end gives the same value."""
        t = np.array([0, 0.1, 0.4, 0.5, 0.8, 0.95, 1])
        loss = rng.uniform(0, 1, t.size)

        assert measure(1 - t[::-1], loss[::-1]) == pytest.approx(measure(t, loss), abs=1e-14)

    def test_the_peak_is_mirrored(self, rng):
        """The peak of the reversed path lies at the mirrored position."""
        t, loss = uneven(rng, 9), rng.uniform(0, 1, 9)

        assert barriers.peak(1 - t[::-1], loss[::-1]) == pytest.approx(1 - barriers.peak(t, loss))

    def test_the_gap_is_never_below_the_height(self, rng):
        """The whole path is one of its sub-segments."""
        for _ in range(200):
            t, loss = uneven(rng, 8), rng.uniform(0, 3, 8)

            assert barriers.convexity_gap(t, loss) >= barriers.barrier_height(t, loss) - 1e-14

    def test_the_gap_of_a_mean_is_at_most_the_mean_gap(self, rng):
        """The gap is convex in the profile, and so is the height."""
        for measure in (barriers.convexity_gap, barriers.barrier_height):
            for _ in range(100):
                profiles = rng.uniform(0, 3, (5, 11))
                gaps = [measure(np.linspace(0, 1, 11), p) for p in profiles]

                assert measure(np.linspace(0, 1, 11), profiles.mean(0)) <= np.mean(gaps) + 1e-14

    @pytest.mark.parametrize("measure", MAXIMA)
    def test_an_offset_does_not_matter(self, measure, rng):
        """Raising the whole profile by a constant changes nothing."""
        t, loss = uneven(rng, 11), rng.uniform(0, 1, 11)

        assert measure(t, loss + 5) == pytest.approx(measure(t, loss), abs=1e-13)

    def test_a_convex_profile_has_no_gap_and_no_peak(self):
        """A bowl has gap zero, height zero, no peak, and a negative midpoint excess."""
        t = np.linspace(0, 1, 11)
        bowl = (t - 0.4) ** 2

        assert barriers.convexity_gap(t, bowl) == 0.0
        assert barriers.barrier_height(t, bowl) == 0.0
        assert barriers.peak(t, bowl) is None
        assert barriers.midpoint_excess(t, bowl) < 0

    def test_the_area_is_at_most_the_height(self, rng):
        """The path has length one, so its area cannot exceed its height."""
        t, loss = uneven(rng, 11), rng.uniform(0, 1, 11)

        assert 0 <= barriers.area(t, loss) <= barriers.barrier_height(t, loss)

    def test_the_error_barrier_is_the_height_of_the_error(self, rng):
        """A drop of the metric below its chord is a barrier of the same size."""
        t, metric = uneven(rng, 11), rng.uniform(0, 1, 11)

        assert barriers.error_barrier(t, metric) == barriers.barrier_height(t, 1 - metric)


class TestReference:
    """Agreement with the plain formulas."""

    @pytest.mark.parametrize("n_points", [2, 3, 5, 11, 30])
    def test_agrees_on_random_profiles(self, rng, reference, n_points):
        """Height, gap, envelope and area are those of the plain formulas to 1e-12."""
        for _ in range(40):
            t, loss = uneven(rng, n_points), rng.uniform(0, 3, n_points)

            assert barriers.barrier_height(t, loss) == pytest.approx(
                reference.barrier_height(t, loss), abs=1e-12
            )
            assert barriers.convexity_gap(t, loss) == pytest.approx(
                reference.convexity_gap(t, loss), abs=1e-12
            )
            assert envelopes.lower_envelope(t, loss) == pytest.approx(
                reference.lower_envelope(t, loss), abs=1e-12
            )
            assert barriers.area(t, loss) == pytest.approx(reference.area(t, loss), abs=1e-12)

    @pytest.mark.parametrize("shape", [(1, 2), (7, 3), (100, 11), (3, 4, 21)])
    def test_many_profiles_are_each_treated_alone(self, rng, shape):
        """Envelope and chord of a stack of profiles are those of each profile."""
        t, losses = uneven(rng, shape[-1]), rng.uniform(0, 3, shape)
        flat = losses.reshape(-1, shape[-1])
        lowest = [envelopes.lower_envelope(t, loss) for loss in flat]
        chords = [envelopes.chord(t, loss) for loss in flat]

        assert envelopes.lower_envelope(t, losses) == pytest.approx(
            np.reshape(lowest, shape), abs=1e-12
        )
        assert envelopes.chord(t, losses) == pytest.approx(np.reshape(chords, shape))

    def test_ties_and_flats_end(self):
        """Flat and piecewise straight profiles are wrapped without a gap."""
        t = np.linspace(0, 1, 5)
        losses = np.array([[1, 1, 1, 1, 1], [2, 1, 0, 1, 2], [0, 1, 1, 1, 0]], dtype=float)

        assert (losses - envelopes.lower_envelope(t, losses)).max(axis=1).tolist() == [0, 0, 1]


class TestGoldenCurve:
    """Numbers of the published curve."""

    def test_the_ridge_between_strategies(self):
        """Across strategies the height is 0.0057, the gap 0.0702 and the mean form 0.0121."""
        assert barriers.barrier_height(TEN, ACROSS) == pytest.approx(0.0057, abs=5e-5)
        assert barriers.convexity_gap(TEN, ACROSS) == pytest.approx(0.0702, abs=5e-5)
        assert barriers.barrier_mean(TEN, ACROSS) == pytest.approx(0.0121, abs=5e-5)
        assert barriers.peak(TEN, ACROSS) == pytest.approx(5 / 9)

    @pytest.mark.parametrize(("half", "gap"), [(WITHIN_FIRST, 0.0036), (WITHIN_SECOND, 0.0182)])
    def test_the_bowls_within_a_strategy(self, half, gap):
        """Within a strategy the height is 0; the mirrored half-curves keep a small gap."""
        curve = np.concatenate([half, half[::-1]])

        assert barriers.barrier_height(TEN, curve) == 0.0
        assert barriers.convexity_gap(TEN, curve) == pytest.approx(gap, abs=1.5e-4)

    @pytest.mark.parametrize(
        ("n_points", "gap"), [(3, 0.011), (5, 0.072), (10, 0.070), (21, 0.076)]
    )
    def test_coarser_and_finer_grids(self, n_points, gap):
        """A cubic spline of the curve, resampled: three points are blind, five are not."""
        from scipy.interpolate import CubicSpline

        t = np.linspace(0, 1, n_points)

        assert barriers.convexity_gap(t, CubicSpline(TEN, ACROSS)(t)) == pytest.approx(
            gap, abs=2e-3
        )


class TestRefusals:
    """What is not a profile."""

    @pytest.mark.parametrize(
        ("t", "loss"),
        [
            ([0, 1], [1, 2, 3]),
            ([0, 0.5, 0.9], [1, 2, 3]),
            ([0, 0.5, 0.5, 1], [1, 2, 3, 4]),
            ([0, float("nan"), 1], [1, 2, 3]),
            ([0, 0.5, 1], [1, float("inf"), 3]),
            ([0, 0.5, 1], [1, float("nan"), 3]),
            ([0], [1]),
            ([0, 0.5, 1], [[1, 2, 3]]),
        ],
    )
    @pytest.mark.parametrize("measure", [*MAXIMA, barriers.midpoint_excess, barriers.peak])
    def test_malformed_profiles_are_refused(self, measure, t, loss):
        """Other shapes, positions that do not rise from 0 to 1 and non-finite losses raise."""
        with pytest.raises(ValueError, match=r"ositions|finite|profile"):
            measure(t, loss)

    def test_the_midpoint_must_be_on_the_grid(self):
        """Ten even points do not hold 1/2."""
        with pytest.raises(ValueError, match=r"0\.5"):
            barriers.midpoint_excess(TEN, ACROSS)
