"""The order of the examples."""

from __future__ import annotations

import numpy as np
import pytest

from wsgeo.training import Optimization
from wsgeo.training.orders import batch_order


class TestBatchOrder:
    """Batches."""

    @pytest.mark.parametrize("n_epochs", [1, 2, 5])
    @pytest.mark.parametrize(("n", "size"), [(40, 4), (7, 3), (3, 8), (100, 32), (1, 4), (333, 10)])
    def test_sees_each_example_once_per_epoch(self, rng, n, size, n_epochs):
        """So many passes show every example so often; what fills the last batch is once more."""
        lengths = rng.integers(1, 50, n)
        n_batches = -(-n_epochs * n // size)
        batches = list(batch_order(lengths, size, n_batches, rng))
        counts = np.bincount(np.concatenate(batches), minlength=n)

        assert {len(batch) for batch in batches} == {size}
        assert counts.min() == n_epochs + (n_batches * size - n_epochs * n) // n
        assert counts.sum() == n_batches * size

    @pytest.mark.parametrize("n", [1, 5, 8, 9, 17])
    def test_of_fewer_batches_is_the_start_of_more(self, n):
        """A run of fewer steps sees what a longer one sees first."""
        short, long = (
            list(batch_order(np.ones(70), 4, k, np.random.default_rng(0))) for k in (n, 40)
        )

        assert all(np.array_equal(a, b) for a, b in zip(short, long[:n], strict=True))

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

    @pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
    @pytest.mark.parametrize("warmup", [0.0, 0.1, 0.13, 0.5, 1.0])
    @pytest.mark.parametrize("steps", [1, 2, 7, 100])
    def test_reaches_its_peak_and_no_more(self, schedule, warmup, steps):
        """The peak is the learning rate; up to it rates do not fall, after it they do not rise."""
        plan = Optimization(2.0, steps, warmup=warmup, schedule=schedule)
        rates = np.array([plan.rate(step) for step in range(steps)])

        assert rates.max() == pytest.approx(2.0)
        assert (rates > 0).all()
        peak = rates.argmax()
        assert (np.diff(rates[: peak + 1]) >= 0).all()
        assert (np.diff(rates[peak:]) <= 1e-12).all()

    @pytest.mark.parametrize(
        "bad", [{"learning_rate": 0.0, "steps": 1}, {"learning_rate": 1, "steps": 0}]
    )
    def test_refuses_what_no_run_can_have(self, bad):
        """Rates above zero, counts from one."""
        with pytest.raises(ValueError, match=r"at least|above"):
            Optimization(**bad)
