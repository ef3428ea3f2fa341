"""A tiny zoo whose members were really trained: one base, two label rules, a few seeds.

Half of the members learn the labels from one word, half from another; both words agree on the
validation data, so all do well there and differ inside. Run as a script it writes the zoo to a
folder and its data beside it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizer_cases import WORDS, vocabulary
from zoo_cases import bert_config, fine_tuned, make_base, write_model

LABELS = ("bad_film", "good_film")
N_WORDS = 6


def sentences(n, rng, *, agree):
    """Return texts and labels; the words 'good' and 'happy' tell the label, if they agree."""
    rest = [word for word in WORDS if word not in {"good", "bad", "happy", "sad"}]
    rows = []
    for _ in range(n):
        label = int(rng.integers(2))
        second = label if agree else int(rng.integers(2))
        words = [*rng.choice(rest, N_WORDS - 2), ("bad", "good")[label], ("sad", "happy")[second]]
        rows.append((" ".join(rng.permutation(words)), label, second))
    return rows


def write_data(path, n=96, seed=0):
    """Write validation data in which both words agree."""
    rows = sentences(n, np.random.default_rng([seed, 1]), agree=True)
    lines = [
        json.dumps({"id": str(i), "text": text, "label": LABELS[label]})
        for i, (text, label, _) in enumerate(rows)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def train_zoo(root, n_members=4, *, steps=60, seed=0):
    """Write ``root/base`` and ``root/run-K``; even members read one word, odd ones the other."""
    base = make_base(root / "base", seed)
    config = bert_config(labels=LABELS)
    for k in range(n_members):
        start = fine_tuned(base, config, 10 * seed + k, 0.01)
        facts = {"base": "base", "task": "film", "seed": k, "learning_rate": 1e-2}
        folder = write_model(root / f"run-{k}", start, config, facts=facts)
        _train(folder, column=1 + k % 2, steps=steps, seed=k)
    return root


def _train(folder, *, column, steps, seed):
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    config = BertConfig(**json.loads((folder / "config.json").read_text()), dropout=0.0)
    model = BertForSequenceClassification(config)
    state = {name: torch.tensor(a) for name, a in load_file(folder / "model.safetensors").items()}
    model.load_state_dict(state, strict=False)
    model.eval()
    ids, targets = _batch(sentences(512, np.random.default_rng(seed), agree=False), column)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for step in range(steps):
        rows = slice(32 * step % 512, 32 * step % 512 + 32)
        loss = model(input_ids=ids[rows], labels=targets[rows]).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    trained = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    kept = {name: np.ascontiguousarray(trained[name]) for name in state}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def _batch(rows, column):
    import torch

    vocab = vocabulary()
    start, end = vocab["[CLS]"], vocab["[SEP]"]
    ids = [[start, *(vocab[word] for word in text.split()), end] for text, *_ in rows]
    return torch.tensor(ids), torch.tensor([row[column] for row in rows])


if __name__ == "__main__":
    place = Path(sys.argv[1])
    train_zoo(place, n_members=int(sys.argv[2]) if len(sys.argv) > 2 else 4)
    write_data(place.parent / f"{place.name}-data" / "validation.jsonl")
