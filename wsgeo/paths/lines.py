"""Paths through weight space."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import final

from wsgeo.weights.arithmetic import lerp
from wsgeo.weights.layout import Vector, Weights


class AbstractPath(abc.ABC):
    """A curve in weight space from ``t = 0`` to ``t = 1``."""

    @abc.abstractmethod
    def at(self, t: float) -> Vector:
        """Return the flat weight vector at position ``t`` in [0, 1], shape (n_parameters,)."""


@final
@dataclass(frozen=True)
class LinearPath(AbstractPath):
    """The straight segment between two checkpoints.

    Parameters
    ----------
    start, end : Weights
        The checkpoints at ``t = 0`` and ``t = 1``; their layouts are the same.

    Raises
    ------
    ValueError
        If the layouts differ.

    Examples
    --------
    >>> import numpy as np
    >>> from wsgeo.weights.layout import Layout
    >>> layout = Layout(("weight",), ((2,),))
    >>> start = Weights(layout, np.array([0.0, 4.0], dtype=np.float32))
    >>> end = Weights(layout, np.array([2.0, 0.0], dtype=np.float32))
    >>> LinearPath(start, end).at(0.25).tolist()
    [0.5, 3.0]
    """

    start: Weights
    end: Weights

    def __post_init__(self) -> None:
        """Refuse ends that do not fit together."""
        check_compatible(self.start, self.end)

    def at(self, t: float) -> Vector:
        """Return the weights at ``t``; the ends are exact, and so is a path between equals.

        Parameters
        ----------
        t : float
            Position in [0, 1].

        Returns
        -------
        ndarray of float32, shape (n_parameters,)
            A new vector.

        Raises
        ------
        ValueError
            If ``t`` is not in [0, 1].
        """
        if not 0.0 <= t <= 1.0:
            raise ValueError(f"Position {t} is not on the path. Choose t in [0, 1].")
        return lerp(self.start.vector, self.end.vector, t)


def check_compatible(start: Weights, end: Weights) -> None:
    """Refuse two models whose tensors cannot be mixed one by one.

    Parameters
    ----------
    start, end : Weights
        The models.

    Raises
    ------
    ValueError
        If names or shapes differ, naming the first difference.
    """
    if start.layout == end.layout:
        return
    here = dict(zip(start.layout.names, start.layout.shapes, strict=True))
    there = dict(zip(end.layout.names, end.layout.shapes, strict=True))
    name = min(n for n in here.keys() | there.keys() if here.get(n) != there.get(n))
    raise ValueError(
        f"Tensor {name!r} has shape {here.get(name)} at the start and {there.get(name)} "
        "at the end of the path. Compare checkpoints of one architecture."
    )
