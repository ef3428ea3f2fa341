"""The checked mean of a basin or region, saved as a model folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.errors import WsgeoError
from wsgeo.evaluation.losses import AbstractEngine, Item, Losses, Point
from wsgeo.graph.matrices import square
from wsgeo.processes.pool import WorkerPool
from wsgeo.progress import Progress
from wsgeo.regions.cards import Origin
from wsgeo.regions.centroids import largest_gap, mean_weights, medoid, refuse_across_barrier
from wsgeo.regions.folders import ModelTemplate, write_model_folder
from wsgeo.regions.tables import CentroidPlan, Evidence, centroid_row
from wsgeo.store import Run, open_run
from wsgeo.weights.precision import StoredType
from wsgeo.workflows.engines import engine_for, workers
from wsgeo.workflows.reopening import reopen
from wsgeo.workflows.sources import GroupData
from wsgeo.zoo import Checkpoint, load_weights

DTYPES: Final[Mapping[str, StoredType]] = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}


def centroid(
    run: str | Path,
    *,
    basin: int | None = None,
    region: int | None = None,
    group: str | None = None,
    out: str | Path | None = None,
    dtype: str = "float32",
    force: bool = False,
    jobs: int | None = None,
    pool: WorkerPool | None = None,
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
        Which loss group; default the largest.
    out : str or Path, optional
        Folder of the model; default ``centroids/<name>`` in the run.
    dtype : str, default 'float32'
        Number format of the file: ``float32``, ``float16`` or ``bfloat16``.
    force : bool, default False
        Whether members that a barrier separates are averaged all the same.
    jobs : int, optional
        Worker processes; default one per core.
    pool : WorkerPool, optional
        Processes to use instead.
    progress : Progress, optional
        Told of each evaluation.
    command : sequence of str
        How it was asked for; kept in the model card.

    Returns
    -------
    dict
        The row of the table of centroids; its keys are the table's columns.

    Raises
    ------
    StoreError
        If the run is unfinished, or a member has changed since the scan.
    WsgeoError
        If the cluster does not exist, or a barrier lies inside it.

    References
    ----------
    [gueta2023]_
    """
    found = open_run(Path(run))
    with found.ledger() as ledger, workers(pool, jobs) as hands:
        inputs, settings = reopen(found, progress)
        data = _group(inputs.groups, group)
        chosen = choose_members(found, data, basin=basin, region=region)
        gaps = _gaps(found, chosen)
        if not force:
            refuse_across_barrier(gaps, chosen.ids, _tau(found, data.name))
        with engine_for(data, hands, ledger, settings, progress) as engine:
            evidence = measure_evidence(engine, data, chosen.members, gaps)
    folder = Path(out) if out else found.subfolder("centroids") / chosen.plan.name
    return _save(found, data, chosen, evidence, folder, DTYPES[dtype], command)


@final
@dataclass(frozen=True)
class Chosen:
    """The members of a centroid.

    Parameters
    ----------
    plan : CentroidPlan
        Name, level and ids.
    members : tuple of Checkpoint
        The checkpoints themselves.
    """

    plan: CentroidPlan
    members: tuple[Checkpoint, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the members."""
        return self.plan.members


def choose_members(
    run: Run, data: GroupData, *, basin: int | None = None, region: int | None = None
) -> Chosen:
    """Return the members of a basin or region within one loss group.

    Parameters
    ----------
    run : Run
        A finished run.
    data : GroupData
        The loss group.
    basin, region : int, optional
        Which; default the largest basin.

    Returns
    -------
    Chosen
        The members that passed the end-point gate, each distinct one once.

    Raises
    ------
    WsgeoError
        If there is no such cluster, or it has no member that can do the task.
    """
    matrix = "convexity_gap" if region is None else "task_vector"
    labels = _labels(run, matrix, data)
    label = region if region is not None else (_largest(labels) if basin is None else basin)
    sound = set(run.table("models").filter(pl.col("gate"))["id"])
    distinct = {m.content_hash: m for m in reversed(data.members) if m.id in sound}
    members = tuple(m for m in data.members if distinct.get(m.content_hash) is m)
    members = tuple(m for m in members if labels.get(m.id) == label)
    kind = "basin" if region is None else "region"
    if not members:
        there = ", ".join(str(n) for n in sorted(set(labels.values())) if n >= 0)
        raise WsgeoError(
            f"no {kind} {label} with a sound member is in group {data.name}",
            where=str(run.folder),
            remedy=f"Choose among {there or 'none'}.",
        )
    plan = CentroidPlan(
        f"{kind}-{label}", kind, str(label), "mean", tuple(member.id for member in members)
    )
    return Chosen(plan, members)


def measure_evidence(
    engine: AbstractEngine,
    data: GroupData,
    members: Sequence[Checkpoint],
    gaps: NDArray[np.float64],
) -> Evidence:
    """Measure the mean of members beside the members themselves.

    Parameters
    ----------
    engine : AbstractEngine
        Knows the members and the examples.
    data : GroupData
        The loss group.
    members : sequence of Checkpoint
        What is averaged.
    gaps : ndarray of float64, shape (n, n)
        Convexity gaps between them; NaN where not measured.

    Returns
    -------
    Evidence
        Losses and metrics; the centroid's are None where they are not finite.
    """
    hashes = tuple(sorted(member.content_hash for member in members))
    middle = Point(hashes, (1.0 / len(hashes),) * len(hashes))
    points = [middle if len(hashes) > 1 else Point.of(hashes[0])]
    points += [Point.of(member.content_hash) for member in members]
    items = [Item((point,), data.task.name) for point in points]
    mean, *ends = (outcomes[0] for outcomes in engine.evaluate_all(items))
    known = [(m.id, end) for m, end in zip(members, ends, strict=True) if isinstance(end, Losses)]
    finite = bool(np.isfinite(gaps).all())
    return Evidence(
        loss=mean.mean if isinstance(mean, Losses) else None,
        metric=mean.metric if isinstance(mean, Losses) else None,
        member_loss={name: end.mean for name, end in known},
        member_metric={name: end.metric for name, end in known},
        medoid=members[medoid(gaps)].id if finite else None,
        largest_gap_inside=largest_gap(gaps),
    )


def _save(
    run: Run,
    data: GroupData,
    chosen: Chosen,
    evidence: Evidence,
    folder: Path,
    dtype: StoredType,
    command: Sequence[str],
) -> dict[str, Any]:
    """Write the model folder and the row of the table."""
    members = chosen.members
    origin = Origin(
        chosen.plan,
        evidence,
        sources={member.id: str(member.adapter or member.folder) for member in members},
        hashes={member.id: member.content_hash for member in members},
        base=_fact(members, "base"),
        task=data.task.name,
        data=data.task.source,
        command=tuple(command),
    )
    weights = mean_weights(lambda i: load_weights(members[i]), len(members))
    write_model_folder(folder, weights, ModelTemplate.of(members[0]), origin, dtype=dtype)
    row = centroid_row(chosen.plan, evidence, str(folder), "written")
    others = run.table("centroids").filter(pl.col("name") != chosen.plan.name)
    run.write_table("centroids", pl.concat([others, row]))
    return row.to_dicts()[0]


def _group(groups: Sequence[GroupData], name: str | None) -> GroupData:
    for group in groups:
        if name in (None, group.name):
            return group
    raise WsgeoError(
        f"no measured loss group is called {name}" if name else "the run measured no loss group",
        remedy="Scan with --data.",
    )


def _labels(run: Run, matrix: str, data: GroupData) -> dict[str, int]:
    inside = [member.id for member in data.members]
    rows = run.table("clusters").filter(
        pl.col("is_default") & (pl.col("matrix") == matrix) & pl.col("id").is_in(inside)
    )
    return dict(rows.select("id", "label").iter_rows())


def _largest(labels: Mapping[str, int]) -> int:
    kept = [label for label in labels.values() if label >= 0]
    return max(sorted(set(kept)), key=kept.count, default=0)


def _gaps(run: Run, chosen: Chosen) -> NDArray[np.float64]:
    return square(run.table("pairs"), chosen.ids)


def _tau(run: Run, group: str) -> float:
    groups = {found["name"]: found for found in run.read("summary")["groups"]}
    return float(groups[group]["tau"]["value"])


def _fact(members: Sequence[Checkpoint], name: str) -> str | None:
    """Return a fact that all members agree on."""
    values = {str(m.facts[name].value) for m in members if name in m.facts}
    return values.pop() if len(values) == 1 else None
