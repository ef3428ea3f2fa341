"""What was measured of a loss group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import polars as pl

from wsgeo.evaluation.gates import EndpointGate
from wsgeo.graph.result import ClusterResult
from wsgeo.graph.status import Tau


@final
@dataclass(frozen=True)
class Effort:
    """What a group was looked at with.

    Parameters
    ----------
    mode : str
        As in the settings.
    n_verified, n_refuted : int
        Pairs that connected ones join and that were raced all the same, and those of them that were
        not connected.
    """

    mode: str
    n_verified: int = 0
    n_refuted: int = 0


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
    effort : Effort or None
        What the lines were looked at with; None before that is known.
    """

    name: str
    gates: Mapping[str, EndpointGate]
    pairs: pl.DataFrame
    profiles: pl.DataFrame
    clusters: ClusterResult
    labels: Mapping[str, int]
    labels_table: pl.DataFrame
    effort: Effort | None = None

    @property
    def tau(self) -> Tau:
        """Threshold and its origin."""
        return self.clusters.tau


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
