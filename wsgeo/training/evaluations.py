"""How a trained classifier does, and whether it learned anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from wsgeo.training.batches import Batches

if TYPE_CHECKING:
    from wsgeo.tasks.task import EncodedExamples

_NEARLY_ALL = 0.99


@final
@dataclass(frozen=True)
class Evaluation:
    """How a classifier does on a data set.

    Parameters
    ----------
    loss : float
        Mean loss in nats per example.
    accuracy : float
        Fraction in [0, 1].
    predicted : tuple of int
        How often it says each class.
    present : tuple of int
        How often each class occurs.
    right : tuple of bool
        Whether it is right, for each example in the order of the data.

    Examples
    --------
    >>> Evaluation(0.7, 0.5, (10, 0), (5, 5)).fault
    'it says one class for 100 % of the validation data'
    >>> Evaluation(0.7, 0.5, (6, 4), (5, 5)).fault
    'its accuracy of 0.500 is not above that of the most frequent class, 0.500'
    >>> Evaluation(0.3, 0.9, (6, 4), (5, 5)).fault
    ''
    """

    loss: float
    accuracy: float
    predicted: tuple[int, ...]
    present: tuple[int, ...]
    right: tuple[bool, ...] = ()

    @property
    def fault(self) -> str:
        """Why the classifier is degenerate, in one line; empty where it is not."""
        n, most = sum(self.present), max(self.present)
        share = max(self.predicted) / n
        if share >= _NEARLY_ALL and most / n < _NEARLY_ALL:
            return f"it says one class for {100 * share:.0f} % of the validation data"
        if self.accuracy <= most / n:
            return (
                f"its accuracy of {self.accuracy:.3f} is not above that of the most frequent "
                f"class, {most / n:.3f}"
            )
        return ""


def evaluate(model: Any, examples: EncodedExamples, batch_size: int = 256) -> Evaluation:
    """Measure a classifier.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A classifier in evaluation mode.
    examples : EncodedExamples
        Its labels are the model's classes.
    batch_size : int, default 256
        Examples per forward pass.

    Returns
    -------
    Evaluation
        On the model's device, in float32.
    """
    import torch

    n_classes = model.config.num_labels
    batches = Batches(examples, model)
    # Neighbours in length share a batch: less padding, and another sum only in its last digits.
    rows = np.argsort(batches.lengths, kind="stable")
    loss, predicted = 0.0, np.zeros(n_classes, dtype=np.int64)
    right = np.zeros(len(rows), dtype=bool)
    with torch.inference_mode():
        for start in range(0, len(rows), batch_size):
            taken = rows[start : start + batch_size]
            inputs, targets = batches.take(taken)
            logits = model(**inputs).logits.float()
            losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
            said = logits.argmax(dim=1)
            loss += float(losses.double().sum())
            right[taken] = (said == targets).cpu().numpy()
            predicted += np.bincount(said.cpu().numpy(), minlength=n_classes)
    present = np.bincount(examples.targets, minlength=n_classes)
    return Evaluation(
        loss / len(rows),
        float(right.mean()),
        tuple(predicted.tolist()),
        tuple(present.tolist()),
        tuple(right.tolist()),
    )
