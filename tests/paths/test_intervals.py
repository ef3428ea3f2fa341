"""Laws and coverage of the intervals of barriers."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from wsgeo.paths import barriers, contrasts
from wsgeo.paths.intervals import gap_interval, intervals, resample_counts

T = np.linspace(0, 1, 11)
RIDGE = (T - 0.5) ** 2 + 0.3 * np.exp(-0.5 * ((T - 0.5) / 0.1) ** 2)
MAXIMA = ("barrier_height", "barrier_mean", "convexity_gap")


def uneven(rng, n_points):
    """Return an uneven grid from 0 to 1."""
    return np.concatenate([[0.0], np.sort(rng.uniform(0.01, 0.99, n_points - 2)), [1.0]])


def noisy(rng, mean, n_examples=200, spread=0.05):
    """Return per-example losses that share most of their variation along the path."""
    common = rng.exponential(size=(n_examples, 1))
    return (mean + common * (1 + spread * rng.normal(size=(n_examples, len(mean))))).astype(
        np.float32
    )


def paired_bootstrap(t, losses, *, n_resamples=1000, rng):
    """Return the intervals of one path with resamples of its own."""
    return intervals(np.asarray(t), losses, resample_counts(len(losses), n_resamples, rng))


@pytest.fixture(scope="module")
def coverage():
    """Return the simulation of benchmarks/coverage.py."""
    path = Path(__file__).parents[2] / "benchmarks" / "coverage.py"
    spec = importlib.util.spec_from_file_location("coverage_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # A dataclass looks its module up while it is made.
    spec.loader.exec_module(module)
    return module


class TestContrasts:
    """Barriers as maxima of linear functions."""

    @pytest.mark.parametrize("n_points", [2, 3, 4, 11])
    def test_the_largest_product_is_the_barrier(self, rng, reference, n_points):
        """Each set of contrasts has the barrier it stands for as its largest product."""
        t = uneven(rng, n_points) if n_points > 2 else np.array([0.0, 1.0])
        for _ in range(20):
            loss = rng.uniform(0, 1, n_points)
            chord = (contrasts.chord_contrasts(t) @ loss).max(initial=0)
            triples = contrasts.triple_contrasts(t)

            assert chord == pytest.approx(barriers.barrier_height(t, loss))
            assert (triples @ loss).max(initial=0) == pytest.approx(
                barriers.convexity_gap(t, loss), abs=1e-12
            )
            assert (contrasts.mean_contrasts(t) @ loss).max() == pytest.approx(
                barriers.barrier_mean(t, loss)
            )
        if n_points > 2:
            np.testing.assert_allclose(triples, reference.contrasts(t), atol=1e-12)


class TestLaws:
    """What holds for every path."""

    @pytest.mark.parametrize("name", MAXIMA)
    def test_limits_hold_the_value_of_the_mean_profile(self, rng, name):
        """The value is the scalar of the mean profile, between limits that are never negative."""
        for mean in (RIDGE, np.zeros(11), (T - 0.5) ** 2, 0.3 * T):
            losses = noisy(rng, mean)
            found = getattr(paired_bootstrap(T, losses, n_resamples=200, rng=rng), name)
            value = getattr(barriers, name)(T, losses.mean(axis=0, dtype=np.float64))

            assert found.value == pytest.approx(value, abs=1e-9)
            assert 0 <= found.low <= found.value <= found.high

    def test_direction_does_not_matter(self, rng):
        """The path walked from the other end has the same intervals."""
        losses, counts = noisy(rng, RIDGE), resample_counts(200, 300, rng)
        one, two = intervals(T, losses, counts), intervals(T, losses[:, ::-1], counts)

        for name in (*MAXIMA, "midpoint_excess"):
            assert vars(getattr(one, name)) == pytest.approx(vars(getattr(two, name)), rel=1e-4)

    def test_examples_are_interchangeable(self, rng):
        """Losses and resamples re-ordered together change nothing."""
        losses, counts = noisy(rng, RIDGE), resample_counts(200, 300, rng)
        order = rng.permutation(200)
        one, two = intervals(T, losses, counts), intervals(T, losses[order], counts[:, order])

        assert vars(one.convexity_gap) == pytest.approx(vars(two.convexity_gap), rel=1e-4)

    def test_scale_and_offset_pass_through(self, rng):
        """Losses times ten plus one have limits times ten."""
        losses, counts = noisy(rng, RIDGE), resample_counts(200, 300, rng)
        one, two = intervals(T, losses, counts), intervals(T, 10 * losses + 1, counts)

        assert two.convexity_gap.low == pytest.approx(10 * one.convexity_gap.low, rel=1e-3)
        assert two.convexity_gap.high == pytest.approx(10 * one.convexity_gap.high, rel=1e-3)

    def test_noise_common_to_the_path_cancels(self, rng):
        """Paired resampling: a hard example is hard everywhere and widens nothing."""
        losses = RIDGE + rng.exponential(size=(200, 1))
        gap = paired_bootstrap(T, losses, rng=rng).convexity_gap

        assert gap.error == pytest.approx(0, abs=1e-6)
        assert (gap.low, gap.high) == pytest.approx((gap.value, gap.value), abs=1e-5)

    def test_a_checkpoint_and_itself_have_no_gap(self, rng):
        """Equal losses at every position give exactly zero, without a spread."""
        losses = np.repeat(rng.exponential(size=(100, 1)).astype(np.float32), 11, axis=1)
        found = paired_bootstrap(T, losses, rng=rng)

        for name in (*MAXIMA, "midpoint_excess"):
            assert set(vars(getattr(found, name)).values()) == {0.0}

    def test_more_examples_narrow_the_interval(self, rng):
        """Sixteen times the examples give about a quarter of the width."""
        widths = []
        for n_examples in (200, 3200):
            losses = noisy(rng, RIDGE, n_examples, spread=0.2)
            gap = paired_bootstrap(T, losses, rng=rng).convexity_gap
            widths.append(gap.high - gap.low)

        assert widths[0] / widths[1] == pytest.approx(4, rel=0.35)

    def test_the_midpoint_interval_is_signed(self, rng):
        """Inside a bowl the midpoint excess and both of its limits are negative."""
        found = paired_bootstrap(T, noisy(rng, (T - 0.5) ** 2), rng=rng)

        assert found.midpoint_excess.low < found.midpoint_excess.value
        assert found.midpoint_excess.value < found.midpoint_excess.high < 0
        assert found.convexity_gap.low == 0

    def test_one_wild_example_gives_finite_limits(self, rng):
        """A ridge that a single example carries is not told apart from none, and stays finite."""
        losses = np.zeros((200, 11), dtype=np.float32)
        losses[0] = 50 * RIDGE
        gap = paired_bootstrap(T, losses, rng=rng).convexity_gap

        assert gap.low == 0
        assert gap.value < gap.high < 10 * gap.value

    @pytest.mark.parametrize("n_points", [2, 3])
    def test_short_paths_have_intervals(self, rng, n_points):
        """Two points have no gap; three have one contrast."""
        t = np.linspace(0, 1, n_points)
        found = paired_bootstrap(t, noisy(rng, t * (1 - t)), rng=rng)

        assert (found.convexity_gap.high > 0) == (n_points == 3)
        assert (found.midpoint_excess is None) == (n_points == 2)

    def test_the_draws_are_gaps_of_resampled_means(self, rng):
        """Each draw is the gap of the mean profile of its resample."""
        losses, counts = noisy(rng, RIDGE), resample_counts(200, 20, rng)
        draws = intervals(T, losses, counts).gap_draws

        for draw, count in zip(draws, counts.astype(int), strict=True):
            mean = np.repeat(losses, count, axis=0).mean(axis=0, dtype=np.float64)
            assert draw == pytest.approx(barriers.convexity_gap(T, mean), abs=1e-6)

    def test_the_gap_alone_is_the_same(self, rng):
        """Interval and draws of the gap do not depend on whether the other barriers are asked for."""
        losses, counts = noisy(rng, RIDGE), resample_counts(200, 50, rng)
        whole = intervals(T, losses, counts)
        gap, draws = gap_interval(T, losses, counts)

        assert gap == whole.convexity_gap
        assert np.array_equal(draws, whole.gap_draws)

    def test_one_example_is_refused(self, rng):
        """One example has no spread, so no interval."""
        with pytest.raises(ValueError, match="two examples"):
            paired_bootstrap(T, np.ones((1, 11)), rng=rng)


class TestReference:
    """Agreement with the plain formulas."""

    @pytest.mark.parametrize(
        "mean", [RIDGE, np.zeros(11), (T - 0.5) ** 2], ids=["ridge", "flat", "bowl"]
    )
    def test_limits_agree(self, rng, reference, mean):
        """Limits are those of explicit resampling, contrast by contrast."""
        losses, counts = noisy(rng, mean, n_examples=60), resample_counts(60, 200, rng)
        found = intervals(T, losses, counts).convexity_gap

        assert (found.low, found.high) == pytest.approx(
            reference.gap_limits(T, losses, counts), rel=1e-3, abs=1e-6
        )


@pytest.mark.slow
class TestCoverage:
    """How often the intervals hold the truth; bounds allow for 200 simulated pairs."""

    @pytest.mark.parametrize("noise", ["margins", "heavy", "few"])
    @pytest.mark.parametrize(("gap", "error"), [(0.01, 0.002), (0.07, 0.01), (0.5, 0.03)])
    def test_true_gaps_are_held(self, coverage, noise, gap, error):
        """95 % intervals hold true gaps of 0.01, 0.07 and 0.5 in about 95 % of pairs."""
        scenario = coverage.Scenario(noise, "ridge", gap, error)
        misses = coverage.simulate(scenario, 200)["wsgeo"]

        # Beyond 21 of 200 with probability 0.001 where 6 % are missed.
        assert misses.low + misses.high <= 21

    @pytest.mark.parametrize("noise", ["margins", "heavy", "rough", "few"])
    @pytest.mark.parametrize("shape", ["flat", "slope", "bowl", "rim"])
    def test_convex_paths_are_not_separated(self, coverage, noise, shape):
        """On convex paths, straight ones too, at most one interval in twenty excludes zero."""
        misses = coverage.simulate(coverage.Scenario(noise, shape, 0.0, 0.01), 200)["wsgeo"]

        # Beyond 19 of 200 with probability 0.003 where 5 % exclude zero.
        assert misses.low <= 19

    def test_the_naive_interval_fails(self, coverage):
        """The percentile bootstrap excludes zero on a flat path most of the time."""
        misses = coverage.simulate(coverage.Scenario("margins", "flat", 0.0, 0.01), 100)

        assert misses["percentile"].low > 60
