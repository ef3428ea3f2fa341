"""The scan: from a folder of checkpoints to tables, basins and a report."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from wsgeo.errors import WsgeoError
from wsgeo.processes.abstract import AbstractPool
from wsgeo.progress import Progress
from wsgeo.store import Run, create_run
from wsgeo.store.kept import count_kept
from wsgeo.workflows.comparisons import compare_basins
from wsgeo.workflows.exporting import write_graphs
from wsgeo.workflows.inputs import ZooRequest, read_inputs
from wsgeo.workflows.notices import replacement
from wsgeo.workflows.outcomes import ScanOutcome
from wsgeo.workflows.plans import ScanPlan
from wsgeo.workflows.recording import record_end, record_request, record_tables
from wsgeo.workflows.reports import write_reports
from wsgeo.workflows.resources import Resources
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import DataRequest
from wsgeo.workflows.stages import Stages
from wsgeo.workflows.staleness import drop_stale
from wsgeo.workflows.summaries import summary_of

Announce = Callable[[str], None]
RUNS: Final = Path("wsgeo-runs")


def scan(
    zoo: str | Path,
    ids: Sequence[str] = (),
    *,
    data: str | Path | None = None,
    split: str | None = None,
    columns: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    objective: str | None = None,
    out: str | Path | None = None,
    base: str | None = None,
    all_steps: bool = False,
    allow_pickle: bool = False,
    settings: ScanSettings | None = None,
    resources: Resources | None = None,
    jobs: int | None = None,
    pool: AbstractPool | None = None,
    progress: Progress | None = None,
    announce: Announce | None = None,
    command: str = "wsgeo.scan",
) -> Run:
    """Measure a zoo: barriers, basins, map, report.

    What a former scan into the same folder finished is not computed again.

    Parameters
    ----------
    zoo : str or Path
        Folder of model folders, adapters or trainer outputs.
    ids : sequence of str
        Further members: ``org/name@revision``, ``base+adapter``, or folders.
    data : str or Path, optional
        Examples; default what the zoo names. Without any, weights alone are compared.
    split, columns, objective
        How to read the data; see `wsgeo.tasks.read_task`.
    labels : mapping of str to str, optional
        Label of the members by label of the data, where they are not called the same.
    out : str or Path, optional
        Run folder; default ``wsgeo-runs/<name of the zoo>``.
    base : str, optional
        Folder or hub id of the pre-trained model.
    all_steps : bool, default False
        Whether every ``checkpoint-N`` is a member.
    allow_pickle : bool, default False
        Whether pickled weights are read, by torch's weights-only loader in a child process.
    settings : ScanSettings, optional
        Settings; default `ScanSettings()`.
    resources : Resources, optional
        Machines, memory and time; default `Resources()`.
    jobs : int, optional
        Worker processes; default one per core, 0 works in this process.
    pool : AbstractPool, optional
        Processes to use instead.
    progress : Progress, optional
        Told how far each stage is.
    announce : callable, optional
        Told the cost plan and other notes, as sentences.
    command : str
        How this scan was asked for; kept with its results.

    Returns
    -------
    Run
        The run folder, complete.

    Raises
    ------
    WsgeoError
        If the request cannot be carried out as a whole; a bad entry alone is a row.
    """
    settings, resources = settings or ScanSettings(), resources or Resources()
    say = announce or (lambda _: None)
    wanted = ZooRequest(Path(zoo), tuple(ids), base, all_steps, allow_pickle)
    request = DataRequest(_path(data), split, columns or {}, objective, labels or {})
    folder, start = run_folder(wanted.root, out), time.monotonic()
    if folder.is_dir() and any(folder.iterdir()):
        create_run(folder)  # what it refuses, it refuses before the zoo is read
    inputs = read_inputs(wanted, request, settings, progress)
    say(str(inputs.plan(settings)))
    run = create_run(folder)
    with run.ledger() as ledger, resources.workers(pool, jobs) as hands:
        if replaced := replacement(run, inputs.request, settings, request):
            say(replaced)
        record_request(run, inputs, settings, request, command)

        def record(found: ScanOutcome, *, final: bool = False) -> None:
            record_tables(run, inputs, found)
            run.write("summary", summary_of(run, inputs, found))
            if final:  # basins of a coarse map are none to compare, and no reason to drop answers
                drop_stale(run)
                compare_basins(run)
            write_reports(run)

        outcome = Stages(
            inputs, settings, resources, ledger, hands, start, say, record, progress
        ).run()
        record(outcome, final=True)
        write_graphs(run, outcome.groups)
        record_end(run, complete=outcome.complete)
    return run


def plan_scan(
    zoo: str | Path,
    ids: Sequence[str] = (),
    *,
    data: str | Path | None = None,
    split: str | None = None,
    columns: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    objective: str | None = None,
    out: str | Path | None = None,
    base: str | None = None,
    all_steps: bool = False,
    allow_pickle: bool = False,
    settings: ScanSettings | None = None,
    resources: Resources | None = None,  # noqa: ARG001 - the same arguments as `scan`
    jobs: int | None = None,  # noqa: ARG001
    progress: Progress | None = None,
) -> ScanPlan:
    """Return what `scan` with the same arguments would do, and write nothing.

    Parameters
    ----------
    zoo, ids, data, split, columns, labels, objective, out, base, all_steps, allow_pickle
        As in `scan`.
    settings, resources, jobs, progress
        As in `scan`.

    Returns
    -------
    ScanPlan
        Members, pairs and evaluations.

    Raises
    ------
    WsgeoError
        If `scan` would refuse the request before it measures anything.
    """
    settings = settings or ScanSettings()
    wanted = ZooRequest(Path(zoo), tuple(ids), base, all_steps, allow_pickle)
    folder = run_folder(wanted.root, out)
    request = DataRequest(_path(data), split, columns or {}, objective, labels or {})
    plan = read_inputs(wanted, request, settings, progress).plan(settings)
    return dataclasses.replace(plan, n_kept=count_kept(folder))


def run_folder(zoo: Path, out: str | Path | None) -> Path:
    """Return where a run goes, which is never inside its zoo.

    Parameters
    ----------
    zoo : Path
        The zoo.
    out : str, Path or None
        What the user said.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    WsgeoError
        If the folder lies in the zoo.
    """
    folder = Path(out) if out else RUNS / (zoo.resolve().name or "zoo")
    if folder.resolve().is_relative_to(zoo.resolve()):
        raise WsgeoError(
            "the run folder lies inside the zoo",
            where=str(folder),
            remedy="Choose another with -o, or start from another folder.",
        )
    return folder


def _path(data: str | Path | None) -> Path | None:
    return None if data is None else Path(data)
