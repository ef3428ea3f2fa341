"""Tokenizers made from a corpus, saved as the files that transformers loads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from wsgeo.training.word_pieces import word_pieces

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""Special tokens of encoders, in the order of their ids."""

DECODER_SPECIAL = ("[PAD]", "[UNK]", "[EOS]")
"""Special tokens of decoders, in the order of their ids."""

_NAMES = {
    "[PAD]": "pad_token", "[UNK]": "unk_token", "[CLS]": "cls_token", "[SEP]": "sep_token",
    "[MASK]": "mask_token", "[EOS]": "eos_token",
}  # fmt: skip


def write_tokenizer(texts: Iterable[str], folder: Path, *, max_length: int = 512) -> int:
    """Make a lower-case tokenizer whose tokens are whole words, as suits the few dozen of a grammar.

    Parameters
    ----------
    texts : iterable of str
        The corpus.
    folder : Path
        Where the files shall lie; made if it is not there.
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
    words = sorted({word for text in texts for word in text.lower().split()})
    if not words:
        raise ValueError("A tokenizer needs a corpus with words.")
    return _save(_of_pieces((*SPECIAL, *words), lower_case=True), folder, SPECIAL, max_length)


def train_tokenizer(
    texts: Iterable[str],
    folder: Path,
    *,
    n_tokens: int,
    kind: str = "wordpiece",
    lower_case: bool = True,
    decoder: bool = False,
    max_length: int = 512,
) -> int:
    """Train a tokenizer on texts and save it; the same texts give the same files.

    Parameters
    ----------
    texts : iterable of str
        The corpus.
    folder : Path
        Where the files shall lie; made if it is not there.
    n_tokens : int
        Largest size of the vocabulary, the special tokens included.
    kind : str, default "wordpiece"
        ``wordpiece`` (as in BERT), or ``bpe`` (on bytes, as in GPT-2).
    lower_case : bool, default True
        Whether case is dropped; WordPiece then drops accents too.
    decoder : bool, default False
        Whether it serves a decoder, which marks the end of a text, or an encoder, which frames a
        text and has a mask.
    max_length : int, default 512
        Longest input that the tokenizer announces.

    Returns
    -------
    int
        Number of tokens, the special ones included.

    Raises
    ------
    ValueError
        If the corpus has no words, the kind is unknown, or the vocabulary too small for what is
        always in it: letters, or the 256 bytes.
    """
    special = DECODER_SPECIAL if decoder else SPECIAL
    if kind == "wordpiece":
        pieces = word_pieces(_words(texts, lower_case), n_tokens - len(special))
        tokenizer = _of_pieces((*special, *pieces), lower_case=lower_case)
    elif kind == "bpe":
        tokenizer = _byte_pairs(texts, n_tokens, special, lower_case)
    else:
        raise ValueError(f"There is no kind of tokenizer {kind!r}.")
    return _save(tokenizer, folder, special, max_length)


def _words(texts: Iterable[str], lower_case: bool) -> Iterator[list[str]]:
    """Give the words of each text, as a WordPiece tokenizer sees them."""
    from tokenizers import normalizers, pre_tokenizers

    normalizer: Any = normalizers.BertNormalizer(lowercase=lower_case)
    splitter: Any = pre_tokenizers.BertPreTokenizer()
    for text in texts:
        yield [word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))]


def _of_pieces(tokens: Iterable[str], *, lower_case: bool) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = {token: i for i, token in enumerate(tokens)}
    tokenizer: Any = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower_case)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def _byte_pairs(
    texts: Iterable[str], n_tokens: int, special: tuple[str, ...], lower_case: bool
) -> Any:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    alphabet = pre_tokenizers.ByteLevel.alphabet()
    if n_tokens < len(alphabet) + len(special):
        raise ValueError(
            f"There are {len(alphabet)} bytes and {len(special)} special tokens; "
            f"{n_tokens} tokens are too few."
        )
    tokenizer: Any = Tokenizer(models.BPE())
    if lower_case:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=n_tokens,
        special_tokens=list(special),
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _save(tokenizer: Any, folder: Path, special: tuple[str, ...], max_length: int) -> int:
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    inputs = ["input_ids", "attention_mask"]
    if special == SPECIAL:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[(token, special.index(token)) for token in ("[CLS]", "[SEP]")],
        )
        inputs.insert(1, "token_type_ids")
    fast_tokenizer: Any = PreTrainedTokenizerFast
    fast = fast_tokenizer(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        model_input_names=inputs,
        **{_NAMES[token]: token for token in special},
    )
    folder.mkdir(parents=True, exist_ok=True)
    fast.save_pretrained(folder)
    return int(tokenizer.get_vocab_size())
