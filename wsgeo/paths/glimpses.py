"""A first look at a line: its middle, on a few examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from wsgeo.evaluation.losses import Losses, Point
from wsgeo.evaluation.races import AbstractRace, Grid, n_seen, steps

EXAMPLES = 64
"""Examples of a glimpse."""


@final
@dataclass(frozen=True, eq=False)
class Glimpse(AbstractRace):
    """The loss in the middle of a line on the first examples; nothing is decided.

    Parameters
    ----------
    points : tuple of Point
        The middle alone.
    examples : str
        Name of the example set, in random order.
    """

    points: tuple[Point, ...]
    examples: str
    known: None = None
    noun: ClassVar[str] = "glimpses"

    @property
    def rule(self) -> str:
        """How far it looks."""
        return f"glimpse {EXAMPLES}"

    def wanted(self, losses: Grid) -> list[tuple[int, int]]:
        """Return the next examples, until there are enough."""
        seen = n_seen(losses[0])
        least = min(EXAMPLES, losses.shape[1])
        if seen >= least:
            return []
        return [(0, next(end for end in steps(losses.shape[1]) if end >= least))]


def as_start(glimpse: Losses, place: int, n_points: int) -> Losses:
    """Return a glimpse as the start of a race.

    Parameters
    ----------
    glimpse : Losses
        What was seen of the middle.
    place : int
        Position of the middle among the points of the race.
    n_points : int
        How many they are.

    Returns
    -------
    Losses
        As a race returns it.
    """
    grids = np.full((2, n_points, glimpse.loss.size), np.nan, np.float32)
    grids[0, place], grids[1, place] = glimpse.loss, glimpse.hit
    return Losses(grids[0].ravel(), grids[1].ravel())
