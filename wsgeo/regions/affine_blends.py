"""Affine combinations of members and base, tensor by tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from wsgeo.regions.merge_streams import MemberStream, Values
from wsgeo.regions.merging import Blend, TensorBlend, head_note


def affine_blend(
    stream: MemberStream,
    shares: Sequence[float],
    pull: Callable[[str], float] | None = None,
    layers: pl.DataFrame | None = None,
) -> Blend:
    """Return a combination of the mean of members and the base.

    Parameters
    ----------
    stream : MemberStream
        The members.
    shares : sequence of float, length n
        Of the members in their mean, summing to 1. A tensor that the base lacks is this mean.
    pull : callable (str) -> float, optional
        Name of a tensor of the body to the share of the mean against the base; 1 by default, which
        leaves the base unread.
    layers : polars.DataFrame, optional
        As in `Blend`.

    Returns
    -------
    Blend
        Of members whose share is not 0; the files of others are not read.
    """

    def tensor(name: str) -> TensorBlend:
        if pull is None or not stream.is_in_base(name):
            return mixture(stream, name, shares)
        share = pull(name)
        return mixture(stream, name, [share * each for each in shares], 1 - share)

    notes = () if pull is None else head_note(stream)
    return Blend(tensor, 1, tuple(shares), layers, notes)


def mixture(
    stream: MemberStream, name: str, coefficients: Sequence[float], of_base: float = 0.0
) -> TensorBlend:
    """Return what makes a linear combination of one tensor of members and base.

    Parameters
    ----------
    stream : MemberStream
        The members.
    name : str
        Of the tensor.
    coefficients : sequence of float, length n
        Of the members; one of 0 leaves the member unread.
    of_base : float, default 0
        Of the base.

    Returns
    -------
    callable (slice) -> ndarray of float64
        Makes a slice.
    """
    parts = [(c, stream.member(i, name)) for i, c in enumerate(coefficients) if c]
    if of_base or not parts:
        parts.append((of_base, stream.origin(name)))

    def values(columns: slice) -> Values:
        read = np.empty(columns.stop - columns.start, np.float32)
        total = None
        for factor, fill in parts:
            fill(columns, read)
            # Not added to zeros, which would make 0 of -0.
            part = np.multiply(read, factor, dtype=np.float64)
            total = part if total is None else np.add(total, part, out=total)
        assert total is not None
        return total

    return values
