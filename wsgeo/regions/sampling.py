"""Points inside a region: mixes of its members with shares that sum to 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np

_Draws = Iterator[tuple[object, list[float]]]
"""The last part of a sample's name, and its shares before they are scaled to sum to 1."""

SPARSITY: Final = 0.1
"""Concentration of the Dirichlet law of sparse samples: below 1, few members have most of it."""


@final
@dataclass(frozen=True)
class Sample:
    """A point of the hull of a region's members.

    Parameters
    ----------
    kind : str
        How it was drawn: of `HULL_KINDS`, or ``centroid``.
    name : str
        Distinct among the samples of a region, such as ``uniform-3``.
    coefficients : tuple of float
        Share of each member, at least 0, summing to 1.
    """

    kind: str
    name: str
    coefficients: tuple[float, ...]

    @property
    def support(self) -> tuple[int, ...]:
        """Positions of the members that take part."""
        return tuple(i for i, share in enumerate(self.coefficients) if share > 0)


def centroid(n_members: int) -> Sample:
    """Return the mean of all members.

    Parameters
    ----------
    n_members : int
        Number of members.

    Returns
    -------
    Sample
        With equal shares.

    Raises
    ------
    ValueError
        If there are no members.

    Examples
    --------
    >>> centroid(4).coefficients
    (0.25, 0.25, 0.25, 0.25)
    """
    _check_members(n_members)
    return Sample("centroid", "centroid", (1 / n_members,) * n_members)


def hull_samples(
    n_members: int, n_samples: int, rng: np.random.Generator, kinds: Collection[str] | None = None
) -> list[Sample]:
    """Draw points of the convex hull of a region's members.

    Uniform shares alone [gueta2023]_ say little about the hull: with many members they all lie near
    the centroid (`wsgeo.regions.radii.expected_radius`). The other kinds reach further out.

    ``uniform``: shares from Dirichlet(1), uniform in the simplex. ``sparse``: from Dirichlet(0.1).
    ``pair``, ``triple``: uniform mixes of two or three distinct members. ``leave_one_out``: means of
    all members but one, drawn without repetition, so at most as many as members.

    Parameters
    ----------
    n_members : int
        Number of members.
    n_samples : int
        Samples of each kind; the paper takes as many as members.
    rng : Generator
        Source of the draws. Each kind has a stream of its own: neither the choice of kinds nor a
        larger number changes a sample that is drawn either way.
    kinds : collection of str, optional
        Some of `HULL_KINDS`; default all.

    Returns
    -------
    list of Sample
        By kind in the order of `HULL_KINDS`. Kinds that need more members than there are give none:
        two for any, three for ``triple`` and ``leave_one_out``.

    Raises
    ------
    ValueError
        If there are no members, or a kind is unknown.

    References
    ----------
    [gueta2023]_

    Examples
    --------
    >>> found = hull_samples(3, 3, np.random.default_rng(0), kinds=["uniform", "leave_one_out"])
    >>> [sample.name for sample in found[:3]]
    ['uniform-0', 'uniform-1', 'uniform-2']
    >>> sorted(sample.coefficients for sample in found[3:])
    [(0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0)]
    """
    _check_members(n_members)
    asked = HULL_KINDS if kinds is None else kinds
    if unknown := sorted(set(asked) - set(HULL_KINDS)):
        raise ValueError(f"No kind of hull sample is called {unknown[0]!r}.")
    streams = dict(zip(HULL_KINDS, rng.spawn(len(HULL_KINDS)), strict=True))
    return [
        Sample(kind, f"{kind}-{label}", _scaled(shares))
        for kind in HULL_KINDS
        if kind in asked and n_members >= _FEWEST[kind]
        for label, shares in _DRAWS[kind](n_members, n_samples, streams[kind])
    ]


def _uniform(n: int, n_samples: int, rng: np.random.Generator) -> _Draws:
    yield from enumerate(rng.dirichlet([1.0] * n, n_samples).tolist())


def _sparse(n: int, n_samples: int, rng: np.random.Generator) -> _Draws:
    yield from enumerate(rng.dirichlet([SPARSITY] * n, n_samples).tolist())


def _pairs(n: int, n_samples: int, rng: np.random.Generator) -> _Draws:
    yield from _mixes_of(2, n, n_samples, rng)


def _triples(n: int, n_samples: int, rng: np.random.Generator) -> _Draws:
    yield from _mixes_of(3, n, n_samples, rng)


def _mixes_of(size: int, n: int, n_samples: int, rng: np.random.Generator) -> _Draws:
    for i in range(n_samples):
        shares = np.zeros(n)
        shares[rng.choice(n, size, replace=False)] = rng.dirichlet([1.0] * size)
        yield i, shares.tolist()


def _leave_one_out(n: int, n_samples: int, rng: np.random.Generator) -> _Draws:
    for left_out in rng.permutation(n)[:n_samples].tolist():
        yield left_out, [float(i != left_out) for i in range(n)]


_DRAWS: Final[Mapping[str, Callable[[int, int, np.random.Generator], _Draws]]] = {
    "uniform": _uniform,
    "sparse": _sparse,
    "pair": _pairs,
    "triple": _triples,
    "leave_one_out": _leave_one_out,
}
_FEWEST: Final = {"uniform": 2, "sparse": 2, "pair": 2, "triple": 3, "leave_one_out": 3}

HULL_KINDS: Final = tuple(_DRAWS)
"""Kinds of samples of the hull. New ones go to the end: the place of a kind picks its stream."""


def _scaled(shares: list[float]) -> tuple[float, ...]:
    total = math.fsum(shares)
    return tuple(share / total for share in shares)


def _check_members(n_members: int) -> None:
    if n_members < 1:
        raise ValueError(f"A region needs members, not {n_members}.")
