"""Seconds for the geometry of a zoo: blocked float64 Gram matrix against a loop over pairs.

Run ``python benchmarks/geometry.py [n_members] [n_parameters]``; both take one thread.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from wsgeo.weights.geometry import task_vector_geometry
from wsgeo.weights.lowrank import LowRankUpdate, inner_products

SAMPLED_PAIRS = 40


def cpu_seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the CPU time of the fastest of several calls."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def full_models(n: int, size: int) -> None:
    """Compare both ways on members near a base of norm 400."""
    rng = np.random.default_rng(0)
    base = rng.standard_normal(size, dtype=np.float32) * np.float32(400 / size**0.5)
    step = np.float32(3 / size**0.5)
    members = [base + step * rng.standard_normal(size, dtype=np.float32) for _ in range(n)]
    pairs = rng.integers(0, n, size=(SAMPLED_PAIRS, 2))

    def one_by_one() -> None:
        for i, j in pairs:
            a, b = members[i].copy(), members[j].copy()  # what loading again costs at the least
            np.linalg.norm(a - b)
            np.dot(a - base, b - base)

    naive = cpu_seconds(one_by_one) * n * (n - 1) / 2 / SAMPLED_PAIRS
    blocked = cpu_seconds(lambda: task_vector_geometry(members.__getitem__, n, base))
    l2 = task_vector_geometry(members.__getitem__, n, base).l2
    exact = np.linalg.norm(members[0].astype(np.float64) - members[1])
    print(f"{n} members of {size:,} parameters, {n * (n - 1) // 2} pairs, one thread, CPU time")
    print(f"  pair by pair {naive:8.2f} s (from {SAMPLED_PAIRS} pairs; distances and cosines)")
    print(f"  Gram matrix  {blocked:8.2f} s, ratio {naive / blocked:.1f}")
    print(f"  relative error of a distance of 4.2 at norm 400: {abs(l2[0, 1] / exact - 1):.0e}")


def adapters(n: int, width: int = 768, rank: int = 8) -> None:
    """Compare factored inner products with dense ones, for one module."""
    rng = np.random.default_rng(1)
    shapes = ((rank, width), (width, rank))
    updates = [
        LowRankUpdate(*(rng.standard_normal(shape, dtype=np.float32) for shape in shapes))
        for _ in range(n)
    ]

    def dense() -> None:
        flat = np.stack([(update.b @ update.a).reshape(-1) for update in updates])
        flat @ flat.T

    slow, fast = cpu_seconds(dense), cpu_seconds(lambda: inner_products(updates))
    print(f"{n} adapters of rank {rank}, one {width} x {width} module")
    print(
        f"  dense float32   {slow:6.3f} s\n  factored float64 {fast:5.3f} s, ratio {slow / fast:.1f}"
    )


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    n_members, n_parameters = [*numbers, *(40, 2_000_000)[len(numbers) :]][:2]
    with threadpool_limits(1):
        full_models(n_members, n_parameters)
        adapters(n_members)
