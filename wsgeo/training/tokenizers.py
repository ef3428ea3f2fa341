"""Tokenizers made from a corpus, saved as the files that transformers loads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""Special tokens, in the order of their ids."""


def write_tokenizer(
    texts: Iterable[str], folder: Path, *, n_tokens: int | None = None, max_length: int = 512
) -> int:
    """Make a lower-case tokenizer from texts and save it in the form of BERT's.

    Parameters
    ----------
    texts : iterable of str
        The corpus.
    folder : Path
        Where the files shall lie; made if it is not there.
    n_tokens : int, optional
        Size of a WordPiece vocabulary. Default: every word of the corpus is a token, which suits
        the few dozen words of a grammar.
    max_length : int, default 512
        Longest input that the tokenizer announces.

    Returns
    -------
    int
        Number of tokens, the special ones included.

    Raises
    ------
    ValueError
        If the corpus has no words.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    corpus = [text.lower() for text in texts]
    words = sorted({word for text in corpus for word in text.split()})
    if not words:
        raise ValueError("A tokenizer needs a corpus with words.")
    if n_tokens is None:
        vocabulary = {token: i for i, token in enumerate((*SPECIAL, *words))}
    else:
        vocabulary = _word_pieces(corpus, n_tokens)
    tokenizer = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")],
    )
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    fast_tokenizer: Any = PreTrainedTokenizerFast
    fast = fast_tokenizer(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **dict(zip(names, SPECIAL, strict=True)),
    )
    folder.mkdir(parents=True, exist_ok=True)
    fast.save_pretrained(folder)
    return len(vocabulary)


def _word_pieces(corpus: list[str], n_tokens: int) -> dict[str, int]:
    from tokenizers import BertWordPieceTokenizer

    trainer = BertWordPieceTokenizer(lowercase=True)
    trainer.train_from_iterator(
        corpus, vocab_size=n_tokens, special_tokens=list(SPECIAL), show_progress=False
    )
    vocabulary: dict[str, int] = trainer.get_vocab()
    return vocabulary
