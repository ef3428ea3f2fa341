"""The demo: every verb in turn on a zoo that is made on the spot."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from wsgeo.processes.pool import PRELOAD, WorkerPool
from wsgeo.progress import Progress
from wsgeo.workflows.centring import centroid
from wsgeo.workflows.demonstrating import make_demo_zoo
from wsgeo.workflows.diagnosing import diagnose
from wsgeo.workflows.engines import n_cores
from wsgeo.workflows.reports import report
from wsgeo.workflows.scanning import scan
from wsgeo.workflows.suites import PROBES

SUITE: Final = "animal_scenes"
_HEAVY: Final = (*PRELOAD, "transformers.models.bert.modeling_bert", "wsgeo.training.members")


def demo(
    out: str | Path = "wsgeo-demo",
    *,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
    command: Sequence[str] = ("wsgeo.demo",),
) -> dict[str, Any]:
    """Make the embedded zoo, scan it, diagnose it, and save a centroid and the report.

    Parameters
    ----------
    out : str or Path, default 'wsgeo-demo'
        Folder; what an earlier call finished there is kept.
    seed : int, default 0
        Seed of everything.
    jobs : int, optional
        Worker processes; default one per core.
    progress : Progress, optional
        Told how far each stage is.
    announce : callable, optional
        Told what comes next, in sentences.
    command : sequence of str
        How it was asked for.

    Returns
    -------
    dict
        ``verdict`` and ``strategies`` (sentences), ``basins``, ``better`` (the basin that does
        better on the diagnostic set, or None), ``centroid`` (row of the table of centroids: the
        mean of that basin, else of the largest), ``run``, ``report``, ``next`` (commands),
        ``seconds``.

    Raises
    ------
    WsgeoError
        If a model cannot be trained, or the folder holds something else.

    References
    ----------
    [juneja2022]_, [gueta2023]_
    """
    start, folder = time.monotonic(), Path(out)
    say = announce or (lambda _: None)
    with WorkerPool(n_cores() if jobs is None else jobs, preload=_HEAVY) as pool:
        say(f"Making a zoo of twelve fine-tuned models in {folder / 'zoo'}.")
        zoo = make_demo_zoo(folder / "zoo", seed=seed, pool=pool, progress=progress)
        run = scan(
            zoo.root,
            out=folder / "run",
            pool=pool,
            progress=progress,
            announce=announce,
            command=shlex.join(command),
        )
        say("Scoring each member on sentence pairs that break the word-overlap shortcut.")
        found = diagnose(run.folder, [SUITE, PROBES], pool=pool, progress=progress)
        saved = centroid(
            run.folder, basin=found["better"], pool=pool, progress=progress, command=command
        )
    summary = run.read("summary")
    return {
        "verdict": summary["verdict"],
        "strategies": found["sentences"],
        "basins": summary["groups"][0]["basins"],
        "better": found["better"],
        "centroid": saved,
        "run": str(run.folder),
        "report": str(report(run.folder)),
        "next": [f"wsgeo show {run.folder}", f"wsgeo scan {zoo.root} --examples 1000 -o finer-run"],
        "seconds": round(time.monotonic() - start, 1),
    }
