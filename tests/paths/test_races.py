"""Races about the threshold, on lines whose true gap is known."""

import numpy as np
import pytest

from wsgeo.evaluation.losses import Losses, Point
from wsgeo.evaluation.races import n_seen, replay, unfolded
from wsgeo.paths.barriers import barrier_height, convexity_gap
from wsgeo.paths.glimpses import EXAMPLES, Glimpse, as_start
from wsgeo.paths.races import EdgeRace

T = np.round(np.linspace(0, 1, 11), 12)
POINTS = tuple(Point.on_line("a", "b", float(t)) for t in T[1:-1])
TAU = 0.1


def line_of(rng, gap, *, place=0.5, noise="light", n=512):
    """Return losses (n_points, n_examples) whose expected profile is a ridge of a known gap."""
    ridge = gap * np.exp(-(((T - place) / 0.2) ** 2))
    ridge -= ridge[0] + (ridge[-1] - ridge[0]) * T
    ridge *= gap / max(ridge.max(), 1e-12)
    share = {
        "light": lambda: rng.normal(1.0, 0.5, size=n),
        "heavy": lambda: rng.lognormal(-0.5, 1.0, size=n),
        "rare": lambda: 10.0 * (rng.random(n) < 0.1),
    }[noise]()
    start = rng.exponential(0.7, size=n)
    return (start + ridge[:, None] * share + 0.02 * rng.normal(size=(T.size, n))).astype(np.float32)


def race_of(losses, **options):
    """Return a race about a line, and what it computed."""
    race = EdgeRace(POINTS, "dev", tuple(T.tolist()), (losses[0], losses[-1]), TAU, **options)
    return race, replay(race, [Losses(row, np.zeros_like(row)) for row in losses[1:-1]])


def judged(losses, **options):
    """Return the verdict of a race about a line, and its share of all that could be evaluated."""
    race, outcome = race_of(losses, **options)
    found = race.judge(unfolded(outcome, len(POINTS))[0])
    return found, n_seen(outcome.loss) / losses[1:-1].size


class TestVerdict:
    """What a race says."""

    @pytest.mark.parametrize("betting", [False, True])
    def test_a_flat_line_is_connected(self, betting, rng):
        """Members joined by a flat line are told on a part of the examples."""
        found, share = judged(line_of(rng, 0.0), betting=betting)

        assert found.connected
        assert not found.separated
        assert found.gap[1] <= TAU
        assert share < (0.9 if betting else 0.2)

    @pytest.mark.parametrize("betting", [False, True])
    def test_a_high_ridge_is_told_from_the_middle(self, betting, rng):
        """A ridge far above the threshold is told by few examples at one position."""
        race, outcome = race_of(line_of(rng, 1.0), betting=betting)
        grid, _ = unfolded(outcome, len(POINTS))
        found = race.judge(grid)

        assert found.separated
        assert found.gap[0] > TAU
        assert [n_seen(row) > 0 for row in grid] == [i == 4 for i in range(9)]
        assert n_seen(outcome.loss) <= 128

    def test_a_ridge_beside_the_middle_is_found(self, rng):
        """A line whose middle is low is not taken for connected."""
        losses = line_of(rng, 1.0, place=0.15)
        losses[3:] = losses[-1]

        assert judged(losses)[0].separated

    def test_a_ridge_between_two_valleys_is_found(self, rng):
        """The gap counts, not the height above the ends, as the ends lie on the rim."""
        losses = line_of(rng, 0.0)
        losses += (0.5 * np.abs(np.abs(T - 0.5) - 0.3) / 0.3)[:, None].astype(np.float32)
        losses[[0, -1]] += 0.4

        assert judged(losses)[0].separated

    def test_what_cannot_be_decided_is_measured(self, rng):
        """A gap at the threshold costs every example at every position, and has no verdict."""
        found, share = judged(line_of(rng, TAU, n=256))

        assert share == 1.0
        assert not found.connected
        assert not found.separated

    def test_a_limit_ends_it(self, rng):
        """No position is evaluated on more examples than the limit."""
        _, outcome = race_of(line_of(rng, TAU, noise="heavy"), most=128)

        assert max(map(n_seen, unfolded(outcome, len(POINTS))[0])) == 128

    def test_without_all_positions_there_is_no_upper_limit(self, rng):
        """A ridge told from the middle may be higher elsewhere."""
        assert judged(line_of(rng, 1.0))[0].gap[1] == np.inf


@pytest.mark.parametrize("noise", ["light", "heavy", "rare"])
@pytest.mark.parametrize("gap", [0.07, 0.1, 0.13])
@pytest.mark.parametrize(
    "n_lines", [pytest.param(60, id="60"), pytest.param(1000, id="1000", marks=pytest.mark.slow)]
)
def test_the_error_level_holds(noise, gap, n_lines):
    """Lines whose expected gap is near the threshold are put on its wrong side no more often than said."""
    level, rng = 0.05, np.random.default_rng(3)
    wrong = 0
    for _ in range(n_lines):
        found, _ = judged(line_of(rng, gap, noise=noise, n=256), level=level)
        wrong += found.connected if gap > TAU else found.separated

    assert wrong <= level * n_lines


def test_limits_hold_the_gap(rng):
    """The gap of all examples lies within the limits of those that were seen."""
    for gap in (0.0, 0.05, 0.2, 0.6):
        losses = line_of(rng, gap)
        found, _ = judged(losses)
        mean = losses.mean(axis=1, dtype=np.float64)

        assert found.gap[0] <= convexity_gap(T, mean) <= found.gap[1]
        assert found.height[0] <= barrier_height(T, mean) <= found.height[1]


class TestStart:
    """Races that know something at the start."""

    def test_a_glimpse_sees_the_first_examples_of_the_middle(self, rng):
        """It computes as many as it says, and not one more."""
        row = line_of(rng, 0.3)[5]
        outcome = replay(Glimpse((POINTS[4],), "dev"), [Losses(row, np.zeros_like(row))])

        assert outcome.loss.tolist() == row[:EXAMPLES].tolist()

    @pytest.mark.parametrize("gap", [0.0, 0.12, 1.0])
    def test_the_verdict_does_not_depend_on_it(self, gap):
        """A race that goes on from a glimpse ends as one that starts from nothing."""
        losses = line_of(np.random.default_rng(1), gap)
        known = as_start(Losses(losses[5, :EXAMPLES], np.zeros(EXAMPLES, np.float32)), 4, 9)
        alone, after = judged(losses)[0], judged(losses, known=known)[0]

        assert (alone.connected, alone.separated) == (after.connected, after.separated)

    def test_the_rule_tells_races_apart(self, rng):
        """Whatever changes the course of a race changes its key, and nothing else does."""
        losses = line_of(rng, 0.0)
        races = [
            race_of(losses, **options)[0]
            for options in ({}, {"level": 0.05}, {"betting": True}, {"most": 64}, {})
        ]
        keys = [race.key("examples", "fp32") for race in races]

        assert len(set(keys)) == 4
        assert keys[0] == keys[-1]
        assert races[0].key("examples", "bf16") != keys[0]
