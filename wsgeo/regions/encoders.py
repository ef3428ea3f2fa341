"""The mean of what members of several tasks share, in the frame of their base."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wsgeo.regions.centroids import mean_weights
from wsgeo.weights.layout import Layout, Weights
from wsgeo.zoo import Base, Checkpoint, WholeBase, load_weights


def encoder_mean(members: Sequence[Checkpoint], base: Base) -> Weights:
    """Return the mean of the tensors that members of one geometry group share with their base.

    Parameters
    ----------
    members : sequence of Checkpoint
        Full models or adapters, of any tasks.
    base : Base
        Their base.

    Returns
    -------
    Weights
        By the members' names; of one member, its tensors to the bit.

    Raises
    ------
    EntryError
        As `wsgeo.zoo.load_weights`.
    WsgeoError
        If the mean is not finite.

    References
    ----------
    [gueta2023]_
    """
    names = tuple(sorted(base.tensors))
    layout = Layout(names, tuple(base.tensors[name].shape for name in names))

    def encoder(i: int) -> Weights:
        whole = load_weights(members[i])
        parts = [whole.tensor(name).reshape(-1) for name in names]
        return Weights(layout, np.concatenate(parts))

    return mean_weights(encoder, len(members))


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
