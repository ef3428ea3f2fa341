"""Glimpses and races about lines of which every loss is known."""

import numpy as np
import pytest

from wsgeo.evaluation.losses import Losses
from wsgeo.evaluation.races import AbstractRacer
from wsgeo.paths.line_races import LineRaces
from wsgeo.paths.races import RaceRule

T = np.round(np.linspace(0, 1, 11), 12)
N = 256


class Known(AbstractRacer):
    """Serves losses that are the chord between the ends plus the gap of the line at every position."""

    def __init__(self, gaps, rng):
        self.gaps = gaps
        self.start = rng.exponential(0.5, N)
        self.noise = rng.normal(1.0, 0.2, N)

    def evaluate(self, items):
        for i, item in enumerate(items):
            yield i, tuple(map(self._losses, item.points))

    def _losses(self, point):
        gap = self.gaps.get(point.members, 0.0)
        loss = self.start + gap * self.noise
        return Losses(loss.astype(np.float32), np.ones(N, np.float32))


@pytest.fixture
def races(rng):
    """Return races about a line that is joined and one that is not, in the given order."""
    gaps = {("a", "b"): 0.0, ("a", "c"): 1.0}
    counts = np.ones((4, N), np.float32)
    return LineRaces(
        Known(gaps, rng), list(gaps), "dev", np.arange(N), T, None, "", 0,
        lambda n: counts[:, :n], lambda *_: pytest.fail("no race needs every loss"),
    )  # fmt: skip


class TestCosts:
    """What is counted as evaluated."""

    def test_a_glimpse_is_counted_once(self, races):
        """A race that goes on from a glimpse adds only what the glimpse had not seen."""
        races.glimpse()
        glimpsed = races.n_forwards
        found = races.race(RaceRule(0.1))
        seen = {line: each.numbers["n_points"] - 2 for line, each in found.items()}

        assert glimpsed == 2 * 64
        assert seen == {("a", "b"): 9, ("a", "c"): 1}
        # The ridge is told by its glimpse; on the flat line eight positions are as cheap as the ninth.
        assert races.n_forwards == glimpsed + 8 * 64
