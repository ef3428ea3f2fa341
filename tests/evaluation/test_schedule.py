"""The order of evaluation and the size of hand-outs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from wsgeo.evaluation.losses import Point
from wsgeo.evaluation.points import WeightsCache
from wsgeo.evaluation.schedule import HandOuts, visiting_order
from wsgeo.weights.layout import Layout, Weights

LAYOUT = Layout(("w",), ((1,),))


def all_pairs(n, ends=True):
    names = [f"m{i:03d}" for i in range(n)]
    points = [Point.on_line(a, b, 0.5) for a, b in combinations(names, 2)]
    return points + [Point.of(name) for name in names] if ends else points


def n_loads(points, order, capacity):
    cache = WeightsCache(lambda _: Weights(LAYOUT, np.zeros(1, np.float32)), limit=4 * capacity)
    for i in order:
        for member in points[i].members:
            cache(member)
    return cache.n_loads


class TestVisitingOrder:
    """In which order points are evaluated."""

    @pytest.mark.parametrize("capacity", [0, 1, 3, 7, 1000])
    def test_every_point_once(self, capacity):
        """Each point is visited exactly once."""
        points = all_pairs(9)

        assert sorted(visiting_order(points, capacity)) == list(range(len(points)))

    def test_the_order_of_the_request_does_not_matter(self):
        """The same points in another order are visited in the same order."""
        points = all_pairs(9)
        shuffled = [points[i] for i in np.random.default_rng(0).permutation(len(points))]

        first = [points[i] for i in visiting_order(points, 5)]
        assert [shuffled[i] for i in visiting_order(shuffled, 5)] == first

    @pytest.mark.parametrize(("n", "capacity"), [(100, 20), (60, 10), (40, 40)])
    def test_few_loads(self, n, capacity):
        """All pairs of n with room for C cost about n^2 / 2C + n loads, not one per pair."""
        points = all_pairs(n)
        loads = n_loads(points, visiting_order(points, capacity), capacity)

        assert loads <= 1.35 * n**2 / (2 * capacity) + n
        assert loads <= n_loads(points, range(len(points)), capacity)

    def test_all_fit(self):
        """If all fit in memory, each is loaded once."""
        points = all_pairs(12)

        assert n_loads(points, visiting_order(points, 14), 14) == 12

    def test_centroids_and_heads(self):
        """Points of many members, and points under a foreign head, have a place too."""
        points = [Point(("c", "a", "b"), (0.5, 0.25, 0.25)), Point.on_line("a", "b", 0.5, "d")]
        points.append(Point.on_line("a", "b", 0.5, "refit:0"))

        assert sorted(visiting_order(points, 3)) == [0, 1, 2]

    def test_nothing(self):
        """No points, no order."""
        assert visiting_order([], 5) == []


class TestHandOuts:
    """How much work is handed out at once."""

    def test_all_in_order(self):
        """Hand-outs together are the queue, whatever is learnt on the way."""
        hand_outs = HandOuts(range(500), n_jobs=3)
        seen = []
        for block in hand_outs:
            seen += block
            hand_outs.note(0.01 * len(block), len(block))

        assert seen == list(range(500))

    def test_slow_work_goes_one_by_one(self):
        """Work that takes more than a second a piece is handed out singly."""
        hand_outs = HandOuts(range(9), n_jobs=1)
        hand_outs.note(50.0, 2)

        assert [len(block) for block in hand_outs] == [1] * 9

    def test_the_end_is_shared(self):
        """Near the end hand-outs shrink, so that no process idles for long."""
        hand_outs = HandOuts(range(40), n_jobs=2)
        hand_outs.note(1e-9, 1)
        sizes = [len(block) for block in hand_outs]

        assert sizes[0] == 10
        assert sizes[-1] == 1
