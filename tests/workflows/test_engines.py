"""Which backend a run goes on with."""

from __future__ import annotations

import sys

import pytest

from wsgeo.errors import EntryError, MissingAssetError
from wsgeo.evaluation.backends import KNOWN, MODULE
from wsgeo.evaluation.losses import Point
from wsgeo.processes.pool import WorkerPool
from wsgeo.store import Run
from wsgeo.workflows import engines
from wsgeo.workflows.engines import backends_for, choose_in_worker
from wsgeo.workflows.reopening import reopen


class Kept:
    """A ledger that holds one key."""

    def __init__(self, key):
        self.key = key

    def get(self, key):
        """Return something where the key is the one."""
        return key == self.key or None


@pytest.fixture(scope="module")
def reopened(zoo_with_run):
    """Return the loss group of a finished run, and the settings of its scan."""
    inputs, settings = reopen(Run(zoo_with_run.run))
    return inputs.groups[0], settings


@pytest.mark.parametrize("before", KNOWN, ids=lambda each: each.kernel)
@pytest.mark.parametrize("place", [0, -1])
def test_what_any_member_was_measured_with_is_kept(reopened, before, place):
    """A member whose name comes first, or that failed, does not make the rest be measured anew."""
    group, settings = reopened
    key = Point.of(group.members[place].content_hash).key(
        group.encoded.key, before.precision_of(settings.precision)
    )

    with WorkerPool(0) as nobody:
        found = backends_for(group, nobody, Kept(key), settings)

    assert found.kernel == before.kernel


def test_a_member_that_is_refused_leaves_the_choice_to_the_next(reopened, monkeypatch):
    """A file that cannot be loaded costs no scan."""
    from wsgeo import zoo

    group, _ = reopened
    load = zoo.load_weights

    def refuse_first(member):
        if member is group.members[0]:
            raise EntryError("file_changed", "the file has changed", where=member.id)
        return load(member)

    monkeypatch.setattr(zoo, "load_weights", refuse_first)

    assert choose_in_worker((group.members, (group.encoded,), "fp32", "cpu")).kernel != MODULE
    nobody = choose_in_worker((group.members[:1], (group.encoded,), "fp32", "cpu"))
    assert (nobody.kernel, "has changed" in nobody.reason) == (MODULE, True)


def test_a_worker_that_dies_leaves_the_module(reopened, monkeypatch):
    """Where the choice itself fails, transformers' own module evaluates, and it is said why."""

    def fail(_):
        raise ValueError("no such operator")

    monkeypatch.setattr(engines, "choose_in_worker", fail)
    group, settings = reopened
    with WorkerPool(0) as here:
        found = backends_for(group, here, Kept(None), settings)

    assert found.kernel == MODULE
    assert "no such operator" in found.reason


class TestWorkers:
    """Who does the work."""

    def test_the_callers_own(self):
        """Workers that the caller has are used, and stay."""
        with WorkerPool(0) as pool, engines.workers(pool, None) as given:
            assert given is pool

    def test_without_dask(self, monkeypatch):
        """An engine that is not installed is refused in one line, with exit code 6."""
        monkeypatch.setitem(sys.modules, "distributed", None)
        with (
            pytest.raises(MissingAssetError, match=r"wsgeo\[dask\]"),
            engines.workers(None, 1, "dask"),
        ):
            pass

    @pytest.mark.parametrize(
        ("engine", "scheduler", "said"),
        [("ray", None, "local, dask"), ("local", "tcp://host:8786", "scheduler")],
    )
    def test_misuse(self, engine, scheduler, said):
        """An engine that does not exist, and a scheduler for one that has none, are misuse."""
        with pytest.raises(ValueError, match=said), engines.workers(None, 1, engine, scheduler):
            pass

    @pytest.mark.slow
    def test_a_cluster_of_ones_own(self):
        """Dask without a scheduler is a cluster on this machine."""
        with engines.workers(None, 2, "dask") as pool:
            assert pool.n_jobs == 2
            assert list(pool.run(abs, [-3])) == [(0, 3)]
