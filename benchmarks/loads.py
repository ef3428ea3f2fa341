"""How often checkpoints are loaded when not all of them fit in memory.

All pairs of a zoo are visited by workers that keep as many checkpoints as fit: in the order of a
scan, each worker on its own stretch of it, and row by row as a loop over pairs does. What is counted
are loads into the cache that the workers use; nothing is read.

    python benchmarks/loads.py
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import ceil

import numpy as np

from wsgeo.evaluation.losses import Point
from wsgeo.evaluation.points import WeightsCache
from wsgeo.evaluation.schedule import Segments, visiting_order
from wsgeo.weights.layout import Layout, Weights

CASES = ((100, 20), (300, 40), (1000, 40), (1000, 300))
"""Members, and how many of them a worker can keep."""

WORKERS = (1, 2, 4)
MODEL = Weights(Layout(("w",), ((1,),)), np.zeros(1, np.float32))


def n_loads(pairs: Iterable[Point], capacity: int) -> int:
    """Return how many loads visiting pairs in an order costs one worker."""
    cache = WeightsCache(lambda _: MODEL, limit=MODEL.vector.nbytes * capacity)
    for pair in pairs:
        for member in pair.members:
            cache(member)
    return cache.n_loads


def shared_out(pairs: Sequence[Point], capacity: int, n_workers: int) -> int:
    """Return the loads of workers that take turns at the queue of a scan."""
    queue, parts = (
        Segments(visiting_order(pairs, capacity), n_workers),
        [[] for _ in range(n_workers)],
    )
    queue.pace.note(1.0, 20)  # twenty pairs a second
    while any(blocks := [queue.draw(slot) for slot in range(n_workers)]):
        for part, block in zip(parts, blocks, strict=True):
            part.extend(block or ())
    return sum(n_loads((pairs[i] for i in part), capacity) for part in parts)


def main() -> None:
    """Print the table."""
    head = " ".join(f"{f'{n} workers':>10}" for n in WORKERS)
    print(f"{'members':>8} {'room for':>9} {'bound':>7} {head} {'/ bound':>8} {'row by row':>11}")
    for n, capacity in CASES:
        pairs = [
            Point.on_line(a, b, 0.5) for a, b in combinations([f"{i:04}" for i in range(n)], 2)
        ]
        bound = ceil(n**2 / (2 * capacity) + n)
        loads = [shared_out(pairs, capacity, n_workers) for n_workers in WORKERS]
        cells = " ".join(f"{each:10,}" for each in loads)
        plain = n_loads(pairs, capacity)
        print(f"{n:8,} {capacity:9,} {bound:7,} {cells} {loads[0] / bound:8.2f} {plain:11,}")


if __name__ == "__main__":
    main()
