"""Recipes of a few updates, with their data and a base."""

from __future__ import annotations

import json

import numpy as np
from series_cases import write_texts
from trained_zoo import LABELS, sentences
from zoo_cases import make_base

FINE_TUNING, PRETRAINING = "fine_tuning.toml", "pretraining.toml"

SEEDS = """\
title = "Two seeds"
base = "models/base"

[task]
name = "film"
train = "film/train.jsonl"
validation = "film/validation.jsonl"

[training]
learning_rate = 1e-2
steps = 4
batch_size = 8
save_at = [2]

[grid]
seed = [0, 1]
"""

SERIES = """\
title = "Two seeds"
[pretraining]
text = "plain.txt"
validation = "valid.txt"
n_tokens = 60
width = 16
layers = 1
heads = 2
max_length = 16
steps = 8
batch_size = 4
save_at = [4, 8]
n_validation = 4
embeddings = "random"
[grid]
seed = [0, 1]
"""


def write_bench(root):
    """Write both recipes into a folder, with all that they read, and return it."""
    write_examples(root / "film" / "train.jsonl", 48, 0)
    write_examples(root / "film" / "validation.jsonl", 24, 1)
    make_base(root / "models" / "base")
    write_texts(root)
    (root / FINE_TUNING).write_text(SEEDS)
    (root / PRETRAINING).write_text(SERIES)
    return root


def write_examples(path, n, seed):
    """Write labelled sentences."""
    rows = sentences(n, np.random.default_rng(seed), agree=True)
    lines = [json.dumps({"text": text, "label": LABELS[label]}) for text, label, _ in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def same(a, b):
    """Tell whether two sets of weights are equal to the last bit."""
    import torch

    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
