"""What a scan found, before it is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import polars as pl

from wsgeo.graph.associations import Associations
from wsgeo.graph.result import ClusterResult
from wsgeo.store.ledger import FailedWork
from wsgeo.workflows.geometry import Geometry
from wsgeo.workflows.group_results import GroupResult


@final
@dataclass(frozen=True)
class ScanOutcome:
    """What a scan found.

    Parameters
    ----------
    groups : tuple of GroupResult
        Each measured loss group, the largest first.
    geometries : mapping of str to Geometry
        Distances and angles in each geometry group.
    regions : mapping of str to ClusterResult
        Clusters of the task vectors of each geometry group with a base.
    associations : mapping of str to Associations
        How the settings of training go with the basins of each loss group, and with the task
        vectors of each geometry group with a base.
    n_computed, n_reused : int
        Evaluations done now, and found done.
    seconds : float
        Wall time.
    failures : tuple of FailedWork
        Evaluations that failed in this scan, by reason; the next one tries them again.
    """

    groups: tuple[GroupResult, ...]
    geometries: Mapping[str, Geometry]
    regions: Mapping[str, ClusterResult]
    associations: Mapping[str, Associations]
    n_computed: int
    n_reused: int
    seconds: float
    failures: tuple[FailedWork, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether no pair was left, or only glimpsed, for want of time."""
        pending = pl.col("measured").cast(pl.String) == "pending"
        coarse = pl.col("rule").cast(pl.String) == "coarse"
        return all(group.pairs.filter(pending | coarse).is_empty() for group in self.groups)
