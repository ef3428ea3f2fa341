"""The order of evaluation and the size of hand-outs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from wsgeo.evaluation.losses import Point
from wsgeo.evaluation.points import WeightsCache
from wsgeo.evaluation.schedule import Pace, Picked, Segments, visiting_order
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


def drained(queue, n_slots, seconds_each=0.001):
    """Return what each worker got, when they take turns."""
    parts = [[] for _ in range(n_slots)]
    waiting = set(range(n_slots))
    while waiting:
        for slot in sorted(waiting):
            block = queue.draw(slot)
            if block is None:
                waiting.discard(slot)
                continue
            queue.pace.note(seconds_each * len(block), len(block))
            parts[slot] += block
    return parts


class TestSegments:
    """Who gets which work."""

    @pytest.mark.parametrize("n_slots", [1, 2, 3, 7])
    def test_all_work_is_done_once(self, n_slots):
        """Every piece goes to one worker, however many there are."""
        parts = drained(Segments(range(500), n_slots), n_slots)

        assert sorted(piece for part in parts for piece in part) == list(range(500))

    def test_one_worker_keeps_the_order(self):
        """A single worker works through the list as it stands."""
        assert drained(Segments(range(500), 1), 1) == [list(range(500))]

    def test_a_worker_alone_does_all(self):
        """Work of a worker that never asks is done by the others."""
        queue = Segments(range(100), 2)
        seen = []
        while block := queue.draw(1):
            seen += block

        assert sorted(seen) == list(range(100))

    @pytest.mark.parametrize("n_slots", [1, 2, 4])
    def test_workers_share_the_loads(self, n_slots):
        """All workers together load little more than one alone, as each keeps to its own members."""
        points, n, capacity = all_pairs(100), 100, 20
        parts = drained(Segments(visiting_order(points, capacity), n_slots), n_slots)
        loads = sum(n_loads(points, part, capacity) for part in parts)

        assert loads <= 1.1 * (n**2 / (2 * capacity) + n) + (n_slots - 1) * 2 * capacity


class TestPicked:
    """Work that is chosen late."""

    def test_it_asks_again(self):
        """A worker that got nothing may get something once more is known."""
        answers = iter([None, 3, None])
        queue = Picked(lambda: next(answers), 4, 1)

        assert [queue.draw(0) for _ in range(2)] == [None, [3]]


class TestPace:
    """How much work is handed out at once."""

    def test_slow_work_goes_one_by_one(self):
        """Work that takes more than a second a piece is handed out singly."""
        pace = Pace()
        pace.note(50.0, 2)

        assert pace.size(9) == 1

    def test_the_end_is_shared(self):
        """Near the end hand-outs shrink, so that no process idles for long."""
        pace = Pace()
        pace.note(1e-9, 1)

        assert [pace.size(n) for n in (1000, 20, 3, 1)] == [64, 10, 2, 1]
