import evaluation_cases as cases
import numpy as np
import pytest

from wsgeo.errors import DataError
from wsgeo.probing.sentences import encode_sentences, sentence_scores
from wsgeo.tasks.task import IGNORED, Objective

WORDS = [f"w{i}" for i in range(40)]
TEXTS = ["w1 w2 w3", "w4", "w5 w6 w7 w8 w9", "w5 w6 w7 w8 w9", "w1 w2 w39"]


def tokenizer(*, masks):
    """Return a tokenizer of whole words: with [CLS], [SEP] and a mask, or with an end token only."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["<end>", "[PAD]", "[UNK]", "[CLS]", "[MASK]", "[SEP]"]
    vocabulary = {word: i for i, word in enumerate([*special, *WORDS])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if not masks:
        return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>")
    backend.post_processor = processors.BertProcessing(("[SEP]", 5), ("[CLS]", 3))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="[PAD]", mask_token="[MASK]", sep_token="[SEP]",
        cls_token="[CLS]", model_max_length=64,
    )  # fmt: skip


def log_softmax(model, ids):
    import torch

    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].double().log_softmax(-1).numpy()


def plain_causal(model, words):
    """Return the sum over the tokens of a sentence behind the end token, one by one."""
    ids = [0, *words]
    answers = log_softmax(model, ids)
    return sum(answers[i - 1, ids[i]] for i in range(1, len(ids)))


def plain_masked(model, words):
    """Return the sum over the tokens of a sentence, each masked in a copy of its own."""
    total = 0.0
    for i, word in enumerate(words, start=1):
        ids = [3, *words, 5]
        ids[i] = 4
        total += log_softmax(model, ids)[i, word]
    return total


@pytest.mark.parametrize(
    ("objective", "family", "plain"),
    [
        (Objective.CAUSAL_LM, "gpt2", plain_causal),
        (Objective.MASKED_LM, "bert", plain_masked),
    ],
)
def test_scores_are_those_of_an_ordinary_model(objective, family, plain):
    """Each sentence has the sum over its tokens that a plain loop finds, equal sentences too."""
    words = tokenizer(masks=objective is Objective.MASKED_LM)
    examples = encode_sentences("toy", TEXTS, words, objective)
    model = cases.build(family, objective)
    backend, weights = cases.backend_of(model)
    scores = sentence_scores(examples, backend.losses(weights.vector, examples).loss)
    expected = [plain(model, [int(w[1:]) + 6 for w in text.split()]) for text in TEXTS]

    assert scores == pytest.approx(expected, rel=1e-5)


def test_a_causal_model_reads_a_sentence_per_row():
    """Each row starts with the token that starts a text, and every token of the sentence counts."""
    examples = encode_sentences("toy", TEXTS, tokenizer(masks=False), Objective.CAUSAL_LM)

    assert examples.input_ids[:, 0].tolist() == [0] * 5
    assert (examples.targets != IGNORED).sum(axis=1).tolist() == [3, 1, 5, 5, 3]
    assert (examples.targets[:, 0] == IGNORED).all()


def test_a_masked_model_reads_a_copy_per_token():
    """There is one row per token of each sentence, with that token masked and no other."""
    examples = encode_sentences("toy", TEXTS, tokenizer(masks=True), Objective.MASKED_LM)

    assert len(examples) == 3 + 1 + 5 + 5 + 3
    assert ((examples.targets != IGNORED) == (examples.input_ids == 4)).all()
    assert sentence_scores(examples, np.ones(len(examples))).tolist() == [-3, -1, -5, -5, -3]


def test_long_sentences_are_cut_and_counted():
    """The start token counts towards the longest input."""
    words = tokenizer(masks=False)
    examples = encode_sentences("toy", TEXTS, words, Objective.CAUSAL_LM, max_length=4)

    assert examples.input_ids.shape == (5, 4)
    assert examples.n_truncated == 2


def test_a_sentence_without_tokens_is_an_error():
    """A text that the tokenizer makes nothing of is named."""
    with pytest.raises(DataError, match="toy: example 2: the text has no token"):
        encode_sentences("toy", ["w1", " "], tokenizer(masks=False), Objective.CAUSAL_LM)


def test_a_tokenizer_without_a_mask_is_no_masked_models():
    """Pseudo-log-likelihoods need a mask token."""
    with pytest.raises(DataError, match="no mask token"):
        encode_sentences("toy", TEXTS, tokenizer(masks=False), Objective.MASKED_LM)
