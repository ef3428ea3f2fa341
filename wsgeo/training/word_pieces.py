"""WordPiece vocabularies that are the same in every process.

The trainer of the tokenizers library numbers the pieces inside words in the order of a hash map that
is seeded anew in each process, and breaks ties between equally frequent merges by these numbers: two
runs on one text give other ids, and other tokens too. Its plain byte-pair trainer numbers letters by
code point. So letters inside words are given code points of their own, pairs are merged by the plain
trainer, and the letters are given back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

_PREFIX = "##"
_PRIVATE = 0xF0000  # first code point of a plane that no text has a use for
_MAX_LETTERS = 1000
_MIN_COUNT = 2  # occurrences of a pair that is merged


def word_pieces(texts: Iterable[Iterable[str]], n_pieces: int) -> list[str]:
    """Learn a WordPiece vocabulary.

    Words with a letter that is not among the 1000 most frequent are left out.

    Parameters
    ----------
    texts : iterable of iterable of str
        Words of each text.
    n_pieces : int
        Largest number of pieces; letters are always among them.

    Returns
    -------
    list of str
        Letters by code point, then merges from the most frequent; pieces inside words begin with
        ``##``.

    Raises
    ------
    ValueError
        If there are no words, or fewer pieces are asked for than there are letters.

    Examples
    --------
    >>> word_pieces([["abc", "abd", "ab"]], 6)
    ['a', '##b', '##c', '##d', 'ab']
    """
    counts = Counter(word for words in texts for word in words)
    if not counts:
        raise ValueError("A tokenizer needs a corpus with words.")
    inside = {letter: chr(_PRIVATE + i) for i, letter in enumerate(_letters(counts))}
    marked = {
        word[0] + "".join(inside[letter] for letter in word[1:]): n
        for word, n in sorted(counts.items())
        if inside.keys() >= set(word)
    }
    n_letters = len(set().union(*marked))
    if n_pieces < n_letters:
        raise ValueError(f"The text has {n_letters} letters; {n_pieces} pieces are too few.")
    letter_of = {mark: letter for letter, mark in inside.items()}
    return [_piece(token, letter_of) for token in _merged(marked, n_pieces, n_letters)]


def _letters(counts: Mapping[str, int]) -> list[str]:
    """Return the most frequent letters by code point."""
    letters: Counter[str] = Counter()
    for word, n in counts.items():
        for letter in word:
            letters[letter] += n
    known = [letter for letter in letters if ord(letter) < _PRIVATE]
    return sorted(sorted(known, key=lambda x: (-letters[x], x))[:_MAX_LETTERS])


def _merged(words: Mapping[str, int], n_tokens: int, n_letters: int) -> list[str]:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer: Any = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=n_tokens,
        min_frequency=_MIN_COUNT,
        limit_alphabet=n_letters,
        show_progress=False,
    )
    tokenizer.train_from_iterator((f"{word} " * n for word, n in words.items()), trainer)
    ids = tokenizer.get_vocab()
    return sorted(ids, key=lambda token: int(ids[token]))


def _piece(token: str, letter_of: Mapping[str, str]) -> str:
    prefix = _PREFIX if token[0] in letter_of else ""
    return prefix + "".join(letter_of.get(letter, letter) for letter in token)
