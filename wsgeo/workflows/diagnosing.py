"""The strategy of each basin: members asked on diagnostic sets, basins compared."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from wsgeo.errors import WsgeoError
from wsgeo.probing import DiagnosticSet
from wsgeo.processes.abstract import AbstractPool
from wsgeo.progress import Progress
from wsgeo.store import Run, open_run
from wsgeo.tasks import Objective
from wsgeo.tasks.declarations import Kind
from wsgeo.workflows.comparisons import Comparison, check_setting, compare_basins
from wsgeo.workflows.diagnosis import Diagnosis, Questions, ask, prepare
from wsgeo.workflows.diagnosis_plans import DiagnosisPlan, plan_of
from wsgeo.workflows.engines import workers
from wsgeo.workflows.inputs import ScanInputs
from wsgeo.workflows.reopening import reopen
from wsgeo.workflows.reports import write_reports
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData
from wsgeo.workflows.staleness import note_answers
from wsgeo.workflows.suites import Suite, find_suite, training_task

Asked = list[tuple[GroupData, Questions]]

_ALONG_LINES: Final = ("slice_profiles", "attributions", "ridge_examples")

LINES: Final = 1
"""Lines between every two basins, and within each, where the caller says nothing."""


def diagnose(
    run: str | Path | None = None,
    suite: Sequence[str] | None = None,
    *,
    suite_path: str | Path | None = None,
    lines: int = LINES,
    train: str | Path | None = None,
    by: str | None = None,
    scores: str | Path | None = None,
    clusters: str | Path | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    jobs: int | None = None,
    pool: AbstractPool | None = None,
    progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Ask the members of a run what tells strategies apart, and compare its basins.

    Parameters
    ----------
    run : str or Path, optional
        A finished run; its tables of scores, probes and comparisons and its report are written
        anew. What was measured before is not measured again.
    suite : sequence of str, optional
        Names of sets, their folders, files of examples, and ``probes``; default everything whose
        labels are the members'.
    suite_path : str or Path, optional
        A folder of the user's own sets.
    lines : int, default 1
        Lines that the sets are followed along, between every two basins and within each.
    train : str or Path, optional
        Data that the members were trained on, for the word-count model; default what they name.
    by : str, optional
        A setting of training whose values are compared too.
    scores, clusters : str or Path, optional
        In place of a run: a file of scores or predictions of models, and one of their groups; see
        `wsgeo.workflows.score_analysis.analyse_scores`.
    out : str or Path, optional
        With ``scores``: folder for the tables.
    seed : int, default 0
        With ``scores``: seed of permutations and resamples; a run has its own.
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
        ``run``, ``sets``, ``refused`` (why a named set fits no group), ``n_members``, ``sentences``
        (what the basins' scores say), ``headlines`` (the same in fewer), ``behaviour``, ``ridges``, ``held_out``, ``by`` (lists of sentences),
        ``notes`` (sets that say little of these members), ``failures`` (lines that could not be followed, and why), ``contrasts`` (rows of
        `wsgeo.probing.CONTRASTS`), ``better`` (which basin is right more often where they differ, or
        None), and ``report``. With ``scores`` what `analyse_scores` returns.

    Raises
    ------
    StoreError
        If the run is unfinished, or a member has changed since the scan.
    WsgeoError
        If not exactly one of ``run`` and ``scores`` is given, or a set cannot be read.

    References
    ----------
    [juneja2022]_, [mccoy2019]_
    """
    if (run is None) == (scores is None):
        raise WsgeoError("give a run folder or --scores FILE, one of them")
    if scores is not None:
        from wsgeo.workflows.score_analysis import analyse_scores

        return analyse_scores(Path(scores), _path(clusters), out=_path(out), seed=seed)
    found, asked_of = open_run(Path(str(run))), find_suite(suite, suite_path)
    if by is not None:
        check_setting(found, by)
    with found.ledger() as ledger, workers(pool, jobs) as hands:
        inputs, settings = reopen(found, progress)
        asked = _prepared(found, inputs, settings, asked_of, lines, train)
        plan = _plan(found, asked, settings)
        say = announce or (lambda _: None)
        notes = _notes(asked)
        for line in (str(plan), *notes):
            say(line)
        told = [
            (group.name, questions, ask(
                group, questions, pool=hands, ledger=ledger, settings=settings, progress=progress
            ))
            for group, questions in asked
        ]  # fmt: skip
        for name, questions, diagnosis in told:
            _keep(found, name, questions, diagnosis)
        _record(found, [questions for _, questions, _ in told])
        note_answers(found)
        compared = compare_basins(found, by=by, sets=_names(asked))
        page = write_reports(found)
    lost = [reason for _, _, one in told for reason in (one.lines.reasons if one.lines else ())]
    return {**_answer(found, plan, compared), "notes": notes, "failures": lost, "report": str(page)}


def plan_diagnosis(
    run: str | Path,
    suite: Sequence[str] | None = None,
    *,
    suite_path: str | Path | None = None,
    lines: int = LINES,
    train: str | Path | None = None,
    progress: Progress | None = None,
) -> DiagnosisPlan:
    """Return what `diagnose` with the same arguments would do, and write nothing.

    Parameters
    ----------
    run, suite, suite_path, lines, train, progress
        As in `diagnose`.

    Returns
    -------
    DiagnosisPlan
        Sets and texts.
    """
    found, asked_of = open_run(Path(run)), find_suite(suite, suite_path)
    inputs, settings = reopen(found, progress)
    return _plan(found, _prepared(found, inputs, settings, asked_of, lines, train), settings)


def _prepared(
    run: Run,
    inputs: ScanInputs,
    settings: ScanSettings,
    suite: Suite,
    n_lines: int,
    train: str | Path | None,
) -> Asked:
    """Encode what each loss group is asked."""
    root = inputs.zoo.root
    return [
        (
            group,
            prepare(
                group, suite, run, settings,
                train=training_task(group.members, root, train) if _probed(group, suite) else None,
                n_lines=n_lines,
            ),
        )
        for group in inputs.groups
    ]  # fmt: skip


def _names(asked: Asked) -> list[str]:
    """Return the sets that were asked, by the names that their scores have."""
    return list(dict.fromkeys(one.name for _, questions in asked for one in questions.suite.sets))


def _notes(asked: Asked) -> list[str]:
    """Return what keeps a set from saying much of the members."""
    unknown = {name: share for _, one in asked for name, share in one.unknown.items()}
    return [
        f"{share:.0%} of the tokens of {name} are unknown to the members' tokenizer: members that "
        "do not know the words answer alike."
        for name, share in unknown.items()
    ]


def _probed(group: GroupData, suite: Suite) -> bool:
    return suite.probes and group.task.objective is Objective.CLASSIFICATION


def _plan(run: Run, asked: Asked, settings: ScanSettings) -> DiagnosisPlan:
    return plan_of(asked, settings.n_points - 2, run.read("summary"))


def _keep(run: Run, group: str, questions: Questions, found: Diagnosis) -> None:
    """Write what a group answered; what it was not asked this time stays."""
    ids = pl.col("id").is_in(found.scores["id"].unique().to_list())
    names = [one.name for one in questions.suite.sets]
    earlier = run.table("scores").filter(~(ids & pl.col("set").is_in(names)))
    run.write_table("scores", pl.concat([earlier, found.scores], how="diagonal"))
    if questions.suite.probes:
        _replace(run, group, {"probes": found.probes, "agreements": found.agreements})
    if found.lines is not None:
        frames = {name: getattr(found.lines, name) for name in _ALONG_LINES}
        _replace(run, group, frames, set(found.lines.slice_profiles["set"]))


def _replace(
    run: Run, group: str, frames: Mapping[str, pl.DataFrame], sets: Collection[str] | None = None
) -> None:
    """Replace the rows of one group in tables; where sets are named, only theirs."""
    stays = pl.col("group") != group
    if sets is not None:
        stays |= ~pl.col("set").is_in(list(sets))
    for name, frame in frames.items():
        others = run.table(name).filter(stays)
        own = frame.select(pl.lit(group).alias("group"), pl.all())
        run.write_table(name, pl.concat([others, own], how="diagonal"))


def _record(run: Run, asked: Sequence[Questions]) -> None:
    """Note the sets, and their sources, in the run."""
    facts = run.read("run")
    sets = {one.name: one for questions in asked for one in questions.suite.sets}
    added = {
        one.name: {"title": one.title, "source": one.source, "chance": _chance(one)}
        for one in sets.values()
    }
    known = {**facts.get("sets", {}), **added}
    references = sorted({*facts["references"], *(one.source for one in sets.values())})
    run.write("run", {**facts, "sets": known, "references": references})


def _chance(one: DiagnosticSet) -> float | None:
    """Return what guessing gets right; nothing is right or wrong where alike answers are counted."""
    return None if one.kind is Kind.INVARIANCE else 1 / len(one.labels)


def _answer(run: Run, plan: DiagnosisPlan, compared: Mapping[str, Comparison]) -> dict[str, Any]:
    """Return what was found, the largest group first."""
    first = next(iter(compared.values()), None)
    several = len(compared) > 1

    def told(key: str) -> list[str]:
        said = ((name, getattr(found, key)) for name, found in compared.items())
        return [
            f"{name}: {one}" if several else one
            for name, sentences in said
            for one in ([sentences] if isinstance(sentences, str) else sentences)
            if one
        ]

    return {
        "run": str(run.folder),
        "sets": list(plan.sets),
        "refused": dict(plan.refused),
        "n_members": run.table("scores")["id"].n_unique(),
        **{
            key: told(key)
            for key in ("sentences", "headlines", "behaviour", "ridges", "held_out", "by")
        },
        "contrasts": first.tables["contrasts"].to_dicts() if first else [],
        "better": first.better if first else None,
    }


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)
