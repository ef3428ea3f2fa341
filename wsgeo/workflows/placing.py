"""Further models on the map of a finished run: the basin of each, and what that says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import polars as pl

from wsgeo.errors import StoreError, WsgeoError
from wsgeo.probing.held_out import N_PER_BASIN, placement_row
from wsgeo.probing.placement import Placement
from wsgeo.probing.tables import PREDICTIONS
from wsgeo.processes.abstract import AbstractPool
from wsgeo.progress import Progress
from wsgeo.store import TABLES, Run, open_run
from wsgeo.workflows.engines import workers
from wsgeo.workflows.group_members import GroupMembers, Lines, read_members
from wsgeo.workflows.new_models import NewModel, entries_named, read_new_models
from wsgeo.workflows.placing_checks import Checks, prepare_checks
from wsgeo.workflows.placing_lines import EngineParts, measure_lines_to
from wsgeo.workflows.placing_plans import PlacingPlan
from wsgeo.workflows.placing_words import sentences_of
from wsgeo.workflows.recording import FINISHED
from wsgeo.workflows.reopening import reopen
from wsgeo.workflows.reports import write_reports
from wsgeo.workflows.scan_rates import rate_of
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
    of the run gain their rows; rows of members held out are written by `wsgeo.diagnose`.

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
    found, texts = open_run(Path(run)), _texts(models, per_basin)
    _check_measured(found)
    asked = (found, texts, per_basin, check, suite_path, progress)
    if dry_run:
        return _prepared(*asked).answer([], [])
    with found.ledger() as ledger, workers(pool, jobs) as hands:
        work = _prepared(*asked)
        (announce or (lambda _: None))(str(work.plan))
        parts = EngineParts(hands, ledger, work.settings, progress)
        placed = [_placed_in(group, work, parts) for group in work.groups]
        rows = [row for own, _ in placed for row in own]
        rows += [_refused_row(one) for one in work.models if one.checkpoint is None]
        told = pl.concat([pl.DataFrame(schema=TABLES["predictions"]), *(own for _, own in placed)])
        _write(work, rows, told)
        write_reports(found)
    return work.answer(rows, told.to_dicts())


@final
@dataclass(frozen=True)
class _Placing:
    """What is to be done, once everything is read."""

    run: Run
    settings: ScanSettings
    per_basin: int
    models: Sequence[NewModel]
    groups: Sequence[GroupData]
    members: Mapping[str, GroupMembers]
    held: Mapping[str, str]
    checks: Mapping[str, Checks]

    @property
    def plan(self) -> PlacingPlan:
        """What is left to measure."""
        n_models = n_lines = n_texts = 0
        for group in self.groups:
            n = sum(one.duplicate_of is None for one in self.of(group.name))
            n_models += n
            n_lines += n * len(self.members[group.name].looked_at(self.per_basin))
            n_texts += n * (self.checks[group.name].n_texts if self.checks else 0)
        n_evaluations = n_models + n_lines * (self.settings.n_points - 2)
        n_examples = max((len(group.encoded) for group in self.groups), default=0)
        rate = rate_of(self.run.read("summary"), n_examples)
        return PlacingPlan(n_models, n_lines, n_evaluations, n_examples, n_texts, rate)

    def of(self, group: str) -> list[NewModel]:
        """Return the models that a loss group takes."""
        return [one for one in self.models if _group(one) == group]

    def answer(self, rows: list[dict[str, Any]], told: list[dict[str, Any]]) -> dict[str, Any]:
        """Return what is told of the models."""
        refused = [one for one in self.models if one.checkpoint is None]
        by_id = {one.id: one for one in self.models}
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
            "held_out": dict(self.held),
            "refused": {one.id: one.reason for one in refused},
            "exit_code": 0 if self._any_looked_at(rows) else NOTHING_PLACED,
        }

    def _any_looked_at(self, rows: list[dict[str, Any]]) -> bool:
        """Return whether a model is a copy, or has a line that was, or would be, measured."""
        lost = {row["id"] for row in rows if not row["n_lines"]}
        return any(
            one.duplicate_of is not None or (one.checkpoint is not None and one.id not in lost)
            for one in self.models
        )


def _texts(models: Sequence[str | Path], per_basin: int) -> list[str]:
    """Return what names the models, once each."""
    texts = list(dict.fromkeys(map(str, models)))
    if not texts or per_basin < 1:
        raise WsgeoError(
            "no model is named" if not texts else f"--per-basin is {per_basin}",
            remedy="Name a model folder." if not texts else "Take at least 1.",
        )
    return texts


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
) -> _Placing:
    """Read the zoo, the models, and what the run knows of their groups."""
    entries, placed = entries_named(texts), run.table("placements").filter(~pl.col("held_out"))
    inputs, settings = reopen(run, progress)
    earlier = dict(placed.select("id", "content_hash").iter_rows())
    models = read_new_models(inputs, entries, progress, earlier=earlier)
    wanted = {_group(one) for one in models}
    groups = [group for group in inputs.groups if group.name in wanted]
    members = {group.name: read_members(run, group.name) for group in groups}
    held = {name: known.held_out(per_basin).sentence for name, known in members.items()}
    checks = {
        group.name: prepare_checks(group, members[group.name].scores, run, settings, suite_path)
        for group in groups
        if check
    }
    return _Placing(run, settings, per_basin, models, groups, members, held, checks)


def _placed_in(
    group: GroupData, work: _Placing, parts: EngineParts
) -> tuple[list[dict[str, Any]], pl.DataFrame]:
    """Place the models of one loss group, and predict the scores of those that do the task."""
    members, own = work.members[group.name], work.of(group.name)
    new = [one.checkpoint for one in own if one.checkpoint and one.duplicate_of is None]
    measured = measure_lines_to(group, new, members, work.per_basin, parts)
    rows = [{"group": group.name, **_row(one, members, measured)} for one in own]
    passed = [one for one in new if not measured[one.id].refusal]
    checks = work.checks.get(group.name)
    actual = checks.ask(group, passed, parts) if checks and passed else None
    basins = {row["id"]: row["basin"] for row in rows}
    told = [_told(one.id, members.predicted(basins[one.id]), actual) for one in passed]
    own_group = pl.lit(group.name).alias("group")
    return rows, pl.concat([pl.DataFrame(schema=PREDICTIONS), *told]).select(own_group, pl.all())


def _row(one: NewModel, members: GroupMembers, measured: Mapping[str, Lines]) -> dict[str, Any]:
    """Return where a model of a loss group lies; a copy of a member lies where that does."""
    if one.duplicate_of is not None:
        found, place = members.of_member(one.duplicate_of)
    else:
        lines = measured[one.id]
        found, place = members.put(lines), members.on_map(lines.gaps)
    return placement_row(
        found, one.id, members.ids, held_out=False, content_hash=one.content_hash, place=place
    )


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


def _refused_row(one: NewModel) -> dict[str, Any]:
    """Return the row of a model that no loss group takes: it is of none."""
    found = Placement(None, None, None, None, 0, one.reason)
    row = placement_row(found, one.id, (), held_out=False, content_hash=one.content_hash)
    return {"group": None, **row}


def _write(work: _Placing, rows: list[dict[str, Any]], told: pl.DataFrame) -> None:
    """Write the rows of these models; those of others, and of members held out, stay."""
    new = {"placements": pl.DataFrame(rows, schema=TABLES["placements"]), "predictions": told}
    names = pl.col("id").is_in([one.id for one in work.models])
    for name, frame in new.items():
        before = work.run.table(name)
        kept = before.filter(pl.col("held_out") | ~names)
        work.run.write_table(name, pl.concat([kept, frame], how="diagonal"))


def _group(one: NewModel) -> str | None:
    return None if one.checkpoint is None else one.checkpoint.loss_group
