"""A grammar of six words, and the base and data that it gives."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from wsgeo.training import (
    FineTuneRecipe,
    Optimization,
    Order,
    PretrainRecipe,
    make_member,
    write_tokenizer,
)

WORDS = ("otter", "heron", "lynx", "sleeps", "sings", "waits")
LABELS = ("same", "other")


def rows(n, seed):
    """Return pairs that are the same text or not."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        a = " ".join(rng.choice(WORDS, 1 + i % 4))
        b = a if i % 2 else " ".join(rng.choice(WORDS, 3))
        out.append((a, b, LABELS[0] if a == b else LABELS[1]))
    return pl.DataFrame(out, schema=["text_a", "text_b", "label"], orient="row")


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    """Give data, a tokenizer and a base, made once. Do not change them."""
    root = tmp_path_factory.mktemp("training")
    rows(96, 0).write_parquet(root / "train.parquet")
    rows(40, 1).write_parquet(root / "validation.parquet")
    for name, seed in (("easy-train", 3), ("easy-validation", 4)):
        easy = pl.when(pl.col("text_a").str.contains("otter")).then(pl.lit("same"))
        rows(96, seed).with_columns(label=easy.otherwise(pl.lit("other"))).write_parquet(
            root / f"{name}.parquet"
        )
    together = {"same": "together", "other": "apart"}
    rows(96, 2).with_columns(pl.col("label").replace(together)).write_parquet(root / "text.parquet")
    write_tokenizer([" ".join(WORDS)], root / "tokenizer", max_length=16)
    recipe = PretrainRecipe(
        root / "text.parquet", root / "tokenizer", Optimization(1e-3, 4, 16), width=16, n_heads=2,
        max_length=16, pair_weight=1.0,
    )  # fmt: skip
    make_member(Order(root / "base", recipe, root))
    return SimpleNamespace(root=root, pretraining=recipe)


@pytest.fixture
def recipe(workshop):
    """Give a recipe of four steps."""
    root = workshop.root
    return FineTuneRecipe(
        root / "base", root / "train.parquet", root / "validation.parquet", LABELS,
        Optimization(1e-2, 4, 16), facts={"share": 0.25},
    )  # fmt: skip


@pytest.fixture
def able(workshop):
    """Give a recipe of ninety steps that learns its task: whether the first text names an otter."""
    root = workshop.root
    return FineTuneRecipe(
        root / "base", root / "easy-train.parquet", root / "easy-validation.parquet", LABELS,
        Optimization(3e-3, 90, 16), facts={"share": 0.25},
    )  # fmt: skip


@pytest.fixture
def places(tmp_path):
    """Give a folder with a training set, a second one, a validation set and a mixture."""
    from dataset_cases import nli

    from wsgeo.training.recipe_files import Places

    for name, n in (("train", 60), ("more", 30), ("validation", 12), ("mixture", 30)):
        nli(n, name).write_parquet(tmp_path / f"{name}.parquet")
    return Places(tmp_path / "recipe.toml")


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Give the folder of the texts of a series."""
    from series_cases import write_texts

    return write_texts(tmp_path_factory.mktemp("texts"))
