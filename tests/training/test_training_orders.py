"""The order of the examples."""

from __future__ import annotations

import numpy as np
import pytest

from wsgeo.training import Optimization
from wsgeo.training.orders import batch_order


class TestBatchOrder:
    """Batches."""

    @pytest.mark.parametrize(("n", "size"), [(40, 4), (7, 3), (3, 8)])
    def test_sees_each_example_once_per_epoch(self, rng, n, size):
        """After k whole epochs' worth of windows every example was seen equally often, give or take one."""
        lengths = rng.integers(1, 50, n)
        seen = np.concatenate(list(batch_order(lengths, size, 8 * n, rng)))

        assert set(np.bincount(seen, minlength=n)) == {8 * size}

    def test_saves_padding(self, rng):
        """Batches of like length hold less padding than shuffled ones."""
        lengths = rng.integers(1, 50, 640)
        padded = sum(lengths[b].max() * len(b) for b in batch_order(lengths, 16, 40, rng))
        shuffled = sum(lengths[b].max() * 16 for b in rng.permutation(640).reshape(40, 16))

        assert padded < 0.75 * shuffled

    def test_is_the_generators(self):
        """The same generator gives the same order, another one another."""
        orders = [
            np.concatenate(list(batch_order(np.ones(64), 8, 8, np.random.default_rng(s))))
            for s in (0, 0, 1)
        ]

        assert np.array_equal(orders[0], orders[1])
        assert not np.array_equal(orders[0], orders[2])

    def test_refuses_no_examples(self, rng):
        """There must be something to order."""
        with pytest.raises(ValueError, match="no examples"):
            next(batch_order([], 2, 1, rng))


class TestOptimization:
    """The plan of the learning rate."""

    def test_rises_and_falls(self):
        """The rate rises over the warm-up and falls to nothing after the last step."""
        plan = Optimization(2.0, 100, warmup=0.1)
        rates = [plan.rate(step) for step in range(100)]

        assert np.argmax(rates) == 9
        assert 0 < rates[-1] < 0.03
        assert max(rates) <= 2.0

    @pytest.mark.parametrize(
        "bad", [{"learning_rate": 0.0, "steps": 1}, {"learning_rate": 1, "steps": 0}]
    )
    def test_refuses_what_no_run_can_have(self, bad):
        """Rates above zero, counts from one."""
        with pytest.raises(ValueError, match=r"at least|above"):
            Optimization(**bad)
