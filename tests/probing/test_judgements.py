import numpy as np
import polars as pl
import pytest

from wsgeo.evaluation.losses import Losses
from wsgeo.probing.judgements import (
    Judgement,
    Units,
    judge,
    label_quality,
    units_of,
    why_not,
)
from wsgeo.probing.sets import DiagnosticSet
from wsgeo.tasks.declarations import Kind
from wsgeo.tasks.grammar import EXAMPLES
from wsgeo.tasks.task import EncodedExamples, Objective


def of_kind(kind, rows, labels=("not_good", "good")):
    """Return a set of rows given as (label, slice, pair)."""
    full = [(f"t{i}", None, label, part, None, pair) for i, (label, part, pair) in enumerate(rows)]
    frame = pl.DataFrame(full, schema=EXAMPLES, orient="row")
    return DiagnosticSet("toy", "t", "s", "l", "x", labels, frame, kind)


def answers(logits, targets):
    """Return losses of logits, and the examples that were asked."""
    logits, targets = np.asarray(logits, np.float64), np.asarray(targets)
    rows = np.arange(len(targets))
    total = np.log(np.exp(logits).sum(axis=1))
    losses = Losses(
        (total - logits[rows, targets]).astype(np.float32),
        (logits.argmax(axis=1) == targets).astype(np.float32),
        logits.astype(np.float32),
    )
    one = np.ones((len(targets), 1))
    arrays = dict.fromkeys(("input_ids", "attention_mask", "token_type_ids"), one)
    arrays["targets"] = targets
    names = tuple("abc"[: logits.shape[1]])
    maps = tuple((i,) for i in range(len(names)))
    return losses, EncodedExamples.of("toy", Objective.CLASSIFICATION, arrays, names, maps)


def judged(kind, rows, logits, targets, **options):
    """Return the judgements of each kind of unit."""
    losses, examples = answers(logits, targets)
    return [judge(each, losses, examples) for each in units_of(of_kind(kind, rows, **options))]


PAIR_ROWS = [("not_good", "s", "p"), ("good", "s", "q"), ("good", "s", "p"), ("not_good", "s", "q")]


class TestPreference:
    """Minimal pairs."""

    @pytest.mark.parametrize("shift", [-3.0, 0.0, 3.0])
    @pytest.mark.parametrize("better", [0, 1])
    def test_a_bias_for_one_label_does_not_matter(self, rng, shift, better):
        """The better text is compared with the worse: what is added to both changes nothing."""
        rows = [
            row for i in range(50) for row in [("not_good", "s", f"{i}"), ("good", "s", f"{i}")]
        ]
        margin = rng.normal(size=100)
        logits = np.zeros((100, 2))
        logits[:, better] = margin + shift
        targets = np.tile([1 - better, better], 50)
        (found,) = judged(Kind.MINIMAL_PAIRS, rows, logits, targets, labels=("not_good", "good"))

        assert found.right.tolist() == (margin[1::2] > margin[::2]).tolist()

    def test_ties_count_half(self):
        """A model that gives both texts one answer is right on half of the pairs."""
        (found,) = judged(Kind.MINIMAL_PAIRS, PAIR_ROWS, np.zeros((4, 2)), [0, 1, 1, 0])

        assert found.right.tolist() == [0.5, 0.5]

    def test_a_certain_model_has_preferences_too(self):
        """Probabilities that round to one are still told apart."""
        logits = [[0, 45], [0, 40], [0, 41], [0, 46]]
        (found,) = judged(Kind.MINIMAL_PAIRS, PAIR_ROWS, logits, [0, 1, 1, 0])

        assert found.right.tolist() == [0, 0]

    def test_the_probability_is_among_all_classes(self, rng):
        """With a third class the log-probability of the better label decides (a plain softmax)."""
        logits = rng.normal(size=(4, 3))
        (found,) = judged(Kind.MINIMAL_PAIRS, PAIR_ROWS, logits, [0, 1, 1, 0])
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

        assert found.right.tolist() == [p[2, 1] > p[0, 1], p[1, 1] > p[3, 1]]


class TestPairs:
    """Counterfactual and invariance sets."""

    def test_a_pair_is_consistent_if_all_its_examples_are_right(self):
        """Examples are judged one by one, and then pairs as a whole; those in none do not count."""
        rows = [*PAIR_ROWS, ("not_good", "s", None)]
        logits = [[1, 0], [0, 1], [0, 1], [0, 1], [1, 0]]
        single, pairs = judged(Kind.COUNTERFACTUAL, rows, logits, [0, 1, 1, 0, 0])

        assert single.right.tolist() == [1, 1, 1, 0, 1]
        assert pairs.right.tolist() == [1, 0]
        assert pairs.loss.tolist() == pytest.approx(
            [single.loss[[0, 2]].mean(), single.loss[[1, 3]].mean()]
        )

    @pytest.mark.parametrize("labels", [("not_good", "good"), ()])
    def test_invariance_asks_for_one_answer_right_or_wrong(self, labels):
        """A group counts if all its texts are answered alike; without labels there is no loss."""
        label = "not_good" if labels else None
        rows = [(label, "s", pair) for pair in "pqpqp"]
        logits = [[0, 1], [1, 0], [0, 2], [0, 1], [0, 3]]
        (found,) = judged(Kind.INVARIANCE, rows, logits, [0] * 5, labels=labels)

        assert found.right.tolist() == [1, 0]
        assert (found.loss is None) == (not labels)

    def test_units_of_pairs_are_in_the_slices_of_their_examples(self):
        """Slices count pairs, whatever the order of the rows."""
        rows = [
            ("not_good", "a", "p"),
            ("not_good", "b", "q"),
            ("not_good", "b", "q"),
            ("not_good", "a", "p"),
        ]
        (units,) = units_of(of_kind(Kind.INVARIANCE, rows))

        assert {name: mask.tolist() for name, mask in units.slices.items()} == {
            "all": [True, True], "a": [True, False], "b": [False, True]
        }  # fmt: skip


class TestWhyNot:
    """What cannot be judged."""

    @pytest.mark.parametrize(
        ("kind", "needs"),
        [(Kind.LABELLED, False), (Kind.COUNTERFACTUAL, False), (Kind.INVARIANCE, True),
         (Kind.MINIMAL_PAIRS, True)],
    )  # fmt: skip
    def test_only_some_kinds_need_every_answer(self, kind, needs):
        """Accuracy and consistency are had from losses alone; other pairs need the logits."""
        label = {Kind.INVARIANCE: "not_good"}.get(kind)
        rows = [(label or name, part, pair) for name, part, pair in PAIR_ROWS]
        losses, examples = answers(np.eye(2)[[0, 1, 1, 0]], [0, 1, 1, 0])
        bare = Losses(losses.loss, losses.hit)

        for units in units_of(of_kind(kind, rows)):
            assert why_not(units, losses, examples) is None
            assert bool(why_not(units, bare, examples)) == needs
            if needs:
                with pytest.raises(ValueError, match="cannot be judged"):
                    judge(units, bare, None)


class TestLabelQuality:
    """Balanced accuracy, F1 and correlation."""

    @pytest.mark.parametrize("n_labels", [2, 3, 5])
    def test_they_are_those_of_sklearn(self, rng, n_labels):
        """In every slice the numbers are those of an independent implementation."""
        from sklearn.metrics import balanced_accuracy_score, f1_score, matthews_corrcoef

        truth = rng.choice(
            n_labels, size=300, p=np.arange(1, n_labels + 1) / sum(range(n_labels + 1))
        )
        predicted = np.where(rng.random(300) < 0.6, truth, rng.integers(n_labels, size=300))
        slices = {f"{i}": rng.random(300) < 0.3 for i in range(5)}
        units = Units("accuracy", slices)
        found = label_quality(units, Judgement(truth == predicted, None, truth, predicted))

        for i, mask in enumerate(slices.values()):
            t, p = truth[mask], predicted[mask]
            assert found["balanced"][i] == pytest.approx(balanced_accuracy_score(t, p))
            assert found["f1"][i] == pytest.approx(f1_score(t, p, average="macro"))
            assert found["mcc"][i] == pytest.approx(matthews_corrcoef(t, p))

    def test_one_answer_throughout_is_worth_nothing(self):
        """A model that always gives one label has chance balanced accuracy and no correlation."""
        truth = np.array([0, 0, 0, 1])
        units = Units("accuracy", {"all": np.ones(4, bool), "zeros": truth == 0})
        found = label_quality(units, Judgement(truth == 0, None, truth, np.zeros(4, int)))

        assert (found["balanced"][0], found["mcc"][0]) == (0.5, 0.0)
        assert all(np.isnan(values[1]) for values in found.values())
