"""The scan: from a folder of checkpoints to tables, basins and a report."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Never, final

from wsgeo.errors import WsgeoError, ZooError
from wsgeo.evaluation.engine import Engine
from wsgeo.evaluation.losses import Progress
from wsgeo.evaluation.pool import WorkerPool
from wsgeo.graph.result import ClusterResult, cluster
from wsgeo.store import Ledger, Run, create_run
from wsgeo.workflows.exporting import write_graphs
from wsgeo.workflows.geometry import Geometry, measure_geometry
from wsgeo.workflows.measuring import GroupResult, measure_group
from wsgeo.workflows.plans import ScanPlan, plan_of
from wsgeo.workflows.recording import record_end, record_request, record_tables
from wsgeo.workflows.reports import write_reports
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import DataRequest, GroupData, find_data
from wsgeo.workflows.summaries import summary_of
from wsgeo.zoo import Zoo, read_zoo

Announce = Callable[[str], None]
RUNS: Final = Path("wsgeo-runs")


@final
@dataclass(frozen=True)
class ZooRequest:
    """What the user said about the zoo.

    Parameters
    ----------
    root : Path
        Its folder.
    ids : tuple of str
        Further members.
    base : str or None
        Folder or hub id of the pre-trained model.
    all_steps, allow_pickle : bool
        See `scan`.
    """

    root: Path
    ids: tuple[str, ...] = ()
    base: str | None = None
    all_steps: bool = False
    allow_pickle: bool = False


@final
@dataclass(frozen=True)
class ScanInputs:
    """A zoo with its data, read and checked.

    Parameters
    ----------
    zoo : Zoo
        Members and exclusions.
    request : ZooRequest
        How it was asked for.
    groups : tuple of GroupData
        Loss groups that can be measured.
    alerts : tuple of str
        What was guessed or looks odd.
    """

    zoo: Zoo
    request: ZooRequest
    groups: tuple[GroupData, ...]
    alerts: tuple[str, ...]

    def plan(self, settings: ScanSettings) -> ScanPlan:
        """Return what scanning this costs."""
        hashes = [member.content_hash for member in self.zoo.members]
        n_excluded = len(self.zoo.excluded)
        return plan_of(self.zoo.name, hashes, n_excluded, self.groups, settings, self.alerts)


@final
@dataclass(frozen=True)
class ScanOutcome:
    """What a scan found.

    Parameters
    ----------
    groups : tuple of GroupResult
        Each measured loss group, the largest first.
    geometries : mapping of str to Geometry
        Distances and angles in each geometry group.
    regions : mapping of str to ClusterResult
        Clusters of the task vectors of each geometry group with a base.
    n_computed, n_reused : int
        Evaluations done now, and found done.
    seconds : float
        Wall time.
    """

    groups: tuple[GroupResult, ...]
    geometries: Mapping[str, Geometry]
    regions: Mapping[str, ClusterResult]
    n_computed: int
    n_reused: int
    seconds: float


def scan(
    zoo: str | Path,
    ids: Sequence[str] = (),
    *,
    data: str | Path | None = None,
    split: str | None = None,
    columns: Mapping[str, str] | None = None,
    objective: str | None = None,
    out: str | Path | None = None,
    base: str | None = None,
    all_steps: bool = False,
    allow_pickle: bool = False,
    settings: ScanSettings | None = None,
    jobs: int | None = None,
    pool: WorkerPool | None = None,
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
    jobs : int, optional
        Worker processes; default one per core, 0 works in this process.
    pool : WorkerPool, optional
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
    settings = settings or ScanSettings()
    say = announce or (lambda _: None)
    start = time.monotonic()
    wanted = ZooRequest(Path(zoo), tuple(ids), base, all_steps, allow_pickle)
    request = DataRequest(_path(data), split, columns or {}, objective)
    run = create_run(run_folder(wanted.root, out))
    with run.ledger() as ledger, workers(pool, jobs) as hands:
        inputs = read_inputs(wanted, request, settings, progress)
        say(str(inputs.plan(settings)))
        record_request(run, inputs, settings, request, command)
        geometries = _geometries(inputs.zoo, progress)
        groups, computed, reused = _measure(inputs, geometries, settings, ledger, hands, progress)
        regions = _regions(geometries, settings)
        seconds = time.monotonic() - start
        outcome = ScanOutcome(groups, geometries, regions, computed, reused, seconds)
        record_tables(run, inputs, outcome)
        run.write("summary", summary_of(run, inputs, outcome))
        write_graphs(run, groups)
        write_reports(run)
        record_end(run)
    return run


def plan_scan(
    zoo: str | Path,
    ids: Sequence[str] = (),
    *,
    data: str | Path | None = None,
    split: str | None = None,
    columns: Mapping[str, str] | None = None,
    objective: str | None = None,
    out: str | Path | None = None,  # noqa: ARG001 - the same arguments as `scan`
    base: str | None = None,
    all_steps: bool = False,
    allow_pickle: bool = False,
    settings: ScanSettings | None = None,
    jobs: int | None = None,  # noqa: ARG001
    progress: Progress | None = None,
) -> ScanPlan:
    """Return what `scan` with the same arguments would do, and write nothing.

    Parameters
    ----------
    zoo, ids, data, split, columns, objective, out, base, all_steps, allow_pickle
        As in `scan`.
    settings, jobs, progress
        As in `scan`.

    Returns
    -------
    ScanPlan
        Members, pairs and evaluations.
    """
    settings = settings or ScanSettings()
    wanted = ZooRequest(Path(zoo), tuple(ids), base, all_steps, allow_pickle)
    request = DataRequest(_path(data), split, columns or {}, objective)
    return read_inputs(wanted, request, settings, progress).plan(settings)


def read_inputs(
    wanted: ZooRequest, request: DataRequest, settings: ScanSettings, progress: Progress | None
) -> ScanInputs:
    """Read a zoo and the data of its groups.

    Parameters
    ----------
    wanted : ZooRequest
        Which zoo.
    request : DataRequest
        Which data.
    settings : ScanSettings
        Number of examples and seed.
    progress : Progress or None
        Told of the inventory.

    Returns
    -------
    ScanInputs
        Zoo, groups and alerts.

    Raises
    ------
    ZooError
        If no two members can be compared.
    """
    zoo = read_zoo(
        wanted.root,
        ids=wanted.ids,
        base=wanted.base,
        all_steps=wanted.all_steps,
        allow_pickle=wanted.allow_pickle,
        progress=progress,
    )
    if not zoo.members:
        _refuse_empty(zoo)
    sizes = Counter(member.geometry_group for member in zoo.members)
    if max(sizes.values()) < 2:
        raise ZooError(
            f"no two of its members can be compared (members: {len(zoo.members)})",
            where=str(zoo.root),
            remedy="`wsgeo check` says what each member is and what was left out.",
        )
    groups, alerts = find_data(zoo, request, settings)
    return ScanInputs(zoo, wanted, tuple(groups), (*zoo.alerts, *alerts))


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


@contextlib.contextmanager
def workers(pool: WorkerPool | None, jobs: int | None) -> Iterator[WorkerPool]:
    """Give the processes of the caller, or new ones that end with the block.

    Parameters
    ----------
    pool : WorkerPool or None
        Those of the caller.
    jobs : int or None
        How many new ones; default one per core.

    Yields
    ------
    WorkerPool
        The processes.
    """
    if pool is not None:
        yield pool
        return
    with WorkerPool(n_cores() if jobs is None else jobs) as own:
        yield own


def n_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _geometries(zoo: Zoo, progress: Progress | None) -> dict[str, Geometry]:
    """Measure distances and angles in each geometry group."""
    names = dict.fromkeys(member.geometry_group for member in zoo.members)
    found = {}
    for done, name in enumerate(names):
        found[name] = measure_geometry(zoo.geometry_group(name))
        if progress is not None:
            progress(done + 1, len(names), "weight geometry")
    return found


def _measure(
    inputs: ScanInputs,
    geometries: Mapping[str, Geometry],
    settings: ScanSettings,
    ledger: Ledger,
    pool: WorkerPool,
    progress: Progress | None,
) -> tuple[tuple[GroupResult, ...], int, int]:
    """Measure each loss group; also count the evaluations done now and found done."""
    results, computed, reused = [], 0, 0
    for group in inputs.groups:
        with engine_for(group, pool, ledger, settings, progress) as engine:
            geometry = geometries[group.members[0].geometry_group]
            results.append(measure_group(group, engine, geometry, settings))
            computed, reused = computed + engine.n_computed, reused + engine.n_reused
    return tuple(results), computed, reused


def engine_for(
    group: GroupData,
    pool: WorkerPool,
    ledger: Ledger,
    settings: ScanSettings,
    progress: Progress | None,
) -> Engine:
    """Return the engine of one loss group.

    Parameters
    ----------
    group : GroupData
        Members and examples.
    pool : WorkerPool
        Processes.
    ledger : Ledger
        Finished work.
    settings : ScanSettings
        Precision and batch size.
    progress : Progress or None
        Told of every evaluation.

    Returns
    -------
    Engine
        Knows the examples under the task's name.
    """
    return Engine(
        group.members,
        {group.task.name: group.encoded},
        pool=pool,
        ledger=ledger,
        progress=progress,
        precision=settings.precision,
        token_budget=settings.token_budget,
    )


def _regions(
    geometries: Mapping[str, Geometry], settings: ScanSettings
) -> dict[str, ClusterResult]:
    """Cluster the task vectors of each geometry group that has a base."""
    return {
        name: cluster(
            1.0 - geometry.cosine,
            geometry.ids,
            name="task_vector",
            seed=settings.seed,
            n_draws=settings.n_draws,
        )
        for name, geometry in geometries.items()
        if geometry.cosine is not None
    }


def _path(data: str | Path | None) -> Path | None:
    return None if data is None else Path(data)


def _refuse_empty(zoo: Zoo) -> Never:
    if not zoo.excluded:
        raise ZooError(
            "no model folder was found",
            where=str(zoo.root),
            remedy="Name a folder whose subfolders hold config.json and safetensors files.",
        )
    first = zoo.excluded[0]
    raise ZooError(
        f"none of {len(zoo.excluded)} entries can be used; the first, {first.id}: {first.cause}",
        where=str(zoo.root),
        remedy=f"{first.remedy} `wsgeo check` lists them all.",
    )
