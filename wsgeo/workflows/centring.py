"""The checked centroid of a basin or region, saved as a model or adapter folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from wsgeo.errors import WsgeoError
from wsgeo.graph.matrices import square
from wsgeo.processes.abstract import AbstractPool
from wsgeo.progress import Progress
from wsgeo.regions.cards import Origin
from wsgeo.regions.tables import CENTROID_LAYERS, CentroidPlan, centroid_row
from wsgeo.store import Run, open_run
from wsgeo.weights.precision import StoredType
from wsgeo.workflows.centroid_folders import Writer, Written, base_of
from wsgeo.workflows.engines import workers
from wsgeo.workflows.evidence import Bench, member_notes, refuse_barriers
from wsgeo.workflows.inputs import ScanInputs
from wsgeo.workflows.merge_methods import PreparedMerge, prepared_merge
from wsgeo.workflows.merge_requests import PAPERS, MergeRequest
from wsgeo.workflows.named_regions import choose_named_region
from wsgeo.workflows.reopening import reopen
from wsgeo.workflows.selections import Selection, choose_basin, choose_region
from wsgeo.workflows.variants import variant_of
from wsgeo.zoo import Checkpoint

DTYPES: Final[Mapping[str, StoredType]] = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}


def centroid(
    run: str | Path,
    *,
    basin: int | None = None,
    region: int | str | None = None,
    level: str | None = None,
    group: str | None = None,
    method: str = "mean",
    weights: str | Sequence[float] | None = None,
    scale: float | None = None,
    density: float | None = None,
    seed: int | None = None,
    per: Literal["layer", "tensor"] | None = None,
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
    """Save a merge of a basin's or region's members, measured beside them.

    Parameters
    ----------
    run : str or Path
        A finished run.
    basin : int, optional
        Which cluster of the gaps; default the largest.
    region : int or str, optional
        Which cluster of the task vectors, instead of a basin; or the name of a region in the run's
        table of regions.
    level : str, optional
        Level of a region that is named: ``dataset``, ``task``, ``general`` or ``basin``.
    group : str, optional
        Which loss group a basin is of; default the largest. Which geometry group a region is of, or
        the loss group to whose members a cluster is narrowed; by default a cluster of the first
        geometry group is taken whole, whatever the tasks of its members.
    method : str, default 'mean'
        How members are merged: ``mean``, ``weighted``, ``medoid``, ``greedy`` (members are added
        while the loss on half of the examples does not rise), ``stock``, ``median``, ``arithmetic``
        (the base and a multiple of the mean change), ``ties``, ``dare`` or ``fisher``.
    weights : str or sequence of float, optional
        One per member, in the order of their ids, or as ``ID=0.9,ID=0.1``.
    scale, density : float, optional
        Multiple of the change of the base; share of its entries that is kept.
    seed : int, optional
        Of what is drawn: entries (``dare``) or examples (``greedy``, ``fisher``).
    per : {"layer", "tensor"}, optional
        What has a share of its own in ``stock``; default a layer.
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
    request = MergeRequest(method, weights, scale, density, seed, per)
    with found.ledger() as ledger, workers(pool, jobs) as hands:
        inputs, settings = reopen(found, progress)
        selection = _selection(found, inputs, basin, region, level, group)
        plan = _plan(selection, request, variant, rank)
        gaps = square(found.table("pairs"), selection.ids)
        if not force and method != "medoid":  # which mixes nothing
            refuse_barriers(found, selection, gaps)
        bench = Bench(selection, gaps, hands, ledger, settings, progress)
        with prepared_merge(request, bench) as prepared:
            writer = Writer(
                Path(out) if out else found.subfolder("centroids") / plan.name,
                DTYPES[dtype],
                lambda folder: replace(bench(folder), caveat=prepared.caveat),
                prepared.method,
                rank,
                inputs.request.allow_pickle,
                progress,
            )
            notes = (selection.note, *member_notes(found, selection, gaps))
            origin = _origin(selection, plan, prepared, notes, command)
            return _record(found, writer.write(selection.members, origin), writer.folder)


def _selection(
    run: Run,
    inputs: ScanInputs,
    basin: int | None,
    region: int | str | None,
    level: str | None,
    group: str | None,
) -> Selection:
    if region is None and level is not None:
        raise WsgeoError(
            "--level is that of a region, and none is named", remedy="Pass --region NAME too."
        )
    if region is None:
        return choose_basin(run, inputs, basin, group)
    if isinstance(region, int) and level is None:
        return choose_region(run, inputs, region, group)
    return choose_named_region(run, inputs, str(region), level, group)


def _plan(
    selection: Selection, request: MergeRequest, asked: str | None, rank: int | None
) -> CentroidPlan:
    """Return what is to be made; what is not the default is in its name."""
    if not request.needs_losses:
        request.merge_of(selection.ids)  # refuses settings that do not fit them, before the work
    variant = variant_of(selection, asked, rank, request)
    suffix = "" if variant is variant_of(selection, None, None, request) else f"-{variant.word}"
    suffix += "" if rank is None else f"-rank-{rank}"
    name, label = f"{selection.name}{suffix}{request.suffix(selection.ids)}", str(selection.label)
    return CentroidPlan(name, selection.kind, label, variant, selection.ids, method=request.method)


def _origin(
    selection: Selection,
    plan: CentroidPlan,
    prepared: PreparedMerge,
    notes: Sequence[str],
    command: Sequence[str],
) -> Origin:
    members, data = selection.members, selection.data
    plan = replace(plan, weights=prepared.weights or plan.weights, parameters=prepared.parameters)
    return Origin(
        plan,
        sources={member.id: member_source(member) for member in members},
        hashes={member.id: member.content_hash for member in members},
        base=_base(members),
        task=_fact(members, "task"),
        data=None if data is None else data.task.source,
        whole_base=_whole_base(members),
        command=tuple(command),
        notes=tuple(note for note in (*notes, *prepared.notes) if note),
    )


def member_source(member: Checkpoint) -> str:
    """Return where a member is found.

    Parameters
    ----------
    member : Checkpoint
        A member of a zoo.

    Returns
    -------
    str
        Its hub id or folder; an adapter's after that of its base, joined by a plus.
    """
    if member.revision is not None:
        return member.id
    folder = str((member.adapter or member.folder).resolve())
    if member.adapter is None or member.base is None:
        return folder
    return f"{member.base.folder}+{folder}"


def _base(members: Sequence[Checkpoint]) -> str | None:
    """Return the base that all members agree on; a hub id with its revision."""
    ids = {member.base.id if member.base else None for member in members}
    named = ids.pop() if len(ids) == 1 else None
    return named if named is not None and "@" in named else _fact(members, "base")


def _whole_base(members: Sequence[Checkpoint]) -> str | None:
    """Return where the base is found, if it has every tensor of the members."""
    base = base_of(members)
    if base is None or not set(members[0].layout.names) <= base.tensors.keys():
        return None
    return base.id if "@" in base.id else str(base.folder.resolve())


def _fact(members: Sequence[Checkpoint], name: str) -> str | None:
    """Return a fact that all members agree on."""
    values = {str(m.facts[name].value) for m in members if name in m.facts}
    return values.pop() if len(values) == 1 else None


def _record(run: Run, written: Written, folder: Path) -> dict[str, Any]:
    """Write the rows of the tables; earlier ones of the same name go."""
    origin, layers = written.origin, written.layers
    plan, evidence = origin.plan, origin.evidence
    told = (*origin.notes, evidence.missing, evidence.warning(plan.members), evidence.caveat)
    reason = " ".join(part for part in told if part)
    row = centroid_row(plan, evidence, str(folder), "written", reason)
    none = pl.DataFrame(schema=CENTROID_LAYERS)
    named = none if layers is None else layers.with_columns(name=pl.lit(plan.name))
    for table, rows in (("centroids", row), ("centroid_layers", named)):
        others = run.table(table).filter(pl.col("name") != plan.name)
        # A table of an earlier version has its new columns last.
        run.write_table(table, pl.concat([others.select(rows.columns), rows]))
    if (paper := PAPERS.get(plan.method)) is not None:
        facts = run.read("run")
        references = sorted({*facts.get("references", []), paper})
        run.write("run", {**facts, "references": references})
    return row.to_dicts()[0]
