"""Who makes a ridge: exact sums, whatever the curve."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgeo.paths.barriers import convexity_gap
from wsgeo.probing.ridges import Ridge, attribute, carriers, excess, ridge_of

NINTHS = np.arange(10) / 9
BETWEEN = [0.4814, 0.4343, 0.4232, 0.4510, 0.4951, 0.5005, 0.4620, 0.4350, 0.4494, 0.5056]
WITHIN = [0.4814, 0.4358, 0.4116, 0.4064, 0.4100, 0.4100, 0.4064, 0.4116, 0.4358, 0.4814]


def plain_ridge(t, loss):
    """Return the highest point above the chord of any two positions around it, O(n^3)."""
    best = None
    for i, k, j in itertools.combinations(range(len(t)), 3):
        share = (t[k] - t[i]) / (t[j] - t[i])
        height = loss[k] - ((1 - share) * loss[i] + share * loss[j])
        if height > 1e-6 and (best is None or height > best.gap + 1e-12):
            best = Ridge(i, k, j, height)
    return best


def uneven(rng, n_points):
    """Return increasing positions from 0 to 1 of uneven steps."""
    steps = rng.uniform(0.2, 1, n_points - 1)
    t = np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])
    t[-1] = 1.0
    return t


class TestRidgeOf:
    """Where the convexity gap is reached."""

    def test_the_published_curve_between_basins_has_its_gap(self):
        """The ten-point mean curve between basins rises by 0.0702 between its two valleys."""
        ridge = ridge_of(NINTHS, BETWEEN)

        assert (ridge.left, ridge.top, ridge.right) == (2, 5, 7)
        assert ridge.gap == pytest.approx(0.0702, abs=1e-4)

    def test_the_published_curve_within_a_basin_has_a_small_one(self):
        """The ten-point curve within a basin rises by 0.0036 at the most."""
        assert ridge_of(NINTHS, WITHIN).gap == pytest.approx(0.0036, abs=1e-4)

    @pytest.mark.parametrize("n_points", [2, 3, 4, 7, 11])
    def test_agrees_with_every_segment_tried(self, rng, n_points):
        """On random curves the ridge is that of the plain search, and its height the gap."""
        for _ in range(50):
            t, loss = uneven(rng, n_points), rng.uniform(0, 3, n_points)
            found, plain = ridge_of(t, loss), plain_ridge(t, loss)

            assert (found is None) == (plain is None)
            if found is not None:
                assert (found.left, found.top, found.right) == (plain.left, plain.top, plain.right)
                assert found.gap == pytest.approx(plain.gap)
                assert found.gap == pytest.approx(convexity_gap(t, loss))

    def test_the_other_direction_has_the_same_ridge(self, rng):
        """Walked backwards, the same three positions make the ridge."""
        loss = rng.uniform(0, 3, 9)
        there, back = (ridge_of(np.linspace(0, 1, 9), each) for each in (loss, loss[::-1]))

        assert (back.left, back.top, back.right) == (8 - there.right, 8 - there.top, 8 - there.left)
        assert back.gap == pytest.approx(there.gap)

    @pytest.mark.parametrize(
        "loss",
        [[0.5, 0.5, 0.5, 0.5], [0.9, 0.6, 0.3, 0.0], [0.7, 0.4, 0.3, 0.5], [0.1, 0.2, 0.3, 0.4]],
    )
    def test_a_convex_curve_has_none(self, loss):
        """A level, a slope and a bowl have no ridge, whatever rounding says."""
        assert ridge_of(np.arange(4) / 3, loss) is None

    def test_one_curve_is_needed(self):
        """Several curves at once are refused, and so is a loss that is not finite."""
        with pytest.raises(ValueError, match="One profile"):
            ridge_of([0, 0.5, 1], np.ones((2, 3)))
        with pytest.raises(ValueError, match="not finite"):
            ridge_of([0, 0.5, 1], [0, np.nan, 0])


class TestExcess:
    """What each example has of the ridge."""

    def test_its_mean_is_the_gap(self, rng):
        """The mean excess is the convexity gap of the mean curve."""
        for _ in range(30):
            t, losses = uneven(rng, 8), rng.exponential(size=(40, 8))
            ridge = ridge_of(t, losses.mean(axis=0))

            assert excess(t, losses, ridge).mean() == pytest.approx(ridge.gap, abs=1e-12)

    def test_is_the_height_over_each_own_chord(self, rng):
        """Each example's excess is read off its own curve by hand."""
        t, losses = uneven(rng, 6), rng.exponential(size=(5, 6))
        found = excess(t, losses, Ridge(1, 3, 4, 0.0))
        chords = [np.interp(t[3], t[[1, 4]], each[[1, 4]]) for each in losses]

        assert found == pytest.approx(losses[:, 3] - chords)

    def test_a_slope_of_its_own_changes_nothing(self, rng):
        """An example whose loss is a straight line has none, and adding one changes none."""
        t, losses = uneven(rng, 6), rng.exponential(size=(5, 6))
        ridge, slopes = Ridge(0, 2, 5, 0.0), rng.normal(size=(5, 1))

        assert excess(t, 3 + slopes * t, ridge) == pytest.approx(0, abs=1e-12)
        assert excess(t, losses + slopes * t, ridge) == pytest.approx(excess(t, losses, ridge))


class TestAttribute:
    """A ridge divided among slices."""

    @given(seed=st.integers(0, 2**32 - 1), n_parts=st.integers(1, 5))
    def test_shares_of_a_partition_sum_to_one(self, seed, n_parts):
        """Slices that divide the examples share the ridge without a rest."""
        rng = np.random.default_rng(seed)
        each = rng.normal(0.2, 1, 60)
        each += max(0.0, 0.01 - each.mean())
        part = np.concatenate([np.arange(n_parts), rng.integers(0, n_parts, 60 - n_parts)])
        found = attribute(each, part == np.arange(n_parts)[:, None])

        assert found.share.sum() == pytest.approx(1)
        assert found.mean == pytest.approx([each[part == i].mean() for i in range(n_parts)])

    def test_the_whole_has_all(self, rng):
        """The share of all examples is 1, and so are its limits."""
        found = attribute(rng.exponential(size=50), np.ones((1, 50), bool))

        assert [found.share, found.low, found.high] == pytest.approx([1, 1, 1], abs=1e-6)

    def test_a_slice_without_any_has_none(self):
        """A slice of straight lines carries nothing; the others carry all."""
        each = np.array([1.0, 2.0, 0.0, 0.0])
        found = attribute(each, [[True, True, False, False], [False, False, True, True]])

        assert found.share.tolist() == [1, 0]

    def test_limits_are_where_the_test_of_a_ratio_turns(self, rng):
        """At each limit the mean of the difference lies as many errors away as was asked."""
        each, inside = rng.gamma(2, size=200), rng.random(200) < 0.3
        found = attribute(each, [inside, np.ones(200, bool)])
        for limit in (found.low[0], found.high[0]):
            difference = each * inside - limit * each
            error = difference.std(ddof=1) / np.sqrt(200)

            assert abs(difference.mean()) / error == pytest.approx(1.959964)
        assert found.low[0] < found.share[0] < found.high[0]

    def test_more_slices_widen_the_limits(self, rng):
        """What is asked of many slices is told with more care."""
        each, masks = rng.gamma(2, size=200), rng.random((10, 200)) < 0.3
        alone, among = attribute(each, masks[:1]), attribute(each, masks)

        assert among.low[0] < alone.low[0] < alone.high[0] < among.high[0]

    def test_a_ridge_within_the_noise_has_no_limits(self):
        """Where the gap itself may be zero, any share may be true."""
        found = attribute([5.0, -4.0, 3.0, -3.0], [[True, True, False, False]])

        assert (found.low[0], found.high[0]) == (-np.inf, np.inf)

    def test_chance_slices_stand_out_in_few_samples(self):
        """Of ten slices drawn at random one stands out in at most a few samples of a hundred."""
        rng, told = np.random.default_rng(3), 0
        for _ in range(400):
            each = rng.exponential(size=500) - 0.3 * rng.random(500)
            masks = rng.random((10, 500)) < np.linspace(0.1, 0.6, 10)[:, None]
            found = attribute(each, masks)
            told += bool((found.low > masks.mean(axis=1)).any())

        assert told / 400 <= 0.05

    @pytest.mark.parametrize(
        ("each", "masks"),
        [
            ([1.0, 1.0], [[True]]),
            ([1.0], [[True]]),
            ([1.0, -1.0], [[True, True]]),
            ([1.0, np.nan], [[True, True]]),
            ([1.0, 1.0], [[False, False]]),
        ],
    )
    def test_what_cannot_be_divided_is_refused(self, each, masks):
        """Slices that do not fit, or are empty, and no ridge at all, are mistakes of the caller."""
        with pytest.raises(ValueError, match=r"fit|above zero"):
            attribute(each, masks)


class TestCarriers:
    """How few examples carry a ridge."""

    @pytest.mark.parametrize("n", [1, 2, 9, 10, 1000])
    def test_alike_examples_carry_alike(self, n):
        """If all rise alike, half of them carry half, rounded up to a whole example."""
        assert carriers(np.full(n, 0.1)) == -(-n // 2) / n

    def test_one_may_carry_all(self):
        """One example that rises alone carries every part."""
        assert carriers([0, 0, 0.7, 0]) == carriers([0, 0, 0.7, 0], part=1) == 0.25

    @given(seed=st.integers(0, 2**32 - 1), part=st.floats(0.05, 1))
    def test_no_fewer_examples_would_do(self, seed, part):
        """The largest of that number carry the part, and those of one fewer do not."""
        each = np.sort(np.random.default_rng(seed).exponential(size=30))[::-1]
        k = round(carriers(each, part) * 30)

        assert each[:k].sum() >= part * each.sum() - 1e-9
        assert each[: k - 1].sum() < part * each.sum()

    @pytest.mark.parametrize(("each", "part"), [([-1, 0], 0.5), ([1, 1], 0), ([1, 1], 1.5)])
    def test_no_ridge_and_no_part_are_refused(self, each, part):
        """Without a ridge, or of no part of it, nobody carries anything."""
        with pytest.raises(ValueError, match="mean excess"):
            carriers(each, part)
