"""What a pair of members costs: the usual loop against wsgeo's backends, in CPU time of one thread.

The loop does what published code for linear mode connectivity does: for each pair it loads three
models, for each of 11 positions it makes a new state dict and loads it into the third, evaluates
both ends again, and pads every example to 128 tokens (with --pad 512 to the length that a tokenizer
of BERT pads to when none is given), 32 at a time. wsgeo evaluates the nine positions between, since
ends are shared by all pairs. All ways take turns in one run.

Models are BERTs of random weights, examples random tokens with lengths as in natural language
inference: neither changes what a forward pass costs. The second model is the first with its hidden
units in another order, and labels are what both answer: so the line between them has a barrier, and
what rounding does to it is seen.

    python benchmarks/engine.py [--sizes tiny mini small base] [--rounds 3] [--pad 512]

The share of the peak counts the matrix products of a pass whose last layer is computed for the
first token alone (attention left out), so that saved products show as speed; the peak is the best
product of float32, or of bfloat16, that was seen in the run.
"""

from __future__ import annotations

import argparse
import dataclasses
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
BATCH, WORDS, LABELS, SHARPENING = 32, 30522, 3, 10
FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16}


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
    """Write a model of a size, and the same with its hidden units in another order."""
    layers, width, _ = SIZES[size]
    config = transformers.BertConfig(
        vocab_size=WORDS, hidden_size=width, num_hidden_layers=layers, num_labels=LABELS,
        num_attention_heads=width // 64, intermediate_size=4 * width, initializer_range=0.05,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.BertForSequenceClassification(config)
    model.classifier.weight.data *= SHARPENING
    folders = [folder / f"{size}-{name}" for name in ("model", "twin")]
    model.save_pretrained(folders[0])
    for layer in model.bert.encoder.layer:
        order = torch.randperm(4 * width)
        layer.intermediate.dense.weight.data = layer.intermediate.dense.weight.data[order]
        layer.output.dense.weight.data = layer.output.dense.weight.data[:, order]
    model.save_pretrained(folders[1])
    return folders


def labelled(examples: EncodedExamples, folder: Path) -> EncodedExamples:
    """Return examples whose labels are a model's answers."""
    model = transformers.BertForSequenceClassification.from_pretrained(folder).eval()
    ids, mask = (torch.from_numpy(a).long() for a in (examples.input_ids, examples.attention_mask))
    with torch.no_grad():
        targets = model(input_ids=ids, attention_mask=mask).logits.argmax(1).numpy()
    return dataclasses.replace(examples, targets=targets)


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


def barrier(losses: list[float]) -> float:
    """Return the height of a line's losses above the segment between its ends."""
    ends = (1 - POSITIONS) * losses[0] + POSITIONS * losses[-1]
    return float((np.array(losses) - ends).max())


class Line:
    """What wsgeo does for a pair whose members are loaded and whose ends are measured."""

    def __init__(
        self,
        backend: AbstractBackend,
        ends: list[Weights],
        examples: EncodedExamples,
        precision: str = "fp32",
    ) -> None:
        self._backend, self._ends, self._examples = backend, ends, examples
        self.precision = precision

    def ends(self) -> list[float]:
        """Return the mean losses of the two members."""
        return [self._mean(end.vector) for end in self._ends]

    def __call__(self) -> list[float]:
        """Return the mean loss at each position between the ends."""
        one, other = (end.vector for end in self._ends)
        found = []
        for t in POSITIONS[1:-1]:
            vector = lerp(one, other, float(t), out=self._backend.buffer)
            found.append(self._mean(vector))
        return found

    def _mean(self, vector: Any) -> float:
        return self._backend.losses(vector, self._examples).mean  # type: ignore[union-attr]


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
    known, width = known_words([examples]), layout.shape(blueprint.words)[1]
    packing = packing_of(blueprint, layout, known)
    packed = [packing.pack(end) for end in ends]
    best = fastest(width, 4 * width, precision="bf16")
    for kernel, precision in [*((kernel, "fp32") for kernel in KERNELS), (best, "bf16")]:
        backend = PackedBackend(blueprint, packing, known, kernel=kernel, precision=precision)
        found[f"packed {kernel}, {precision}"] = Line(backend, packed, examples, precision)
    return found


def seconds_of(call: Callable[[], object]) -> float:
    """Return the CPU time of a call."""
    started = time.process_time()
    call()
    return time.process_time() - started


def gemm_peak(width: int, precision: str) -> float:
    """Return the best rate of a matrix product of a model's shape, in GFLOP/s."""
    x, weight = (torch.randn(n, width).to(FORMATS[precision]) for n in (2048, 4 * width))
    with torch.inference_mode():
        best = min(
            seconds_of(lambda k=kernel: [k(x, weight, None) for _ in range(5)])
            for kernel in KERNELS.values()
            for _ in range(5)
        )
    return 5 * 2 * x.numel() * 4 * width / best / 1e9


def processor() -> str:
    """Return what the machine is."""
    facts = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in facts.splitlines() if "model name" in line]
    kinds = sorted(
        {word for word in facts.split() if word in {"avx512f", "avx512_bf16", "amx_bf16"}}
    )
    name = names[0] if names else platform.machine()
    return f"{name}, {os.cpu_count()} cores, {' '.join(kinds)}; load {os.getloadavg()[0]:.1f}"


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
    print(f"{processor()}; torch {torch.__version__}, 1 thread; usual loop pads to {options.pad}")
    with tempfile.TemporaryDirectory() as name:
        for size in options.sizes:
            report(size, Path(name), options.rounds, options.pad)


def report(size: str, folder: Path, rounds: int, pad: int) -> None:
    """Measure one size and print it."""
    folders = models_of(size, folder)
    examples = labelled(examples_of(SIZES[size][2]), folders[0])
    lines, width = ways(folders, examples), SIZES[size][1]
    calls: dict[str, Callable[[], list[float]]] = {
        "usual": UsualLoop(folders, examples, pad), **lines
    }  # fmt: skip
    ends = {name: line.ends() for name, line in lines.items()}  # and warm
    times: dict[str, list[float]] = {name: [] for name in calls}
    losses: dict[str, list[float]] = {}
    peaks = dict.fromkeys(FORMATS, 0.0)
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.process_time()
            losses[name] = call()
            times[name].append(time.process_time() - started)
        peaks = {each: max(peak, gemm_peak(width, each)) for each, peak in peaks.items()}
    truth = barrier(losses["usual"])
    errors = {
        name: abs(barrier([first, *losses[name], last]) - truth)
        for name, (first, last) in ends.items()
    }
    seconds, flops = (
        {name: min(spent) for name, spent in times.items()},
        9 * flops_of(size, examples),
    )
    print(f"\n{size}: {len(examples)} examples, {examples.lengths.mean():.1f} tokens on average")
    rates = ", ".join(f"{each} {peak:.0f}" for each, peak in peaks.items())
    print(f"  matrix products in GFLOP/s: {rates}; barrier {truth:.3f} nats")
    print(f"  {'usual loop':21s} {seconds['usual']:8.3f} s a pair")
    for name, line in lines.items():
        share = flops / seconds[name] / 1e9 / peaks[line.precision]
        print(
            f"  {name:21s} {seconds[name]:8.3f} s a pair, {seconds['usual'] / seconds[name]:5.2f} x, "
            f"{share:4.0%} of the peak, error of the barrier {errors[name]:.1e}"
        )


if __name__ == "__main__":
    main()
