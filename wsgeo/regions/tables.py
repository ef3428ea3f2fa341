"""The table of centroids: what each was made of, and how it does beside its members."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, final

import polars as pl


class Variant(StrEnum):
    """What is averaged; the value is its name in tables and cards."""

    MEAN = "mean"  # of the weights, adapters merged
    PRODUCTS = "mean of products"  # of LoRA adapters: of what they add to the weights
    FACTORS = "mean of factors"  # of LoRA adapters: of the factors themselves, another point
    ENCODERS = "mean of encoders"  # of what members of several tasks share

    @property
    def word(self) -> str:
        """What the command line calls it, such as ``products``."""
        return self.removeprefix("mean of ")


TITLES: Final[Mapping[str, str]] = {
    "mean": "mean",
    "weighted": "weighted mean",
    "medoid": "medoid",
    "greedy": "greedy soup",
    "stock": "Model Stock",
    "median": "geometric median",
    "arithmetic": "task arithmetic",
    "ties": "TIES merge",
    "dare": "DARE merge",
    "fisher": "Fisher-weighted mean",
}
"""What the methods of merging are called in cards, by their names on the command line."""

IN_SAMPLE: Final = frozenset({"greedy", "fisher"})
"""Methods that look at the examples that their centroid is measured on: its loss flatters it."""

CENTROIDS = pl.Schema(
    {
        "name": pl.String(),
        "level": pl.String(),  # basin, group (no basins were found), region; dataset, task, general
        "group": pl.String(),  # the number of the basin or region, or the region's name
        "variant": pl.String(),  # a `Variant`: mean, mean of products, mean of factors, mean of encoders
        "method": pl.String(),  # how members are merged: mean, weighted, medoid, greedy, stock, ...
        "parameters": pl.String(),  # of the method, as JSON
        "members": pl.List(pl.String),
        "weights": pl.List(pl.Float64),  # shares of the members, summing to 1
        "loss": pl.Float64(),  # nats per example
        "metric": pl.Float64(),  # fraction in [0, 1]
        "mean_member_loss": pl.Float64(),
        "mean_member_metric": pl.Float64(),
        "best_member": pl.String(),  # the member of lowest loss
        "best_member_loss": pl.Float64(),
        "best_member_metric": pl.Float64(),
        "medoid": pl.String(),
        "medoid_loss": pl.Float64(),
        "medoid_metric": pl.Float64(),
        "largest_gap_inside": pl.Float64(),  # nats per example, over all pairs of members
        "folder": pl.String(),
        "status": pl.String(),  # written, refused, failed
        "reason": pl.String(),
    }
)
"""One row per centroid; a figure that was not measured is null."""

CENTROID_LAYERS = pl.Schema(
    {
        "name": pl.String(),  # of the centroid
        "layer": pl.String(),  # embeddings, layer 0 and so on, rest
        "position": pl.Int64(),  # of the layer in the model, from 0
        "cosine": pl.Float64(),  # mean over pairs of members of their task vectors in this layer
        "angle": pl.Float64(),  # its arc cosine, in degrees
        "norm": pl.Float64(),  # mean norm of the members' task vectors in this layer
        "norm_spread": pl.Float64(),  # their standard deviation over their mean
        "share": pl.Float64(),  # of the mean against the base, in [0, 1]; Model Stock only
    }
)
"""One row per centroid and layer: what its members look like from their base."""


@final
@dataclass(frozen=True)
class CentroidPlan:
    """What a centroid is made of.

    Parameters
    ----------
    name : str
        Its name, such as ``basin-0``.
    level : str
        ``basin``, ``group`` (no basins were found) or ``region``; ``dataset``, ``task`` or
        ``general`` for a region of the table of regions.
    group : str
        Its number, or its name in the table of regions.
    variant : Variant
        What is averaged.
    members : tuple of str
        Ids of the checkpoints that are averaged.
    weights : tuple of float
        Their shares; equal by default.
    method : str, default 'mean'
        How they are merged.
    parameters : mapping of str to object
        Of the method; ready for JSON.
    """

    name: str
    level: str
    group: str
    variant: Variant
    members: tuple[str, ...]
    weights: tuple[float, ...] = ()
    method: str = "mean"
    parameters: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Fill in equal shares; refuse shares that do not match, and unknown variants or methods."""
        object.__setattr__(self, "variant", Variant(self.variant))
        if self.method not in TITLES:
            raise ValueError(f"No method of merging is called {self.method!r}.")
        n = len(self.members)
        weights = self.weights or (1.0,) * n
        total = math.fsum(weights)
        if not n or len(weights) != n or min(weights) < 0 or not 0 < total < math.inf:
            raise ValueError(f"{n} members and the weights {self.weights} make no centroid.")
        object.__setattr__(self, "weights", tuple(weight / total for weight in weights))

    @property
    def title(self) -> str:
        """What it is, such as ``mean of products`` or ``greedy soup of encoders``."""
        return TITLES[self.method] + self.variant.removeprefix("mean")


@final
@dataclass(frozen=True)
class Evidence:
    """How a centroid does on the task beside its members.

    Parameters
    ----------
    loss, metric : float, optional
        Of the centroid: nats per example, fraction in [0, 1].
    member_loss, member_metric : mapping of str to float
        Of its members, by id.
    medoid : str, optional
        The member in the middle.
    largest_gap_inside : float, optional
        Largest convexity gap between two members, in nats per example.
    missing : str
        Why there is no loss: a sentence; empty where there is one.
    caveat : str
        Why the loss flatters the centroid, with the loss that does not; empty where it does not.
    """

    loss: float | None = None
    metric: float | None = None
    member_loss: Mapping[str, float] = field(default_factory=dict)
    member_metric: Mapping[str, float] = field(default_factory=dict)
    medoid: str | None = None
    largest_gap_inside: float | None = None
    missing: str = ""
    caveat: str = ""

    @property
    def best_member(self) -> str | None:
        """The member of lowest loss; the first by id among equals."""
        known = {id_: loss for id_, loss in self.member_loss.items() if math.isfinite(loss)}
        return min(known, key=lambda id_: (known[id_], id_)) if known else None

    def warning(self, members: Sequence[str]) -> str:
        """Say that the centroid is worse than its members on average; empty where it is not."""
        mean, _ = self.member_means(members)
        # Rounding to another number format may cost a thousandth.
        if self.loss is None or mean is None or self.loss - mean < 1e-3:
            return ""
        return (
            f"Its loss is {self.loss - mean:.3g} nats above that of the mean member: on this task "
            f"{self.best_member}, its best member, is the better model."
        )

    def member_means(self, members: Sequence[str]) -> tuple[float | None, float | None]:
        """Return the plain means of loss and metric; None where a member's is unknown."""
        return _mean(members, self.member_loss), _mean(members, self.member_metric)


def centroid_row(
    plan: CentroidPlan, evidence: Evidence, folder: str | None, status: str, reason: str = ""
) -> pl.DataFrame:
    """Return one row of the table of centroids.

    Parameters
    ----------
    plan : CentroidPlan
        What it is made of.
    evidence : Evidence
        How it does.
    folder : str or None
        Where it was written.
    status : str
        ``written``, ``refused`` or ``failed``.
    reason : str, optional
        Why it was not written, or what to know about it.

    Returns
    -------
    polars.DataFrame
        One row of schema `CENTROIDS`; figures that are missing or not finite are null.

    Examples
    --------
    >>> plan = CentroidPlan("basin-0", "basin", "0", Variant.MEAN, ("a", "b"))
    >>> row = centroid_row(plan, Evidence(member_loss={"a": 0.5, "b": 0.3}), None, "refused")
    >>> row["best_member"][0], row["mean_member_loss"][0], row["loss"][0]
    ('b', 0.4, None)
    """
    best, medoid = evidence.best_member, evidence.medoid
    mean_loss, mean_metric = evidence.member_means(plan.members)
    row = {
        "name": plan.name,
        "level": plan.level,
        "group": plan.group,
        "variant": plan.variant.value,
        "method": plan.method,
        "parameters": json.dumps(dict(plan.parameters), sort_keys=True, allow_nan=False),
        "members": list(plan.members),
        "weights": list(plan.weights),
        "loss": evidence.loss,
        "metric": evidence.metric,
        "mean_member_loss": mean_loss,
        "mean_member_metric": mean_metric,
        "best_member": best,
        "best_member_loss": evidence.member_loss.get(best or ""),
        "best_member_metric": evidence.member_metric.get(best or ""),
        "medoid": medoid,
        "medoid_loss": evidence.member_loss.get(medoid or ""),
        "medoid_metric": evidence.member_metric.get(medoid or ""),
        "largest_gap_inside": evidence.largest_gap_inside,
        "folder": folder,
        "status": status,
        "reason": reason,
    }
    return pl.DataFrame([{key: finite(value) for key, value in row.items()}], schema=CENTROIDS)


def folder_word(name: str) -> str:
    """Return the name of a region as it stands in that of a folder.

    Parameters
    ----------
    name : str
        Any text.

    Returns
    -------
    str
        The name, or what any file system takes of it with a short hash of the whole.

    Examples
    --------
    >>> folder_word("snli"), folder_word("a b"), folder_word("a-b")
    ('snli', 'a-b-c8687a', 'a-b')
    """
    safe = re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-.")
    return safe if safe == name else f"{safe or 'region'}-{short_hash(name)}"


def short_hash(text: str) -> str:
    """Return six hexadecimal digits that tell texts apart.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The start of its SHA-256.
    """
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def _mean(members: Sequence[str], values: Mapping[str, float]) -> float | None:
    known = [values[id_] for id_ in members if id_ in values]
    return math.fsum(known) / len(known) if len(known) == len(members) else None


def finite(value: object) -> object:
    """Return a value, or None where it is a number that is not finite."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
