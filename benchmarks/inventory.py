"""Time the inventory of a zoo against a plain sequential read of the same files.

Makes classifiers of about four million parameters in a temporary folder, reads every byte once with
plain ``read`` calls, then takes the inventory: configs, headers, hashes, finiteness, groups.

    python benchmarks/inventory.py --checkpoints 200
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from zoo_cases import NLI_LABELS, bert_config, random_tensors, write_model

from wsgeo.zoo import read_zoo

SIZES = {"hidden_size": 192, "num_hidden_layers": 8, "num_attention_heads": 6,
         "intermediate_size": 768, "max_position_embeddings": 128}  # fmt: skip


def make(root: Path, n_checkpoints: int) -> int:
    """Write the checkpoints; return the bytes of their weights."""
    config = bert_config(labels=NLI_LABELS, **SIZES)
    base = random_tensors(config)
    rng = np.random.default_rng(0)
    for k in range(n_checkpoints):
        base["classifier.weight"] = rng.standard_normal(base["classifier.weight"].shape).astype(
            "f4"
        )
        write_model(root / f"run-{k:03}", base, config)
    return sum(path.stat().st_size for path in root.rglob("*.safetensors"))


def plain_read(root: Path) -> float:
    """Return the seconds of reading every file of weights once, in one thread."""
    buffer = bytearray(1 << 22)
    start = time.perf_counter()
    for path in sorted(root.rglob("*.safetensors")):
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
    return time.perf_counter() - start


def main() -> None:
    """Print megabytes per second of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", type=int, default=200)
    n_checkpoints = parser.parse_args().checkpoints
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        n_bytes = make(root, n_checkpoints)
        # One small zoo first: importing transformers is not the inventory's speed.
        read_zoo(root / "run-000")
        seconds = plain_read(root), _inventory(root, n_checkpoints), plain_read(root)
    labels = ("plain read before", "inventory", "plain read after")
    print(f"{n_checkpoints} checkpoints, {n_bytes / 1e6:.0f} MB")
    for label, taken in zip(labels, seconds, strict=True):
        print(f"{label:18} {taken:7.2f} s {n_bytes / 1e6 / taken:8.0f} MB/s")


def _inventory(root: Path, n_checkpoints: int) -> float:
    start = time.perf_counter()
    zoo = read_zoo(root)
    assert len(zoo.members) == n_checkpoints
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
