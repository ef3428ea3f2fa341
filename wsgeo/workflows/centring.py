"""The checked mean of a basin or region, saved as a model or adapter folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from wsgeo.graph.matrices import square
from wsgeo.processes.abstract import AbstractPool
from wsgeo.progress import Progress
from wsgeo.regions.cards import Origin
from wsgeo.regions.tables import CentroidPlan, centroid_row
from wsgeo.store import Run, open_run
from wsgeo.weights.precision import StoredType
from wsgeo.workflows.engines import workers
from wsgeo.workflows.evidence import Bench, member_notes, refuse_barriers
from wsgeo.workflows.reopening import reopen
from wsgeo.workflows.selections import Selection, choose_basin, choose_region
from wsgeo.workflows.variants import Writer, variant_of
from wsgeo.zoo import Checkpoint

DTYPES: Final[Mapping[str, StoredType]] = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}


def centroid(
    run: str | Path,
    *,
    basin: int | None = None,
    region: int | None = None,
    group: str | None = None,
    variant: str | None = None,
    rank: int | None = None,
    out: str | Path | None = None,
    dtype: str = "float32",
    force: bool = False,
    jobs: int | None = None,
    pool: AbstractPool | None = None,
    progress: Progress | None = None,
    command: Sequence[str] = ("wsgeo.centroid",),
) -> dict[str, Any]:
    """Save the mean of a basin's or region's members, measured beside them.

    Parameters
    ----------
    run : str or Path
        A finished run.
    basin, region : int, optional
        Which cluster of the gaps, or of the task vectors; default the largest basin.
    group : str, optional
        Which loss group a basin is of; default the largest. Which geometry group a region is of, or
        the loss group to whose members it is narrowed; by default a region of the first geometry
        group is taken whole, whatever the tasks of its members.
    variant : str, optional
        ``mean``: of the weights, adapters merged. ``products``: an adapter whose change of the
        weights is the mean of the members' changes; the default where all are LoRA adapters of one
        base. ``factors``: an adapter of mean factors, which is another point. A region of several
        tasks gives the mean of the encoders, without a task head.
    rank : int, optional
        Largest rank of ``products``; default the sum of the members' ranks, which loses nothing.
    out : str or Path, optional
        Folder of the model; default ``centroids/<name>`` in the run.
    dtype : str, default 'float32'
        Number format of the file: ``float32``, ``float16`` or ``bfloat16``.
    force : bool, default False
        Whether members that a barrier separates are averaged all the same.
    jobs : int, optional
        Worker processes; default one per core.
    pool : AbstractPool, optional
        Processes to use instead.
    progress : Progress, optional
        Told of each evaluation.
    command : sequence of str
        How it was asked for; kept in the model card.

    Returns
    -------
    dict
        The row of the table of centroids; its keys are the table's columns. Its loss is that of
        the folder as it was written and read back.

    Raises
    ------
    StoreError
        If the run is unfinished, or a member has changed since the scan.
    WsgeoError
        If the cluster does not exist, a barrier lies inside it, or the variant does not apply.

    References
    ----------
    [gueta2023]_
    """
    found = open_run(Path(run))
    with found.ledger() as ledger, workers(pool, jobs) as hands:
        inputs, settings = reopen(found, progress)
        if region is None:
            selection = choose_basin(found, inputs, basin, group)
        else:
            selection = choose_region(found, inputs, region, group)
        plan = _plan(selection, variant, rank)
        gaps = square(found.table("pairs"), selection.ids)
        if not force:
            refuse_barriers(found, selection, gaps)
        writer = Writer(
            Path(out) if out else found.subfolder("centroids") / plan.name,
            DTYPES[dtype],
            Bench(selection, gaps, hands, ledger, settings, progress),
            rank,
            inputs.request.allow_pickle,
        )
        notes = (
            *([selection.note] if selection.note else []),
            *member_notes(found, selection, gaps),
        )
        origin = writer.write(selection.members, _origin(selection, plan, notes, command))
        return _record(found, origin, writer.folder)


def _plan(selection: Selection, asked: str | None, rank: int | None) -> CentroidPlan:
    """Return what is to be made; a variant that is not the default, and a rank, are in its name."""
    variant = variant_of(selection, asked, rank)
    suffix = "" if variant is variant_of(selection, None, None) else f"-{variant.word}"
    suffix += "" if rank is None else f"-rank-{rank}"
    name, label = selection.name + suffix, str(selection.label)
    return CentroidPlan(name, selection.kind, label, variant, selection.ids)


def _origin(
    selection: Selection, plan: CentroidPlan, notes: Sequence[str], command: Sequence[str]
) -> Origin:
    members, data = selection.members, selection.data
    return Origin(
        plan,
        sources={member.id: _source(member) for member in members},
        hashes={member.id: member.content_hash for member in members},
        base=_base(members),
        task=_fact(members, "task"),
        data=None if data is None else data.task.source,
        command=tuple(command),
        notes=tuple(notes),
    )


def _source(member: Checkpoint) -> str:
    """Return where a member is found: its hub id or folder, an adapter's after that of its base."""
    if member.revision is not None:
        return member.id
    folder = str((member.adapter or member.folder).resolve())
    return (
        folder
        if member.adapter is None or member.base is None
        else (f"{member.base.folder}+{folder}")
    )


def _base(members: Sequence[Checkpoint]) -> str | None:
    """Return the base that all members agree on; a hub id with its revision."""
    ids = {member.base.id if member.base else None for member in members}
    named = ids.pop() if len(ids) == 1 else None
    return named if named is not None and "@" in named else _fact(members, "base")


def _fact(members: Sequence[Checkpoint], name: str) -> str | None:
    """Return a fact that all members agree on."""
    values = {str(m.facts[name].value) for m in members if name in m.facts}
    return values.pop() if len(values) == 1 else None


def _record(run: Run, origin: Origin, folder: Path) -> dict[str, Any]:
    """Write the row of the table; an earlier one of the same name goes."""
    plan, evidence = origin.plan, origin.evidence
    reason = " ".join(part for part in (*origin.notes, evidence.missing) if part)
    row = centroid_row(plan, evidence, str(folder), "written", reason)
    others = run.table("centroids").filter(pl.col("name") != plan.name)
    run.write_table("centroids", pl.concat([others, row]))
    return row.to_dicts()[0]
