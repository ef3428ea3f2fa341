"""From a zoo with its data to everything that a scan finds, group by group."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, final

from wsgeo.evaluation.backends import Backends
from wsgeo.evaluation.engine import Engine
from wsgeo.graph.associations import Associations
from wsgeo.graph.result import ClusterResult, cluster
from wsgeo.processes.abstract import AbstractPool
from wsgeo.progress import Progress
from wsgeo.store import Ledger
from wsgeo.workflows.associating import associations_of
from wsgeo.workflows.engines import backends_for, engine_for
from wsgeo.workflows.geometry import Geometry, measure_geometry
from wsgeo.workflows.group_results import GroupResult
from wsgeo.workflows.inputs import ScanInputs
from wsgeo.workflows.measuring import Exact, measure_group
from wsgeo.workflows.outcomes import ScanOutcome
from wsgeo.workflows.resources import Resources
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData
from wsgeo.zoo import Zoo

MAP_AFTER: Final = 10.0
"""Seconds of a scan after which its coarse map is worth writing down."""


@final
@dataclass(frozen=True)
class Stages:
    """The stages of a scan, and all that they need.

    Parameters
    ----------
    inputs : ScanInputs
        Zoo and data.
    settings : ScanSettings
        Settings of the scan.
    resources : Resources
        What it may use.
    ledger : Ledger
        Finished work.
    pool : AbstractPool
        Processes.
    start : float
        Time (`time.monotonic`) at which the scan began.
    say : callable
        Told who evaluates, as sentences.
    on_map : callable
        Told of what is known once every line of a group was glimpsed.
    progress : Progress, optional
        Told how far each stage is.
    """

    inputs: ScanInputs
    settings: ScanSettings
    resources: Resources
    ledger: Ledger
    pool: AbstractPool
    start: float
    say: Callable[[str], None]
    on_map: Callable[[ScanOutcome], None]
    progress: Progress | None = None

    def run(self) -> ScanOutcome:
        """Measure the geometry, each loss group, and the regions."""
        started, geometries = datetime.now(UTC), _geometries(self.inputs.zoo, self.progress)
        results: list[GroupResult] = []
        computed = reused = 0

        def outcome(
            groups: Sequence[GroupResult],
            regions: Mapping[str, ClusterResult],
            associations: Mapping[str, Associations],
        ) -> ScanOutcome:
            return ScanOutcome(
                groups=tuple(groups),
                geometries=geometries,
                regions=regions,
                associations=associations,
                n_computed=computed,
                n_reused=reused,
                seconds=time.monotonic() - self.start,
                failures=tuple(self.ledger.failures(started)),
            )

        def show(coarse: GroupResult) -> None:
            if time.monotonic() - self.start > MAP_AFTER:
                self.on_map(outcome([*results, coarse], {}, {}))

        for group in self.inputs.groups:
            with self._engines(group) as (engine, precision, exact):
                geometry = geometries[group.members[0].geometry_group]
                results.append(
                    measure_group(
                        group,
                        engine,
                        geometry,
                        self.settings,
                        precision,
                        exact=exact,
                        deadline=self._deadline,
                        on_map=show,
                    )
                )
                for each in (engine, *((exact.engine,) if exact else ())):
                    computed, reused = computed + each.n_computed, reused + each.n_reused
        regions = _regions(geometries, self.settings)
        found = associations_of(self.inputs.zoo, results, geometries, regions, self.settings)
        return outcome(results, regions, found)

    @property
    def _deadline(self) -> float | None:
        budget = self.resources.budget
        return None if budget is None else self.start + budget

    @contextlib.contextmanager
    def _engines(self, group: GroupData) -> Iterator[tuple[Engine, str, Exact | None]]:
        """Give the engine of a group, how it computes, and where that is not float32, one that does."""
        backends = backends_for(
            group, self.pool, self.ledger, self.settings, device=self.resources.device
        )
        self.say(f"{group.name} is evaluated by: {backends}.")
        format_ = self.settings.precision
        with self._engine(group, backends) as engine:
            if format_ == "fp32":
                yield engine, backends.precision_of(format_), None
                return
            full = backends.at("fp32")
            with self._engine(group, full) as precise:
                yield (
                    engine,
                    backends.precision_of(format_),
                    Exact(precise, full.precision_of("fp32")),
                )

    def _engine(self, group: GroupData, backends: Backends) -> Engine:
        return engine_for(
            group,
            self.pool,
            self.ledger,
            self.settings,
            self.progress,
            backends,
            self.resources.cache_bytes(self.pool.n_jobs),
        )


def _geometries(zoo: Zoo, progress: Progress | None) -> dict[str, Geometry]:
    """Measure distances and angles in each geometry group."""
    names = dict.fromkeys(member.geometry_group for member in zoo.members)
    return {name: measure_geometry(zoo.geometry_group(name), progress) for name in names}


def _regions(
    geometries: Mapping[str, Geometry], settings: ScanSettings
) -> dict[str, ClusterResult]:
    """Cluster the task vectors of each geometry group that has a base."""
    return {
        name: cluster(
            1.0 - geometry.cosine,
            geometry.ids,
            name="task_vector",
            seed=settings.seed,
            n_draws=settings.n_draws,
        )
        for name, geometry in geometries.items()
        if geometry.cosine is not None
    }
