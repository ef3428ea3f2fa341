"""What the geometry of a zoo on disk costs: one thread, CPU seconds unless a line says wall.

Members are BERTs of random weights near a base, as float32 safetensors files. Each is compared with
the naive way, which loads two members for each pair, on sampled pairs. The files are written first
and measured by another process, as a scan finds them.

    python benchmarks/geometry.py [--members 200] [--size tiny] [--folder DIR]
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from threadpoolctl import threadpool_limits

from wsgeo.weights.geometry import distances
from wsgeo.weights.headers import read_header
from wsgeo.weights.layout import Layout
from wsgeo.weights.lowrank import LowRankUpdate, inner_products
from wsgeo.weights.tensors import read_tensors, write_safetensors
from wsgeo.workflows.geometry import measure_geometry
from wsgeo.zoo import Base, Checkpoint, TensorRef

SIZES = {"tiny": (2, 128), "mini": (4, 256), "small": (4, 512), "base": (12, 768)}
"""Layers and width."""

NORM, DISTANCE = 400.0, 4.0
SAMPLED_PAIRS, REPEATS = 20, 3
AGE = 6.0  # seconds after which a file is taken for older than the process that reads it


def shapes_of(size: str) -> dict[str, tuple[int, ...]]:
    """Return the tensors of a BERT without its head."""
    layers, width = SIZES[size]
    inner, shapes = 4 * width, {}
    for name, rows in (("word", 30522), ("position", 512), ("token_type", 2)):
        shapes[f"bert.embeddings.{name}_embeddings.weight"] = (rows, width)
    dense = {f"attention.self.{part}": (width, width) for part in ("query", "key", "value")}
    dense |= {"attention.output.dense": (width, width)}
    dense |= {"intermediate.dense": (inner, width), "output.dense": (width, inner)}
    modules = {f"bert.encoder.layer.{i}.{m}": s for i in range(layers) for m, s in dense.items()}
    for module, shape in {**modules, "bert.pooler.dense": (width, width)}.items():
        shapes |= {f"{module}.weight": shape, f"{module}.bias": shape[:1]}
    return dict(sorted(shapes.items()))


def write_zoo(folder: Path, n: int, size: str) -> None:
    """Write a base and members of a norm of about 400, 4 apart from each other."""
    shapes, rng = shapes_of(size), np.random.default_rng(0)
    n_parameters = sum(int(np.prod(shape)) for shape in shapes.values())
    scale, step = np.float32(NORM / n_parameters**0.5), DISTANCE / (2 * n_parameters) ** 0.5
    base = {k: scale * rng.standard_normal(s, dtype=np.float32) for k, s in shapes.items()}
    write_safetensors(folder / "base.safetensors", base)
    for i in range(n):
        noise = {k: rng.standard_normal(v.shape, dtype=np.float32) for k, v in base.items()}
        member = {k: v + np.float32(step) * noise[k] for k, v in base.items()}
        write_safetensors(folder / f"{i:04d}.safetensors", member)


def zoo_of(folder: Path) -> list[Checkpoint]:
    """Return the members of a folder, as reading a zoo would describe them."""
    files = sorted(folder.glob("[0-9]*.safetensors"))
    origin = Base("base", folder, "", tensors_of(folder / "base.safetensors"))
    shapes = {name: ref.shape for name, ref in origin.tensors.items()}
    layout = Layout(tuple(shapes), tuple(shapes.values()))
    return [
        Checkpoint(
            id=file.stem, folder=folder, content_hash="", config={}, model_class="BertModel",
            tensors=tensors_of(file), layout=layout, labels=(), labels_named=False,
            tokenizer_folder=folder, tokenizer_hash="", base=origin,
        )
        for file in files
    ]  # fmt: skip


def tensors_of(file: Path) -> dict[str, TensorRef]:
    """Return where the tensors of a file lie, by name."""
    entries = sorted(read_header(file).tensors.items())
    return {name: TensorRef(file, name, entry.dtype, entry.shape) for name, entry in entries}


def cpu_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the CPU time of the fastest of several calls."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def peak() -> float:
    """Return the GFLOP/s of a float32 matrix product on this thread."""
    a, b = np.random.default_rng(0).standard_normal((2, 1024, 1024), dtype=np.float32)
    return 2 * 1024**3 / cpu_seconds(lambda: a @ b, 7) / 1e9


class Memory:
    """The most anonymous and private dirty memory beyond that at the start, in MB."""

    def __enter__(self) -> Memory:
        self._stop, self.most = threading.Event(), {}
        self._first = self._now()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.01):
            for name, value in self._now().items():
                more = (value - self._first[name]) / 1000
                self.most[name] = max(self.most.get(name, 0.0), more)

    def _now(self) -> dict[str, int]:
        text = Path("/proc/self/smaps_rollup").read_text()
        rows = (line.split() for line in text.splitlines()[1:])
        return {r[0]: int(r[1]) for r in rows if r[0] in ("Anonymous:", "Private_Dirty:")}


def read_counts() -> dict[str, int]:
    """Return the bytes that this process has read so far: asked for, and from storage."""
    rows = (line.split(":") for line in Path("/proc/self/io").read_text().splitlines())
    return {name: int(value) for name, value in rows if name in ("rchar", "read_bytes")}


def forget(files: list[Path]) -> None:
    """Drop files from the system's cache, which is asked for and not promised."""
    os.sync()
    for file in files:
        with file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_through(files: list[Path]) -> None:
    """Read files from the first byte to the last."""
    part = bytearray(1 << 22)
    for file in files:
        with file.open("rb", buffering=0) as opened:
            while opened.readinto(part):
                pass


def wall(work: Callable[[], object]) -> tuple[float, dict[str, int]]:
    """Return the seconds of one call, and what it read."""
    before, start = read_counts(), time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    return seconds, {name: value - before[name] for name, value in read_counts().items()}


def pair_by_pair(members: list[Checkpoint], measured: np.ndarray) -> tuple[float, float]:
    """Return the seconds of all pairs one by one, and the largest error of a distance."""
    rng, n = np.random.default_rng(0), len(members)
    pairs = [rng.choice(n, 2, replace=False) for _ in range(min(SAMPLED_PAIRS, n * (n - 1) // 2))]
    files = [next(iter(member.tensors.values())).file for member in members]
    base, errors = read_tensors(members[0].base.folder / "base.safetensors"), []

    def naive() -> None:
        for i, j in pairs:
            a, b = read_tensors(files[i]), read_tensors(files[j])
            for name, origin in base.items():
                np.linalg.norm(a[name] - b[name])
                np.vdot(a[name] - origin, b[name] - origin)

    for i, j in pairs:
        a, b = read_tensors(files[i]), read_tensors(files[j])
        exact = sum(float(((a[k].astype(np.float64) - b[k]) ** 2).sum()) for k in a) ** 0.5
        errors.append(abs(measured[i, j] / exact - 1))
    return cpu_seconds(naive, 1) * n * (n - 1) / 2 / len(pairs), max(errors)


def measure(folder: Path) -> None:
    """Print what the zoo of a folder costs."""
    members = zoo_of(folder)
    files = sorted(folder.glob("*.safetensors"))
    n, size = len(members), members[0].layout.n_parameters
    n_bytes, top = sum(file.stat().st_size for file in files), peak()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, one used")
    print(f"float32 matrix product of one thread: {top:.0f} GFLOP/s")
    print(f"{n} members of {size:,} parameters, {n * (n - 1) // 2} pairs, {n_bytes / 1e9:.2f} GB")
    read_through(files)
    # Apart from the time, because to watch takes some; first, because freed memory may be kept.
    with Memory() as memory:
        found = measure_geometry(members)
    seconds = cpu_seconds(lambda: measure_geometry(members), 5)
    rate = 2 * n * n * size / seconds / 1e9
    print(f"  warm       {seconds:8.2f} s, {n_bytes / seconds / 1e9:.2f} GB/s")
    print(f"             as fast as {rate:.0f} GFLOP/s of a full product, {rate / top:.2f} of peak")
    print(f"  memory     {memory.most['Anonymous:']:8.1f} MB anonymous", end="")
    print(f", {memory.most['Private_Dirty:']:.1f} MB private dirty")
    slow, error = pair_by_pair(members, found.l2)
    print(f"  naive      {slow:8.1f} s (from {SAMPLED_PAIRS} pairs), ratio {slow / seconds:.0f}")
    print(f"  distances  {error:8.0e} largest relative error of those, at norm / distance 100")
    for words, work in (
        ("a plain read", lambda: read_through(files)),
        ("the geometry", lambda: measure_geometry(members)),
    ):
        forget(files)
        seconds, counts = wall(work)
        print(f"  cold       {seconds:8.2f} s wall for {words}", end="")
        print(f": {counts['read_bytes'] / 1e9:.2f} GB from disk, {counts['rchar'] / 1e9:.2f} asked")


def adapters(n: int, width: int = 768, rank: int = 8, modules: int = 4) -> None:
    """Compare factored inner products with those of matrices made from the factors."""
    rng = np.random.default_rng(1)
    shapes = ((rank, width), (width, rank))
    updates = [
        [LowRankUpdate(*(rng.standard_normal(s, dtype=np.float32) for s in shapes))
         for _ in range(n)]
        for _ in range(modules)
    ]  # fmt: skip
    results = {}

    def dense() -> None:
        flats = (np.stack([(one.b @ one.a).reshape(-1) for one in module]) for module in updates)
        results["dense"] = sum(np.asarray(flat @ flat.T, np.float64) for flat in flats)

    def factored() -> None:
        results["factored"] = sum(inner_products(module) for module in updates)

    slow, fast = cpu_seconds(dense), cpu_seconds(factored)
    one, other = distances(results["dense"]), distances(results["factored"])
    error = np.abs(one - other).max() / other.max()
    print(f"{n} adapters of rank {rank} on {modules} matrices of {width} x {width}")
    print(f"  from factors {fast:6.3f} s, from matrices in float32 {slow:6.3f} s", end="")
    print(f", ratio {slow / fast:.1f}, largest difference {error:.0e}")


def main() -> None:
    """Write a zoo and have it measured, or measure one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--size", choices=SIZES, default="tiny")
    parser.add_argument("--folder", type=Path, help="Where the files go and stay.")
    parser.add_argument("--written", action="store_true", help="They are there; measure them.")
    options = parser.parse_args()
    if options.written:
        with threadpool_limits(1):
            measure(options.folder)
            adapters(options.members)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        write_zoo(folder, options.members, options.size)
        time.sleep(AGE)
        again = [sys.executable, __file__, "--written", "--folder", str(folder)]
        subprocess.run([*again, "--members", str(options.members)], check=True)


if __name__ == "__main__":
    main()
