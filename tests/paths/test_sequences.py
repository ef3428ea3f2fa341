"""Evidence that may be looked at after every example."""

import numpy as np
import pytest

from wsgeo.paths.sequences import BOUND, half_width, log_wealth


def ever_wrong(x, level):
    """Return the share of rows whose running mean leaves the sequence about their true mean 0."""
    n = np.arange(32, x.shape[1] + 1)
    mean = np.cumsum(x, axis=1)[:, 31:] / n
    spread = np.sqrt(np.cumsum(x**2, axis=1)[:, 31:] / n - mean**2)
    return (np.abs(mean) > half_width(spread, n, level)).any(axis=1).mean()


class TestHalfWidth:
    """Confidence sequences."""

    @pytest.mark.parametrize("level", [0.2, 0.05])
    def test_it_holds_at_all_times_at_once(self, level, rng):
        """The mean leaves it, at any of 500 looks, no more often than the level says."""
        assert ever_wrong(rng.normal(size=(2000, 532)), level) <= level

    def test_a_fixed_interval_does_not(self, rng):
        """Looking again and again at ordinary intervals errs far more often: what the width is paid for."""
        x = rng.normal(size=(2000, 532))
        n = np.arange(32, 533)
        mean = np.cumsum(x, axis=1)[:, 31:] / n

        assert (np.abs(mean) > 1.96 / np.sqrt(n)).any(axis=1).mean() > 0.15

    def test_it_narrows(self):
        """More examples, less spread and more risk make it narrower."""
        widths = half_width(1.0, np.arange(8, 5000), 0.01)

        assert (np.diff(widths) < 0).all()
        assert half_width(0.5, 100, 0.01) == pytest.approx(half_width(1.0, 100, 0.01) / 2)
        assert half_width(1.0, 100, 0.1) < half_width(1.0, 100, 0.01)


def plain_wealth(values, threshold):
    """Return the most that the same bets make, one example after the other."""
    wealth = best = 0.0
    total, squares = 0.0, 1.0
    for n, value in enumerate(np.clip(values, -BOUND, BOUND)):
        excess = value - threshold
        bet = min(max(total / (n + 1) / (squares / (n + 1)), 0.0), 0.75 / (BOUND + threshold))
        wealth += np.log1p(bet * excess)
        best = max(best, wealth)
        total, squares = total + excess, squares + excess**2
    return best


class TestWealth:
    """Bets."""

    def test_equals_betting_one_by_one(self, rng):
        """All rows at once make what a loop over examples makes."""
        x = rng.normal(0.3, 1.0, size=(5, 200))

        assert log_wealth(x, 0.1) == pytest.approx([plain_wealth(row, 0.1) for row in x])

    @pytest.mark.parametrize("draw", ["normal", "rare"])
    def test_it_seldom_grows_where_the_mean_is_at_the_threshold(self, draw, rng):
        """Wealth 1 / level is made with a probability of at most the level, rare large values included."""
        shape = (2000, 400)
        x = rng.normal(size=shape) if draw == "normal" else 5.0 * (rng.random(shape) < 0.02) - 0.1

        assert (log_wealth(x, 0.0) >= -np.log(0.05)).mean() <= 0.05

    def test_it_grows_where_the_mean_is_above(self, rng):
        """A mean far above the threshold makes a fortune, one below makes nothing."""
        x = rng.normal(1.0, 1.0, size=(50, 200))

        assert (log_wealth(x, 0.1) > -np.log(0.01)).all()
        assert (log_wealth(-x, 0.1) < 1.0).all()

    def test_never_below_the_start(self, rng):
        """The most that was made counts the moment before the first bet."""
        assert (log_wealth(rng.normal(-1, 1, size=(9, 40)), 0.0) >= 0).all()
