"""Pre-training series."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from series_cases import series_of, task_of

from wsgeo.errors import WsgeoError
from wsgeo.processes.pool import WorkerPool
from wsgeo.training import crews, series_members
from wsgeo.training.corpus_folders import CorpusFolder
from wsgeo.training.crews import Made
from wsgeo.training.language import Masking
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
def zoo(tmp_path_factory, texts):
    """Give a zoo with one finished series of two phases. Do not change it."""
    root = tmp_path_factory.mktemp("zoo")
    recipe = series_of(root, texts, causal_share=0.5, embeddings="cooccurrence")
    make_series(SeriesOrder(root / "seed0", recipe, root))
    return root


def weights(folder):
    """Return the bytes of the weights of each step."""
    return {p.parent.name: p.read_bytes() for p in sorted(folder.rglob("model.safetensors"))}


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
