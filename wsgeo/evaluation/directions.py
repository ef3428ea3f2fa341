"""Random directions of weight space, as checkpoints that points can mix in.

A point may give a direction any coefficient beside shares of real checkpoints that sum to 1: the
coefficient is the length of the step, because a direction has norm 1. Outside the body a direction
is zero, so that it leaves every head alone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wsgeo import zoo
from wsgeo.weights.layout import Weights
from wsgeo.zoo.checkpoints import Checkpoint

_PREFIX: Final = "direction:"
_VERSION: Final = "xavier-1"  # changes with the values that a seed gives


def direction(like: Checkpoint, names: Collection[str], seed: int) -> Checkpoint:
    """Return a random direction as a checkpoint without files.

    Its law has the shape of Xavier's initialisation: a matrix has standard deviation
    ``sqrt(2 / (n_inputs + n_outputs))``, a vector (bias, normalisation) that of a row of a square
    matrix of its length. The whole is scaled to norm 1.

    Parameters
    ----------
    like : Checkpoint
        Whose layout, architecture and groups it has.
    names : collection of str
        Tensors in which it points anywhere: the body that the base has.
    seed : int
        Which direction; at least 0.

    Returns
    -------
    Checkpoint
        For an `Engine` whose ``load`` is the `load_weights` of this module. Its content hash is
        that of its values: of seed, names and shapes.

    Raises
    ------
    ValueError
        If there are no names, one is not a tensor of ``like``, or the seed is negative.

    References
    ----------
    [gueta2023]_

    Notes
    -----
    A tensor's values depend on the seed, its name and shape alone, not on the processes or the
    device that evaluate it.
    """
    if not names or not set(names) <= set(like.layout.names):
        raise ValueError("A direction points along some tensors of its checkpoint.")
    if seed < 0:
        raise ValueError(f"The seed of a direction is at least 0, not {seed}.")
    ordered = sorted(set(names))
    return replace(
        like,
        id=f"direction {seed}",
        content_hash=f"{_PREFIX}{seed}:{_digest(like, ordered)}",
        tensors={name: like.tensors[name] for name in ordered},
        facts={},
        duplicate_of=None,
        adapter=None,
        file_hashes={},
        lora={},
        scalings={},
        base=None,
        revision=None,
    )


def is_direction(checkpoint: Checkpoint) -> bool:
    """Return whether a checkpoint is a random direction.

    Parameters
    ----------
    checkpoint : Checkpoint
        Any.

    Returns
    -------
    bool
        True for what `direction` returns.
    """
    return checkpoint.content_hash.startswith(_PREFIX)


def load_weights(checkpoint: Checkpoint) -> Weights:
    """Draw a direction, or read a checkpoint as `wsgeo.zoo.load_weights` does.

    Parameters
    ----------
    checkpoint : Checkpoint
        A member of a zoo, or a direction.

    Returns
    -------
    Weights
        In the checkpoint's layout; a direction has norm 1.

    Raises
    ------
    EntryError
        If a file changed since the zoo was read, is refused, or is not finite.
    """
    if not is_direction(checkpoint):
        return zoo.load_weights(checkpoint)
    seed = int(checkpoint.content_hash.split(":")[1])
    weights = Weights(checkpoint.layout, np.zeros(checkpoint.layout.n_parameters, np.float32))
    squares = 0.0
    for name in checkpoint.tensors:
        tensor = weights.tensor(name)
        tensor[...] = _drawn(name, tensor.shape, seed)
        squares += float(np.square(tensor, dtype=np.float64).sum())
    weights.vector[...] *= np.float32(1 / math.sqrt(squares))
    return weights


def _drawn(name: str, shape: Sequence[int], seed: int) -> NDArray[np.float32]:
    words = np.frombuffer(hashlib.sha256(name.encode()).digest()[:16], "<u4").tolist()
    values = np.random.default_rng([seed, *words]).standard_normal(shape, np.float32)
    return values * np.float32(_spread(shape))


def _spread(shape: Sequence[int]) -> float:
    """Return the standard deviation of a tensor's values before all are scaled."""
    if len(shape) < 2:
        return 1 / math.sqrt(max(1, math.prod(shape)))
    n_out, n_in, *window = shape
    return math.sqrt(2 / ((n_out + n_in) * math.prod(window)))


def _digest(like: Checkpoint, names: Sequence[str]) -> str:
    whole = hashlib.sha256(_VERSION.encode())
    for name in names:
        whole.update(f"\n{name}{list(like.layout.shape(name))}".encode())
    return whole.hexdigest()
