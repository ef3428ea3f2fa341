"""On what data a loss is measured."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import final

import numpy as np
from numpy.typing import NDArray


class Objective(StrEnum):
    """What a model is asked to do with an example."""

    CLASSIFICATION = "classification"
    MASKED_LM = "masked_lm"
    CAUSAL_LM = "causal_lm"
    SEQ2SEQ = "seq2seq"


@final
@dataclass(frozen=True)
class Task:
    """Examples with their labels, before any tokenizer has seen them.

    Parameters
    ----------
    name : str
        Name shown to people and stored with each result.
    objective : Objective
        What the model is asked to do.
    ids : tuple of str
        One id per example.
    text_a : tuple of str
        First (or only) text of each example.
    text_b : tuple of str or None
        Second text (the target text for ``seq2seq``).
    targets : ndarray of int64, shape (n_examples,), or None
        Index into ``labels``; None for language modelling.
    labels : tuple of str
        Label names, in the order of ``targets``.
    split : str
        Name of the split, such as ``validation``.
    source : str
        File the examples came from.
    seed : int
        Seed of the subset and of the masks.
    n_dropped : int
        Rows of the file that were left out because their annotators agreed on no label.
    """

    name: str
    objective: Objective
    ids: tuple[str, ...]
    text_a: tuple[str, ...]
    text_b: tuple[str, ...] | None = None
    targets: NDArray[np.int64] | None = None
    labels: tuple[str, ...] = ()
    split: str = "validation"
    source: str = ""
    seed: int = 0
    n_dropped: int = 0

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.ids)


@final
@dataclass(frozen=True)
class EncodedExamples:
    """Token ids of a task for one tokenizer, padded, with everything a loss needs.

    Rows are in the task's own order; a backend sorts them by length for speed and undoes it.

    Parameters
    ----------
    name : str
        Name of the task.
    objective : Objective
        What the loss is.
    input_ids, attention_mask, token_type_ids : ndarray of int32, shape (n_examples, length)
        Inputs; for ``masked_lm`` the masks are already applied.
    targets : ndarray of int64, shape (n_examples,) or (n_examples, target_length)
        Class index per example in the order of ``labels``, or token ids with -100 where there is
        no loss.
    labels : tuple of str
        Label names in the loss group's order; empty for language models.
    class_map : tuple of tuple of int
        For each label of the task the model classes that count as it (three classes read as two);
        the identity is ``((0,), (1,), ...)``. The logit of a label is the largest of its classes.
    key : str
        SHA-256 over all of the above: the example set's part in the key of every loss.
    """

    name: str
    objective: Objective
    input_ids: NDArray[np.int32]
    attention_mask: NDArray[np.int32]
    token_type_ids: NDArray[np.int32]
    targets: NDArray[np.int64]
    labels: tuple[str, ...]
    class_map: tuple[tuple[int, ...], ...]
    key: str

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.input_ids)
