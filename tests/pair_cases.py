"""Members on a plane with a known loss."""

import hashlib
from pathlib import Path

import numpy as np

from wsgeo.evaluation.losses import AbstractEngine, Losses
from wsgeo.weights.layout import Layout
from wsgeo.zoo.checkpoints import Checkpoint

N_EXAMPLES = 64


def checkpoint(name, content=None):
    """Return a checkpoint that has a name and a hash, and nothing else."""
    content_hash = hashlib.sha256((content or name).encode()).hexdigest()
    layout = Layout(("w",), ((1,),))
    return Checkpoint(name, Path(name), content_hash, {}, "", {}, layout, (), True, Path(), "")


def place(member):
    """Return where a member lies on a plane."""
    return np.frombuffer(bytes.fromhex(member)[:16], dtype=np.uint64) / 2**64


class Landscape(AbstractEngine):
    """Losses of a wavy plane, by the position of the mixed point."""

    def __init__(self, failing=None, n_examples=N_EXAMPLES, stop_after=None):
        self.failing, self.n_examples, self.stop_after = failing or {}, n_examples, stop_after
        self.calls = []

    def evaluate(self, items):
        """Yield the items backwards, so that nothing may lean on their order."""
        finished = 0
        for i, item in reversed(list(enumerate(items))):
            if self.stop_after is not None and len(item.points) > 1:
                if finished == self.stop_after:
                    return
                finished += 1
            yield i, tuple(self.at(point) for point in item.points)

    def at(self, point):
        """Return the outcome at one point."""
        self.calls.append(point)
        for member in point.members:
            if member in self.failing and (len(point.members) > 1 or self.failing[member][1]):
                return self.failing[member][0]
        x, y = sum(c * place(m) for c, m in zip(point.coefficients, point.members, strict=True))
        rng = np.random.default_rng(0)
        weight = rng.exponential(size=self.n_examples)
        shift = 0.1 * len(point.head or "")
        loss = weight * (1.5 + np.sin(9 * x + rng.normal(size=self.n_examples)) * np.cos(7 * y))
        return Losses((loss + shift).astype(np.float32), (loss < 1).astype(np.float32))
