"""The corpus of a series, and what its models are trained for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from series_cases import corpus_of, lines, series_of, task_of

from wsgeo.errors import DataError, WsgeoError
from wsgeo.training.corpora import read_documents, text_hash
from wsgeo.training.corpus_folders import CorpusFolder, make_corpus
from wsgeo.training.devices import autocast
from wsgeo.training.language import Masking, head_scores, hidden_states
from wsgeo.training.packing import PackedText


class TestCorpus:
    """Texts become tokens."""

    def test_plain_and_gzip_agree(self, texts):
        """A packed text is the text."""
        plain, packed = (read_documents(texts / n) for n in ("plain.txt", "packed.txt.gz"))

        assert plain == packed == lines(120, 0)
        assert text_hash(plain) == text_hash(packed)

    def test_is_made_once(self, texts, tmp_path):
        """The second call changes nothing."""
        one = make_corpus(corpus_of(texts), tmp_path)
        before = {p: p.stat().st_mtime_ns for p in one.path.rglob("*")}

        assert make_corpus(corpus_of(texts), tmp_path) == one
        assert {p: p.stat().st_mtime_ns for p in one.path.rglob("*")} == before

    def test_another_setting_is_another_folder(self, texts, tmp_path):
        """What would make other tokens never takes the place of these."""
        paths = {
            make_corpus(corpus_of(texts, **change), tmp_path).path
            for change in ({}, {"n_tokens": 40}, {"tokenizer": "bpe", "n_tokens": 300})
        }

        assert len(paths) == 3

    def test_a_tokenizer_folder_is_taken_as_it_is(self, texts, tmp_path):
        """A given tokenizer is copied, not trained."""
        given = make_corpus(corpus_of(texts), tmp_path).path / "tokenizer"
        own = make_corpus(corpus_of(texts, tokenizer=str(given)), tmp_path)

        assert own.tokenizer().get_vocab() == CorpusFolder(given.parent).tokenizer().get_vocab()

    @pytest.mark.parametrize(("kind", "n_tokens"), [("wordpiece", 10), ("bpe", 60)])
    def test_too_few_tokens_are_refused(self, texts, tmp_path, kind, n_tokens):
        """A vocabulary holds every letter, or every byte."""
        with pytest.raises(DataError, match="too few"):
            make_corpus(corpus_of(texts, tokenizer=kind, n_tokens=n_tokens), tmp_path)

    def test_a_folder_without_a_tokenizer_is_one_line(self, texts, tmp_path):
        """The file that is missing is named."""
        with pytest.raises(WsgeoError, match=r"has no tokenizer\.json .*AutoTokenizer"):
            make_corpus(corpus_of(texts, tokenizer=str(texts)), tmp_path)


class TestObjectives:
    """Masked tokens, and the next one."""

    @pytest.mark.parametrize("masking", [Masking(), Masking(0.4, 0.0, 0.3), Masking(0.3, 0.5, 0.0)])
    def test_masks_have_their_shares(self, texts, tmp_path, masking):
        """By default 15 % are asked; of these 80 % are masked, 10 % swapped, 10 % kept."""
        import torch

        tokenizer = task_of(series_of(tmp_path, texts)).tokenizer
        ids = torch.full((2000, 100), 7)
        ids[:, 0] = tokenizer.cls_token_id
        torch.manual_seed(0)
        seen, asked = masking.hide(ids, tokenizer)
        masked = (seen == tokenizer.mask_token_id)[asked].double().mean()
        kept = (seen == ids)[asked].double().mean()
        # A random token is the mask, or the token itself, once in a vocabulary.
        chance = masking.swapped / len(tokenizer)

        assert not asked[:, 0].any()
        assert torch.equal(seen[~asked], ids[~asked])
        # Four standard errors of some thirty thousand tokens.
        assert float(asked[:, 1:].double().mean()) == pytest.approx(masking.share, abs=0.005)
        expected = 1 - masking.kept - masking.swapped + chance
        assert float(masked) == pytest.approx(expected, abs=0.012)
        assert float(kept) == pytest.approx(masking.kept + chance, abs=0.012)

    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    @pytest.mark.parametrize("implementation", ["eager", "sdpa"])
    @pytest.mark.parametrize("architecture", ["bert", "gpt2", "llama"])
    def test_nothing_looks_ahead_under_a_causal_mask(
        self, texts, tmp_path, architecture, implementation, precision
    ):
        """Later tokens change no earlier score, and do change later ones."""
        decoder = architecture != "bert"
        task = task_of(series_of(tmp_path, texts, decoder=decoder, architecture=architecture))
        task.model.set_attn_implementation(implementation)
        ids = task.block_ids([0])
        other = ids.clone()
        other[:, 8:] = 7
        with autocast(precision, task.model.device):
            one, two = (
                head_scores(task.model, hidden_states(task.model, some, causal=True))
                .float()
                .detach()
                .numpy()
                for some in (ids, other)
            )

        assert np.isfinite(one).all()
        assert np.allclose(one[:, :8], two[:, :8], rtol=0, atol=1e-6)
        assert not np.allclose(one[:, 8:], two[:, 8:], atol=1e-3)

    @pytest.mark.parametrize("architecture", ["gpt2", "llama"])
    def test_a_decoders_loss_is_the_one_of_transformers(self, texts, tmp_path, architecture):
        """The loss of the next token agrees with the model's own."""
        recipe = series_of(tmp_path, texts, decoder=True, architecture=architecture)
        task = task_of(recipe)
        ids = task.block_ids([0, 1])
        expected = task.model(input_ids=ids, labels=ids).loss

        assert task.causal_loss([0, 1]).item() == pytest.approx(expected.item(), rel=1e-5)

    def test_an_encoders_head_agrees_with_the_whole_model(self, texts, tmp_path):
        """Scores of some tokens are those that the model gives for all."""
        task = task_of(series_of(tmp_path, texts))
        ids = task.block_ids([0])
        scores = head_scores(task.model, hidden_states(task.model, ids)[:, 3])

        assert np.allclose(
            scores.detach(), task.model(input_ids=ids).logits[:, 3].detach(), atol=1e-5
        )

    @pytest.mark.parametrize("causal", [False, True])
    def test_validation_is_the_same_each_time(self, texts, tmp_path, causal):
        """Masks are fixed, whatever the state of the generator, which is left alone."""
        import torch

        task = task_of(series_of(tmp_path, texts), "validation")
        first = task.validate(4, causal=causal)
        torch.manual_seed(99)
        expected = torch.rand(1)
        torch.manual_seed(99)

        assert task.validate(4, causal=causal) == first
        assert torch.equal(torch.rand(1), expected)

    def test_the_unigram_loss_is_an_entropy(self, texts, tmp_path):
        """With the frequencies of its own text it is the entropy of the scored tokens."""
        task = task_of(series_of(tmp_path, texts))
        uniform = dataclasses.replace(task, text=PackedText(np.tile([6, 7], 60)))
        frequencies = np.zeros(8)
        frequencies[[6, 7]] = 1e9

        assert uniform.unigram_loss(4, frequencies, causal=False) == pytest.approx(np.log(2))

    @pytest.mark.parametrize("n_special", [1, 3])
    def test_special_tokens_do_not_raise_the_unigram_loss(self, texts, tmp_path, n_special):
        """They are never asked for: the loss is that of the words alone, not of all frequencies."""
        task = task_of(series_of(tmp_path, texts))
        ids = [6, 7, 7, *[task.tokenizer.sep_token_id] * n_special]
        abounding = dataclasses.replace(task, text=PackedText(np.tile(ids, 400)))
        counts = 1e6 * np.bincount(ids, minlength=len(task.tokenizer))
        loss = abounding.unigram_loss(64, counts, causal=False)
        asked = np.concatenate(
            [ids[asked].numpy() for ids, _, asked in abounding._scored(64, causal=False)]
        )
        of_all = -np.log(counts[asked] / counts.sum()).mean()

        assert loss == pytest.approx(of_all - np.log((3 + n_special) / 3), abs=1e-4)
        assert loss < of_all
