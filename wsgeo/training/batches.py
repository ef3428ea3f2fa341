"""Encoded examples as tensors on a device, made once and cut into batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.inputs import input_names

if TYPE_CHECKING:
    from torch import Tensor

    from wsgeo.tasks.task import EncodedExamples


@final
class Batches:
    """Examples of which any rows can be taken.

    Parameters
    ----------
    examples : EncodedExamples
        Padded on the right.
    model : torch.nn.Module
        What they are for: tensors lie on its device, and hold the inputs that it takes.

    Attributes
    ----------
    lengths : ndarray of int64, shape (n_examples,)
        Tokens of each example.
    width : int
        Tokens of the longest one, and its padding if there is any.
    """

    def __init__(self, examples: EncodedExamples, model: Any) -> None:
        import torch

        device = next(model.parameters()).device
        self.lengths = examples.attention_mask.sum(axis=1)
        self.width = examples.input_ids.shape[1]
        self._inputs = {
            name: torch.from_numpy(getattr(examples, name).astype(np.int64)).to(device)
            for name in input_names(model)
        }
        self._targets = torch.from_numpy(examples.targets).to(device)
        self._device = device

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.lengths)

    def take(self, rows: NDArray[np.int64]) -> tuple[dict[str, Tensor], Tensor]:
        """Return inputs and targets of some rows, without the columns that only pad them.

        Parameters
        ----------
        rows : ndarray of int64, shape (n_rows,)
            Which.

        Returns
        -------
        inputs : dict of str to Tensor, shape (n_rows, longest)
            What a model takes.
        targets : Tensor, shape (n_rows,)
            Class numbers.
        """
        import torch

        length = int(self.lengths[rows].max())
        chosen = torch.from_numpy(rows).to(self._device)
        inputs = {name: array[chosen, :length] for name, array in self._inputs.items()}
        return inputs, self._targets[chosen]
