"""Where each tensor of a model lies in one flat vector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
"""A flat weight vector, shape (n_parameters,)."""


@final
@dataclass(frozen=True)
class Layout:
    """Names and shapes of a model's tensors, in the order of the flat vector.

    Parameters
    ----------
    names : tuple of str
        Canonical tensor names, sorted; a tied tensor appears once.
    shapes : tuple of tuple of int
        Shape of each tensor, aligned to ``names``.

    Examples
    --------
    >>> layout = Layout(("bias", "weight"), ((2,), (2, 3)))
    >>> layout.n_parameters, layout.span("weight")
    (8, slice(2, 8, None))
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        """Refuse names that are unsorted, repeated, or not aligned to the shapes."""
        if len(self.names) != len(self.shapes):
            raise ValueError(f"{len(self.names)} names but {len(self.shapes)} shapes.")
        if list(self.names) != sorted(set(self.names)):
            raise ValueError("Tensor names must be sorted and distinct.")

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Start of each tensor in the flat vector, and the end of the last."""
        offsets = [0]
        for shape in self.shapes:
            offsets.append(offsets[-1] + math.prod(shape))
        return tuple(offsets)

    @property
    def n_parameters(self) -> int:
        """Length of the flat vector."""
        return self.offsets[-1]

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    def span(self, name: str) -> slice:
        """Return the slice of the flat vector that holds tensor ``name``."""
        i = self._index[name]
        return slice(self.offsets[i], self.offsets[i + 1])

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of tensor ``name``."""
        return self.shapes[self._index[name]]


@final
@dataclass(frozen=True, eq=False)
class Weights:
    """A layout and the flat vector that fills it.

    Parameters
    ----------
    layout : Layout
        Names and shapes.
    vector : ndarray of float32, shape (n_parameters,)
        The values.
    """

    layout: Layout
    vector: Vector

    def __post_init__(self) -> None:
        """Refuse a vector whose length or type does not fit the layout."""
        if self.vector.shape != (self.layout.n_parameters,) or self.vector.dtype != np.float32:
            raise ValueError(
                f"The vector is {self.vector.dtype}{self.vector.shape}; "
                f"the layout asks for float32 ({self.layout.n_parameters},)."
            )

    def tensor(self, name: str) -> NDArray[np.float32]:
        """Return tensor ``name`` as a view of the flat vector."""
        return self.vector[self.layout.span(name)].reshape(self.layout.shape(name))


def shared_spans(layout: Layout, other: Layout) -> list[slice]:
    """Return where a layout holds the tensors that another has too, such as the base's.

    Parameters
    ----------
    layout : Layout
        The layout whose flat vector is meant.
    other : Layout
        The layout that must have the tensor in the same shape.

    Returns
    -------
    list of slice
        One per shared tensor, in the order of ``layout``.

    Examples
    --------
    >>> model = Layout(("body", "head"), ((3,), (2,)))
    >>> shared_spans(model, Layout(("body", "pooler"), ((3,), (4,))))
    [slice(0, 3, None)]
    """
    shapes = dict(zip(other.names, other.shapes, strict=True))
    pairs = zip(layout.names, layout.shapes, strict=True)
    return [layout.span(name) for name, shape in pairs if shapes.get(name) == shape]


def lay_out(weights: Weights, layout: Layout) -> Vector:
    """Return the flat vector of a model in another's layout, zero where it has no such tensor.

    Parameters
    ----------
    weights : Weights
        The model, such as the base.
    layout : Layout
        The layout to follow, such as that of the members of a zoo.

    Returns
    -------
    ndarray of float32, shape (layout.n_parameters,)
        Its values at the `shared_spans` of the two layouts, zero elsewhere.

    Examples
    --------
    >>> base = Weights(Layout(("body",), ((3,),)), np.ones(3, np.float32))
    >>> lay_out(base, Layout(("body", "head"), ((3,), (2,))))
    array([1., 1., 1., 0., 0.], dtype=float32)
    """
    vector = np.zeros(layout.n_parameters, np.float32)
    for span, own in zip(
        shared_spans(layout, weights.layout), shared_spans(weights.layout, layout), strict=True
    ):
        vector[span] = weights.vector[own]
    return vector
