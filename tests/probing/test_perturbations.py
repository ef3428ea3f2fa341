import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgeo.errors import DataError
from wsgeo.probing.perturbations import KINDS, perturbed
from wsgeo.tasks.encoding import encode
from wsgeo.tasks.task import Objective, Task

WORDS = st.lists(st.sampled_from(["the", "dog", "ran.", "far", "Far"]), max_size=9)
TEXTS = WORDS.map(" ".join)


def task_of(first, second=None, objective=Objective.CLASSIFICATION):
    ids = tuple(map(str, range(len(first))))
    targets = np.arange(len(first)) % 2
    second = None if second is None else tuple(second)
    return Task("toy", objective, ids, tuple(first), second, targets, ("no", "yes"))


def pairs(text):
    words = text.split()
    return sorted(tuple(words[i : i + 2]) for i in range(0, len(words), 2))


class TestShuffling:
    """New orders of words and of pairs of words."""

    @given(text=TEXTS, seed=st.integers(0, 99))
    def test_words_stay_and_their_order_does_not(self, text, seed):
        """A text keeps its words, and changes its order if it has two distinct words."""
        new = perturbed(task_of([text, "a b"]), "words_shuffled", seed).text_a[0]

        assert sorted(new.split()) == sorted(text.split())
        assert (new.split() != text.split()) == (len(set(text.split())) > 1)

    @given(text=TEXTS, seed=st.integers(0, 99))
    def test_pairs_of_words_stay(self, text, seed):
        """A text keeps its pairs of words, and changes their order if it has two distinct pairs."""
        new = perturbed(task_of([text, "a b c"]), "bigrams_shuffled", seed).text_a[0]
        distinct = len(set(pairs(text))) > 1

        assert sorted(new.split()) == sorted(text.split())
        if len(text.split()) % 2 == 0:
            assert pairs(new) == pairs(text)
        assert distinct or new == text
        if distinct:
            old = text.split()
            runs = [old[i : i + 2] for i in range(0, len(old), 2)]
            joined = " ".join(new.split())
            assert all(" ".join(run) in joined for run in runs)

    @pytest.mark.parametrize("kind", ["words_shuffled", "bigrams_shuffled"])
    def test_an_example_is_drawn_by_its_own_texts(self, kind):
        """Neither the other examples nor their order changes what becomes of an example."""
        first = [f"a b c d e f {i}" for i in range(20)]
        whole = task_of(first, [text[::-1] for text in first])
        some = np.array([7, 3, 11])

        part = perturbed(whole.rows(some), kind, 5)
        assert part.text_a == perturbed(whole, kind, 5).rows(some).text_a
        assert part.text_b == perturbed(whole, kind, 5).rows(some).text_b

    def test_the_seed_decides(self):
        """One seed gives one order, and another seed another."""
        task = task_of(["a b c d e f g h"])
        orders = [perturbed(task, "words_shuffled", seed).text_a for seed in (1, 1, 2)]

        assert orders[0] == orders[1] != orders[2]

    def test_every_other_order_is_as_likely(self):
        """The five other orders of three words come up equally often."""
        task = task_of(["a b c"])
        orders = [perturbed(task, "words_shuffled", seed).text_a[0] for seed in range(1000)]
        counts = [orders.count(order) for order in sorted(set(orders))]

        assert len(counts) == 5
        assert 150 < min(counts) <= max(counts) < 250

    def test_texts_of_one_word_cannot_be_shuffled(self):
        """Where no text has another order the change says that it does not apply."""
        with pytest.raises(DataError, match="no text has another order"):
            perturbed(task_of(["a", "b b"]), "words_shuffled", 0)


class TestOtherChanges:
    """Emptied and shifted texts."""

    def test_one_text_is_emptied(self):
        """Of two texts one goes and the other stays."""
        task = task_of(["a", "b"], ["c", "d"])

        assert perturbed(task, "second_only", 0).text_a == ("", "")
        assert perturbed(task, "second_only", 0).text_b == ("c", "d")
        assert perturbed(task, "first_only", 0).text_a == ("a", "b")
        assert perturbed(task, "first_only", 0).text_b == ("", "")

    @pytest.mark.parametrize("kind", ["second_only", "first_only"])
    def test_a_single_text_is_not_emptied(self, kind):
        """With one text there would be nothing left."""
        with pytest.raises(DataError, match="one text"):
            perturbed(task_of(["a", "b"]), kind, 0)

    def test_an_emptied_text_is_encoded_as_no_token(self):
        """A tokenizer gives an empty text its frame and no token, on either side."""
        import json

        from tokenizer_cases import tokenizer_document
        from tokenizers import Tokenizer
        from transformers import PreTrainedTokenizerFast

        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer.from_str(json.dumps(tokenizer_document())),
            pad_token="[PAD]",
        )
        task = task_of(["the dog", "the cat runs"], ["dog", "cat sad"])

        def lengths(task):
            return encode(task, tokenizer, labels=("no", "yes"), max_length=32).lengths.tolist()

        assert lengths(task) == [2 + 1 + 3, 3 + 2 + 3]
        assert lengths(perturbed(task, "second_only", 0)) == [1 + 3, 2 + 3]
        assert lengths(perturbed(task, "first_only", 0)) == [2 + 3, 3 + 3]
        assert lengths(perturbed(task, "shifted", 0)) == [2 + 1 + 3 + 4, 3 + 2 + 3 + 4]

    def test_a_shifted_text_is_the_text_behind_a_filler(self):
        """The text itself stays whole, and the second text is not touched."""
        task = perturbed(task_of(["a b", "c"], ["d", "e"]), "shifted", 0)

        assert task.text_a == (". . . . a b", ". . . . c")
        assert task.text_b == ("d", "e")

    @pytest.mark.parametrize("kind", KINDS)
    def test_everything_but_the_texts_stays(self, kind):
        """Ids, targets and labels stay; the name tells the change."""
        task = task_of(["a b c", "d e f"], ["g h i", "j k l"])
        new = perturbed(task, kind, 0)

        assert new.name == f"toy~{kind}"
        assert (new.ids, new.labels) == (task.ids, task.labels)
        assert new.targets is task.targets

    def test_language_models_are_not_asked(self):
        """Only a classification task is changed."""
        with pytest.raises(DataError, match="classification"):
            perturbed(task_of(["a b"], objective=Objective.CAUSAL_LM), "words_shuffled", 0)

    def test_an_unknown_change_is_a_mistake(self):
        """A kind that does not exist is a mistake of the caller."""
        with pytest.raises(ValueError, match="reversed"):
            perturbed(task_of(["a b"]), "reversed", 0)
