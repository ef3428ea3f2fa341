"""What a pair of members costs: the usual loop against wsgeo's backends, in CPU time of one thread.

The loop does what published code for linear mode connectivity does: for each pair it loads three
models, for each of 11 positions it makes a new state dict and loads it into the third, evaluates
both ends again, and pads every example to 128 tokens (with --pad 512 to the length that a tokenizer
of BERT pads to when none is given), 32 at a time. wsgeo evaluates the nine positions between, since
ends are shared by all pairs. Models are BERTs of random weights, examples of random tokens with
lengths as in natural language inference: neither changes what a forward pass costs. All ways take turns in one run.

    python benchmarks/engine.py [--sizes tiny mini small base] [--rounds 3] [--pad 512]
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
import transformers

from wsgeo.evaluation.families import blueprint_of
from wsgeo.evaluation.hf import HuggingFaceBackend
from wsgeo.evaluation.kernels import KERNELS, fastest
from wsgeo.evaluation.losses import AbstractBackend
from wsgeo.evaluation.packed import PackedBackend, known_words, packing_of
from wsgeo.tasks.task import EncodedExamples, Objective
from wsgeo.weights import lerp
from wsgeo.weights.layout import Layout, Weights

SIZES = {"tiny": (2, 128, 512), "mini": (4, 256, 128), "small": (4, 512, 64), "base": (12, 768, 32)}
"""Layers, width, examples."""

POSITIONS = np.linspace(0, 1, 11)
BATCH, WORDS, LABELS = 32, 30522, 3


def examples_of(n: int) -> EncodedExamples:
    """Return examples of lognormal length, 38 tokens on average and 95 % below 75, as pairs of NLI."""
    rng = np.random.default_rng(0)
    lengths = np.clip(np.rint(rng.lognormal(3.5, 0.5, n)), 8, 128).astype(int)
    mask = np.arange(128) < lengths[:, None]
    arrays = {
        "input_ids": np.where(mask, 1000 + rng.zipf(1.2, mask.shape) % (WORDS - 1000), 0),
        "attention_mask": mask,
        "token_type_ids": np.zeros(mask.shape),
        "targets": rng.integers(LABELS, size=n),
    }
    labels = tuple("abc")
    return EncodedExamples.of("toy", Objective.CLASSIFICATION, arrays, labels, ((0,), (1,), (2,)))


def models_of(size: str, folder: Path) -> list[Path]:
    """Write two models of a size."""
    layers, width, _ = SIZES[size]
    config = transformers.BertConfig(
        vocab_size=WORDS, hidden_size=width, num_hidden_layers=layers, num_labels=LABELS,
        num_attention_heads=width // 64, intermediate_size=4 * width,
    )  # fmt: skip
    folders = [folder / f"{size}-{seed}" for seed in (0, 1)]
    for seed, place in enumerate(folders):
        torch.manual_seed(seed)
        transformers.BertForSequenceClassification(config).save_pretrained(place)
    return folders


class UsualLoop:
    """What published code does for a pair."""

    def __init__(self, folders: list[Path], examples: EncodedExamples, pad: int) -> None:
        self._folders = folders
        further = ((0, 0), (0, pad - examples.input_ids.shape[1]))
        self._ids, self._mask = (
            torch.from_numpy(np.pad(array, further)).long()
            for array in (examples.input_ids, examples.attention_mask)
        )
        self._targets = torch.from_numpy(examples.targets)

    def __call__(self) -> list[float]:
        """Return the mean loss at each position."""
        load = transformers.BertForSequenceClassification.from_pretrained
        one, model, other = (load(self._folders[i]).eval() for i in (0, 0, 1))
        return [self._at(float(t), one, other, model) for t in POSITIONS]

    def _at(self, t: float, one: Any, other: Any, model: Any) -> float:
        theirs = other.state_dict()
        mixed = {k: (1 - t) * v + t * theirs[k] for k, v in one.state_dict().items()}
        model.load_state_dict(mixed)
        total = 0.0
        with torch.no_grad():
            for start in range(0, len(self._ids), BATCH):
                rows = slice(start, start + BATCH)
                logits = model(input_ids=self._ids[rows], attention_mask=self._mask[rows]).logits
                total += float(
                    torch.nn.functional.cross_entropy(
                        logits.double(), self._targets[rows], reduction="sum"
                    )
                )
        return total / len(self._ids)


class Line:
    """What wsgeo does for a pair whose members are loaded and whose ends are measured."""

    def __init__(
        self, backend: AbstractBackend, ends: list[Weights], examples: EncodedExamples
    ) -> None:
        self._backend, self._ends, self._examples = backend, ends, examples

    def __call__(self) -> list[float]:
        """Return the mean loss at each position between the ends."""
        one, other = (end.vector for end in self._ends)
        found = []
        for t in POSITIONS[1:-1]:
            vector = lerp(one, other, float(t), out=self._backend.buffer)
            outcome = self._backend.losses(vector, self._examples)
            found.append(outcome.mean)  # type: ignore[union-attr]
        return found


def weights_of(folder: Path) -> Weights:
    """Return the weights of a model with its names sorted."""
    state = transformers.BertForSequenceClassification.from_pretrained(folder).state_dict()
    names = tuple(sorted(state))
    layout = Layout(names, tuple(tuple(state[name].shape) for name in names))
    return Weights(layout, np.concatenate([state[name].numpy().ravel() for name in names]))


def ways(folders: list[Path], examples: EncodedExamples) -> dict[str, Line]:
    """Return wsgeo's ways to measure the line between two models."""
    ends = [weights_of(folder) for folder in folders]
    layout = ends[0].layout
    model = transformers.BertForSequenceClassification.from_pretrained(folders[0])
    heads = [name for name in layout.names if not name.startswith("bert.")]
    found = {"module": Line(HuggingFaceBackend(model, layout, heads), ends, examples)}
    blueprint = blueprint_of(type(model).__name__, model.config.to_dict(), layout)
    assert blueprint is not None
    known = known_words([examples])
    packing = packing_of(blueprint, layout, known)
    packed = [packing.pack(end) for end in ends]
    for kernel in KERNELS:
        backend = PackedBackend(blueprint, packing, known, kernel=kernel)
        found[f"packed {kernel}"] = Line(backend, packed, examples)
    return found


def seconds_of(call: Callable[[], object]) -> float:
    """Return the CPU time of a call."""
    started = time.process_time()
    call()
    return time.process_time() - started


def gemm_peak(width: int) -> float:
    """Return the best rate of a float32 matrix product of a model's shape, in GFLOP/s."""
    x, weight = torch.randn(2048, width), torch.randn(4 * width, width)
    with torch.inference_mode():
        best = min(
            seconds_of(lambda k=kernel: [k(x, weight, None) for _ in range(5)])
            for kernel in KERNELS.values()
            for _ in range(5)
        )
    return 5 * 2 * x.numel() * 4 * width / best / 1e9


def flops_of(size: str, examples: EncodedExamples) -> float:
    """Return the products of one evaluation that reads the first token alone; attention left out."""
    layers, width, n = SIZES[size]
    tokens = int(examples.lengths.sum())
    last = 4 * width**2 * tokens + 20 * width**2 * n
    return 24 * width**2 * tokens * (layers - 1) + last


def main() -> None:
    """Let all ways take turns, and print the least time of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pad", type=int, default=128)
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, 1 thread")
    with tempfile.TemporaryDirectory() as name:
        for size in options.sizes:
            report(size, Path(name), options.rounds, options.pad)


def report(size: str, folder: Path, rounds: int, pad: int) -> None:
    """Measure one size and print it."""
    examples, folders = examples_of(SIZES[size][2]), models_of(size, folder)
    calls: dict[str, Callable[[], list[float]]] = {
        "usual loop": UsualLoop(folders, examples, pad),
        **ways(folders, examples),
    }
    losses = {name: np.array(call()) for name, call in calls.items()}
    seconds = {name: min(seconds_of(call) for _ in range(rounds)) for name, call in calls.items()}
    truth, width = losses.pop("usual loop")[1:-1], SIZES[size][1]
    peak, flops = gemm_peak(width), 9 * flops_of(size, examples)
    print(f"\n{size}: {len(examples)} examples, {examples.lengths.mean():.1f} tokens on average")
    print(f"  matrix products {peak:.0f} GFLOP/s; fastest kernel {fastest(width, 4 * width)}")
    usual = seconds.pop("usual loop")
    print(f"  usual loop     {usual:8.3f} s a pair")
    for way, spent in seconds.items():
        share, error = flops / spent / 1e9 / peak, np.abs(losses[way] - truth).max()
        print(
            f"  {way:14s} {spent:8.3f} s a pair, {usual / spent:5.2f} x, {share:4.0%} of the peak, "
            f"largest error {error:.1e}"
        )


if __name__ == "__main__":
    main()
