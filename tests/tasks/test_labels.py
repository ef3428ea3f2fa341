import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgeo.errors import DataError
from wsgeo.tasks.labels import canonical, label_map

NLI = ("entailment", "neutral", "contradiction")


class TestLabelMap:
    """Labels of a task and classes of a model."""

    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    def test_equal_sets_are_a_permutation(self, order):
        """With equal names the task takes the model's order, and each label keeps its class."""
        model = tuple(NLI[i] for i in order)
        found = label_map(NLI, model)

        assert found.labels == model
        assert found.class_map == ((0,), (1,), (2,))
        assert [model[i] for i in found.index] == list(NLI)

    @given(st.permutations(["Sci/Tech", "World", "Business", "Sports"]))
    def test_a_map_there_and_back_is_the_identity(self, model):
        """Mapping a task to a model and the model to the task undo each other."""
        task = ("World", "Sports", "Business", "Sci/Tech")
        there, back = label_map(task, model), label_map(model, task)

        assert [back.index[i] for i in there.index] == [0, 1, 2, 3]

    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    @pytest.mark.parametrize("word", ["non-entailment", "not_entailment", "Not Entailment"])
    def test_three_classes_are_read_as_two(self, order, word):
        """Non-entailment is every class but entailment, wherever entailment stands."""
        model = tuple(NLI[i] for i in order)
        one = model.index("entailment")
        rest = tuple(i for i in range(3) if i != one)

        assert label_map(["entailment", word], model).class_map == ((one,), rest)
        assert label_map([word, "entailment"], model).class_map == (rest, (one,))

    def test_three_labels_are_read_by_a_model_of_two(self):
        """A model that only knows entailment from the rest scores the other labels as the rest."""
        found = label_map(NLI, ("not_entailment", "entailment"))

        assert found.labels == ("not_entailment", "entailment")
        assert found.index == (1, 0, 0)

    def test_a_task_may_lack_a_class(self):
        """A split without a class keeps the model's classes: predicting that class is an error."""
        found = label_map(("neutral", "entailment"), NLI)

        assert (found.labels, found.index) == (NLI, (1, 0))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("NEG", "negative"),
            ("Non-Entailment", "not_entailment"),
            ("not duplicate", "non_duplicate"),
            ("unacceptable", "not_acceptable"),
            ("equivalent", "paraphrase"),
            ("not_equivalent", "non-paraphrase"),
            ("Sci/Tech", "sci_tech"),
        ],
    )
    def test_spellings_of_one_label_match(self, one, other):
        """Case, hyphens, underscores, spaces and customary short forms do not matter."""
        assert label_map([one, "x"], ["x", other]).index == (1, 0)

    @pytest.mark.parametrize(
        ("task", "model"),
        [
            (("0", "1"), ("negative", "positive")),
            (("negative", "positive"), ("LABEL_0", "LABEL_1")),
            (("0", "1"), ("LABEL_0", "LABEL_1")),
        ],
    )
    def test_labels_without_names_match_by_index_and_say_so(self, task, model):
        """Integers and default names match by index, marked as not matched by name."""
        found = label_map(task, model)

        assert (found.index, found.named) == ((0, 1), False)

    @pytest.mark.parametrize(
        ("task", "model"),
        [
            (("0", "1"), NLI),
            (("0", "1"), ("LABEL_0", "LABEL_1", "LABEL_2")),
            (("positive", "negative"), NLI),
            (("entailment", "other"), NLI),
            (("entailment", "non-duplicate"), NLI),
            (NLI, ("entailment", "neutral")),
            ((), NLI),
            (NLI, ()),
        ],
    )
    def test_other_labels_are_refused_with_both_lists(self, task, model):
        """Labels that do not match are an error that lists the task's and the model's."""
        with pytest.raises(DataError, match="are not the model's") as caught:
            label_map(task, model)

        assert all(label in str(caught.value) for label in (*task, *model))

    def test_two_spellings_of_one_label_in_a_set_are_refused(self):
        """A model whose labels differ only in spelling is refused."""
        with pytest.raises(DataError, match="same name"):
            label_map(["a", "b"], ["Positive", "pos"])


@pytest.mark.parametrize("word", ["neutral", "none", "normal", "no", "nothing", "united"])
def test_a_word_that_begins_like_a_negation_is_still_itself(word):
    """Words such as none and neutral match themselves and nothing else."""
    assert label_map([word, "x"], ["x", word]).index == (1, 0)
    assert canonical(word) == word
