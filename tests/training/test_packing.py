"""Packed texts."""

from __future__ import annotations

import numpy as np
import pytest

from wsgeo.errors import DataError
from wsgeo.training import packing
from wsgeo.training.models import tokenizer_of
from wsgeo.training.packing import PackedText, pack, read_packed, write_packed
from wsgeo.training.tokenizers import train_tokenizer

TEXTS = ["otters sing", "a heron waits and waits", "lynx"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """Give a tokenizer of few tokens."""
    folder = tmp_path_factory.mktemp("pieces")
    train_tokenizer(TEXTS, folder, n_tokens=60)
    return tokenizer_of(folder)


class TestPack:
    """Documents to one running text."""

    def test_loses_no_token(self, tokenizer):
        """Each document's tokens stand in order, a separator behind them."""
        expected = []
        for text in TEXTS:
            expected += [*tokenizer(text, add_special_tokens=False)["input_ids"]]
            expected += [tokenizer.sep_token_id]

        assert pack(TEXTS, tokenizer).ids.tolist() == expected

    @pytest.mark.parametrize("at_once", [1, 2, 3, 4])
    def test_loses_no_text_between_portions(self, tokenizer, monkeypatch, at_once):
        """However many documents are tokenised together, the running text is the same."""
        expected = pack(TEXTS * 3, tokenizer).ids
        monkeypatch.setattr(packing, "_AT_ONCE", at_once)

        assert np.array_equal(pack(iter(TEXTS * 3), tokenizer).ids, expected)

    def test_takes_two_bytes_for_a_small_vocabulary(self, tokenizer):
        """Ids below 65536 are kept in 16 bits."""
        assert pack(TEXTS, tokenizer).ids.dtype == np.uint16

    def test_refuses_texts_without_tokens(self, tokenizer):
        """Separators alone are no text."""
        with pytest.raises(DataError, match="no tokens"):
            pack([" ", ""], tokenizer)

    def test_comes_back_from_its_file(self, tokenizer, tmp_path):
        """Writing and reading change nothing."""
        text = pack(TEXTS, tokenizer)
        write_packed(tmp_path / "text.safetensors", text)

        assert np.array_equal(read_packed(tmp_path / "text.safetensors").ids, text.ids)

    def test_a_damaged_file_is_refused(self, tmp_path):
        """What is no packed text is told."""
        (tmp_path / "text.safetensors").write_bytes(b"nothing")

        with pytest.raises(DataError, match="cannot be read"):
            read_packed(tmp_path / "text.safetensors")


class TestBlocks:
    """Blocks of running text."""

    @pytest.mark.parametrize("first", [None, 1])
    @pytest.mark.parametrize("n", [1, 7, 12, 13, 24])
    def test_hold_every_token_once_and_then_the_start_again(self, n, first):
        """The blocks in order are the text; only the last one is filled up."""
        text = PackedText(np.arange(2, n + 2, dtype=np.uint16))
        n_blocks = text.n_blocks(4, first=first)
        blocks = text.blocks(np.arange(n_blocks), 4, first=first)
        running = (blocks if first is None else blocks[:, 1:]).ravel()

        assert blocks.shape == (n_blocks, 4)
        assert running[:n].tolist() == text.ids.tolist()
        assert running.tolist() == np.resize(text.ids, running.size).tolist()
        assert running.size - n < running.size // n_blocks
        assert first is None or (blocks[:, 0] == first).all()
