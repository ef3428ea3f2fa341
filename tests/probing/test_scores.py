from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from wsgeo.evaluation.losses import AbstractEngine, Failure, Losses
from wsgeo.probing.scores import Z95, score_members, wilson_interval
from wsgeo.probing.sets import DiagnosticSet
from wsgeo.probing.tables import SCORES
from wsgeo.tasks.grammar import EXAMPLES


class Engine(AbstractEngine):
    """An engine that knows its answers, gives them in reverse order, and counts."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []

    def evaluate(self, items):
        """Yield the known answers."""
        for i in reversed(range(len(items))):
            (point,), name = items[i].points, items[i].examples
            self.asked.append((point.members[0], name))
            yield i, (self.answers[point.members[0]],)


def member(name, content=None):
    return SimpleNamespace(id=name, content_hash=content or name)


def toy(name="toy"):
    rows = [
        ("a", "b", "entailment", "x", None),
        ("c", "d", "non-entailment", "x", None),
        ("e", "f", "non-entailment", "y", None),
        ("g", "h", "non-entailment", "y", None),
    ]
    frame = pl.DataFrame(rows, schema=EXAMPLES, orient="row")
    return DiagnosticSet(name, "t", "s", "l", "nli", ("entailment", "non-entailment"), frame)


def losses(loss, hit):
    return Losses(np.array(loss, np.float32), np.array(hit, np.float32))


GOOD = losses([0.1, 0.2, 0.3, 0.4], [1, 0, 1, 1])


class TestScoreMembers:
    """Scores of members on sets."""

    def test_slices_are_means_over_their_rows(self):
        """Each slice's loss and accuracy are the means over its own examples."""
        table = score_members(Engine({"m": GOOD}), [member("m")], [toy()])
        found = {row["slice"]: row for row in table.rows(named=True)}

        assert table.schema == SCORES
        assert list(found) == ["all", "x", "x/entailment", "x/non-entailment", "y"]
        assert [row["n_examples"] for row in found.values()] == [4, 2, 1, 1, 2]
        assert [row["metric"] for row in found.values()] == [0.75, 0.5, 1.0, 0.0, 1.0]
        assert found["y"]["loss"] == pytest.approx(0.35, abs=1e-7)
        assert found["all"]["loss"] == pytest.approx(0.25, abs=1e-7)

    def test_the_interval_of_the_loss_is_that_of_a_mean(self):
        """The loss has the normal interval of its mean, and none for a single example."""
        table = score_members(Engine({"m": GOOD}), [member("m")], [toy()])
        half = Z95 * np.std([0.1, 0.2, 0.3, 0.4], ddof=1) / 2
        whole, single = table.row(0, named=True), table.row(2, named=True)

        assert whole["loss_hi"] - whole["loss"] == pytest.approx(half, abs=1e-6)
        assert whole["loss"] - whole["loss_lo"] == pytest.approx(half, abs=1e-6)
        assert single["loss_lo"] is single["loss_hi"] is None

    def test_a_failure_is_a_row_with_its_reason(self):
        """A member that could not be evaluated keeps all its rows, without numbers."""
        bad = losses([0.1, np.nan, 0.3, 0.4], [1, 0, 1, 1])
        answers = {"a": Failure("failed", "The worker died."), "b": bad, "c": GOOD}
        table = score_members(Engine(answers), [member(m) for m in "abc"], [toy()])

        assert table["outcome"].to_list() == ["failed"] * 10 + ["measured"] * 5
        assert table.filter(pl.col("id") == "a")["reason"].unique().to_list() == [
            "The worker died."
        ]
        assert table.filter(pl.col("outcome") == "failed")["loss"].null_count() == 10
        assert not table["loss"].is_nan().any()

    def test_a_set_that_does_not_apply_says_why_and_is_not_evaluated(self):
        """A set whose labels do not match has rows with the reason."""
        engine = Engine({"m": GOOD})
        table = score_members(
            engine, [member("m")], [toy("one"), toy("two")], reasons={"one": "other labels"}
        )

        assert engine.asked == [("m", "two")]
        assert table["outcome"].to_list() == ["not applicable"] * 5 + ["measured"] * 5
        assert table["reason"].to_list() == ["other labels"] * 5 + [None] * 5

    def test_equal_checkpoints_are_evaluated_once(self):
        """Members of one content share the evaluation and each has its rows."""
        engine = Engine({"h": GOOD})
        table = score_members(engine, [member("a", "h"), member("b", "h")], [toy()])

        assert engine.asked == [("h", "toy")]
        assert (
            table.filter(pl.col("id") == "a")
            .drop("id")
            .equals(table.filter(pl.col("id") == "b").drop("id"))
        )

    def test_progress_counts_to_the_end(self):
        """Progress is told after each evaluation, up to the number of evaluations."""
        told = []
        score_members(
            Engine({"a": GOOD, "b": GOOD}),
            [member("a"), member("b")],
            [toy()],
            progress=lambda *what: told.append(what),
        )

        assert told == [(1, 2, "diagnostic scores"), (2, 2, "diagnostic scores")]

    def test_nothing_to_score_gives_an_empty_table(self):
        """Without members or sets the table is empty and of the written schema."""
        assert score_members(Engine({}), [], [toy()]).schema == SCORES


class TestWilsonInterval:
    """The interval of a fraction."""

    @given(n=st.integers(1, 500), data=st.data())
    def test_its_ends_are_where_the_score_test_turns(self, n, data):
        """At each end the fraction lies exactly 1.96 standard errors away (a plain root search)."""
        hits = data.draw(st.integers(1, n)) - 1
        low, high = wilson_interval(hits, n)

        def excess(p):
            return (hits / n - p) ** 2 - Z95**2 * p * (1 - p) / n

        assert high == pytest.approx(brentq(excess, max(hits / n, 1e-12), 1), abs=1e-7)
        assert 0 <= low <= hits / n <= high <= 1

    @given(n=st.integers(1, 500), data=st.data())
    def test_right_and_wrong_mirror_each_other(self, n, data):
        """The interval of the wrong answers is the mirror of that of the right ones."""
        hits = data.draw(st.integers(0, n))
        low, high = wilson_interval(hits, n)

        assert wilson_interval(n - hits, n) == pytest.approx((1 - high, 1 - low))

    def test_none_right_has_exact_lower_end(self):
        """With no hit the lower end is 0, with all hits the upper end is 1."""
        assert wilson_interval(0, 7)[0] == 0.0
        assert wilson_interval(7, 7)[1] == 1.0

    @pytest.mark.parametrize("bad", [(0, 0), (3, 2), (-1, 2)])
    def test_impossible_counts_are_refused(self, bad):
        """Counts that are no score are a mistake of the caller."""
        with pytest.raises(ValueError, match="no score"):
            wilson_interval(*bad)
