from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from wsgeo.evaluation.losses import AbstractEngine, Failure, Losses
from wsgeo.probing.perturbations import KINDS
from wsgeo.probing.probes import MEANINGS, perturbed_tasks, probe_members
from wsgeo.probing.tables import AGREEMENTS, PROBES
from wsgeo.probing.word_counts import word_count_logits
from wsgeo.tasks.task import EncodedExamples, Objective, Task

LABELS = ("non-entailment", "entailment")


class Engine(AbstractEngine):
    """An engine whose members are functions of a task's texts; answers come in reverse order."""

    def __init__(self, task, models):
        self.tasks = {task.name: task, **perturbed_tasks(task)[0]}
        self.models, self.asked = models, []

    def evaluate(self, items):
        """Yield what the functions answer."""
        for i in reversed(range(len(items))):
            (point,), name = items[i].points, items[i].examples
            self.asked.append((point.members[0], name))
            yield i, (self._answer(point.members[0], self.tasks[name]),)

    def _answer(self, content, task):
        logits = self.models[content](task)
        if isinstance(logits, Failure):
            return logits
        with np.errstate(invalid="ignore"):
            chosen = logits[np.arange(len(task)), task.targets]
            losses = np.logaddexp.reduce(logits, axis=1) - chosen
        hits = logits.argmax(axis=1) == task.targets
        return Losses(*(np.asarray(x, np.float32) for x in (losses, hits, logits)))


def member(name, content=None):
    return SimpleNamespace(id=name, content_hash=content or name)


def swaps(n=400, seed=0):
    """Return pairs that mean the same if who comes first is the same in both texts."""
    rng = np.random.default_rng(seed)
    people = np.array([f"person{i}" for i in range(60)])
    drawn = [rng.choice(people, size=2, replace=False) for _ in range(n)]
    targets = rng.permutation(np.arange(n) % 2)
    first = [f"the {a} saw the {b}" for a, b in drawn]
    second = [
        f"a {a} saw a {b}" if same else f"a {b} saw a {a}"
        for (a, b), same in zip(drawn, targets, strict=True)
    ]
    return task_of(first, targets, second)


def task_of(first, targets, second=None, labels=LABELS):
    second = None if second is None else tuple(second)
    ids = tuple(map(str, range(len(first))))
    targets = np.asarray(targets, dtype=np.int64)
    return Task("toy", Objective.CLASSIFICATION, ids, tuple(first), second, targets, labels)


def by_order(task):
    """Answer by whether the first word of both texts that is no function word is the same."""
    first, second = ([_head(text) for text in texts] for texts in (task.text_a, task.text_b))
    same = np.array([a == b for a, b in zip(first, second, strict=True)])
    return np.where(same[:, None], [0.0, 3.0], [3.0, 0.0])


def _head(text):
    return next((word for word in text.split() if word not in {"the", "a", "saw", "."}), "")


def constant(task):
    return np.tile([0.0, 1.0], (len(task), 1))


def counter(train):
    return lambda task: word_count_logits(task, LABELS, train=train)


def encoded(task):
    """Return examples that stand for a task and its changes; only targets and lengths are real."""
    tasks = {task.name: task, **perturbed_tasks(task)[0]}
    return {name: _stand_in(one) for name, one in tasks.items()}


def _stand_in(task):
    pairs = zip(task.text_a, task.text_b or task.text_a, strict=True)
    lengths = [len(f"{a} {b}".split()) for a, b in pairs]
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    zero = np.zeros_like(mask)
    kinds = ("input_ids", "attention_mask", "token_type_ids", "targets")
    arrays = dict(zip(kinds, (zero, mask, zero, task.targets), strict=True))
    classes = tuple((i,) for i in range(len(task.labels)))
    return EncodedExamples.of(task.name, task.objective, arrays, task.labels, classes)


def probe(task, models, *, members=None, **options):
    engine = Engine(task, models)
    members = members or [member(name) for name in models]
    options = {"reasons": perturbed_tasks(task)[1], **options}
    return engine, *probe_members(engine, members, task, encoded(task), **options)


def value(table, of, probe, measure):
    rows = table.filter(
        (pl.col("id") == of) & (pl.col("probe") == probe) & (pl.col("measure") == measure)
    )
    assert rows.height == 1
    return rows.row(0, named=True)


class TestPlantedStrategies:
    """Members that are known to follow one strategy."""

    def test_a_word_counter_is_a_word_counter(self):
        """Its answers are those of the word-count model, and no new order of words changes one."""
        task, train = swaps(), swaps(seed=1)
        _, table, _ = probe(task, {"m": counter(train)}, train=train)

        assert value(table, "m", "bag_of_words", "agreement")["value"] == 1.0
        assert value(table, "m", "bag_of_words", "rank_correlation")["value"] == 1.0
        for kind in ("words_shuffled", "bigrams_shuffled"):
            assert value(table, "m", kind, "consistency")["value"] == 1.0
            for measure in ("metric_drop", "loss_rise", "jensen_shannon"):
                assert value(table, "m", kind, measure)["value"] == 0.0

    def test_a_reader_of_order_falls_to_chance(self):
        """A member that goes by order is right, and at chance once the words are shuffled."""
        task = swaps()
        _, table, _ = probe(task, {"m": by_order}, train=swaps(seed=1))
        row = value(table, "m", "words_shuffled", "metric_drop")

        assert by_order(task).argmax(axis=1).tolist() == task.targets.tolist()
        assert row["lo"] <= 0.5 <= row["hi"]
        assert value(table, "m", "words_shuffled", "consistency")["value"] < 0.6
        assert value(table, "m", "bag_of_words", "agreement")["value"] < 0.6
        assert value(table, "m", "bag_of_words", "baseline_accuracy")["value"] < 0.6

    def test_a_filler_does_not_move_a_reader_of_order(self):
        """A member that looks for words and not for places stays as it was when they move."""
        _, table, _ = probe(swaps(), {"m": by_order})

        assert value(table, "m", "shifted", "consistency")["value"] == 1.0
        assert value(table, "m", "shifted", "jensen_shannon")["value"] == 0.0

    def test_a_constant_member_is_flagged(self):
        """It is degenerate, never changes, and has no order that could be compared."""
        _, table, _ = probe(swaps(), {"m": constant, "reader": by_order})

        assert value(table, "m", "predictions", "degenerate")["value"] == 1.0
        assert value(table, "reader", "predictions", "degenerate")["value"] == 0.0
        assert value(table, "m", "predictions", "commonest_share")["value"] == 1.0
        assert value(table, "m", "second_only", "consistency")["value"] == 1.0
        row = value(table, "m", "bag_of_words", "rank_correlation")
        assert (row["outcome"], row["value"]) == ("not applicable", None)
        assert "every text alike" in row["reason"]

    def test_a_member_that_reads_one_text_needs_no_other(self):
        """A member that looks at the second text alone answers as before without the first."""

        def second_only(task):
            right = np.array([hash_of(text) for text in task.text_b]) % 2
            return np.column_stack([right, 1.0 - right])

        def hash_of(text):
            return sum(map(ord, text))

        _, table, _ = probe(swaps(), {"m": second_only})

        assert value(table, "m", "second_only", "consistency")["value"] == 1.0
        assert value(table, "m", "first_only", "consistency")["value"] < 0.7

    def test_a_counter_of_shared_words_has_a_slope(self):
        """A member that goes by shared words is told by its slope and by its curve."""
        rng = np.random.default_rng(0)
        first = [" ".join(f"w{j}" for j in range(rng.integers(6, 12))) for _ in range(300)]
        shared = rng.integers(6, size=300)
        second = [" ".join([*(f"w{j}" for j in range(k)), *"vwxyz"[: 5 - k]]) for k in shared]
        task = task_of(first, rng.integers(2, size=300), second)
        by_text = dict(zip(second, shared / 5, strict=True))

        def by_overlap(task):
            share = np.array([by_text.get(text, 0.0) for text in task.text_b])
            return np.column_stack([0 * share, 4 * share - 2])

        _, table, _ = probe(task, {"m": by_overlap, "c": constant})
        names = [name for name in MEANINGS if name.startswith("positive_")]
        curve = [value(table, "m", "overlap", name)["value"] for name in names]

        assert value(table, "m", "overlap", "overlap_slope")["value"] == pytest.approx(4, abs=1e-5)
        assert value(table, "c", "overlap", "overlap_slope")["value"] == pytest.approx(0, abs=1e-5)
        assert len(names) == 5
        assert curve == sorted(curve)


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
