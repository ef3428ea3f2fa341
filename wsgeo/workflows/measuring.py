"""One loss group: ends, gates, lines between all pairs, basins, and which pairs are connected."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import polars as pl

from wsgeo.evaluation.gates import EndpointGate, check_ends
from wsgeo.evaluation.label_orders import probe_label_order
from wsgeo.evaluation.losses import AbstractEngine, Failure, Item, Outcome, Point
from wsgeo.evaluation.races import AbstractRacer
from wsgeo.graph.matrices import square
from wsgeo.graph.result import cluster
from wsgeo.graph.status import Tau, edge_status
from wsgeo.paths.frames import PairTables
from wsgeo.paths.survey import PairSurvey
from wsgeo.progress import Progress
from wsgeo.workflows.engines import order_of
from wsgeo.workflows.geometry import Geometry
from wsgeo.workflows.group_results import GroupResult, chance_loss
from wsgeo.workflows.modes import Approach, close_to_threshold
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData
from wsgeo.zoo import Checkpoint

PREVIEW_DRAWS: Final = 20
"""Draws of each null on the way, where only the threshold and the labels count."""


@final
@dataclass(frozen=True)
class Exact:
    """An engine of full precision beside that of a group.

    Parameters
    ----------
    engine : AbstractRacer
        Knows the same members and examples.
    precision : str
        How it computes, as the keys of losses say it.
    """

    engine: AbstractRacer
    precision: str


def measure_group(
    group: GroupData,
    engine: AbstractRacer,
    geometry: Geometry,
    settings: ScanSettings,
    precision: str,
    *,
    exact: Exact | None = None,
    deadline: float | None = None,
    on_map: Callable[[GroupResult], None] | None = None,
    progress: Progress | None = None,
) -> GroupResult:
    """Measure a loss group, from its ends to its basins.

    Parameters
    ----------
    group : GroupData
        Members and examples.
    engine : AbstractRacer
        Knows the members and the examples, under the task's name and in random order.
    geometry : Geometry
        Of at least the members.
    settings : ScanSettings
        Settings of the scan.
    precision : str
        How losses are computed, as their keys say it.
    exact : Exact, optional
        Measures again, in full precision, the pairs whose side of the threshold rounding could change.
    deadline : float, optional
        Time (`time.monotonic`) after which only what was begun is finished; members and the coarse
        map are always measured.
    on_map : callable, optional
        Told of the coarse map, before the lines are looked at closely.
    progress : Progress, optional
        Told of each pair.

    Returns
    -------
    GroupResult
        Tables and verdict.
    """
    gates = check_members(group, engine)
    own = geometry.of([member.id for member in group.members])
    survey = PairSurvey(
        engine,
        group.members,
        group.task.name,
        split=group.task.split,
        gates=gates,
        ts=settings.positions,
        head_policy=settings.head_policy,
        precision=precision,
        n_resamples=settings.n_resamples,
        seed=settings.seed,
        progress=progress,
    )

    def tables() -> PairTables:
        return survey.tables(own.l2, own.cosine)

    def judge(found: PairTables, tau: Tau | None, n_draws: int) -> GroupResult:
        return _judge(group, gates, found, dataclasses.replace(settings, n_draws=n_draws), tau)

    def preview(found: PairTables, tau: Tau | None) -> GroupResult:
        return judge(found, tau, min(settings.n_draws, PREVIEW_DRAWS))

    approach = Approach(settings, order_of(group, settings), preview, deadline, on_map)
    tau, effort = approach.follow(survey, engine, tables)
    if exact is not None:
        exact.engine.deadline = deadline
        close = close_to_threshold(preview(tables(), tau))
        lines = [survey.line_between(*pair) for pair in close]
        survey.measure(
            lines, engine=exact.engine, precision=exact.precision, refinements=settings.refinements
        )
    return dataclasses.replace(judge(tables(), tau, settings.n_draws), effort=effort)


def check_members(group: GroupData, engine: AbstractEngine) -> dict[str, EndpointGate]:
    """Evaluate each member once and return its gate, by id.

    Parameters
    ----------
    group : GroupData
        Members and examples.
    engine : AbstractEngine
        Knows both.

    Returns
    -------
    dict of str to EndpointGate
        A member that failed for its label order says so.
    """
    items = [Item((Point.of(m.content_hash),), group.task.name) for m in group.members]
    outcomes = [outcomes[0] for outcomes in engine.evaluate_all(items)]
    gates = check_ends(outcomes, group.encoded, counts=group.token_counts())
    return {
        member.id: _with_label_order(gate, outcome, member, group)
        for member, gate, outcome in zip(group.members, gates, outcomes, strict=True)
    }


def _with_label_order(
    gate: EndpointGate, outcome: Outcome, member: Checkpoint, group: GroupData
) -> EndpointGate:
    """Say which label order a failed or unnamed classifier seems to have."""
    if isinstance(outcome, Failure) or outcome.logits is None:
        return gate
    if gate.passed and member.labels_named:
        return gate
    order = probe_label_order(outcome.logits, group.encoded.targets)
    if order.status != "proposed" or order.order is None:
        return gate
    names = tuple(group.encoded.labels[order.order.index(i)] for i in sorted(order.order))
    reason = f"{gate.reason}; its labels seem to be in the order {', '.join(names)}"
    return dataclasses.replace(gate, reason=reason.removeprefix("; "), label_order=names)


def _judge(
    group: GroupData,
    gates: Mapping[str, EndpointGate],
    tables: PairTables,
    settings: ScanSettings,
    tau: Tau | None,
) -> GroupResult:
    """Find the basins of the gaps, and the status of each pair."""
    distinct = _distinct(group.members)
    rows = [i for i, member in enumerate(group.members) if member.id in distinct]
    gaps = square(tables.pairs, tuple(distinct))
    errors = square(tables.pairs, tuple(distinct), "convexity_gap_se")
    found = cluster(
        gaps,
        list(distinct),
        name="convexity_gap",
        keys=[group.members[i].content_hash for i in rows],
        multiplicity=[len(twins) for twins in distinct.values()],
        se=errors,
        bootstrap=tables.gap_matrices[:, rows][:, :, rows],
        tau=tau or ("auto" if settings.tau is None else settings.tau),
        chance_loss=chance_loss(gates),
        seed=settings.seed,
        n_draws=settings.n_draws,
    )
    label = found.label_of()
    return GroupResult(
        name=group.name,
        gates=gates,
        pairs=edge_status(tables.pairs, found.tau),
        profiles=tables.profiles,
        clusters=found,
        labels={twin: label[first] for first, twins in distinct.items() for twin in twins},
        labels_table=_with_twins(found.clusters, distinct),
    )


def _distinct(members: Sequence[Checkpoint]) -> dict[str, list[str]]:
    """Return the ids of equal members by the first of them."""
    first: dict[str, str] = {}
    twins: dict[str, list[str]] = {}
    for member in members:
        name = first.setdefault(member.content_hash, member.id)
        twins.setdefault(name, []).append(member.id)
    return twins


def _with_twins(clusters: pl.DataFrame, distinct: Mapping[str, list[str]]) -> pl.DataFrame:
    """Give every exact duplicate the labels of the member it equals."""
    pairs = [(first, twin) for first, twins in distinct.items() for twin in twins]
    twins = pl.DataFrame(pairs, schema={"id": pl.String, "twin": pl.String}, orient="row")
    joined = clusters.join(twins, on="id", maintain_order="left").with_columns(id=pl.col("twin"))
    return joined.select(clusters.columns)
