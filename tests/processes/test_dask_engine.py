"""Losses from a Dask cluster: those of one process, whatever happens to the workers."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
from itertools import combinations

import evaluation_cases
import pytest

from wsgeo.evaluation.backends import Backends
from wsgeo.evaluation.engine import Engine
from wsgeo.evaluation.losses import Failure, Item, Point
from wsgeo.processes import DaskPool
from wsgeo.tasks.task import Objective

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """Return four checkpoints of one architecture."""
    root = tmp_path_factory.mktemp("zoo")
    return [
        evaluation_cases.write_checkpoint(
            evaluation_cases.build("bert", Objective.CLASSIFICATION, seed=i),
            root / f"m{i}",
            f"m{i}",
        )
        for i in range(4)
    ]


def lines(zoo):
    """Return five points on the line between each two checkpoints."""
    return [
        Item(tuple(Point.on_line(a.content_hash, b.content_hash, t / 4) for t in range(5)), "toy")
        for a, b in combinations(zoo, 2)
    ]


def means(outcomes):
    """Return mean losses; there is none where a point failed."""
    return [outcome.mean for outcome in outcomes]


class TestEngine:
    """Losses from several machines."""

    def engine(self, zoo, pool=None):
        """Return an engine on real checkpoints with the backends of a scan."""
        examples = {"toy": evaluation_cases.classification(n=40)}
        functions = {"load": evaluation_cases.load, "head_names": evaluation_cases.head_names}
        return Engine(zoo, examples, pool=pool, backends=Backends(), **functions)

    def test_the_same_losses(self, zoo):
        """Two Dask workers, one of them killed, give the losses of this process."""
        with self.engine(zoo) as engine:
            expected = engine.evaluate_all(lines(zoo))
        found = {}
        with DaskPool(n_jobs=2) as pool, self.engine(zoo, pool) as engine:
            for i, outcomes in engine.evaluate(lines(zoo)):
                if not found:
                    pids = pool._cluster._client.run(os.getpid)
                    os.kill(next(iter(pids.values())), signal.SIGKILL)
                found[i] = outcomes

        for i, outcomes in enumerate(expected):
            assert means(found[i]) == pytest.approx(means(outcomes), abs=1e-6)

    def test_a_path_that_is_not_shared(self, zoo, tmp_path):
        """A checkpoint that a worker does not see costs its own points, with the path named."""
        hidden = shutil.copytree(zoo[0].folder, tmp_path / "hidden")
        moved = dataclasses.replace(zoo[0], folder=hidden)
        shutil.rmtree(hidden)
        with DaskPool(n_jobs=1) as pool, self.engine([moved, *zoo[1:]], pool) as engine:
            first, *_, last = engine.evaluate_all(lines([moved, *zoo[1:]]))

        assert all(isinstance(outcome, Failure) for outcome in first[:4])
        assert str(hidden) in first[0].reason
        assert not any(isinstance(outcome, Failure) for outcome in last)
