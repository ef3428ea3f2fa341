"""The texts of the demo."""

from __future__ import annotations

import polars as pl
import pytest

from wsgeo.probing.sets import load_set
from wsgeo.workflows.demo_texts import COUNTER_SHARES, SET, train_file, write_texts

PAIR = ["text_a", "text_b"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Give the demo's files, made once. Do not change them."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    write_texts(folder, 0)
    return folder


class TestWriteTexts:
    """The files."""

    @pytest.mark.parametrize("share", COUNTER_SHARES)
    def test_the_share_of_counter_examples_is_as_declared(self, data, share):
        """The two training files differ in this share."""
        subcase = pl.read_parquet(train_file(data, share))["subcase"]

        assert (subcase == "counter_example").mean() == pytest.approx(share, abs=0.02)

    def test_in_the_domain_words_tell_the_label(self, data):
        """On the validation data a hypothesis is entailed exactly if its words are in the premise."""
        table = pl.read_parquet(data / "validation.parquet")
        inside = [set(b.split()) - {"was", "by"} <= set(a.split()) for a, b in table[PAIR].rows()]
        entailed = (table["label"] == "entailment").to_list()

        assert inside == entailed

    def test_counter_examples_hold_no_foreign_word(self):
        """Every counter-example of the set has all words of its hypothesis in its premise."""
        table = load_set(SET).examples.filter(pl.col("subcase") == "counter_example")

        assert set(table["label"]) == {"non-entailment"}
        assert all(set(b.split()) - {"was", "by"} <= set(a.split()) for a, b in table[PAIR].rows())

    def test_training_files_hold_nothing_that_is_asked_later(self, data):
        """No pair of the validation data or the diagnostic set is trained on."""
        asked = pl.concat(
            [pl.read_parquet(data / "validation.parquet"), load_set(SET).examples], how="diagonal"
        )
        for share in COUNTER_SHARES:
            train = pl.read_parquet(train_file(data, share))
            assert train.join(asked, on=PAIR, how="semi").height == 0

    def test_the_same_seed_gives_the_same_files(self, data, tmp_path):
        """Texts are the seed's; another seed gives others."""
        for seed in (0, 1):
            write_texts(tmp_path / str(seed), seed)
        first, same, other = (
            pl.read_parquet(folder / "validation.parquet")
            for folder in (data, tmp_path / "0", tmp_path / "1")
        )

        assert first.equals(same)
        assert not first.equals(other)

    def test_the_tokenizer_knows_every_word(self, data):
        """No word of the demo or the diagnostic set is unknown."""
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(data / "tokenizer")
        texts = load_set(SET).examples["text_a"].to_list()

        assert tokenizer.unk_token_id not in {
            i for ids in tokenizer(texts)["input_ids"] for i in ids
        }
