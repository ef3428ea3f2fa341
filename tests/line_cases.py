"""Four members on a line over a hill, and two sets whose losses there are known."""

from types import SimpleNamespace

import numpy as np

from wsgeo.evaluation.losses import AbstractEngine, Losses
from wsgeo.probing.lines import measure_lines

T = np.linspace(0, 1, 11)
N = 40
HARD = np.arange(N) < 10
SLICES = {"mnli": {"all": np.ones(N, bool), "easy": ~HARD, "hard": HARD}, "hans": {}}
# Ids and content hashes are ordered differently, and basins lie about 0 and about 1.
PLACES = {"h5": 0.0, "h3": 0.05, "h4": 1.0, "h1": 0.95}
MEMBERS = [
    SimpleNamespace(id=name, content_hash=content)
    for name, content in zip("abcd", PLACES, strict=True)
]
LINES = [("a", "c", False), ("b", "d", False), ("a", "b", True)]


def hill(x):
    """Return the height of a hill between two valleys, about 0 and 1 half-way."""
    return np.exp(-20 * (x - 0.5) ** 2) + (x - 0.5) ** 2


class Landscape(AbstractEngine):
    """A hill between two basins that only the hard examples climb, and a set that slopes."""

    def __init__(self, failing=(), stop_after=None, noise=0.0):
        self.failing, self.stop_after, self.noise, self.asked = failing, stop_after, noise, []

    def evaluate(self, items):
        """Yield the items backwards, so that nothing may lean on their order."""
        for done, i in enumerate(reversed(range(len(items)))):
            if done == self.stop_after:
                return
            self.asked.append(items[i])
            yield i, tuple(self.at(point, items[i].examples) for point in items[i].points)

    def at(self, point, name):
        """Return the outcome at one point."""
        if (name, len(point.members)) in self.failing:
            return self.failing[name, len(point.members)]
        mixed = zip(point.coefficients, point.members, strict=True)
        x = sum(c * PLACES[m] for c, m in mixed)
        steady = self.noise * np.random.default_rng(0).normal(size=N)
        if name == "hans":
            loss = 1 + 2 * x + steady
        else:
            loss = 0.4 + np.linspace(1, 0.5, N) * hill(x) * HARD + 0.1 * x**2 + steady * hill(x)
        return Losses(np.float32(loss), np.float32(loss < 1))


def measured(lines=LINES, engine=None, **settings):
    """Return what is measured along lines of the members."""
    return measure_lines(engine or Landscape(), MEMBERS, lines, SLICES, T, **settings)
