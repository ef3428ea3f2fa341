"""What the backends share: one resident vector, of which the model's tensors are views."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from wsgeo.evaluation.losses import AbstractBackend, Failure, Losses, Outcome, Values
from wsgeo.weights.layout import Layout, Vector

if TYPE_CHECKING:
    from torch import Tensor


class FlatBackend(AbstractBackend):
    """A backend whose weights are one buffer: a new vector is one copy, or none where it is written there.

    Parameters
    ----------
    layout : Layout
        Names and shapes of the vectors that it takes.
    device : str, default 'cpu'
        Where it computes.
    """

    def __init__(self, layout: Layout, device: str = "cpu") -> None:
        import torch

        self._layout, self._device = layout, device
        self._flat = torch.zeros(layout.n_parameters, device=device)

    @property
    def layout(self) -> Layout:
        """Names and shapes of the vectors that this backend takes."""
        return self._layout

    @property
    def buffer(self) -> Values:
        """The model's own weights: write a vector here and pass it on to save a copy.

        An array on the processor, a tensor on another device.
        """
        buffer: Values = self._flat.numpy() if self._device == "cpu" else self._flat
        return buffer

    def _take(self, vector: Values) -> None:
        kind = str(vector.dtype).removeprefix("torch.")
        if tuple(vector.shape) != tuple(self._flat.shape) or kind != "float32":
            raise ValueError(
                f"The vector is {kind}{tuple(vector.shape)}; "
                f"the model takes float32 ({self._layout.n_parameters},)."
            )
        if isinstance(vector, np.ndarray):
            vector = tensor_of(vector)
        if vector.data_ptr() != self._flat.data_ptr():
            self._flat.copy_(vector)


def tensor_of(vector: Vector) -> Tensor:
    """Return an array as a tensor that shares its memory, which may be read-only."""
    import torch

    with warnings.catch_warnings():
        # What is read-only is not written through the tensor either.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(vector)


def outcome_of(scored: Tensor, classes: Tensor | None) -> Outcome:
    """Return the losses of all examples, brought from their device.

    Parameters
    ----------
    scored : Tensor of float64, shape (2, n_examples)
        Losses and hits.
    classes : Tensor, shape (n_examples, n_labels), or None
        Logits, where they are kept.

    Returns
    -------
    Losses or Failure
        A failure ``nonfinite`` if a loss is not finite.
    """
    loss, hit = scored.cpu().numpy().astype(np.float32)
    if bad := int((~np.isfinite(loss)).sum()):
        return Failure("nonfinite", f"the loss is not finite on {bad} of {len(loss)} examples")
    return Losses(loss, hit, None if classes is None else classes.cpu().numpy())
