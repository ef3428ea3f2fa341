"""A corpus of a few words, and series that learn from it."""

from __future__ import annotations

import gzip

import numpy as np

from wsgeo.training.corpus_folders import Corpus, CorpusFolder, make_corpus
from wsgeo.training.language import LanguageTask
from wsgeo.training.language_models import initial_model
from wsgeo.training.recipes import Optimization
from wsgeo.training.series import SeriesRecipe

TOPICS = (("otter", "heron", "sleeps", "river"), ("lynx", "forest", "hunts", "snow"))


def lines(n, seed):
    """Return documents of one topic each."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(TOPICS[i % 2], 3 + i % 5)) for i in range(n)]


def write_texts(folder):
    """Write a plain and a packed training text that are the same, and a validation text."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines(120, 0)) + "\n"
    (folder / "plain.txt").write_text(text)
    with gzip.open(folder / "packed.txt.gz", "wt") as file:
        file.write("\n\n" + text)
    (folder / "valid.txt").write_text("\n".join(lines(30, 1)))
    return folder


def corpus_of(folder, **changes):
    """Return the corpus of those texts."""
    settings = {
        "texts": (folder / "plain.txt",),
        "validation": folder / "valid.txt",
        "tokenizer": "wordpiece",
        "n_tokens": 60,
        "lower_case": True,
        "decoder": False,
        "max_length": 16,
    }
    return Corpus(**{**settings, **changes})


def series_of(zoo, folder, decoder=False, **changes):
    """Return a series of eight steps."""
    corpus = make_corpus(corpus_of(folder, decoder=decoder), zoo)
    settings = {
        "optimization": Optimization(1e-2, 8, 4, beta2=0.98),
        "save_at": (0, 3, 8),
        "width": 16, "layers": 1, "heads": 2, "max_length": 16, "n_validation": 4,
        "device": "cpu",
    }  # fmt: skip
    return SeriesRecipe(corpus.path, **{**settings, **changes})


def task_of(recipe, split="train"):
    """Return an untrained model and its text."""
    import torch

    corpus = CorpusFolder(recipe.corpus)
    tokenizer = corpus.tokenizer()
    torch.manual_seed(0)
    model = initial_model(recipe, corpus, tokenizer).eval()
    return LanguageTask(model, tokenizer, corpus.text(split), recipe.max_length)
