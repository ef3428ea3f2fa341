"""Pre-training series."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from series_cases import corpus_of, lines, series_of, write_texts

from wsgeo.errors import DataError, WsgeoError
from wsgeo.processes.pool import WorkerPool
from wsgeo.training import crews, series_members
from wsgeo.training.corpora import read_documents, text_hash
from wsgeo.training.corpus_folders import CorpusFolder, make_corpus
from wsgeo.training.crews import Made
from wsgeo.training.devices import autocast
from wsgeo.training.language import LanguageTask, Masking, head_scores, hidden_states
from wsgeo.training.language_models import initial_model
from wsgeo.training.packing import PackedText
from wsgeo.training.recipes import Optimization
from wsgeo.training.series_members import (
    SeriesOrder,
    described,
    diverged_series,
    make_all_series,
    make_series,
)
from wsgeo.training.states import StateKeeper

STEPS = ("step-000000", "step-000003", "step-000008")


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Give the folder of the texts."""
    return write_texts(tmp_path_factory.mktemp("texts"))


@pytest.fixture(scope="module")
def zoo(tmp_path_factory, texts):
    """Give a zoo with one finished series of two phases. Do not change it."""
    root = tmp_path_factory.mktemp("zoo")
    recipe = series_of(root, texts, causal_share=0.5, embeddings="cooccurrence")
    make_series(SeriesOrder(root / "seed0", recipe, root))
    return root


def weights(folder):
    """Return the bytes of the weights of each step."""
    return {p.parent.name: p.read_bytes() for p in sorted(folder.rglob("model.safetensors"))}


def task_of(recipe, split="train"):
    """Return an untrained model and its text."""
    import torch

    corpus = CorpusFolder(recipe.corpus)
    tokenizer = corpus.tokenizer()
    torch.manual_seed(0)
    model = initial_model(recipe, corpus, tokenizer).eval()
    return LanguageTask(model, tokenizer, corpus.text(split), recipe.max_length)


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


class TestInitialModel:
    """The model before the first update."""

    def test_word_vectors_have_the_size_of_the_initialiser(self, texts, tmp_path):
        """Embeddings of words are theirs; special tokens keep random ones."""
        recipe = series_of(tmp_path, texts, embeddings="cooccurrence")
        task = task_of(recipe)
        table = task.model.get_input_embeddings().weight.detach().numpy()
        vectors = CorpusFolder(recipe.corpus).vectors(16)
        known = np.abs(vectors).sum(axis=1) > 0

        gram = table[known] @ table[known].T
        assert np.sqrt(np.mean(table[known] ** 2)) == pytest.approx(recipe.initial_size, rel=1e-4)
        assert np.allclose(
            gram, vectors[known] @ vectors[known].T * recipe.initial_size**2, atol=1e-4
        )
        assert np.abs(table[task.tokenizer.mask_token_id]).sum() > 0

    def test_seeds_are_different_initialisations(self, texts, tmp_path):
        """Another seed gives other embeddings and other layers."""
        zero, one = (
            series_of(tmp_path, texts, embeddings="cooccurrence", seed=seed) for seed in (0, 1)
        )
        orders = [
            SeriesOrder(
                tmp_path / f"seed{r.seed}", dataclasses.replace(r, save_at=(0, 8)), tmp_path
            )
            for r in (zero, one)
        ]
        for order in orders:
            make_series(order)
        first, second = (weights(o.folder)["step-000000"] for o in orders)

        assert first != second


class TestMakeSeries:
    """Folders of a series."""

    def test_every_step_loads(self, zoo):
        """Each checkpoint is a model with its tokenizer."""
        from transformers import AutoModelForMaskedLM, AutoTokenizer

        for step in STEPS:
            folder = zoo / "seed0" / step
            model = AutoModelForMaskedLM.from_pretrained(folder)
            assert model.config.vocab_size == len(AutoTokenizer.from_pretrained(folder))

    def test_what_is_known_is_written_down(self, zoo):
        """Step, tokens, losses, settings, seeds and hashes stand in ``wsgeo.json``."""
        facts = [json.loads((zoo / "seed0" / s / "wsgeo.json").read_text()) for s in STEPS]

        assert [f["step"] for f in facts] == [0, 3, 8]
        assert [f["tokens"] for f in facts] == [0, 3 * 4 * 16, 8 * 4 * 16]
        assert [f["phase"] for f in facts] == ["causal_lm", "causal_lm", "masked_lm"]
        assert facts[0]["unigram_loss"] > 0
        assert facts[2]["validation_loss"] < facts[0]["validation_loss"]
        assert len(facts[0]["data_hash"]["validation"]) == 64
        log = json.loads((zoo / "seed0" / "training_log.json").read_text())["log"]
        assert [e["validation_loss"] for e in log] == [f["validation_loss"] for f in facts]

    @pytest.mark.slow
    def test_a_zoo_of_language_models_is_read(self, zoo):
        """Ingest takes every step; nothing else in the zoo is an entry."""
        from wsgeo.workflows.checking import check

        found = check(zoo, all_steps=True)

        assert sorted(m["id"] for m in found["members"]) == [f"seed0/{s}" for s in STEPS]
        assert not found["excluded"]

    def test_resumes_to_the_same_bits(self, zoo, texts, tmp_path, monkeypatch):
        """A run that is cut off in either phase ends in the weights of one that was not."""
        recipe = series_of(tmp_path, texts, causal_share=0.5, embeddings="cooccurrence")
        order = SeriesOrder(tmp_path / "seed0", recipe, tmp_path)
        monkeypatch.setattr(StateKeeper, "is_due", True)
        run = series_members.run_series
        for stop in (2, 5, 7):
            monkeypatch.setattr(series_members, "run_series", _cut(run, stop))
            with pytest.raises(KeyboardInterrupt):
                make_series(order)
        monkeypatch.setattr(series_members, "run_series", run)
        made = make_series(order)

        assert made.status == "trained"
        assert weights(order.folder) == weights(zoo / "seed0")
        assert not (tmp_path / ".unfinished").exists()

    def test_masks_of_a_step_do_not_depend_on_the_steps_before(self, texts, tmp_path, monkeypatch):
        """A run that goes on draws the masks that it would have drawn."""
        drawn = {}
        hide = Masking.hide

        def noting(self, ids, tokenizer):
            seen, asked = hide(self, ids, tokenizer)
            drawn.setdefault(self.kept > 0, []).append(seen.numpy().tobytes())
            return seen, asked

        monkeypatch.setattr(Masking, "hide", noting)
        whole, cut = (
            SeriesOrder(tmp_path / n, series_of(tmp_path, texts), tmp_path) for n in ("a", "b")
        )
        make_series(whole)
        expected = drawn.pop(True)
        monkeypatch.setattr(StateKeeper, "is_due", True)
        run = series_members.run_series
        monkeypatch.setattr(series_members, "run_series", _cut(run, 5))
        with pytest.raises(KeyboardInterrupt):
            make_series(cut)
        monkeypatch.setattr(series_members, "run_series", run)
        drawn.clear()
        make_series(cut)

        assert drawn[True] == expected[5:]

    def test_a_finished_series_is_kept(self, zoo, texts, monkeypatch):
        """The second call trains nothing."""
        monkeypatch.setattr(series_members, "run_series", None)
        recipe = series_of(zoo, texts, causal_share=0.5, embeddings="cooccurrence")

        assert make_series(SeriesOrder(zoo / "seed0", recipe, zoo)).status == "kept"

    @pytest.mark.parametrize(
        ("share", "phases"),
        [(0.0, ["masked_lm"] * 3), (0.5, ["causal_lm", "causal_lm", "masked_lm"])],
    )
    def test_a_phase_is_that_of_the_updates_so_far(self, texts, tmp_path, share, phases):
        """The initialisation belongs to the first phase; a purely masked series has one."""
        order = SeriesOrder(
            tmp_path / "s", series_of(tmp_path, texts, causal_share=share), tmp_path
        )

        assert [described(order, step)["phase"] for step in order.folders] == phases

    def test_another_recipe_is_not_passed_off(self, zoo, texts):
        """A folder with other settings is refused by the setting's name."""
        recipe = series_of(zoo, texts, causal_share=0.25, embeddings="cooccurrence")

        with pytest.raises(WsgeoError, match="causal"):
            make_series(SeriesOrder(zoo / "seed0", recipe, zoo))

    def test_a_diverged_run_is_an_outcome(self, texts, tmp_path):
        """A loss that is not finite is told."""
        wild = Optimization(1e38, 8, 4, warmup=0.0)
        recipe = series_of(tmp_path, texts, optimization=wild)

        order = SeriesOrder(tmp_path / "seed0", recipe, tmp_path)
        made = make_series(order)

        assert made.status == "nonfinite"
        assert "step" in made.reason
        assert diverged_series(order) == made.reason

    def test_a_diverged_run_is_not_repeated(self, texts, tmp_path, monkeypatch):
        """The second call tells what the first one found, and trains nothing."""
        wild = Optimization(1e38, 8, 4, warmup=0.0)
        recipe = series_of(tmp_path, texts, optimization=wild)
        order = SeriesOrder(tmp_path / "seed0", recipe, tmp_path)
        made = make_series(order)
        monkeypatch.setattr(series_members, "run_series", None)

        assert make_series(order) == made

    def test_watches_series_in_work(self, texts, tmp_path, monkeypatch):
        """Step and loss of each series are told, and how many are made."""
        monkeypatch.setattr(crews, "_SECOND", 0.0)
        order = SeriesOrder(tmp_path / "seed0", series_of(tmp_path, texts), tmp_path)
        seen = []
        with WorkerPool(0) as pool:
            make_all_series([order], pool, watch=seen.append)

        assert [one.running[0].step for one in seen[1:-1]] == list(range(1, 9))
        assert str(seen[-1]) == "1 of 1 series"

    @pytest.mark.slow
    def test_workers_make_what_this_process_makes(self, zoo, texts):
        """A series does not depend on the process that trains it."""
        recipe = series_of(zoo, texts, causal_share=0.5, embeddings="cooccurrence")
        root = zoo.parent / "workers"
        orders = [
            SeriesOrder(root / f"seed{s}", dataclasses.replace(recipe, seed=s), root)
            for s in (0, 1)
        ]
        with WorkerPool(1) as pool:
            made = make_all_series(orders, pool)

        assert [m.status for m in made] == ["trained", "trained"]
        assert all(isinstance(m, Made) and m.validation_loss for m in made)
        assert weights(root / "seed0") == weights(zoo / "seed0")

    @pytest.mark.parametrize("architecture", ["gpt2", "llama"])
    def test_decoders_learn_the_next_token(self, texts, tmp_path, architecture):
        """A decoder is trained, kept and loaded as one."""
        from transformers import AutoModelForCausalLM

        recipe = series_of(tmp_path, texts, decoder=True, architecture=architecture)
        order = SeriesOrder(tmp_path / "seed0", recipe, tmp_path)
        made = make_series(order)
        model = AutoModelForCausalLM.from_pretrained(order.folder_at(8))

        assert made.status == "trained"
        assert model.config.model_type == architecture


def _cut(run, stop):
    """Return a run that is interrupted after an update, the state of which is kept."""

    def cut(recipe, save, *, keeper, tell):
        def stopping(step, loss):
            if step == stop + 1:
                raise KeyboardInterrupt
            tell(step, loss)

        return run(recipe, save, keeper=keeper, tell=stopping)

    return cut
