"""Examples per second of the training loop against ``transformers.Trainer``, settings alike.

A BERT of 4 layers x 192 learns a classification from texts of mixed lengths: batches of 32, AdamW,
clipping, linear decay, one thread. Both take turns in one run; what counts is CPU time of the
updates alone, without start-up. ``Trainer`` pads each batch to its longest text, as its default
collator does; the loop beside it also sorts windows of batches by length. With ``--data-root`` the
texts are those of ``sst2/train.parquet`` below it, else of random words.

    python benchmarks/training.py [--data-root DIR] [--steps 60] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import polars as pl
import torch

from wsgeo.tasks import encode, read_task
from wsgeo.tasks.task import EncodedExamples
from wsgeo.training import Optimization
from wsgeo.training.batches import Batches
from wsgeo.training.descent import descend
from wsgeo.training.orders import batch_order
from wsgeo.training.tokenizers import train_tokenizer

BATCH, RATE, MAX_LENGTH, N_TOKENS = 32, 3e-4, 128, 8192


def texts(data_root: Path | None, n: int) -> pl.DataFrame:
    """Return texts of mixed lengths with two labels."""
    if data_root is not None:
        table = pl.read_parquet(data_root / "sst2" / "train.parquet", columns=["text_a", "label"])
        return table.head(n).with_columns(label=pl.col("label").cast(pl.String))
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(2000)])
    lengths = np.clip(rng.lognormal(2.1, 0.7, n).astype(int), 1, 60)
    return pl.DataFrame(
        {
            "text_a": [" ".join(rng.choice(words, length)) for length in lengths],
            "label": [str(i % 2) for i in range(n)],
        }
    )


def prepared(table: pl.DataFrame, folder: Path) -> tuple[EncodedExamples, Any]:
    """Return the encoded texts and their tokenizer."""
    from transformers import AutoTokenizer

    table.write_parquet(folder / "texts.parquet")
    train_tokenizer(table["text_a"], folder / "tokenizer", n_tokens=N_TOKENS, max_length=MAX_LENGTH)
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    task = read_task(folder / "texts.parquet")
    return encode(task, tokenizer, labels=("0", "1"), max_length=MAX_LENGTH), tokenizer


def fresh_model(attention: str) -> Any:
    """Return the classifier that both train."""
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=N_TOKENS, hidden_size=192, num_hidden_layers=4, num_attention_heads=6,
        intermediate_size=768, max_position_embeddings=MAX_LENGTH, attn_implementation=attention,
    )  # fmt: skip
    return BertForSequenceClassification(config)


def loop_seconds(examples: EncodedExamples, steps: int, precision: str = "float32") -> float:
    """Return the CPU time of the loop's updates."""
    model = fresh_model("eager" if examples.input_ids.shape[1] <= 64 else "sdpa")
    batches = Batches(examples, model)
    plan = Optimization(RATE, steps, BATCH, warmup=0.0, precision=precision)

    def loss_of(rows: Any) -> Any:
        inputs, targets = batches.take(rows)
        return torch.nn.functional.cross_entropy(model(**inputs).logits, targets)

    order = batch_order(batches.lengths, BATCH, steps, np.random.default_rng(0))
    start = time.process_time()
    descend(model, plan, order, loss_of, seed=0)
    return time.process_time() - start


def trainer_seconds(examples: EncodedExamples, tokenizer: Any, steps: int, folder: Path) -> float:
    """Return the CPU time of the same number of updates by ``transformers.Trainer``."""
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    lengths = examples.attention_mask.sum(axis=1)
    rows = [
        {"input_ids": ids[:n].tolist(), "labels": int(target)}
        for ids, n, target in zip(examples.input_ids, lengths, examples.targets, strict=True)
    ]
    arguments = TrainingArguments(
        output_dir=str(folder / "out"), max_steps=steps, per_device_train_batch_size=BATCH,
        learning_rate=RATE, weight_decay=0.01, lr_scheduler_type="linear", save_strategy="no",
        report_to=[], disable_tqdm=True, logging_strategy="no", use_cpu=True, seed=0,
    )  # fmt: skip
    trainer = Trainer(
        model=fresh_model("sdpa"), args=arguments, train_dataset=rows,
        data_collator=DataCollatorWithPadding(tokenizer),
    )  # fmt: skip
    start = time.process_time()
    trainer.train()
    return time.process_time() - start


def main() -> None:
    """Let both take turns and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    seconds: dict[str, list[float]] = {"Trainer": [], "float32": [], "bfloat16": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        examples, tokenizer = prepared(texts(options.data_root, 6000), folder)
        loop_seconds(examples, 3)
        trainer_seconds(examples, tokenizer, 3, folder)
        for _ in range(options.rounds):
            seconds["Trainer"].append(trainer_seconds(examples, tokenizer, options.steps, folder))
            for precision in ("float32", "bfloat16"):
                seconds[precision].append(loop_seconds(examples, options.steps, precision))
    lengths = examples.attention_mask.sum(axis=1)
    print(
        f"tokens per text: median {np.median(lengths):.0f}, 95 % below {np.quantile(lengths, 0.95):.0f}"
    )
    rates = {k: options.steps * BATCH / np.median(s) for k, s in seconds.items()}
    for name, rate in rates.items():
        print(
            f"{name:9s} {rate:7.1f} examples/s of CPU time, {rate / rates['Trainer']:.2f} x Trainer"
        )


if __name__ == "__main__":
    main()
