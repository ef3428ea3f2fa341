"""How much memory a merge of many members takes: the peak of a process, over one float32 model.

Members are BERTs of base size as bfloat16 safetensors files, near a base. A few of them differ; the
others are hard links to these, which are opened and read as files of their own. Each method is run by
a process of its own, which starts when the files are old.

    python benchmarks/centroid_memory.py [--members 64] [--size base] [--distinct 8] [--folder DIR]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from geometry import AGE, DISTANCE, NORM, SIZES, shapes_of, zoo_of

from wsgeo.regions.affine_merges import Mean, ModelStock
from wsgeo.regions.merging import AbstractMerge, merge
from wsgeo.regions.sign_merges import Dare, Ties
from wsgeo.weights.tensors import write_safetensors

METHODS: dict[str, AbstractMerge] = {
    "mean": Mean(), "stock": ModelStock(), "ties": Ties(), "dare": Dare(),
}  # fmt: skip
MOST = 3.0
"""What the peak may be of the size of a model."""


def write_zoo(folder: Path, n: int, size: str, distinct: int) -> None:
    """Write a base, a few members of it, and hard links to them for the rest."""
    shapes, rng = shapes_of(size), np.random.default_rng(0)
    n_parameters = sum(int(np.prod(shape)) for shape in shapes.values())
    scale, step = np.float32(NORM / n_parameters**0.5), DISTANCE / (2 * n_parameters) ** 0.5
    base = {k: scale * rng.standard_normal(s, dtype=np.float32) for k, s in shapes.items()}
    write_safetensors(folder / "base.safetensors", base, dtype="BF16")
    for i in range(n):
        path = folder / f"{i:04d}.safetensors"
        if i >= distinct:
            os.link(folder / f"{i % distinct:04d}.safetensors", path)
            continue
        noise = {k: rng.standard_normal(v.shape, dtype=np.float32) for k, v in base.items()}
        member = {k: v + np.float32(10 * step) * noise[k] for k, v in base.items()}
        write_safetensors(path, member, dtype="BF16")


def peak() -> float:
    """Return the largest resident memory of this process so far, in MB."""
    # Not that of getrusage, which starts with the peak of the process that started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def measure(folder: Path, method: str) -> None:
    """Merge the members of a folder, and print what it took."""
    members = zoo_of(folder)
    model, before, start = members[0].layout.n_parameters * 4 / 1e6, peak(), time.time()
    base = members[0].base if METHODS[method].needs_base else None
    merge(METHODS[method], members, base)
    most, seconds = peak(), time.time() - start
    told = "" if most <= MOST * model else "   TOO MUCH"
    print(f"{method:8} {before:10,.0f} {most:10,.0f} {most / model:10.2f} {seconds:8,.0f}{told}")


def main() -> None:
    """Write the members, and measure each method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=64)
    parser.add_argument("--size", choices=SIZES, default="base")
    parser.add_argument("--distinct", type=int, default=8)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--method", choices=METHODS, action="append")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    methods = asked.method or list(METHODS)
    if asked.measure:
        measure(asked.measure, methods[0])
        return
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        write_zoo(Path(name), asked.members, asked.size, asked.distinct)
        time.sleep(AGE)
        print(
            f"{'method':8} {'before, MB':>10} {'peak, MB':>10} {'models':>10} {'wall, s':>8}",
            flush=True,
        )
        for method in methods:
            arguments = [sys.executable, __file__, "--measure", name, "--method", method]
            subprocess.run(arguments, check=True)


if __name__ == "__main__":
    main()
