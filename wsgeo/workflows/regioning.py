"""The regions of a run: found again in task vectors, sampled inside and outside, and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from wsgeo.processes.abstract import AbstractPool
from wsgeo.progress import Progress
from wsgeo.store import open_run
from wsgeo.workflows.engines import workers
from wsgeo.workflows.region_caveats import caveats, weak_probes
from wsgeo.workflows.region_choices import choose_regions, refuse_unknown
from wsgeo.workflows.region_curves import centroid_norms
from wsgeo.workflows.region_levels import find_levels, write_levels
from wsgeo.workflows.region_losses import measure
from wsgeo.workflows.region_plans import RegionPlan, plan_of
from wsgeo.workflows.region_records import keep, other_settings, record, tell
from wsgeo.workflows.region_work import Sampling, work_of
from wsgeo.workflows.reopening import reopen
from wsgeo.workflows.reports import write_reports
from wsgeo.workflows.staleness import note_answers

LINES: Final = 3
"""Pairs of members of each region whose line is followed, where the caller says nothing."""

DIRECTIONS: Final = 2
"""Random directions from each centroid, where the caller says nothing."""

_STAND_IN: Final = 16
"""Radii that a plan takes the origin to be away, which takes reading all members to know."""


def region(
    run: str | Path,
    *,
    level: str | None = None,
    name: Sequence[str] = (),
    samples: int | None = None,
    head: str | None = None,
    lines: int = LINES,
    directions: int = DIRECTIONS,
    dataset_axis: str | None = None,
    task_axis: str | None = None,
    seed: int = 0,
    jobs: int | None = None,
    pool: AbstractPool | None = None,
    progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Measure how losses lie inside and outside the regions of a run's members.

    A region is what members of one data set, of one task family, or of all of them span. The
    generalised loss of a point [gueta2023]_ is that of a linear probe on its frozen encoder: half of
    the run's examples of a task fit the probe, the other half measure it. It takes no head, so it
    serves points outside and members of several tasks. Inside one loss group the loss under the
    mean of the heads is measured too.

    Parameters
    ----------
    run : str or Path
        A finished run; its tables of regions and its report are written anew. What was measured
        before is not measured again.
    level : str, optional
        ``dataset``, ``task``, ``general`` or ``basin``; default all but the last.
    name : sequence of str, optional
        Names of regions, such as ``snli``; default all of the levels.
    samples : int, optional
        Samples of the hull of each kind; default as many as members.
    head : str, optional
        One head policy for all: ``refit``, ``interpolate`` or ``own``.
    lines : int, default 3
        Pairs of members of each region whose line is followed, between and beyond them.
    directions : int, default 2
        Random directions from each centroid; 0 for no way out of it.
    dataset_axis, task_axis : str, optional
        Settings that name data set and task family; see `wsgeo.regions.traits`.
    seed : int, default 0
        Seed of every draw.
    jobs : int, optional
        Worker processes; default one per core.
    pool : AbstractPool, optional
        Processes to use instead.
    progress : Progress, optional
        Told of each evaluation.
    announce : callable, optional
        Told the cost, as a sentence, before the work begins.

    Returns
    -------
    dict
        ``run``, ``levels`` (sentences on how regions are found again), ``headlines`` (sentences on
        each level), ``regions`` (``level``, ``name``, ``sentences`` and ``measured``, with what, of each), ``notes`` (what is
        not known, and why), ``failures`` (points that could not be evaluated), and ``report``.

    Raises
    ------
    StoreError
        If the run is unfinished, or a member has changed since the scan.
    WsgeoError
        If there is no such region, level or setting, or a number is out of range.

    References
    ----------
    [gueta2023]_
    """
    sampling = Sampling(samples, head, lines, directions, seed)
    found = open_run(Path(run))
    say = announce or (lambda _: None)
    with found.ledger() as ledger, workers(pool, jobs) as hands:
        levels = find_levels(found, dataset_axis=dataset_axis, task_axis=task_axis, seed=seed)
        refuse_unknown(levels.tables["regions"], level, name)
        inputs, settings = reopen(found, progress)
        write_levels(found, levels)
        chosen, notes = choose_regions(
            levels.tables["regions"], found, inputs, level=level, names=name
        )
        norms = centroid_norms(chosen, hands) if directions else {}
        work = [work_of(one, sampling, settings, norms.get(one.place)) for one in chosen]
        notes += caveats(work)
        say(str(plan_of(work, notes, found.read("summary"))))
        losses = measure(
            [asked for one in work for asked in one.asked],
            pool=hands, ledger=ledger, settings=settings, progress=progress,
        )  # fmt: skip
        notes += weak_probes(work, losses)
        pairs = found.table("pairs")
        tables = [one.tables(losses, pairs, seed) for one in work]
        measured = keep(
            found, chosen, tables, levels.tables["regions"], sampling=sampling,
            data={group.name: group.encoded.key for group in inputs.groups},
        )  # fmt: skip
        notes += other_settings(measured, sampling)
        told = tell(found, levels, measured)
        record(found, told, notes)
        note_answers(found)
        page = write_reports(found)
    failures = [reason for one in work for reason in one.failures(losses)]
    return {
        "run": str(found.folder), **told, "notes": notes, "failures": failures, "report": str(page),
    }  # fmt: skip


def plan_region(
    run: str | Path,
    *,
    level: str | None = None,
    name: Sequence[str] = (),
    samples: int | None = None,
    head: str | None = None,
    lines: int = LINES,
    directions: int = DIRECTIONS,
    dataset_axis: str | None = None,
    task_axis: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> RegionPlan:
    """Return what `region` with the same arguments would do, and write nothing.

    Parameters
    ----------
    run, level, name, samples, head, lines, directions, dataset_axis, task_axis, seed, progress
        As in `region`.

    Returns
    -------
    RegionPlan
        Regions and evaluations.
    """
    sampling = Sampling(samples, head, lines, directions, seed)
    found = open_run(Path(run))
    levels = find_levels(found, dataset_axis=dataset_axis, task_axis=task_axis, seed=seed)
    refuse_unknown(levels.tables["regions"], level, name)
    inputs, settings = reopen(found, progress)
    chosen, notes = choose_regions(levels.tables["regions"], found, inputs, level=level, names=name)
    work = [work_of(one, sampling, settings, _STAND_IN * one.radius) for one in chosen]
    return plan_of(work, [*notes, *caveats(work)], found.read("summary"))
