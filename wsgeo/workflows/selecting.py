"""Which model to start from: candidates ranked cheaply, the best fine-tuned beside the base."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from wsgeo.counting import counted
from wsgeo.errors import WsgeoError
from wsgeo.processes.pool import WorkerPool
from wsgeo.progress import Progress
from wsgeo.regions.start_words import start_sentences, transfer_table
from wsgeo.store import Run, open_run
from wsgeo.workflows.reports import write_reports
from wsgeo.workflows.staleness import note_answers
from wsgeo.workflows.start_choices import write_chosen
from wsgeo.workflows.start_plans import StartPlan, plan_starts
from wsgeo.workflows.start_ranks import Ranking, rank_starts
from wsgeo.workflows.start_records import Records
from wsgeo.workflows.start_results import keep_answer, settings_apart, write_tables
from wsgeo.workflows.start_rounds import Cell, Rounds
from wsgeo.workflows.start_settings import StartSettings
from wsgeo.workflows.start_studies import Study, Wish, prepare_study
from wsgeo.workflows.start_trials import LOST, Bench
from wsgeo.workflows.zoo_work import HEAVY, usual_jobs

STOPPED: Final = 5
"""Exit code where the budget ended the work."""

PARTLY: Final = 4
"""Exit code where a fine-tuning has no result."""


def select(
    run: str | Path,
    targets: Sequence[str | Path] = (),
    *,
    each_task: bool = False,
    leave_out: Sequence[str] = (),
    start: Sequence[str] = (),
    group: str | None = None,
    settings: StartSettings | None = None,
    budget: int | None = None,
    keep: bool = False,
    out: str | Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
    command: Sequence[str] = ("wsgeo.select",),
) -> dict[str, Any]:
    """Find the model to start from for each target, and measure what each start gains.

    Base, members, and medoids and centroids of regions are ranked by linear models of their frozen
    encoders; the best, and the mean of all members, are fine-tuned beside the base with the same
    seeds. No start is made of members that were tuned on the target. All starts are encoders in the
    frame of the base: what the base lacks, a head and perhaps a pooler, is drawn anew from the seed.
    What was measured before is not measured again.

    Parameters
    ----------
    run : str or Path
        A finished run; its tables of starts, trials and gains and its report are written anew.
    targets : sequence of str or Path
        Folders with training and held-out examples, ``NAME=PATH``, or ``task:NAME`` for a data set
        of the zoo's own.
    each_task : bool, default False
        Whether every data set that members were tuned on is a target too.
    leave_out : sequence of str
        Ids of members, or values of their settings, of which no start is made.
    start : sequence of str
        Names of candidates that are tried too.
    group : str, optional
        Geometry group; default the largest that has a base.
    settings : StartSettings, optional
        Ranking, method, shots, seeds, and settings of training.
    budget : int, optional
        Most fine-tunings that are made anew.
    keep : bool, default False
        Whether the weights of fine-tunings stay in the run.
    out : str or Path, optional
        With one target and number of shots: folder of the chosen start; default below ``starts/``
        in the run.
    jobs : int, optional
        Single-threaded workers; default one per core, and one on a GPU.
    progress : Progress, optional
        Told how many starts are scored, and fine-tunings made.
    announce : callable, optional
        Told what comes next, in sentences.
    command : sequence of str
        How it was asked for; kept in the card of the chosen start.

    Returns
    -------
    dict
        ``run``, ``targets`` (``name``, ``n_train``, ``n_held_out``, ``labels``, ``left_out``),
        ``sentences``, ``notes``, ``table`` (rows of texts: targets by starts), ``gains`` (rows of
        `GAINS`), ``chosen`` (``target``, ``shots``, ``method``, ``start``, ``folder``), ``n_trials``,
        ``n_new``, ``report`` and ``exit_code`` (4 where a fine-tuning has no result, 5 where the
        budget ended the work).

    Raises
    ------
    StoreError
        If the run is unfinished, or a member has changed since the scan.
    WsgeoError
        If there is no base, a target cannot be read, or a start has no such name.

    References
    ----------
    [gueta2023]_, [you2021]_, [bao2019]_
    """
    asked, settings = (
        _wish(targets, each_task, leave_out, group, start),
        settings or StartSettings(),
    )
    found, say = open_run(Path(run)), announce or (lambda _: None)
    n_jobs = usual_jobs(settings.device) if jobs is None else jobs
    with found.ledger(), WorkerPool(n_jobs, preload=HEAVY) as pool:
        study = prepare_study(found, asked, settings, progress)
        study.keep_regions(found)
        _check_out(out, study, settings)
        for line in study.begun:
            say(line)
        bench = Bench(found.folder / "trials", settings, study.tuning, keep)
        rankings = _ranked(found, study, bench, pool, progress)
        cells = [Cell(one, tuple(one.tried(settings.top, start))) for one in rankings]
        rounds = Rounds(study, bench, found.folder / "starts", budget, progress)
        n_all, n_known = rounds.n_wanted(cells)
        say(f"{counted(n_all, 'fine-tuning')} at most, {n_known} of them known.")
        rounds.run(cells, pool)
        write_tables(found, study, settings, cells, rounds)
        chosen = write_chosen(found, rounds, cells, out=out, command=command)
        chosen = [{**row, "method": settings.method} for row in chosen]
        answer = _answer(found, study, rounds, chosen)
        keep_answer(found, study, settings, answer)
        note_answers(found)
        page = write_reports(found)
    return {**answer, "report": str(page)}


def plan_selection(
    run: str | Path,
    targets: Sequence[str | Path] = (),
    *,
    each_task: bool = False,
    leave_out: Sequence[str] = (),
    start: Sequence[str] = (),
    group: str | None = None,
    settings: StartSettings | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> StartPlan:
    """Return what `select` with the same arguments would do and cost.

    Parameters
    ----------
    run, targets, each_task, leave_out, start, group, settings, jobs, progress
        As in `select`.

    Returns
    -------
    StartPlan
        Candidates, fine-tunings, and an estimate of the time from a few updates.
    """
    asked, settings = (
        _wish(targets, each_task, leave_out, group, start),
        settings or StartSettings(),
    )
    found = open_run(Path(run))
    n_jobs = usual_jobs(settings.device) if jobs is None else jobs
    with found.sole_writer(), WorkerPool(n_jobs, preload=HEAVY) as pool:
        study = prepare_study(found, asked, settings, progress)
        return plan_starts(study, settings, pool, start)


def _wish(
    targets: Sequence[str | Path],
    each_task: bool,
    leave_out: Sequence[str],
    group: str | None,
    start: Sequence[str],
) -> Wish:
    return Wish(tuple(map(str, targets)), each_task, tuple(leave_out), group, tuple(start))


def _check_out(out: str | Path | None, study: Study, settings: StartSettings) -> None:
    if out is not None and len(study.targets) * len(settings.shots) > 1:
        raise WsgeoError(
            "one folder cannot hold the starts of several targets or numbers of shots",
            remedy="Leave out -o: they are written below starts/ in the run.",
        )


def _ranked(
    run: Run, study: Study, bench: Bench, pool: WorkerPool, progress: Progress | None
) -> list[Ranking]:
    records = Records(run.folder / "starts" / "scores")
    return rank_starts(study, bench.settings, bench, records, pool, progress)


def _answer(
    run: Run, study: Study, rounds: Rounds, chosen: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what was found of the targets of this call, and over all of the run."""
    names = [target.name for target in study.targets]
    tables = {name: run.table(name) for name in ("gains", "starts", "trials")}
    mine = {
        name: frame.filter(pl.col("target").is_in([*names, "*"])) for name, frame in tables.items()
    }
    lost = rounds.trials.filter(pl.col("status").is_in(LOST)).height
    return {
        "run": str(run.folder),
        "targets": _target_rows(study),
        "sentences": list(start_sentences(**mine, apart=settings_apart(run))),
        "notes": list(study.begun),
        "table": transfer_table(mine["gains"]).to_dicts(),
        "gains": mine["gains"].to_dicts(),
        "chosen": list(chosen),
        "n_trials": rounds.trials.height,
        "n_new": rounds.n_new,
        "exit_code": STOPPED if rounds.is_stopped else PARTLY if lost else 0,
    }


def _target_rows(study: Study) -> list[dict[str, Any]]:
    return [
        {
            "name": target.name,
            "n_train": len(target.train),
            "n_held_out": len(target.held_out),
            "labels": list(target.labels),
            "left_out": dict(study.known[target.name]),
        }
        for target in study.targets
    ]
