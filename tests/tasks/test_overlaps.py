"""Which texts two data sets share."""

import time

import numpy as np
import pytest

from wsgeo.tasks import read_task
from wsgeo.tasks.overlaps import shared_examples
from wsgeo.tasks.task import Objective, Task

LONG = "the quick brown fox jumps over the lazy dog near the river bank"


def task(*texts, second=None):
    """Give a task of some texts."""
    ids = tuple(map(str, range(len(texts))))
    return Task("toy", Objective.CLASSIFICATION, ids, texts, second)


def share(a, b):
    """Give the share of the examples of one task that occur in another."""
    return shared_examples(a, b).mean()


def random_texts(rng, n, n_words=20):
    """Give texts of random words of a vocabulary like a language's."""
    words = np.array([f"w{i}" for i in range(5_000)])
    return [" ".join(row) for row in words[rng.integers(0, 5_000, (n, n_words))]]


def test_a_task_shares_all_with_itself(rng):
    """Every text of a task occurs in it."""
    one = task(*random_texts(rng, 50))

    assert share(one, one) == 1.0


def test_unrelated_texts_share_nothing(rng):
    """Long texts of other words do not occur."""
    one, other = task(*random_texts(rng, 50)), task(*random_texts(rng, 50))

    assert share(one, other) == 0.0


def test_case_white_space_and_punctuation_do_not_matter():
    """A text is its words."""
    assert share(task("It's FINE, really!"), task("it s  fine really")) == 1.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{LONG} in spring", True),  # extended
        (LONG.removesuffix(" river bank"), True),  # cut
        (LONG.replace("quick", "slow"), True),  # one word changed
        (" ".join(reversed(LONG.split())), False),
        ("the quick brown fox", False),  # a short text that lies in a long one is a phrase
        ("", False),
        ("...", False),
    ],
)
def test_near_copies_count_and_phrases_do_not(text, expected):
    """Half of the runs of 8 words must be shared; a shorter text must be the same."""
    assert shared_examples(task(text), task(LONG, "")).tolist() == [expected]


def test_runs_do_not_cross_texts():
    """The end of a text and the start of the next make no run."""
    words = LONG.split()
    split = task(" ".join(words[:6]), " ".join(words[6:]))

    assert share(task(LONG), split) == 0.0


def test_of_two_texts_both_must_occur():
    """A premise alone is not the example; either text may stand in either column."""
    pairs = task("one premise", "one premise", second=("its hypothesis", "another"))

    assert share(pairs, task("one premise")) == 0.0
    assert share(pairs, task("its hypothesis", second=("one premise",))) == 0.5
    assert share(task("another"), pairs) == 1.0


def test_the_share_is_that_of_the_first():
    """A small task may lie wholly in a large one."""
    one, other = task("a b"), task("a b", "c d", "e f", "g h")

    assert (share(one, other), share(other, one)) == (1.0, 0.25)


def test_agrees_with_the_plain_definition(rng):
    """On texts made of pieces of others the shares of runs are those of sets of runs."""
    pieces = random_texts(rng, 30, 6)
    one, other = ([" ".join(rng.choice(pieces, 4)) for _ in range(60)] for _ in range(2))

    def runs(text):
        words = text.split()
        return [tuple(words[i : i + 8]) for i in range(len(words) - 7)]

    known = {run for text in other for run in runs(text)}
    plain = [sum(run in known for run in runs(text)) / len(runs(text)) >= 0.5 for text in one]

    assert 0 < sum(plain) < 60
    assert shared_examples(task(*one), task(*other)).tolist() == plain


@pytest.mark.slow
def test_large_tasks_take_seconds(rng):
    """Two tasks of 20,000 texts are compared in less than 5 s, on a busy machine."""
    one, other = task(*random_texts(rng, 20_000)), task(*random_texts(rng, 20_000))
    start = time.perf_counter()

    assert share(one, other) == 0.0
    assert time.perf_counter() - start < 5


def test_reviews_that_were_cut_into_phrases_are_found(data_root):
    """SST-2 was made of the reviews of MR, and neither has to do with questions."""
    mr, sst2, trec = (
        read_task(data_root / name / "train.parquet", name=name) for name in ("mr", "sst2", "trec")
    )

    assert share(mr, sst2) > 0.3
    assert share(trec, mr) < 0.01
