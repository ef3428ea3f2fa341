"""A zoo for benchmarks, made from nothing: three origins, and a chain that leads away from one.

Texts are drawn from a grammar of topics: a text holds words of three topics among common ones, and
its label is the topic of most of them. An origin is a BERT of two layers and width 128 trained from
random weights; its members go on from it at a small rate, each with an order of the data and a rate
of its own. The links of a chain lead away from the last member of the first origin: each is the one
before, moved a part of the way to a fourth origin that is no member, and trained again at a larger
rate. Neighbours are joined, and the ends are not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import transformers

from wsgeo.training import write_tokenizer

LABELS = ("animals", "kitchen", "weather")
N_TRAIN, N_VALIDATION, MAX_LENGTH = 8000, 512, 64
N_COMMON, N_TOPICAL = 300, 60
ORIGIN_STEPS, ORIGIN_RATE = 500, 1e-3
MEMBER_STEPS, MEMBER_RATES = 50, (1e-4, 2e-4, 4e-4)
LINK_STEPS, LINK_RATE, LINK_SHARE = 30, 1e-3, 0.4
BATCH = 32

Rows = list[tuple[str, int]]


def texts(n: int, rng: np.random.Generator) -> Rows:
    """Return texts of about 30 words with the number of their label."""
    rows = []
    while len(rows) < n:
        length = int(np.clip(np.rint(rng.lognormal(3.3, 0.4)), 8, MAX_LENGTH - 2))
        kind = rng.choice(4, length, p=(0.55, *rng.dirichlet((2.0, 2.0, 2.0)) * 0.45))
        counts = np.bincount(kind, minlength=4)[1:]
        if np.count_nonzero(counts == counts.max()) > 1:
            continue
        rows.append((" ".join(map(_word, kind, rng.random(length))), int(counts.argmax())))
    return rows


def _word(kind: int, place: float) -> str:
    size = N_TOPICAL if kind else N_COMMON
    # Zipf: the first words of each kind are the usual ones.
    return f"{('common', *LABELS)[kind]}{int(size**place)}"


def make_zoo(folder: Path, n_members: int, n_links: int) -> float:
    """Write a zoo with its data; what is there already is kept.

    Parameters
    ----------
    folder : Path
        Where it lies: the zoo in ``zoo``, the origins beside it.
    n_members : int
        Number of members, the links included.
    n_links : int
        Length of the chain.

    Returns
    -------
    float
        CPU seconds.
    """
    start, root, rng = time.process_time(), folder / "zoo", np.random.default_rng(0)
    train, validation = texts(N_TRAIN, rng), texts(N_VALIDATION, rng)
    (root / "data").mkdir(parents=True, exist_ok=True)
    rows = [{"text": text, "label": LABELS[label]} for text, label in validation]
    (root / "data" / "validation.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    write_tokenizer([text for text, _ in train + validation], folder / "tokenizer")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "tokenizer")
    school = _School(_encoded(train, tokenizer), tokenizer)
    school.make(root / "base", None, 0.0, 0, seed=99)
    for origin, n in enumerate(sizes(n_members, n_links)):
        own = folder / "origins" / str(origin)
        school.make(own, None, ORIGIN_RATE, ORIGIN_STEPS, seed=origin)
        for k in range(n):
            rate = MEMBER_RATES[k % len(MEMBER_RATES)]
            seed = 100 * origin + k + 10
            school.make(root / f"origin{origin}-{k}", own, rate, MEMBER_STEPS, seed=seed)
    far = folder / "origins" / "far"
    school.make(far, None, ORIGIN_RATE, ORIGIN_STEPS, seed=9)
    before = root / f"origin0-{sizes(n_members, n_links)[0] - 1}"
    for k in range(n_links):
        link = root / f"link-{k}"
        school.make(link, before, LINK_RATE, LINK_STEPS, seed=1000 + k, towards=far)
        before = link
    (root / "zoo.toml").write_text(_MANIFEST)
    return time.process_time() - start


_MANIFEST = """\
base = "base"
exclude = ["base"]
task = "topics"
data = "data/validation.jsonl"
"""


def sizes(n_members: int, n_links: int) -> list[int]:
    """Return the number of members of each origin, the links left out."""
    rest = n_members - n_links
    return [rest // 3 + (i < rest % 3) for i in range(3)]


class _School:
    """Trains models on the same texts."""

    def __init__(self, data: Data, tokenizer: transformers.PreTrainedTokenizerFast) -> None:
        self._data, self._tokenizer = data, tokenizer

    def make(
        self,
        folder: Path,
        start: Path | None,
        rate: float,
        steps: int,
        *,
        seed: int,
        towards: Path | None = None,
    ) -> None:
        """Write a model that goes on from another, or from random weights, unless it is there."""
        if (folder / "config.json").exists():
            return
        torch.manual_seed(seed)
        load = transformers.BertForSequenceClassification.from_pretrained
        model = _fresh(len(self._tokenizer)) if start is None else load(start)
        if towards is not None:
            ends = model.state_dict(), load(towards).state_dict()
            model.load_state_dict(
                {name: torch.lerp(ends[0][name], ends[1][name], LINK_SHARE) for name in ends[0]}
            )
        if steps:
            _train(model, self._data, rate, steps, seed=seed)
        hidden = folder.with_name(f".{folder.name}")
        model.save_pretrained(hidden)
        self._tokenizer.save_pretrained(hidden)
        hidden.rename(folder)


class Data:
    """Encoded texts."""

    def __init__(self, ids: torch.Tensor, mask: torch.Tensor, targets: torch.Tensor) -> None:
        self.ids, self.mask, self.targets = ids, mask, targets

    def batches(self, n: int, seed: int) -> Iterator[dict[str, torch.Tensor]]:
        """Yield batches in random order, each as wide as its longest text."""
        rng = np.random.default_rng(seed)
        for _ in range(n):
            rows = torch.from_numpy(rng.choice(len(self.ids), BATCH, replace=False))
            width = int(self.mask[rows].sum(dim=1).max())
            yield {
                "input_ids": self.ids[rows, :width],
                "attention_mask": self.mask[rows, :width],
                "labels": self.targets[rows],
            }


def _encoded(rows: Rows, tokenizer: transformers.PreTrainedTokenizerFast) -> Data:
    found = tokenizer(
        [text for text, _ in rows], padding=True, truncation=True, max_length=MAX_LENGTH,
        return_tensors="pt",
    )  # fmt: skip
    targets = torch.tensor([label for _, label in rows])
    return Data(found["input_ids"], found["attention_mask"], targets)


def _fresh(n_words: int) -> transformers.PreTrainedModel:
    config = transformers.BertConfig(
        vocab_size=n_words, hidden_size=128, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=512, max_position_embeddings=512, initializer_range=0.09,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        id2label=dict(enumerate(LABELS)), label2id={name: i for i, name in enumerate(LABELS)},
    )  # fmt: skip
    return transformers.BertForSequenceClassification(config)


def _train(
    model: transformers.PreTrainedModel, data: Data, rate: float, steps: int, *, seed: int
) -> transformers.PreTrainedModel:
    """Train a model in place; the rate rises for a tenth of the steps and falls to zero."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    rise = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min((i + 1) / rise, (steps - i) / (steps - rise))
    )
    model.train()
    for batch in data.batches(steps, seed):
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    print(f"  {steps} steps at {rate:g}: loss {float(loss.detach()):.3f}", flush=True)
    return model.eval()
