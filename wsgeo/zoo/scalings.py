"""IA3 adapters: vectors that scale the inputs or outputs of layers, merged into their weights."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wsgeo.escapes import shown
from wsgeo.zoo.adapter_configs import PREFIX, refuse
from wsgeo.zoo.architectures import Architecture
from wsgeo.zoo.checkpoints import Scaling, TensorRef

VECTOR: Final = re.compile(r"(?P<module>.+)\.ia3_l(\.default)?")
"""Names of the vectors in an adapter's file, after the prefix."""

Array = NDArray[np.float32]


def scalings(
    architecture: Architecture, stored: Iterable[TensorRef], where: str
) -> dict[str, Scaling]:
    """Match the vectors of an adapter with the tensors of the base.

    A row vector scales what enters a layer: the columns of its weight. A column vector scales what
    leaves it: the rows of its weight, and its bias.

    Parameters
    ----------
    architecture : Architecture
        The adapted model's.
    stored : iterable of TensorRef
        What the adapter's file holds.
    where : str
        The file, for messages.

    Returns
    -------
    dict of str to Scaling
        By canonical name.

    Raises
    ------
    EntryError
        If there is no vector, or one has no tensor of its length to scale.
    """
    found: dict[str, Scaling] = {}
    for ref in stored:
        match = VECTOR.fullmatch(ref.stored_name.removeprefix(PREFIX))
        if match:
            found |= _of_module(architecture, match["module"], ref, where)
    if not found:
        refuse("the file holds no IA3 vectors", where)
    return found


def scaled(tensor: Array, scaling: Scaling, vector: Array) -> Array:
    """Return a tensor of the base with an adapter merged into it.

    Parameters
    ----------
    tensor : ndarray of float32
        The base's tensor.
    scaling : Scaling
        Which axis is scaled.
    vector : ndarray of float32
        The factors, in any shape.

    Returns
    -------
    ndarray of float32, shape of ``tensor``
        Scaled along the axis, each entry rounded once, as PEFT merges it.
    """
    shape = [1] * tensor.ndim
    shape[scaling.axis] = -1
    return np.asarray(tensor * vector.reshape(shape))


def _of_module(
    architecture: Architecture, module: str, ref: TensorRef, where: str
) -> dict[str, Scaling]:
    name = f"{module}.weight"
    shape = architecture.shapes.get(name)
    # A tied weight has another name, and scaling it would scale the other layer too.
    if shape is None or len(shape) != 2:
        refuse(f"the base has no layer {shown(module)} of its own to scale", where)
    n_inputs, n_outputs = shape if name in architecture.transposed else shape[::-1]
    if ref.shape == (1, n_inputs) and n_inputs > 1:
        return {name: Scaling(ref, int(name not in architecture.transposed))}
    if ref.shape != (n_outputs, 1):
        refuse(f"module {shown(module)}: a vector {ref.shape} for a weight {shape}", where)
    own = {name: Scaling(ref, int(name in architecture.transposed))}
    bias = f"{module}.bias"
    return own | ({bias: Scaling(ref, 0)} if bias in architecture.shapes else {})
