"""Tokenizers that are trained."""

from __future__ import annotations

import pytest

from wsgeo.training.models import tokenizer_of
from wsgeo.training.tokenizers import DECODER_SPECIAL, SPECIAL, train_tokenizer

TEXTS = ["Otters sing, and herons wait.", "The lynx sings and waits; otters sleep."] * 4


def files(folder):
    """Return the content of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("kind", ["wordpiece", "bpe"])
class TestTrainTokenizer:
    """Both kinds."""

    def test_is_the_same_each_time(self, kind, tmp_path):
        """The same texts give the same files."""
        for name in ("one", "two"):
            train_tokenizer(TEXTS, tmp_path / name, n_tokens=300, kind=kind)

        assert files(tmp_path / "one") == files(tmp_path / "two")

    @pytest.mark.parametrize("decoder", [False, True])
    def test_has_the_special_tokens_of_its_use(self, kind, decoder, tmp_path):
        """Special tokens come first; an encoder's frame a text, a decoder's do not."""
        special = DECODER_SPECIAL if decoder else SPECIAL
        train_tokenizer(TEXTS, tmp_path / "t", n_tokens=300, kind=kind, decoder=decoder)
        tokenizer = tokenizer_of(tmp_path / "t")
        ids = tokenizer("Otters sing")["input_ids"]

        assert tokenizer.convert_ids_to_tokens(range(len(special))) == list(special)
        assert (ids[0] == tokenizer.cls_token_id) is not decoder
        assert (tokenizer.eos_token is not None) is decoder

    @pytest.mark.parametrize("lower_case", [False, True])
    def test_drops_case_on_request(self, kind, lower_case, tmp_path):
        """Upper case is the same as lower case, or not."""
        train_tokenizer(TEXTS, tmp_path / "t", n_tokens=300, kind=kind, lower_case=lower_case)
        tokenizer = tokenizer_of(tmp_path / "t")

        upper, lower = (tokenizer(text)["input_ids"] for text in ("The otters", "the otters"))

        assert (upper == lower) is lower_case


def test_an_unknown_kind_is_refused(tmp_path):
    """Kinds are wordpiece and bpe."""
    with pytest.raises(ValueError, match="no kind"):
        train_tokenizer(TEXTS, tmp_path, n_tokens=300, kind="letters")
