"""What the backends share: one resident vector, of which the model's tensors are views."""

from __future__ import annotations

import numpy as np

from wsgeo.evaluation.losses import AbstractBackend
from wsgeo.weights.layout import Layout, Vector


class FlatBackend(AbstractBackend):
    """A backend whose weights are one buffer: a new vector is one copy, or none where it is written there.

    Parameters
    ----------
    layout : Layout
        Names and shapes of the vectors that it takes.
    """

    def __init__(self, layout: Layout) -> None:
        import torch

        self._layout = layout
        self._flat = torch.zeros(layout.n_parameters)

    @property
    def layout(self) -> Layout:
        """Names and shapes of the vectors that this backend takes."""
        return self._layout

    @property
    def buffer(self) -> Vector:
        """The model's own weights: write a vector here and pass it on to save a copy."""
        buffer: Vector = self._flat.numpy()
        return buffer

    def _take(self, vector: Vector) -> None:
        if vector.shape != (self._layout.n_parameters,) or vector.dtype != np.float32:
            raise ValueError(
                f"The vector is {vector.dtype}{vector.shape}; "
                f"the model takes float32 ({self._layout.n_parameters},)."
            )
        if not np.may_share_memory(vector, self.buffer):
            np.copyto(self.buffer, vector)
