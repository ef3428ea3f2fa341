"""A trained zoo that is made once per test run, and what tests of scans do with it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from trained_zoo import train_zoo, write_data

from wsgeo.workflows.scanning import scan
from wsgeo.workflows.settings import ScanSettings

N_MEMBERS, N_EXAMPLES, N_POINTS = 6, 32, 5
N_PAIRS, N_INNER = N_MEMBERS * (N_MEMBERS - 1) // 2, N_POINTS - 2
N_EVALUATIONS = N_MEMBERS + N_PAIRS * N_INNER
SETTINGS = ScanSettings(n_examples=N_EXAMPLES, n_points=N_POINTS, n_resamples=50, n_draws=20)
OPTIONS = ("--examples", str(N_EXAMPLES), "--points", str(N_POINTS), "--jobs", "0")


class Trained:
    """A trained zoo, its data and a finished run of it; tests change copies only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.zoo, self.data, self.run = (folder / name for name in ("zoo", "film.jsonl", "run"))

    def copy_zoo(self, target: Path) -> Path:
        """Copy the zoo, to be spoilt."""
        return Path(shutil.copytree(self.zoo, target))

    def copy_run(self, target: Path) -> Path:
        """Copy the finished run, whose ledger spares what is known."""
        return Path(shutil.copytree(self.run, target))

    def scan(self, zoo, out, settings=SETTINGS, **changes):
        """Scan a zoo in this process, on the data unless told otherwise."""
        return scan(zoo, out=out, settings=settings, **{"data": self.data, "jobs": 0} | changes)


def trained(basetemp: Path) -> Trained:
    """Train the zoo and scan it, unless another folder of tests has done so."""
    found = Trained(basetemp / "trained")
    if not found.folder.exists():
        train_zoo(found.zoo, N_MEMBERS)
        write_data(found.data, N_EXAMPLES)
        found.scan(found.zoo, found.run)
    return found


def counts(run):
    """Return how many evaluations the last scan did, and found done."""
    summary = run.read("summary")
    return summary["n_computed"], summary["n_reused"]


def unequal_tables(first, second):
    """Return the names of the tables of two runs that differ in any value."""
    old, new = first.every_table(), second.every_table()
    return [name for name in old if not old[name].equals(new[name], null_equal=True)]


def gaps(run):
    """Return the convexity gap of each pair, by its ids."""
    rows = run.table("pairs").select("a", "b", "convexity_gap").iter_rows()
    return {(a, b): gap for a, b, gap in rows}


def outcomes(run):
    """Return how each pair was measured, and its edge status, by its ids."""
    rows = run.table("pairs").select("a", "b", "measured", "status").iter_rows()
    return {(a, b): (measured, status) for a, b, measured, status in rows}


def change_weights(folder, name, change):
    """Rewrite one tensor of a member so that size and time stamp of its file stay."""
    from safetensors.numpy import load_file, save_file

    file = folder / "model.safetensors"
    before, tensors = file.stat(), load_file(file)
    tensors[name] = change(tensors[name]).astype(tensors[name].dtype)
    save_file(tensors, file, metadata={"format": "pt"})
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size


def tree(folder):
    """Return every file below a folder with its time stamp and content."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in sorted(folder.rglob("*"))
    }
