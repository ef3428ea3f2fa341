"""Time the inventory of a zoo against a plain read and a plain hash of the same files.

Makes classifiers of about four million parameters in a temporary folder, reads every byte once with
plain ``read`` calls, hashes every file with SHA-256, both in one thread, then takes the inventory:
configs, headers, hashes, finiteness, groups, with a thread per core.

Measured with 200 checkpoints (2.9 GB, in the page cache) on two cores that others used too (load 3):
the inventory 600 MB/s and 900 MB per CPU second, a plain SHA-256 in one thread 970 and 1490.

    python benchmarks/inventory.py --checkpoints 200
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
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


def plain_read(root: Path) -> None:
    """Read every file of weights once, in one thread."""
    buffer = bytearray(1 << 20)
    for path in sorted(root.rglob("*.safetensors")):
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def plain_hash(root: Path) -> None:
    """Hash every file of weights once, in one thread."""
    for path in sorted(root.rglob("*.safetensors")):
        with path.open("rb", buffering=0) as file:
            hashlib.file_digest(file, "sha256")


def inventory(root: Path) -> None:
    """Take the inventory."""
    assert read_zoo(root).members


def seconds_of(work: Callable[[Path], None], root: Path) -> tuple[float, float]:
    """Return the time that passed and the processor time of all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    work(root)
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Print megabytes per second and per second of processor time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", type=int, default=200)
    n_checkpoints = parser.parse_args().checkpoints
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        n_bytes = make(root, n_checkpoints)
        # One small zoo first: importing transformers is not the inventory's speed.
        read_zoo(root / "run-000")
        print(f"{n_checkpoints} checkpoints, {n_bytes / 1e6:.0f} MB")
        for work in (plain_read, plain_hash, inventory, inventory, plain_hash, plain_read):
            wall, cpu = (n_bytes / 1e6 / seconds for seconds in seconds_of(work, root))
            print(f"{work.__name__:10} {wall:6.0f} MB/s {cpu:6.0f} MB per CPU second")


if __name__ == "__main__":
    main()
