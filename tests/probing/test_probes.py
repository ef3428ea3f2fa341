import numpy as np
import polars as pl
from probe_cases import Engine, by_order, constant, encoded, member, probe, swaps, task_of

from wsgeo.evaluation.losses import Failure
from wsgeo.probing.perturbations import KINDS
from wsgeo.probing.probes import MEANINGS, probe_members
from wsgeo.probing.tables import AGREEMENTS, PROBES
from wsgeo.tasks.task import Objective, Task


class TestProbeMembers:
    """The two tables."""

    def test_every_member_has_the_same_rows(self):
        """Rows come in the order of members, each with the same probes and known measures."""
        models = dict.fromkeys("cab", by_order)
        _, table, pairs = probe(swaps(40), models)

        assert (table.schema, pairs.schema) == (PROBES, AGREEMENTS)
        assert table["id"].unique(maintain_order=True).to_list() == list("cab")
        names = [part.select("probe", "measure").rows() for _, part in table.group_by("id")]
        assert names[0] == names[1] == names[2]
        assert len(set(names[0])) == len(names[0])
        assert set(table["measure"]) == set(MEANINGS)
        assert set(KINDS) < set(table["probe"])
        assert pairs.select("a", "b").rows() == [("a", "c"), ("b", "c"), ("a", "b")]

    def test_what_is_measured_has_a_number_and_an_interval_around_it(self):
        """A measured row has a value within its interval, and any other a reason and none."""
        _, table, _ = probe(swaps(60), {"m": by_order, "c": constant})
        measured = table.filter(pl.col("outcome") == "measured")
        other = table.filter(pl.col("outcome") != "measured")
        bounded = measured.drop_nulls("lo")

        assert measured["value"].null_count() == measured["reason"].is_not_null().sum() == 0
        assert not measured["value"].is_nan().any()
        assert (bounded["lo"] <= bounded["value"] + 1e-12).all()
        assert (bounded["value"] <= bounded["hi"] + 1e-12).all()
        assert other["reason"].null_count() == other["value"].count() == 0

    def test_equal_checkpoints_are_evaluated_once(self):
        """Members of one content share the evaluation, each has its rows, and they agree."""
        members = [member("a", "h"), member("b", "h")]
        engine, table, pairs = probe(swaps(40), {"h": by_order}, members=members)
        rows = [table.filter(pl.col("id") == name).drop("id") for name in "ab"]

        assert len(engine.asked) == len(set(engine.asked)) == 1 + len(KINDS)
        assert rows[0].equals(rows[1])
        assert pairs.row(0)[3:] == (1.0, 1.0, 0.0)

    def test_a_failure_is_rows_with_its_reason(self):
        """A member that could not be evaluated keeps its rows and is in no pair."""
        models = {
            "bad": lambda _: Failure("failed", "The worker died."),
            "odd": lambda task: np.where(np.eye(len(task), 2) > 0, np.inf, 0),
            "good": by_order,
        }
        _, table, pairs = probe(swaps(40), models)
        bad, odd = (table.filter(pl.col("id") == name) for name in ("bad", "odd"))

        assert set(bad["reason"]) == {"The worker died."}
        assert set(odd["reason"]) == {"A loss or a logit is not finite."}
        assert set(bad["outcome"]) == set(odd["outcome"]) == {"failed"}
        assert bad.height == table.height / 3
        assert pairs.is_empty()

    def test_a_change_that_fails_leaves_the_rest(self):
        """Where only changed texts could not be evaluated, only their rows have failed."""

        def delicate(task):
            return by_order(task) if "~shifted" not in task.name else Failure("failed", "No.")

        _, table, _ = probe(swaps(40), {"m": delicate})

        assert set(table.filter(pl.col("outcome") == "failed")["probe"]) == {"shifted"}

    def test_single_texts_have_neither_overlap_nor_halves(self):
        """A task of one text says why it has no overlap and no text to leave out."""
        task = task_of(["a good film", "a bad film"] * 10, [1, 0] * 10)
        _, table, _ = probe(task, {"m": constant})
        refused = table.filter(pl.col("outcome") == "not applicable")

        assert {"overlap", "second_only", "first_only"} <= set(refused["probe"])
        assert refused.filter(pl.col("probe") == "overlap")["reason"].str.contains("one text").all()

    def test_labels_without_a_positive_one_have_no_overlap(self):
        """Where no label says that texts agree, the overlap is not asked about."""
        task = task_of(["a b", "c d"] * 10, [1, 0] * 10, ["a b", "e f"] * 10, ("0", "1"))
        _, table, _ = probe(task, {"m": constant})

        assert set(table.filter(pl.col("probe") == "overlap")["outcome"]) == {"not applicable"}

    def test_training_data_of_other_labels_are_told(self):
        """A word-count model that cannot learn is not applicable, and the rest goes on."""
        train = task_of(["a", "b"], [0, 1], ["c", "d"], ("x", "y"))
        _, table, _ = probe(swaps(40), {"m": by_order}, train=train)
        rows = table.filter(pl.col("probe") == "bag_of_words")

        assert set(rows["outcome"]) == {"not applicable"}
        assert rows["reason"].str.contains("x, y").all()

    def test_language_models_have_one_row_each(self):
        """Members that are no classifiers are not evaluated and say so."""
        task = Task("text", Objective.CAUSAL_LM, ("0",), ("a b",))
        table, pairs = probe_members(Engine(swaps(4), {}), [member("a"), member("b")], task, {})

        assert table.select("id", "outcome").rows() == [(x, "not applicable") for x in "ab"]
        assert (table.schema, pairs.schema) == (PROBES, AGREEMENTS)
        assert pairs.is_empty()

    def test_progress_counts_to_the_end(self):
        """Progress is told after each evaluation."""
        told = []
        probe(swaps(20), {"m": by_order}, progress=lambda *what: told.append(what))

        assert told == [(i, 6, "probes") for i in range(1, 7)]

    def test_no_members_give_empty_tables(self):
        """Without members both tables are empty and of the written schemas."""
        task = swaps(20)
        table, pairs = probe_members(Engine(task, {}), [], task, encoded(task))

        assert (table.schema, pairs.schema) == (PROBES, AGREEMENTS)
        assert table.is_empty()
