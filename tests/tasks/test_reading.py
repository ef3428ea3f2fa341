import itertools
import json
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgeo.errors import DataError
from wsgeo.tasks.columns import Columns, find_columns
from wsgeo.tasks.reading import read_task, task_of
from wsgeo.tasks.subsets import subset
from wsgeo.tasks.task import Objective

TABLE = pl.DataFrame(
    {
        "premise": list("abcdef"),
        "hypothesis": list("uvwxyz"),
        "label": [2, 0, 1, 0, 1, 2],
        "label_name": [
            "contradiction",
            "entailment",
            "neutral",
            "entailment",
            "neutral",
            "contradiction",
        ],
    }
)


class TestFindColumns:
    """Columns by their names."""

    @pytest.mark.parametrize(
        ("names", "texts"),
        [
            (["sentence1", "sentence2", "gold_label"], ("sentence1", "sentence2")),
            (["question1", "question2", "is_duplicate"], ("question1", "question2")),
            (["question", "sentence", "label"], ("question", "sentence")),
            (["idx", "sentence", "label"], ("sentence", None)),
            (["review", "label"], ("review", None)),
            (["text_a", "text_b", "label", "label_name"], ("text_a", "text_b")),
        ],
    )
    def test_customary_names_are_known(self, names, texts):
        """The column names of common data sets need no option."""
        found = find_columns(names)

        assert (found.text_a, found.text_b) == texts
        assert found.label is not None

    def test_what_is_given_is_not_looked_for(self):
        """A given column settles what would be unclear."""
        found = find_columns(["text", "title", "sentence", "label"], None, {"text_a": "title"})

        assert found == Columns("title", None, "label")

    def test_a_misspelt_column_is_answered_with_the_nearest(self):
        """A given column that does not exist names the one that was meant."""
        with pytest.raises(DataError, match="Did you mean 'title'"):
            find_columns(["title", "label"], None, {"text_a": "titel"})

    def test_a_sequence_task_asks_for_both_texts(self):
        """A source that is given without its target is refused."""
        with pytest.raises(DataError, match="without text_b"):
            find_columns(["text", "answer"], Objective.SEQ2SEQ, {"text_a": "text"})

    def test_a_language_model_needs_no_label(self):
        """For a language model one column of text is enough, and a label is not used."""
        found = find_columns(["text", "label", "gold_label"], Objective.CAUSAL_LM)

        assert found == Columns("text")


class TestTasks:
    """Tasks from tables."""

    def test_labels_are_ordered_by_their_integers(self):
        """With integers and names, the integers order the names."""
        task = task_of(TABLE, name="nli")

        assert task.labels == ("entailment", "neutral", "contradiction")
        assert task.targets.tolist() == TABLE["label"].to_list()

    def test_names_alone_are_sorted(self):
        """Names without integers are ordered by name."""
        task = task_of(TABLE.drop("label"), name="nli")

        assert task.labels == ("contradiction", "entailment", "neutral")

    def test_given_labels_set_the_order(self):
        """Given labels order the classes, also those that the file lacks, however spelt."""
        labels = ["Neutral", "other", "CONTRADICTION", "entailment"]
        task = task_of(TABLE.drop("label"), name="nli", labels=labels)

        assert task.labels == tuple(labels)
        assert [labels[i].lower() for i in task.targets] == TABLE["label_name"].to_list()

    def test_an_unknown_label_is_named(self):
        """A label that is not among the given ones names its row and the nearest label."""
        with pytest.raises(DataError, match=r"row 1: field 'label_name' is 'contradiction'"):
            task_of(TABLE, name="nli", labels=["entailment", "neutral", "contradictions!"])

    def test_integers_without_names_are_their_own_names(self):
        """Integers without names become the strings 0, 1, ... up to the largest."""
        task = task_of(TABLE.drop("label_name").filter(pl.col("label") != 1), name="nli")

        assert task.labels == ("0", "1", "2")

    @pytest.mark.parametrize("label", [[True, False], [1.0, 0.0], ["1", "0"], [1, 0]])
    def test_integers_may_be_written_otherwise(self, label):
        """Truth values, whole floats and digits count as integers."""
        task = task_of(pl.DataFrame({"text": ["a", "b"], "label": label}), name="t")

        assert (task.labels, task.targets.tolist()) == (("0", "1"), [1, 0])

    @pytest.mark.parametrize("none", ["-", "-1"])
    def test_rows_without_a_gold_label_are_dropped_and_counted(self, none):
        """Rows on which the annotators disagreed are left out, and their number is kept."""
        table = pl.DataFrame({"text": ["a", "b", "c"], "gold_label": ["yes", none, "no"]})
        task = task_of(table, name="t")

        assert (task.text_a, task.n_dropped) == (("a", "c"), 1)
        assert task.labels == ("no", "yes")

    def test_a_second_text_that_no_row_has_is_none(self):
        """A column of nulls for the second text means single texts."""
        table = pl.DataFrame({"text_a": ["a"], "text_b": [None], "label": [0]})

        assert task_of(table, name="t").text_b is None

    @pytest.mark.parametrize("objective", [None, "classification"])
    def test_a_table_without_a_label_is_refused(self, objective):
        """A class needs a label, whether classification is asked for or taken for granted."""
        with pytest.raises(DataError, match="no label"):
            task_of(pl.DataFrame({"text": ["a", "b"]}), name="t", objective=objective)

    def test_a_sequence_task_has_a_source_and_a_target(self):
        """For sequence-to-sequence the second text is the target and there is no class."""
        table = pl.DataFrame({"source": ["a"], "target": ["b"]})
        task = task_of(table, name="t", objective="seq2seq")

        assert (task.text_a, task.text_b, task.targets) == (("a",), ("b",), None)

    def test_the_name_and_split_come_from_the_path(self, tmp_path):
        """A file named for its split takes its folder's name, and a folder the asked split."""
        folder = tmp_path / "nli"
        folder.mkdir()
        TABLE.write_parquet(folder / "test.parquet")
        task = read_task(folder, split="test")

        assert (task.name, task.split, task.source) == ("nli", "test", str(folder / "test.parquet"))
        with pytest.raises(DataError, match="no files of the split 'validation'"):
            read_task(folder)

    def test_ids_follow_the_rows(self):
        """Ids are the table's, or the row numbers, also in a subset."""
        task = task_of(TABLE, name="t", n_examples=3, seed=1)

        assert [TABLE["premise"][int(i) - 1] for i in task.ids] == list(task.text_a)


class TestSubset:
    """Stratified subsets."""

    @given(
        targets=st.lists(st.integers(0, 4), min_size=1, max_size=60),
        n=st.integers(1, 70),
        seed=st.integers(0, 5),
    )
    def test_every_class_keeps_its_share(self, targets, n, seed):
        """A subset is distinct, sorted, of the asked size, and within one example of each share."""
        targets = np.array(targets)
        rows = subset(targets, n, seed)
        n = min(n, len(targets))

        assert len(rows) == n
        assert (np.diff(rows) > 0).all()
        drawn = Counter(targets[rows].tolist())
        for label, count in Counter(targets.tolist()).items():
            # Rounding half a rank per class; with k classes a share can be off by k / 2 at most.
            assert abs(drawn[label] - n * count / len(targets)) <= 1 + len(set(targets)) / 2

    @given(targets=st.lists(st.integers(0, 3), min_size=2, max_size=40), seed=st.integers(0, 5))
    def test_a_smaller_subset_is_part_of_a_larger_one(self, targets, seed):
        """With one seed the subsets of growing size are nested."""
        targets = np.array(targets)
        nested = [set(subset(targets, n, seed)) for n in range(1, len(targets) + 1)]

        assert all(a < b for a, b in itertools.pairwise(nested))

    def test_a_seed_gives_the_same_rows_on_every_machine(self):
        """The rows of one seed are pinned."""
        assert subset(np.arange(20) % 2, 4, seed=7).tolist() == [2, 6, 11, 17]


def test_real_data_sets_are_read_as_indexed(data_root):
    """Rows, label names and label counts of real data sets are those that their index states."""
    index = json.loads((data_root / "index.json").read_text())["datasets"]
    n_read = 0
    for name, entry in index.items():
        for split, facts in entry["splits"].items():
            if not facts.get("label_counts"):
                continue
            task = read_task(data_root / name / f"{split}.parquet")
            n_read += 1
            assert (task.name, len(task) + task.n_dropped) == (name, facts["rows"])
            assert (task.text_b is not None) == entry["pair"], (name, split)
            counts = Counter(task.labels[i] for i in task.targets)
            if "n_labels" not in facts["label_counts"]:
                assert counts == facts["label_counts"], (name, split)
    assert n_read > 50


def test_real_text_is_read_by_lines(data_root):
    """Packed text files are read, a row per line, none of them blank."""
    for path in sorted((data_root / "raw_text").iterdir()):
        task = read_task(path, objective="masked_lm", n_examples=500)

        assert len(task) == 500
        assert all(text.strip() for text in task.text_a)
