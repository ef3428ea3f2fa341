"""What is said of a centroid whose loss has no value, and of barriers nobody measured."""

import contextlib
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from wsgeo.evaluation.losses import Failure
from wsgeo.regions.tables import Evidence
from wsgeo.workflows import evidence
from wsgeo.workflows.selections import Selection
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData


def selection(n, data=None):
    """Give a selection of members that are names and hashes."""
    members = tuple(
        SimpleNamespace(id=f"m{i}", content_hash=f"h{i}", loss_group="g") for i in range(n)
    )
    return Selection("basin", 0, members, data, "basin-0")


@pytest.mark.parametrize("reason", ["out of memory", "out of memory."])
def test_a_reason_ends_once(monkeypatch, reason):
    """Whether or not the reason of a failure ends in a full stop, the sentence has one."""

    @contextlib.contextmanager
    def failing(*_):
        outcome = [(Failure("failed", reason),)]
        yield SimpleNamespace(evaluate_all=lambda items: outcome * len(items))

    monkeypatch.setattr(evidence, "engine_for", failing)
    data = GroupData("g", (), SimpleNamespace(name="film"), None)
    bench = evidence.Bench(selection(2, data), np.zeros((2, 2)), None, None, ScanSettings())

    found = bench._measured(data, SimpleNamespace(content_hash="new"), Evidence())

    assert found.loss is None
    assert found.missing == "Its loss has no value: out of memory."


@pytest.mark.parametrize(
    ("gaps", "told"),
    [
        ([0.1, 0.2, 0.0], []),
        ([0.1, np.nan, 0.0], ["Barriers were measured between 2 of 3 pairs."]),
        ([np.nan] * 3, ["Whether barriers separate its members was not measured."]),
    ],
)
def test_unmeasured_pairs_are_told(gaps, told):
    """A note says how many pairs were measured, unless all were."""
    matrix = np.zeros((3, 3))
    matrix[np.triu_indices(3, 1)] = gaps

    assert evidence.barrier_notes(selection(3), matrix) == told


def test_undecided_pairs_are_told():
    """A note says how many pairs are undecided at tau, and how to settle them."""
    pairs = pl.DataFrame(
        {"a": ["m0", "m0", "m1"], "b": ["m1", "m2", "m2"], "tau": [0.1] * 3, "group": ["g"] * 3}
    ).with_columns(status=pl.Series(["undecided", "connected", "undecided"]))
    run = SimpleNamespace(table=lambda _: pairs)

    assert evidence.member_notes(run, selection(3), np.zeros((3, 3))) == [
        "2 of 3 pairs are undecided at tau = 0.1; scan with more --examples to settle them."
    ]


def test_one_member_is_its_own_mean():
    """A centroid of one member says so."""
    assert evidence.member_notes(None, selection(1), np.zeros((1, 1))) == [
        "One member: its mean is itself."
    ]
