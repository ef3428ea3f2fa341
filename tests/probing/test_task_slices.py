"""Slices that are read off a task's own examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgeo.probing.task_slices import LEAST_EXAMPLES, task_slices, thirds
from wsgeo.tasks.task import Objective, Task

LABELS = ("entailment", "neutral", "contradiction")


def pairs(first, second, targets=None, objective=Objective.CLASSIFICATION):
    """Return a task of these texts."""
    n = len(first)
    targets = None if targets is None else np.array(targets)
    ids = tuple(map(str, range(n)))
    return Task("t", objective, ids, tuple(first), second and tuple(second), targets, LABELS)


@pytest.fixture
def nli(rng):
    """Return 300 random pairs of short texts."""
    words = ["the", "a", "cat", "dog", "did", "see", "birds", "rain", "from", "not", "two"]
    texts = [" ".join(rng.choice(words, size)) for size in rng.integers(2, 7, 600)]
    return pairs(texts[:300], texts[300:], rng.integers(0, 3, 300))


class TestTaskSlices:
    """Which slices there are."""

    def test_all_comes_first_and_the_others_by_name(self, nli):
        """All examples lead, and the rest is sorted."""
        first, *others = task_slices(nli)

        assert first == "all"
        assert others == sorted(others)
        assert {name.split("/")[0] for name in others} == {
            "label", "length", "negation", "number", "overlap",
        }  # fmt: skip

    def test_slices_are_neither_small_nor_everything(self, nli):
        """A slice has 20 examples at the least, and lacks one at the least."""
        for name, mask in list(task_slices(nli).items())[1:]:
            assert mask.dtype == bool
            assert LEAST_EXAMPLES <= mask.sum() < 300, name

    def test_each_kind_divides_the_examples(self, nli):
        """Every example has one label, one length, one overlap, and a word or not."""
        found = task_slices(nli)
        for kind in ("label", "length", "negation", "number"):
            own = [mask for name, mask in found.items() if name.startswith(f"{kind}/")]
            assert (np.sum(own, axis=0) == 1).all()
        assert (
            np.sum([found[f"overlap/{p}"] for p in ("low", "middle", "high")], axis=0) == 1
        ).all()

    def test_overlap_is_crossed_with_the_label(self, nli):
        """Pairs of much overlap are told apart by what they deserve."""
        found = task_slices(nli)

        assert (
            found["overlap/high/contradiction"]
            == found["overlap/high"] & found["label/contradiction"]
        ).all()

    def test_the_order_of_the_examples_does_not_matter(self, nli, rng):
        """Shuffled examples have shuffled slices."""
        order = rng.permutation(300)
        one, other = task_slices(nli), task_slices(nli.rows(order))

        assert list(one) == list(other)
        assert all((one[name][order] == other[name]).all() for name in one)

    @pytest.mark.parametrize(
        ("kind", "texts"),
        [
            ("negation", ("He did not.", "It isn\u2019t so", "NEVER!", "I can't", "no dog")),
            ("number", ("Twelve men", "in 1984", "B2 flew", "forty-two", "two millions")),
        ],
    )
    def test_words_are_found_as_they_are_written(self, kind, texts):
        """Capitals, punctuation and the kind of apostrophe do not hide a word."""
        others = ("Note it", "a nothingness", "someone often tends", "The knot", "another one")
        found = task_slices(pairs([*texts * 5, *others * 5], None))

        assert found[f"{kind}/present"].tolist() == [True] * 25 + [False] * 25

    def test_overlap_counts_the_second_text(self):
        """The share is that of the second text's words, so that order and repeats do not matter."""
        first = ["the dog saw the cat"] * 60
        second = ["The cat saw the dog !"] * 20 + ["the dog slept well"] * 20 + ["he ran"] * 20
        found = task_slices(pairs(first, second))

        for i, part in enumerate(("high", "middle", "low")):
            assert found[f"overlap/{part}"].nonzero()[0].tolist() == list(
                range(20 * i, 20 * i + 20)
            )

    def test_single_texts_have_no_overlap(self):
        """Without a second text there is nothing to overlap, without labels no label."""
        found = task_slices(pairs(["a b", "a b c"] * 30, None))

        assert list(found) == ["all", "length/long", "length/short"]

    def test_two_classes_have_the_outer_names(self):
        """Where most pairs overlap wholly, they are of high overlap and the others of low."""
        found = task_slices(pairs(["a b"] * 100, ["b a"] * 70 + ["a c"] * 30))

        assert {name: int(m.sum()) for name, m in found.items()} == {
            "all": 100,
            "overlap/high": 70,
            "overlap/low": 30,
        }

    def test_one_label_is_no_slice(self):
        """Where all examples have one label, neither it nor its crosses are slices."""
        found = task_slices(pairs(["a b", "a c"] * 30, ["a b"] * 60, [1] * 60))

        assert list(found) == ["all", "overlap/high", "overlap/low"]

    def test_running_text_has_none(self):
        """The losses of running text are of blocks, to which no slice of the texts fits."""
        assert task_slices(pairs(["a"] * 50, None, objective=Objective.CAUSAL_LM)) == {}


class TestThirds:
    """Thirds by rank."""

    @given(st.lists(st.integers(0, 9), min_size=1, max_size=60))
    def test_equals_are_never_parted_and_order_is_kept(self, values):
        """Equal values share a third, and a larger value is never in a lower one."""
        place = thirds(values)
        by_value = sorted(zip(values, place.tolist(), strict=True))

        assert [third for _, third in by_value] == sorted(third for _, third in by_value)
        assert all(len(set(place[np.array(values) == v].tolist())) == 1 for v in values)

    @given(st.lists(st.integers(0, 9), min_size=1, max_size=60))
    def test_turning_the_values_round_turns_the_thirds(self, values):
        """Neither end is preferred, but for values on a border."""
        there, back = thirds(values), thirds([-v for v in values])
        n, values = len(values), np.array(values)
        middle = 2 * (values[:, None] > values).sum(axis=1) + (values[:, None] == values).sum(
            axis=1
        )
        clear = ~np.isin(3 * middle, [2 * n, 4 * n])

        assert (there[clear] == 2 - back[clear]).all()

    @pytest.mark.parametrize("n", [3, 30, 300])
    def test_distinct_values_make_equal_thirds(self, n, rng):
        """Without equals each third holds a third."""
        assert np.bincount(thirds(rng.permutation(n))).tolist() == [n // 3] * 3
