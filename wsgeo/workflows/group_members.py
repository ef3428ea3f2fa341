"""The members of a loss group of a finished run, among which further models are placed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.graph.matrices import square
from wsgeo.probing.held_out import HeldOut, hold_out
from wsgeo.probing.map_places import map_place
from wsgeo.probing.placement import Placement, cautioned, placed, reaches, representatives
from wsgeo.probing.predictions import predicted
from wsgeo.store import Run
from wsgeo.workflows.basins import basins_found, basins_of, tau_of, unfit_members

Floats = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Lines:
    """What was found on the lines from a model to members of a loss group.

    Parameters
    ----------
    gaps : ndarray of float64, shape (n_members,)
        Convexity gaps, nats per example; NaN where no line was measured.
    resampled : ndarray of float64, shape (n_resamples, n_members)
        Those of resampled examples.
    refusal : str
        Why no line was measured; empty where lines were.
    """

    gaps: Floats
    resampled: Floats
    refusal: str = ""


@final
@dataclass(frozen=True)
class GroupMembers:
    """What is known of the members of a loss group.

    Parameters
    ----------
    group : str
        Name of the group.
    ids : tuple of str
        Its distinct members.
    labels : ndarray of int64, shape (n_members,)
        Their basins; where none were found, the one group of all. -1 for none.
    basins_found : bool
        Whether the labels are basins.
    gaps : ndarray of float64, shape (n_members, n_members)
        Convexity gaps, nats per example; NaN where not measured.
    tau : float or None
        The threshold.
    coordinates : ndarray of float64, shape (n_members, 2)
        Places on the map by classical scaling; NaN for members that are not on it.
    scores : DataFrame
        Scores of the members on diagnostic sets; those of members that cannot do the task, or say
        one label, are no evidence and left out.
    hashes : dict of str to str
        Content hash of each member.
    """

    group: str
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    basins_found: bool
    gaps: Floats
    tau: float | None
    coordinates: Floats
    scores: pl.DataFrame
    hashes: dict[str, str]

    @property
    def basins(self) -> NDArray[np.int64]:
        """The labels, all -1 where they are no basins."""
        return self.labels if self.basins_found else np.full_like(self.labels, -1)

    def looked_at(self, per_basin: int) -> list[str]:
        """Return the members that a model is joined with by lines."""
        rows = representatives(self.gaps, self.labels, per_basin).values()
        return [self.ids[row] for own in rows for row in own]

    def put(self, lines: Lines) -> Placement:
        """Return where a model lies, by its lines to members."""
        if lines.refusal:
            return Placement(None, None, None, None, 0, lines.refusal)
        basins = self.basins
        reach = reaches(self.gaps, basins, self.tau)
        found = placed(lines.gaps, basins, reach, resampled=lines.resampled)
        return cautioned(found, lines.gaps, self.gaps, basins)

    def of_member(self, name: str) -> tuple[Placement, tuple[float | None, float | None]]:
        """Return where a copy of a member lies, and its place on the map: where the member does."""
        row = self.ids.index(name) if name in self.ids else None
        basin = None if row is None or self.basins[row] < 0 else int(self.basins[row])
        x, y = (None, None) if row is None else self.coordinates[row].tolist()
        reason = None if basin is not None else f"{name}, whose exact duplicate it is, lies in none"
        return Placement(basin, row, None, None, 0, reason), (x, y)

    def on_map(self, gaps: Floats) -> tuple[float | None, float | None]:
        """Return the place of a model on the map, by its gaps to the members."""
        return map_place(gaps, self.coordinates, self.gaps) or (None, None)

    def predicted(self, basin: int | None) -> pl.DataFrame:
        """Return what the members of a basin tell of a model's scores."""
        labels = dict(zip(self.ids, self.basins.tolist(), strict=True))
        return predicted(self.scores, labels, basin)

    def held_out(self, per_basin: int) -> HeldOut:
        """Return how well members are placed, each as if it were new."""
        return hold_out(
            self.gaps, self.ids, self.basins.tolist(), self.scores,
            tau=self.tau, n_per_basin=per_basin, hashes=self.hashes,
        )  # fmt: skip


def read_members(run: Run, group: str) -> GroupMembers:
    """Read what a run knows of a loss group.

    Parameters
    ----------
    run : Run
        A finished run.
    group : str
        Name of a loss group that was measured.

    Returns
    -------
    GroupMembers
        Of its distinct members.
    """
    labels, unfit = basins_of(run, group), unfit_members(run, group)
    ids = tuple(labels)
    fit = [name for name in ids if name not in unfit]
    models = run.table("models").filter(pl.col("id").is_in(list(ids)))
    return GroupMembers(
        group,
        ids,
        np.array([labels[name] for name in ids], np.int64),
        basins_found(run, group),
        square(run.table("pairs").filter(pl.col("group") == group), ids),
        tau_of(run, group),
        _coordinates(run, group, ids),
        run.table("scores").filter(pl.col("id").is_in(fit)),
        dict(models.select("id", "content_hash").iter_rows()),
    )


def _coordinates(run: Run, group: str, ids: tuple[str, ...]) -> Floats:
    chosen = (pl.col("matrix") == "convexity_gap") & (pl.col("method") == "mds")
    rows = run.table("embedding").filter(chosen & (pl.col("group") == group))
    places = {name: (x, y) for name, x, y in rows.select("id", "x", "y").iter_rows()}
    return np.array([places.get(name, (np.nan, np.nan)) for name in ids], np.float64)
