"""One loss group: ends, gates, lines between all pairs, basins, and which pairs are connected."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.evaluation.gates import EndpointGate, check_ends
from wsgeo.evaluation.label_orders import probe_label_order
from wsgeo.evaluation.losses import AbstractEngine, Failure, Item, Outcome, Point
from wsgeo.graph.matrices import square
from wsgeo.graph.result import ClusterResult, cluster
from wsgeo.graph.status import Tau, edge_status
from wsgeo.paths.pairs import PairTables, measure_pairs
from wsgeo.progress import Progress
from wsgeo.workflows.geometry import Geometry
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData
from wsgeo.zoo import Checkpoint

Square = NDArray[np.float64]


@final
@dataclass(frozen=True)
class GroupResult:
    """What was measured of a loss group.

    Parameters
    ----------
    name : str
        Name of the group.
    gates : mapping of str to EndpointGate
        Gate of each member, by id.
    pairs, profiles : polars.DataFrame
        The pair table with edge status, and the profiles.
    clusters : ClusterResult
        Basins of the distinct members.
    labels : mapping of str to int
        Basin of each member by id, duplicates included; -1 is none.
    labels_table : polars.DataFrame
        The table of clusters, duplicates included.
    """

    name: str
    gates: Mapping[str, EndpointGate]
    pairs: pl.DataFrame
    profiles: pl.DataFrame
    clusters: ClusterResult
    labels: Mapping[str, int]
    labels_table: pl.DataFrame

    @property
    def tau(self) -> Tau:
        """Threshold and its origin."""
        return self.clusters.tau


def measure_group(
    group: GroupData,
    engine: AbstractEngine,
    geometry: Geometry,
    settings: ScanSettings,
    precision: str,
    progress: Progress | None = None,
) -> GroupResult:
    """Measure a loss group, from its ends to its basins.

    Parameters
    ----------
    group : GroupData
        Members and examples.
    engine : AbstractEngine
        Knows the members and the examples, under the task's name.
    geometry : Geometry
        Of at least the members.
    settings : ScanSettings
        Settings of the scan.
    precision : str
        How losses are computed, as their keys say it.
    progress : Progress, optional
        Told of each pair.

    Returns
    -------
    GroupResult
        Tables and verdict.
    """
    gates = check_members(group, engine)
    own = geometry.of([member.id for member in group.members])
    tables = measure_pairs(
        engine,
        group.members,
        group.task.name,
        split=group.task.split,
        gates=gates,
        ts=settings.positions,
        head_policy=settings.head_policy,
        l2=own.l2,
        cosine=own.cosine,
        precision=precision,
        refinements=settings.refinements,
        n_resamples=settings.n_resamples,
        seed=settings.seed,
        progress=progress,
    )
    return _judge(group, gates, tables, settings)


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
        tau="auto" if settings.tau is None else settings.tau,
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


def chance_loss(gates: Mapping[str, EndpointGate]) -> float | None:
    """Return the loss of the best constant predictor on a group's examples.

    Parameters
    ----------
    gates : mapping of str to EndpointGate
        Gate of each member, by id.

    Returns
    -------
    float or None
        In nats per example; None where no member could be evaluated.
    """
    known = (gate.chance_loss for gate in gates.values() if gate.chance_loss is not None)
    return next(known, None)


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
