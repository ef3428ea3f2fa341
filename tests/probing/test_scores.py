import time
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from score_cases import encoded_by_name, member, toy

from wsgeo.evaluation.losses import AbstractEngine, Failure, Losses
from wsgeo.probing.scores import Z95, score_members
from wsgeo.probing.tables import SCORES
from wsgeo.tasks.declarations import Kind


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

    def test_numbers_beyond_accuracy_need_the_answers(self):
        """With logits and the encoded set, slices of two labels have balanced accuracy and F1."""
        logits = np.array([[2, 0], [1, 0], [0, 1], [0, 1]], np.float32)
        engine = Engine({"m": Losses(GOOD.loss, GOOD.hit, logits)})
        encoded = encoded_by_name(toy(), [0, 1, 1, 1])
        table = score_members(engine, [member("m")], [toy()], examples={"toy": encoded})
        bare = score_members(engine, [member("m")], [toy()])

        assert table["balanced"].to_list() == [
            pytest.approx((1 + 2 / 3) / 2),
            0.5,
            None,
            None,
            None,
        ]
        assert table["f1"][0] == pytest.approx((2 / 3 + 4 / 5) / 2)
        assert table["mcc"][0] == pytest.approx(np.corrcoef([0, 1, 1, 1], [0, 0, 1, 1])[0, 1])
        assert bare.select("balanced", "f1", "mcc").null_count().row(0) == (5, 5, 5)
        assert bare["metric"].to_list() == table["metric"].to_list()

    def test_a_counterfactual_set_has_one_more_slice(self):
        """Examples are scored as ever; the slice pairs counts pairs of which both are right."""
        frame = toy().examples.with_columns(pair=pl.Series(["1", "1", "2", "2"]))
        one = replace(toy(), examples=frame, kind=Kind.COUNTERFACTUAL)
        table = score_members(Engine({"m": GOOD}), [member("m")], [one])
        last = table.row(-1, named=True)

        assert table["measure"].to_list() == ["accuracy"] * 5 + ["consistency"]
        assert (last["slice"], last["n_examples"], last["metric"]) == ("pairs", 2, 0.5)
        assert last["loss"] == pytest.approx(0.25, abs=1e-7)
        assert last["balanced"] is None

    def test_pairs_without_logits_do_not_apply(self):
        """A set whose pairs need every answer says so; other sets of the member are measured."""
        frame = toy().examples.with_columns(
            pair=pl.Series(["1", "1", "2", "2"]),
            slice=pl.lit("x"),
            label=pl.Series(["entailment", "non-entailment"] * 2),
        )
        one = replace(toy("pairs"), examples=frame, kind=Kind.MINIMAL_PAIRS)
        table = score_members(Engine({"m": GOOD}), [member("m")], [one, toy()])
        found = table.filter(pl.col("set") == "pairs")

        assert found["outcome"].to_list() == ["not applicable"] * 2
        assert found["n_examples"].to_list() == [2, 2]
        assert found["reason"].null_count() == 0
        assert table.filter(pl.col("set") == "toy")["outcome"].unique().to_list() == ["measured"]

    def test_many_members_take_seconds(self):
        """Two hundred members on three sets of fifty slices are scored in a few seconds."""
        rng = np.random.default_rng(0)
        parts = pl.Series(rng.integers(25, size=1500)).cast(pl.String)
        frame = pl.concat([toy().examples] * 375).with_columns(slice=parts)
        sets = [replace(toy(name), examples=frame) for name in "abc"]
        targets = (frame["label"] == "non-entailment").to_numpy().astype(int)
        encoded = {one.name: encoded_by_name(one, targets) for one in sets}
        logits = rng.normal(size=(1500, 2)).astype(np.float32)
        hit = (logits.argmax(axis=1) == targets).astype(np.float32)
        known = Losses(rng.random(1500).astype(np.float32), hit, logits)
        members = [member(f"m{i}") for i in range(200)]
        engine = Engine({one.id: known for one in members})
        start = time.process_time()
        table = score_members(engine, members, sets, examples=encoded)

        assert table.height == 200 * 3 * (1 + 3 * 25)
        assert time.process_time() - start < 15
