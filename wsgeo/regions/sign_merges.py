"""Merges that drop entries of task vectors: TIES and DARE."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.regions.affine_blends import mixture
from wsgeo.regions.merge_streams import MemberStream, Values
from wsgeo.regions.merging import (
    AbstractMerge,
    Blend,
    TensorBlend,
    check_weights,
    head_note,
    shares_of,
)
from wsgeo.weights.layout import Vector
from wsgeo.weights.magnitudes import smallest_kept
from wsgeo.weights.slices import SliceReader

Thinning: TypeAlias = Callable[[slice, Values], None]
"""Changes the rows of task vectors of all members in a slice, shape (n, width), in place."""


@final
@dataclass(frozen=True)
class Ties(AbstractMerge):
    """The base and the mean of trimmed task vectors, over the members that agree on the sign.

    In each tensor, each member keeps its largest changes. Of the two signs of an entry, the one whose
    kept changes sum to more is elected (plus, where they cancel), and the mean is over the members
    whose kept change has it.

    Parameters
    ----------
    density : float, default 0.2
        Share of the entries that are kept, in (0, 1], rounded down, at least one of a tensor;
        entries as large as the smallest that is kept are all kept.
    scale : float, default 1
        Multiple of the mean that is added to the base.
    weights : tuple of float, optional
        One per member, at least 0; equal by default.

    References
    ----------
    [yadav2023]_
    """

    name: ClassVar[str] = "ties"
    needs_base: ClassVar[bool] = True
    density: float = 0.2
    scale: float = 1.0
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse settings out of their ranges."""
        _check(self.density, self.scale, self.weights)

    @property
    def parameters(self) -> dict[str, Any]:
        """All settings."""
        return {"density": self.density, "scale": self.scale, "weights": list(self.weights)}

    def blend(self, stream: MemberStream) -> Blend:
        """Return how it makes a model of the members of a stream."""
        return _blend(stream, self._trimming, elected_mean, self.scale, self.weights)

    def _trimming(self, stream: MemberStream, name: str) -> Thinning:
        size, base = stream.size(name), stream.origin(name)
        n_kept = max(1, int(self.density * size))
        if n_kept == size:
            return _keep_all
        read = [stream.member(i, name) for i in range(len(stream))]
        found = [smallest_kept(_change(each, base), size, n_kept) for each in read]
        limits = np.array(found, np.float32)[:, None]

        def trim(_: slice, changes: Values) -> None:
            # Rounded as where the limits were found, or the smallest that is kept might be dropped.
            changes[np.abs(changes.astype(np.float32)) < limits] = 0

        return trim


@final
@dataclass(frozen=True)
class Dare(AbstractMerge):
    """The base and the mean of task vectors of which entries are dropped at random.

    What is left is divided by the share that is kept, so that its expectation is what it was.

    Parameters
    ----------
    density : float, default 0.5
        Share of the entries that are kept, in expectation, in (0, 1].
    seed : int, default 0
        Which entries; also the id of the member and the name of the tensor decide.
    elect : bool, default False
        Whether the mean is over the members that agree on the sign, as in `Ties`, instead of all.
    scale : float, default 1
        Multiple of the mean that is added to the base.
    weights : tuple of float, optional
        One per member, at least 0; equal by default.

    References
    ----------
    [yu2024]_
    """

    name: ClassVar[str] = "dare"
    needs_base: ClassVar[bool] = True
    density: float = 0.5
    seed: int = 0
    elect: bool = False
    scale: float = 1.0
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse settings out of their ranges."""
        _check(self.density, self.scale, self.weights)

    @property
    def parameters(self) -> dict[str, Any]:
        """All settings."""
        chosen = {"density": self.density, "seed": self.seed, "elect": self.elect}
        return {**chosen, "scale": self.scale, "weights": list(self.weights)}

    def blend(self, stream: MemberStream) -> Blend:
        """Return how it makes a model of the members of a stream."""
        mean = elected_mean if self.elect else _mean
        return _blend(stream, self._dropping, mean, self.scale, self.weights)

    def _dropping(self, stream: MemberStream, name: str) -> Thinning:
        if self.density == 1:
            return _keep_all
        ids = [member.id for member in stream.members]

        def drop(columns: slice, changes: Values) -> None:
            for id_, row in zip(ids, changes, strict=True):
                row[~kept_entries(self.seed, id_, name, columns, self.density)] = 0
            changes /= self.density

        return drop


def elected_mean(changes: Values, shares: Sequence[float]) -> Values:
    """Return the weighted mean of the changes that have the elected sign, entry by entry.

    Parameters
    ----------
    changes : ndarray of float64, shape (n, width)
        Changes of each member; 0 for one that was not kept.
    shares : sequence of float, length n
        Weights of the members.

    Returns
    -------
    ndarray of float64, shape (width,)
        0 where no member has the elected sign.

    References
    ----------
    [yadav2023]_

    Examples
    --------
    >>> elected_mean(np.array([[3.0, -1.0], [1.0, -1.0], [-2.0, 0.0]]), [1 / 3] * 3)
    array([ 2., -1.])
    """
    weights = np.asarray(shares, np.float64)
    is_plus = weights @ changes >= 0
    agrees = np.where(is_plus, changes > 0, changes < 0)
    total, weight = weights @ (changes * agrees), weights @ agrees
    mean: Values = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
    return mean


def kept_entries(
    seed: int, id_: str, name: str, columns: slice, density: float
) -> NDArray[np.bool_]:
    """Return which entries of a slice of a tensor DARE keeps of a member.

    Parameters
    ----------
    seed : int
        Of the merge.
    id_, name : str
        Of the member, and of the tensor.
    columns : slice
        Of the flattened tensor, with start and stop; the entries are the same in any slices.
    density : float
        Probability to be kept.

    Returns
    -------
    ndarray of bool, shape (width,)
        True for what is kept.

    Examples
    --------
    >>> whole = kept_entries(0, "a", "w", slice(0, 6), 0.5)
    >>> bool((whole[2:] == kept_entries(0, "a", "w", slice(2, 6), 0.5)).all())
    True
    """
    text = "\0".join((str(seed), id_, name)).encode()
    stream = np.random.PCG64(int.from_bytes(hashlib.sha256(text).digest()[:16], "little"))
    draws = np.random.Generator(stream.advance(columns.start))
    kept: NDArray[np.bool_] = draws.random(columns.stop - columns.start) < density
    return kept


def _blend(
    stream: MemberStream,
    thinning: Callable[[MemberStream, str], Thinning],
    mean: Callable[[Values, Sequence[float]], Values],
    scale: float,
    weights: Sequence[float],
) -> Blend:
    """Return base and a multiple of a mean of thinned task vectors."""
    shares = shares_of(weights, len(stream))

    def tensor(name: str) -> TensorBlend:
        if not stream.is_in_base(name):
            return mixture(stream, name, shares)
        thin, base = thinning(stream, name), stream.origin(name)
        fills = [stream.member(i, name) for i in range(len(stream))]

        def values(columns: slice) -> Values:
            start = _read(base, columns)
            changes = np.array([_subtract(_read(fill, columns), start) for fill in fills])
            thin(columns, changes)
            return start + scale * mean(changes, shares)

        return values

    # In float64, and as many again while signs are elected.
    return Blend(tensor, 4 * len(stream), notes=head_note(stream))


def _mean(changes: Values, shares: Sequence[float]) -> Values:
    mean: Values = np.asarray(shares, np.float64) @ changes
    return mean


def _keep_all(_: slice, changes: Values) -> None:
    """Leave all entries as they are."""


def _read(fill: SliceReader, columns: slice) -> Vector:
    values = np.empty(columns.stop - columns.start, np.float32)
    fill(columns, values)
    return values


def _change(member: SliceReader, base: SliceReader) -> Callable[[slice], Vector]:
    def read(columns: slice) -> Vector:
        return _subtract(_read(member, columns), _read(base, columns)).astype(np.float32)

    return read


def _subtract(values: Vector, base: Vector) -> Values:
    change: Values = np.subtract(values, base, dtype=np.float64)
    return change


def _check(density: float, scale: float, weights: Sequence[float]) -> None:
    if not 0 < density <= 1:
        raise ValueError(f"The density {density} is not above 0 and at most 1.")
    if not math.isfinite(scale):
        raise ValueError(f"The scale {scale} is not finite.")
    check_weights(weights)
