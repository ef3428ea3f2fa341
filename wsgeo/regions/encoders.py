"""The mean of what members of several tasks share, in the frame of their base."""

from __future__ import annotations

from collections.abc import Sequence

from wsgeo.regions.affine_merges import Mean, Weighted
from wsgeo.regions.merging import merge
from wsgeo.weights.layout import Weights
from wsgeo.zoo import Base, Checkpoint, WholeBase


def encoder_mean(
    members: Sequence[Checkpoint], base: Base, weights: Sequence[float] | None = None
) -> Weights:
    """Return the mean of the tensors that members of one geometry group share with their base.

    Parameters
    ----------
    members : sequence of Checkpoint
        Full models or adapters, of any tasks.
    base : Base
        Their base.
    weights : sequence of float, optional
        One share per member, at least 0; equal by default.

    Returns
    -------
    Weights
        By the members' names; of one member, its tensors to the bit.

    Raises
    ------
    EntryError
        As `wsgeo.zoo.load_weights`.
    WsgeoError
        As `wsgeo.regions.merging.merge`.

    References
    ----------
    [gueta2023]_
    """
    method = Mean() if weights is None else Weighted(tuple(weights))
    return merge(method, members, names=sorted(base.tensors)).weights


def in_frame(encoder: Weights, frame: WholeBase) -> Weights:
    """Return the weights of a base with an encoder in place of its own.

    Parameters
    ----------
    encoder : Weights
        By the members' names, as `encoder_mean` returns it.
    frame : WholeBase
        The base.

    Returns
    -------
    Weights
        By the names of the base's own class; a head of the base stays as it is.
    """
    filled = Weights(frame.weights.layout, frame.weights.vector.copy())
    for name, own in frame.own_names.items():
        filled.tensor(own)[...] = encoder.tensor(name)
    return filled
