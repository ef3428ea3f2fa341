"""Further models on the map of a finished run: the basin of each, and what that says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import polars as pl

from wsgeo.errors import StoreError, WsgeoError
from wsgeo.probing.held_out import N_PER_BASIN, HeldOut, placement_row
from wsgeo.probing.placement import Placement
from wsgeo.probing.tables import PREDICTIONS
from wsgeo.processes.abstract import AbstractPool
from wsgeo.progress import Progress
from wsgeo.store import TABLES, Run, open_run
from wsgeo.workflows.engines import workers
from wsgeo.workflows.grounds import Ground, ground_of
from wsgeo.workflows.newcomers import Newcomer, entries_named, read_newcomers
from wsgeo.workflows.placing_checks import Checks, prepare_checks
from wsgeo.workflows.placing_lines import Bench, measure_lines_to
from wsgeo.workflows.placing_plans import PlacingPlan, rate_of
from wsgeo.workflows.placing_words import sentences_of
from wsgeo.workflows.recording import FINISHED
from wsgeo.workflows.reopening import reopen
from wsgeo.workflows.reports import write_reports
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData

NOTHING_PLACED = 3
"""Exit code where no model could be compared with members."""


def place(
    run: str | Path,
    models: Sequence[str | Path],
    *,
    per_basin: int = N_PER_BASIN,
    check: bool = False,
    suite_path: str | Path | None = None,
    jobs: int | None = None,
    pool: AbstractPool | None = None,
    progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Put models on the map of a run, and predict how they generalise from their basins.

    Each model is read as a member of the zoo is, must beat the best constant predictor, and is
    joined by lines with a few members of each basin. The tables ``placements`` and ``predictions``
    of the run gain its rows.

    Parameters
    ----------
    run : str or Path
        A finished run with measured pairs.
    models : sequence of str or Path
        Folders of models or adapters, hub ids ``org/name@revision``, or ``base+adapter``.
    per_basin : int, default 3
        Most members of each basin to look at.
    check : bool, default False
        Whether the models are scored on the run's diagnostic sets, beside the predictions.
    suite_path : str or Path, optional
        With ``check``, the folder of the user's own sets.
    jobs : int, optional
        Worker processes; default one per core.
    pool : AbstractPool, optional
        Processes to use instead.
    progress : Progress, optional
        Told of each evaluation.
    announce : callable, optional
        Told the cost, as a sentence, before the work begins.
    dry_run : bool, default False
        Whether only the cost is told, and nothing is measured or written.

    Returns
    -------
    dict
        ``run``, ``plan`` (the cost), ``placements`` and ``predictions`` (rows of these models, with
        their ``group``), ``sentences`` (one or more per model), ``notes`` (what could not be
        checked), ``held_out`` (by group, how well this works for the members), ``exit_code``
        (3 where no model could be compared with members, else 0).

    Raises
    ------
    StoreError
        If the run is unfinished, measured no pairs, or a member has changed since the scan.
    ZooError
        If a model's text names no folder and no hub id.
    WsgeoError
        If no model is named, or ``per_basin`` is below 1.

    References
    ----------
    [juneja2022]_
    """
    texts = list(dict.fromkeys(map(str, models)))
    if not texts or per_basin < 1:
        raise WsgeoError(
            "no model is named" if not texts else f"--per-basin is {per_basin}",
            remedy="Name a model folder." if not texts else "Take at least 1.",
        )
    found = open_run(Path(run))
    _check_measured(found)
    if dry_run:
        work = _prepared(found, texts, per_basin, check, suite_path, progress)
        return work.answer([], [])
    with found.ledger() as ledger, workers(pool, jobs) as hands:
        work = _prepared(found, texts, per_basin, check, suite_path, progress)
        (announce or (lambda _: None))(str(work.plan))
        bench = Bench(hands, ledger, work.settings, progress)
        rows: list[dict[str, Any]] = []
        tables: list[pl.DataFrame] = []
        for group in work.groups:
            own, told = _placed_in(group, work, bench)
            rows, tables = rows + own, [*tables, told]
        rows += [_refused_row(one) for one in work.newcomers if one.checkpoint is None]
        _write(found, work, rows, tables)
        write_reports(found)
    return work.answer(rows, [row for table in tables for row in table.to_dicts()])


@final
@dataclass(frozen=True)
class _Work:
    """What is to be done, once everything is read."""

    run: Run
    settings: ScanSettings
    per_basin: int
    newcomers: Sequence[Newcomer]
    groups: Sequence[GroupData]
    grounds: Mapping[str, Ground]
    held: Mapping[str, HeldOut]
    checks: Mapping[str, Checks]
    plan: PlacingPlan

    def of(self, group: str) -> list[Newcomer]:
        """Return the models that a loss group takes."""
        return [one for one in self.newcomers if _group(one) == group]

    def answer(self, rows: list[dict[str, Any]], told: list[dict[str, Any]]) -> dict[str, Any]:
        """Return what is told of the models."""
        refused = [one for one in self.newcomers if one.checkpoint is None]
        by_id = {one.id: one for one in self.newcomers}
        return {
            "run": str(self.run.folder),
            "plan": self.plan.as_dict(),
            "cost": str(self.plan),
            "placements": rows,
            "predictions": told,
            "sentences": [
                line for row in rows for line in sentences_of(row, by_id[row["id"]], told)
            ],
            "notes": [note for one in self.checks.values() for note in one.notes],
            "held_out": {name: held.sentence for name, held in self.held.items()},
            "refused": {one.id: one.reason for one in refused},
            "exit_code": 0 if self._any_looked_at(rows) else NOTHING_PLACED,
        }

    def _any_looked_at(self, rows: list[dict[str, Any]]) -> bool:
        """Return whether a model is a copy, or has a line that was, or would be, measured."""
        lost = {row["id"] for row in rows if not row["n_lines"]}
        return any(
            one.duplicate_of is not None or (one.checkpoint is not None and one.id not in lost)
            for one in self.newcomers
        )


def _check_measured(run: Run) -> None:
    """Refuse a finished run without basins; `reopen` refuses an unfinished one."""
    if run.read("run").get("status") in FINISHED and run.table("pairs").is_empty():
        raise StoreError(
            "the run measured no pairs, so it has no basins to place a model in",
            where=str(run.folder),
            remedy="Scan the zoo with --data.",
        )


def _prepared(
    run: Run,
    texts: Sequence[str],
    per_basin: int,
    check: bool,
    suite_path: str | Path | None,
    progress: Progress | None,
) -> _Work:
    """Read the zoo, the models, and what the run knows of their groups."""
    entries = entries_named(texts)
    inputs, settings = reopen(run, progress)
    newcomers = read_newcomers(inputs, entries, progress)
    wanted = {_group(one) for one in newcomers}
    groups = [group for group in inputs.groups if group.name in wanted]
    grounds = {group.name: ground_of(run, group.name) for group in groups}
    held = {name: ground.held_out(per_basin) for name, ground in grounds.items()}
    checks = {
        group.name: prepare_checks(group, grounds[group.name].scores, run, settings, suite_path)
        for group in groups
        if check
    }
    n_lines = n_evaluations = n_models = n_texts = 0
    for group in groups:
        n = sum(_group(one) == group.name and one.duplicate_of is None for one in newcomers)
        lines = n * len(grounds[group.name].looked_at(per_basin))
        n_models, n_lines = n_models + n, n_lines + lines
        n_evaluations += n + lines * (settings.n_points - 2)
        n_texts += n * (checks[group.name].n_texts if check else 0)
    n_examples = max((len(group.encoded) for group in groups), default=0)
    rate = rate_of(run.read("summary"), n_examples)
    plan = PlacingPlan(n_models, n_lines, n_evaluations, n_examples, n_texts, rate)
    return _Work(run, settings, per_basin, newcomers, groups, grounds, held, checks, plan)


def _placed_in(
    group: GroupData, work: _Work, bench: Bench
) -> tuple[list[dict[str, Any]], pl.DataFrame]:
    """Place the models of one loss group; a copy of a member lies where that does."""
    ground, own = work.grounds[group.name], work.of(group.name)
    new = [one.checkpoint for one in own if one.checkpoint and one.duplicate_of is None]
    measured = measure_lines_to(group, new, ground, work.per_basin, bench)
    passed = [one for one in new if not measured[one.id].refusal]
    checks = work.checks.get(group.name)
    actual = checks.ask(group, passed, bench) if checks and passed else None
    rows, tables = [], [pl.DataFrame(schema=PREDICTIONS)]
    for one in own:
        if one.duplicate_of is not None:
            found, place = ground.of_member(one.duplicate_of)
        else:
            lines = measured[one.id]
            found, place = ground.put(lines), ground.on_map(lines.gaps)
            if not lines.refusal:
                tables.append(_told(one.id, ground.predicted(found.basin), actual))
        row = placement_row(
            found, one.id, ground.ids, held_out=False,
            content_hash=one.checkpoint.content_hash if one.checkpoint else None, place=place,
        )  # fmt: skip
        rows.append({"group": group.name, **row})
    return rows, _in_group(pl.concat(tables), group.name)


def _told(name: str, told: pl.DataFrame, actual: pl.DataFrame | None) -> pl.DataFrame:
    """Return the predictions for a model, beside what it scored where it was asked."""
    own = told.with_columns(id=pl.lit(name), held_out=pl.lit(False))
    if actual is None:
        own = own.with_columns(actual=pl.lit(None, pl.Float64))
    else:
        scored = actual.filter(pl.col("id") == name).select(
            "set", "slice", pl.col("metric").alias("actual")
        )
        own = own.join(scored, on=["set", "slice"], how="left", maintain_order="left")
    return own.select(list(PREDICTIONS)).cast(PREDICTIONS)


def _refused_row(one: Newcomer) -> dict[str, Any]:
    """Return the row of a model that no loss group takes: it is of none."""
    found = Placement(None, None, None, None, 0, one.reason)
    return {"group": None, **placement_row(found, one.id, (), held_out=False)}


def _write(run: Run, work: _Work, rows: list[dict[str, Any]], told: Sequence[pl.DataFrame]) -> None:
    """Write the rows of these models; those of members that were held out, and of others, stay."""
    new = {"placements": pl.DataFrame(rows, schema=TABLES["placements"])}
    new["predictions"] = pl.concat([pl.DataFrame(schema=TABLES["predictions"]), *told])
    names = [one.id for one in work.newcomers]
    for name, frame in new.items():
        before = run.table(name)
        kept = before.filter(pl.col("held_out") | ~pl.col("id").is_in(names))
        there = set(before.filter("held_out")["group"])
        held = [
            _in_group(getattr(found, name), group)
            for group, found in work.held.items()
            if group not in there
        ]
        run.write_table(name, pl.concat([*held, kept, frame], how="diagonal"))


def _group(one: Newcomer) -> str | None:
    return None if one.checkpoint is None else one.checkpoint.loss_group


def _in_group(frame: pl.DataFrame, group: str) -> pl.DataFrame:
    return frame.select(pl.lit(group).alias("group"), pl.all())
