"""WordPiece vocabularies."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from wsgeo.training.word_pieces import word_pieces

LINE = "the otter saw the other otters there and then they sang together in the weather"
TEXT = LINE.split(" ")


def reference(words, n_pieces):
    """Merge the most frequent pair, counted anew each time; of equals that of the lowest ids."""
    counts = Counter(words)
    spelt = {word: [word[0], *(f"##{letter}" for letter in word[1:])] for word in counts}
    letters = {piece for pieces in spelt.values() for piece in pieces}
    vocabulary = sorted(letters, key=lambda piece: (piece.startswith("##"), piece))
    while len(vocabulary) < n_pieces:
        pairs = Counter()
        for word, pieces in spelt.items():
            for pair in pairwise(pieces):
                pairs[pair] += counts[word]
        if not pairs or max(pairs.values()) < 2:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], *map(vocabulary.index, pair)))
        merged = best[0] + best[1].removeprefix("##")
        if merged not in vocabulary:
            vocabulary.append(merged)
        spelt = {word: merge(pieces, best, merged) for word, pieces in spelt.items()}
    return vocabulary


def merge(pieces, pair, merged):
    """Put a merged piece in the places of a pair, from the left."""
    found = []
    for piece in pieces:
        if found and (found[-1], piece) == pair:
            found[-1] = merged
        else:
            found.append(piece)
    return found


class TestWordPieces:
    """The vocabulary."""

    @pytest.mark.parametrize("seed", range(40))
    def test_agrees_with_the_reference(self, seed):
        """On random corpora, full of ties, pieces and their order are those of plain counting."""
        rng = np.random.default_rng(seed)
        letters = list("zaéxk"[: rng.integers(2, 6)])
        words = ["".join(rng.choice(letters, rng.integers(1, 8))) for _ in range(60)]
        n_pieces = int(rng.integers(12, 60))

        assert word_pieces([words], n_pieces) == reference(words, n_pieces)

    @pytest.mark.slow
    def test_is_the_same_in_every_process(self):
        """Hash seeds of a process decide nothing."""
        code = (
            f"from wsgeo.training.word_pieces import word_pieces; print(word_pieces([{TEXT}], 60))"
        )
        runs = {
            subprocess.run(
                [sys.executable, "-W", "ignore", "-c", code], capture_output=True, check=True
            ).stdout
            for _ in range(3)
        }

        assert len(runs) == 1

    def test_is_the_same_whatever_the_order_of_the_texts(self):
        """Only counts matter."""
        assert word_pieces([TEXT], 60) == word_pieces([[word] for word in reversed(TEXT)], 60)

    def test_spells_every_word(self):
        """Each word of the corpus is a first piece and pieces inside words."""
        pieces = set(word_pieces([TEXT], 60))
        for word in TEXT:
            assert word[0] in pieces
            assert all(f"##{letter}" in pieces for letter in word[1:])

    def test_frequent_words_become_one_piece(self):
        """Merges are those of the most frequent pairs."""
        assert "the" in word_pieces([TEXT * 5], 60)

    def test_holds_its_size(self):
        """The number of pieces is never above the number asked for."""
        assert len(word_pieces([TEXT * 5], 42)) == 42

    def test_a_letter_of_a_private_plane_is_left_out(self):
        """Text cannot be mistaken for the marks of letters inside words."""
        strange = "b" + chr(0xF0000)

        assert word_pieces([["ab", strange]], 9) == ["a", "##b"]

    @pytest.mark.parametrize(("words", "n"), [([], 10), (TEXT, 5)])
    def test_refuses_what_cannot_be_had(self, words, n):
        """No words, or fewer pieces than letters."""
        with pytest.raises(ValueError, match=r"needs a corpus|too few"):
            word_pieces([words], n)
