"""Models with a planted strategy are told apart by the probes."""

import numpy as np
import polars as pl
import pytest
from probe_cases import LABELS, by_order, constant, probe, swaps, task_of

from wsgeo.probing.probes import MEANINGS
from wsgeo.probing.word_counts import word_count_logits


def counter(train):
    return lambda task: word_count_logits(task, LABELS, train=train)


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
