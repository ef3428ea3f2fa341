"""Counts of the tokens that a language model may be asked for."""

import collections
import json

import numpy as np
import pytest
from tokenizer_cases import WORDS, tokenizer_document

from wsgeo.tasks.encoding import encode
from wsgeo.tasks.task import IGNORED, Objective, Task
from wsgeo.tasks.unigrams import CHARACTERS_PER_TOKEN, SHORTEST_ROW, count_tokens, countable

LANGUAGE = [Objective.MASKED_LM, Objective.CAUSAL_LM, Objective.SEQ2SEQ]


@pytest.fixture(scope="module")
def tokenizer():
    """Return a tokenizer of words in the manner of BERT, with an end token too."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(tokenizer_document())),
        pad_token="[PAD]",
        mask_token="[MASK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        eos_token="[SEP]",
    )


def text(objective, n=1200, seed=0):
    rng = np.random.default_rng(seed)
    texts = tuple(" ".join(rng.choice(WORDS, int(k))) for k in rng.integers(2, 9, n))
    second = texts[::-1] if objective is Objective.SEQ2SEQ else None
    return Task("t", objective, tuple(map(str, range(n))), texts, second)


@pytest.mark.parametrize("objective", LANGUAGE)
def test_every_scored_token_is_counted(tokenizer, objective):
    """In the whole text no token occurs less often than it is scored there."""
    task = text(objective)
    counts = count_tokens(task, tokenizer)
    targets = encode(task, tokenizer).targets
    scored = np.bincount(targets[targets != IGNORED], minlength=len(counts))

    assert len(scored) == len(counts)
    assert (scored <= counts).all()


def test_a_masked_model_is_asked_for_the_words(tokenizer):
    """The counts are those of the words; the marks around a text do not count."""
    task = text(Objective.MASKED_LM)
    counts = count_tokens(task, tokenizer)
    words = collections.Counter(word for row in task.text_a for word in row.split())
    ids = tokenizer.convert_tokens_to_ids(list(words))

    assert counts[ids].tolist() == list(words.values())
    assert counts.sum() == sum(words.values())


def test_a_causal_model_is_asked_for_the_end(tokenizer):
    """Each text ends once."""
    task = text(Objective.CAUSAL_LM)

    assert count_tokens(task, tokenizer)[tokenizer.eos_token_id] == len(task)


def test_counting_stops(tokenizer):
    """With a limit some rows, drawn by the task's seed, stand for all."""
    task = text(Objective.MASKED_LM)
    whole, part = count_tokens(task, tokenizer), count_tokens(task, tokenizer, limit=1000)

    assert 1000 <= part.sum() < whole.sum()
    assert np.abs(part / part.sum() - whole[: len(part)] / whole.sum()).max() < 0.01


@pytest.mark.parametrize("objective", LANGUAGE)
def test_enough_is_drawn_and_no_more(tokenizer, objective):
    """The rows drawn from a long text reach the limit and do not grow with it."""
    drawn = [countable(text(objective, n), limit=1000) for n in (3000, 6000)]

    for part in drawn:
        assert len(part) <= 1000 * CHARACTERS_PER_TOKEN / SHORTEST_ROW
        assert set(part.ids) <= set(map(str, range(6000)))
    assert count_tokens(drawn[0], tokenizer).sum() >= 500
    assert [row for row in drawn[1].ids if int(row) >= 3000]


def test_a_short_text_is_drawn_whole():
    """Where counting would not stop before the end, nothing is left out."""
    task = text(Objective.MASKED_LM, 50)

    assert countable(task) is task


def test_classes_are_no_tokens(tokenizer):
    """Counting the tokens of a classification task is misuse."""
    with pytest.raises(ValueError, match="language"):
        count_tokens(text(Objective.CLASSIFICATION), tokenizer)
