"""What a diagnosis costs: CPU seconds of one process per member and 1,000 examples.

The run is a finished one of a real zoo. It is copied without its ledger, so that everything is
computed; nothing is written into it. Reading the zoo, encoding, and choosing the backend are told
apart from asking, which is what grows with the members.

    python benchmarks/diagnosing.py RUN [--suite NAMES] [--members 4] [--lines 0]
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

from wsgeo.processes.pool import WorkerPool
from wsgeo.store import Ledger, open_run
from wsgeo.workflows.diagnosis import ask, prepare
from wsgeo.workflows.reopening import reopen
from wsgeo.workflows.suites import find_suite, training_task


def main() -> None:
    """Print one row per loss group."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--suite", help="sets and probes, joined by commas; default all that fit")
    parser.add_argument("--members", type=int, default=4)
    parser.add_argument("--lines", type=int, default=0)
    given = parser.parse_args()
    start = time.process_time()
    run, suite = open_run(given.run), find_suite(given.suite and given.suite.split(","))
    inputs, settings = reopen(run)
    print(f"zoo and sets read in {time.process_time() - start:.1f} s")
    for group in inputs.groups:
        few = dataclasses.replace(group, members=group.members[: given.members])
        train = training_task(few.members, inputs.zoo.root, None)
        start = time.monotonic()  # encoding is done by a child process, whose CPU time is its own
        asked = prepare(few, suite, run, settings, train=train, n_lines=given.lines)
        prepared = time.monotonic() - start
        with (
            tempfile.TemporaryDirectory() as folder,
            Ledger(Path(folder) / "ledger.sqlite") as ledger,
            WorkerPool(0) as pool,
        ):
            start, wall = time.process_time(), time.monotonic()
            ask(few, asked, pool=pool, ledger=ledger, settings=settings)
            spent, wall = time.process_time() - start, time.monotonic() - wall
        n = len(few.members) * (asked.n_examples + len(group.encoded))
        along = sum(map(len, asked.sets.values())) + len(group.encoded)
        n += len(asked.lines) * settings.n_points * along
        print(
            f"{group.name}: {len(few.members)} members, {len(asked.sets)} sets, "
            f"{len(asked.probes)} changes of the texts, {len(asked.lines)} lines; encoded in "
            f"{prepared:.1f} s of wall time; {n:,} texts in {spent:.1f} s of CPU ({wall:.1f} s of wall time): "
            f"{1000 * spent / n:.2f} s per 1,000 examples"
        )


if __name__ == "__main__":
    main()
