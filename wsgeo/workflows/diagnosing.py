"""The strategy of each basin: members scored on diagnostic sets, basins compared."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from wsgeo.errors import WsgeoError
from wsgeo.evaluation.engine import Engine
from wsgeo.probing import DiagnosticSet, encode_sets, load_set, score_members
from wsgeo.processes.abstract import AbstractPool
from wsgeo.progress import Progress
from wsgeo.store import Ledger, Run, open_run
from wsgeo.workflows.engines import backends_for, workers
from wsgeo.workflows.reopening import reopen
from wsgeo.workflows.reports import write_reports
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData, group_labels, longest_input
from wsgeo.workflows.strategies import strategies_of
from wsgeo.zoo import with_tokenizer


def diagnose(
    run: str | Path,
    suite: Sequence[str],
    *,
    jobs: int | None = None,
    pool: AbstractPool | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Score the members of a run on diagnostic sets and compare its basins.

    Parameters
    ----------
    run : str or Path
        A finished run; its table of scores and its report are written anew.
    suite : sequence of str
        Names of shipped sets, or folders of the user's own.
    jobs : int, optional
        Worker processes; default one per core.
    pool : AbstractPool, optional
        Processes to use instead.
    progress : Progress, optional
        Told of each evaluation.

    Returns
    -------
    dict
        ``run``, ``sets``, ``n_members``, ``sentences`` (what the basins' scores say), ``contrasts``
        (rows of `wsgeo.probing.CONTRASTS`), ``better`` (which of the two largest basins is right
        more often where they differ, or None), and ``report``.

    Raises
    ------
    StoreError
        If the run is unfinished, or a member has changed since the scan.
    WsgeoError
        If no set is named, or one cannot be read.

    References
    ----------
    [juneja2022]_, [mccoy2019]_
    """
    found, sets = open_run(Path(run)), [load_set(name) for name in suite]
    if not sets:
        raise WsgeoError("no diagnostic set is named", remedy="Give --suite.")
    with found.ledger() as ledger, workers(pool, jobs) as hands:
        inputs, settings = reopen(found, progress)
        frames = [_score(g, sets, hands, ledger, settings, progress) for g in inputs.groups]
    scores = pl.concat(frames) if frames else found.table("scores").clear()
    others = found.table("scores").filter(~pl.col("set").is_in([one.name for one in sets]))
    found.write_table("scores", pl.concat([others, scores]))
    _record(found, sets)
    strategies = strategies_of(found)
    return {
        "run": str(found.folder),
        "sets": [one.name for one in sets],
        "n_members": scores["id"].n_unique(),
        "sentences": list(strategies.sentences) if strategies else [],
        "contrasts": strategies.contrasts.to_dicts() if strategies else [],
        "better": strategies.better if strategies else None,
        "report": str(write_reports(found)),
    }


def _score(
    group: GroupData,
    sets: Sequence[DiagnosticSet],
    pool: AbstractPool,
    ledger: Ledger,
    settings: ScanSettings,
    progress: Progress | None,
) -> pl.DataFrame:
    """Score the members of one loss group."""
    first = group.members[0]
    use = functools.partial(
        encode_sets, sets, labels=group_labels(first), max_length=longest_input(group.members)
    )
    n_texts = sum(one.examples.height for one in sets)
    examples, reasons = with_tokenizer(first, use, n_texts=n_texts)
    with Engine(
        group.members,
        examples,
        pool=pool,
        ledger=ledger,
        precision=settings.precision,
        backends=backends_for(group, pool, ledger, settings, tuple(examples.values())),
        token_budget=settings.token_budget,
    ) as engine:
        return score_members(engine, group.members, sets, reasons=reasons, progress=progress)


def _record(run: Run, sets: Sequence[DiagnosticSet]) -> None:
    """Note the sets, and their sources, in the run."""
    facts = run.read("run")
    added = {one.name: {"title": one.title, "chance": 1 / len(one.labels)} for one in sets}
    known = {**facts.get("sets", {}), **added}
    references = sorted({*facts["references"], *(one.source for one in sets)})
    run.write("run", {**facts, "sets": known, "references": references})
