"""Methods of merging as the command line names them, and soups that are chosen on data."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from wsgeo.errors import WsgeoError
from wsgeo.evaluation.losses import Failure, Losses
from wsgeo.references import REFERENCES
from wsgeo.regions.cards import BASED
from wsgeo.workflows import merge_methods, merge_requests
from wsgeo.workflows.merge_methods import prepared_merge
from wsgeo.workflows.merge_requests import METHODS, MergeRequest


def test_the_command_offers_every_method():
    """The option of the command and the methods of the function are the same."""
    from wsgeo.commands.centroid import command

    [option] = [one for one in command.params if one.name == "method"]
    assert tuple(option.type.choices) == METHODS


def test_methods_that_start_from_the_base_are_those_that_need_it():
    """What cards and recipes take for such methods is what the methods say of themselves."""
    kinds = merge_requests._KINDS

    assert set(BASED) == {name for name, kind in kinds.items() if kind.needs_base}


def test_papers_of_methods_are_known():
    """The paper of a method is one that can be cited, and the method is one that can be asked for."""
    assert set(merge_requests.PAPERS.values()) <= set(REFERENCES)
    assert set(merge_requests.PAPERS) <= set(METHODS)


class TestSuffixes:
    """`MergeRequest.suffix`."""

    def test_other_weights_have_another_name(self):
        """The same shares have one name however they are written, and equal ones that of none."""
        ids = ["a", "b"]
        names = [
            MergeRequest("ties", weights).suffix(ids)
            for weights in ("0.9,0.1", (9, 1), "b=1,a=9", "0.1,0.9", "2,2", None)
        ]

        assert names[0] == names[1] == names[2] != names[3]
        assert names[4:] == ["-ties", "-ties"]
        assert names[0].startswith("-ties-weights-")

    def test_no_digit_of_a_seed_is_lost(self):
        """Large seeds that differ in the last digit have names of their own."""
        assert MergeRequest("dare", seed=12345678).suffix(["a"]) == "-dare-seed-12345678"


@pytest.mark.parametrize(("weights", "told"), [(None, "the mean:"), ("1,2", "the weighted mean:")])
def test_task_arithmetic_of_scale_1_says_what_it_is(weights, told):
    """Without a scale it is a mean, weighted where weights are given."""
    bench = SimpleNamespace(selection=SimpleNamespace(ids=("a", "b")))
    with prepared_merge(MergeRequest("arithmetic", weights), bench) as prepared:
        assert told in prepared.notes[0]


class FakeEngine:
    """Gives the loss of a mix as the mean of its members' numbers, on each half another."""

    def __init__(self):
        self.numbers = {"h0": 0.1, "h1": 0.3, "h2": -0.1, "h3": np.nan}
        self.asked = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Do nothing."""

    def evaluate_all(self, items):
        """Give one outcome per item."""
        return [(self._outcome(item),) for item in items]

    def _outcome(self, item):
        [point] = item.points
        self.asked.append((item.examples, point.members))
        loss = abs(np.dot(point.coefficients, [self.numbers[m] for m in point.members]))
        if np.isnan(loss):
            return Failure("nonfinite", "it is not")
        values = np.full(2, loss + (item.examples == "reporting"), np.float32)
        return Losses(values, values)


class TestGreedySoups:
    """`prepared_merge` of a greedy soup."""

    @pytest.fixture
    def bench(self, monkeypatch):
        """Give a bench of four members, one of which has no loss, and what its engine was asked."""
        engine = FakeEngine()
        monkeypatch.setattr(merge_methods, "_engine", lambda *_: engine)
        monkeypatch.setattr(
            merge_methods, "stratified_order", lambda examples, _: np.arange(len(examples))
        )
        members = tuple(SimpleNamespace(id=f"m{i}", content_hash=f"h{i}") for i in range(4))
        data = SimpleNamespace(encoded=range(5))
        selection = SimpleNamespace(members=members, ids=tuple(m.id for m in members), data=data)
        return SimpleNamespace(selection=selection), engine

    def test_is_chosen_on_one_half_and_told_on_the_other(self, bench):
        """Members join while the loss does not rise; the other half is asked only at the end."""
        found, engine = bench
        with prepared_merge(MergeRequest("greedy", seed=2), found) as prepared:
            shares = prepared.method.coefficients

        # 0.1 and -0.1 cancel; 0.3 would raise the loss again.
        assert shares == (0.5, 0, 0.5, 0)
        assert prepared.parameters == {"seed": 2, "choosing_examples": 3}
        halves = [half for half, _ in engine.asked]
        assert halves == ["choosing"] * (len(halves) - 3) + ["reporting"] * 3
        assert engine.asked[-3:] == [
            ("reporting", ("h0", "h2")),
            ("reporting", ("h0",)),
            ("reporting", ("h0", "h1", "h2", "h3")),
        ]
        [note] = prepared.notes
        assert note.startswith(
            "The soup was chosen on 3 examples: 2 of 4 members, in this order: m0, m2"
        )
        assert (
            "On the other 2 examples, which had no part in that, its loss is 1;" in prepared.caveat
        )

    def test_without_data_it_is_refused(self, bench):
        """Methods that are chosen by losses need data for all members together."""
        found, _ = bench
        found.selection.data = None
        for method in ("greedy", "fisher"):
            with (
                pytest.raises(WsgeoError, match=rf"method {method} is chosen by losses"),
                prepared_merge(MergeRequest(method), found),
            ):
                pass

    def test_needs_two_examples(self, bench):
        """One example cannot be in both halves."""
        found, _ = bench
        found.selection.data.encoded = range(1)
        with (
            pytest.raises(WsgeoError, match="one example cannot choose"),
            prepared_merge(MergeRequest("greedy"), found),
        ):
            pass
