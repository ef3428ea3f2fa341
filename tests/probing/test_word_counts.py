import numpy as np
import pytest

from wsgeo.errors import DataError
from wsgeo.probing import word_counts
from wsgeo.probing.perturbations import perturbed
from wsgeo.probing.word_counts import word_count_logits
from wsgeo.tasks.reading import read_task
from wsgeo.tasks.task import Objective, Task

LABELS = ("negative", "positive")


def reviews(n, seed):
    """Return texts whose label is whether they hold more good words than bad ones."""
    rng = np.random.default_rng(seed)
    words = np.array(["good", "great", "bad", "dull", "film", "plot", "the", "was"])
    texts = [" ".join(rng.choice(words, size=rng.integers(4, 12))) for _ in range(n)]
    scores = [sum((w in "good great") - (w in "bad dull") for w in t.split()) for t in texts]
    return task_of(texts, np.array(scores) > 0)


def task_of(texts, targets, second=None, labels=LABELS, name="toy"):
    ids = tuple(map(str, range(len(texts))))
    second = None if second is None else tuple(second)
    targets = np.asarray(targets, dtype=np.int64)
    return Task(name, Objective.CLASSIFICATION, ids, tuple(texts), second, targets, labels)


def accuracy(task, logits):
    return (logits.argmax(axis=1) == task.targets).mean()


class TestWordCountLogits:
    """The answers of a model that counts words."""

    def test_rows_are_log_probabilities(self):
        """Each row is a distribution over the labels asked for."""
        logits = word_count_logits(reviews(60, 0), LABELS, train=reviews(200, 1))

        assert logits.shape == (60, 2)
        np.testing.assert_allclose(np.exp(logits).sum(axis=1), 1)

    def test_a_task_of_words_is_learned(self):
        """A label that depends on words alone is told from words alone."""
        task = reviews(200, 0)

        assert accuracy(task, word_count_logits(task, LABELS, train=reviews(2000, 1))) > 0.97
        assert accuracy(task, word_count_logits(task, LABELS)) > 0.85

    def test_the_order_of_words_changes_nothing(self):
        """The answers to shuffled texts are the same numbers."""
        task, train = reviews(50, 0), reviews(200, 1)

        np.testing.assert_array_equal(
            word_count_logits(task, LABELS, train=train),
            word_count_logits(perturbed(task, "words_shuffled", 3), LABELS, train=train),
        )

    def test_no_example_is_answered_by_a_model_that_saw_it(self):
        """Without training data, texts that share no word are answered at chance."""
        texts = [f"w{i}" for i in range(200)]
        task = task_of(texts, np.arange(200) % 2)

        assert np.abs(word_count_logits(task, LABELS) - np.log(0.5)).max() < 0.05

    def test_equal_texts_are_answered_together(self):
        """A text that occurs twice is not answered by a model that saw its copy."""
        texts = [f"w{i // 2}" for i in range(200)]
        task = task_of(texts, np.arange(200) // 2 % 2)

        assert np.abs(word_count_logits(task, LABELS) - np.log(0.5)).max() < 0.05

    def test_two_runs_are_equal_and_the_seed_decides_the_parts(self):
        """One seed gives one answer."""
        task = reviews(60, 0)
        one, again, other = (word_count_logits(task, LABELS, seed=seed) for seed in (0, 0, 1))

        np.testing.assert_array_equal(one, again)
        assert (one != other).any()

    def test_words_of_both_texts_are_told_apart(self):
        """Whether the second text repeats a rare word of the first is learned by overlap."""
        rng = np.random.default_rng(0)
        first = [" ".join(rng.choice(40, size=6, replace=False).astype(str)) for _ in range(600)]
        same = rng.random(600) < 0.5
        second = [
            " ".join(rng.permutation(text.split())) if alike else "50 51 52 53"
            for text, alike in zip(first, same, strict=True)
        ]
        second = [text if rng.random() < 0.9 else text + " 60" for text in second]
        task = task_of(first, same, second, ("neutral", "entailment"))

        assert accuracy(task, word_count_logits(task, task.labels)) > 0.98

    def test_labels_come_in_the_order_asked_for(self):
        """The columns follow the labels of the encoded examples, not those of the task."""
        task = reviews(60, 0)
        one = word_count_logits(task, LABELS)
        other = word_count_logits(task, ("positive", "negative"))

        np.testing.assert_allclose(one, other[:, ::-1], atol=1e-3)

    def test_three_labels_are_learned_as_two(self):
        """Training data that tell three labels apart serve a task with two."""
        words = ["yes", "maybe", "no"] * 20
        names = ("entailment", "neutral", "contradiction")
        train = task_of(words, np.arange(60) % 3, ["x"] * 60, names)
        task = task_of(["yes", "no"], [1, 0], ["x"] * 2, ("non-entailment", "entailment"))

        assert word_count_logits(task, task.labels, train=train).argmax(axis=1).tolist() == [1, 0]

    def test_a_label_without_examples_is_given_little(self):
        """A label that nothing was learned of has the probability of half an example."""
        task = reviews(40, 0)
        logits = word_count_logits(task, (*LABELS, "neutral"), train=reviews(100, 1))

        np.testing.assert_allclose(np.exp(logits[:, 2]), 0.5 / 100)
        assert set(logits.argmax(axis=1)) == {0, 1}

    def test_one_label_is_answered_everywhere(self):
        """Where all examples have one label there is nothing else to answer."""
        task = task_of(["a", "b", "c", "d"], [1, 1, 1, 1])

        assert word_count_logits(task, LABELS).argmax(axis=1).tolist() == [1] * 4

    def test_only_frequent_words_are_counted(self, monkeypatch):
        """Beyond the most frequent words the rest counts for nothing."""
        monkeypatch.setattr(word_counts, "MAX_WORDS", 1)
        train = task_of(["the good", "the bad", "the good"] * 5, [1, 0, 1] * 5)
        logits = word_count_logits(train, LABELS, train=train)

        assert np.ptp(logits, axis=0).max() == 0

    @pytest.mark.parametrize(
        ("train", "what"),
        [
            (task_of(["a", "b"], [0, 1], ["c", "d"]), "number of texts"),
            (task_of(["a", "b"], [0, 1], labels=("x", "y")), "labels"),
            (task_of(["?", "!"], [0, 1]), "no words"),
        ],
    )
    def test_what_cannot_be_learned_from_is_refused(self, train, what):
        """Training data of another shape say what is wrong."""
        with pytest.raises(DataError, match=what):
            word_count_logits(task_of(["a", "b"], [0, 1]), LABELS, train=train)

    def test_one_text_alone_has_nothing_to_learn_from(self):
        """Copies of one text make no training data."""
        with pytest.raises(DataError, match="one text only"):
            word_count_logits(task_of(["a", "a"], [0, 1]), LABELS)


def test_real_pairs_are_told_by_their_words_above_chance(data_root):
    """On MNLI words alone are right on 45 to 60 % of three labels, and more so with training data."""
    dev = read_task(data_root / "mnli_dev_matched/validation.parquet", n_examples=1000)
    train = read_task(data_root / "mnli_train_10k/train.parquet")
    own, taught = (word_count_logits(dev, dev.labels, train=given) for given in (None, train))

    assert 0.36 < accuracy(dev, own) < accuracy(dev, taught)
    assert 0.45 < accuracy(dev, taught) < 0.6
