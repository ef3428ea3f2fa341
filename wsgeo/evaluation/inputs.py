"""Encoded examples as batches for a module: sorted by length, cut to size, padded as it expects."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import DataError
from wsgeo.tasks.batches import batches
from wsgeo.tasks.task import IGNORED, EncodedExamples, Objective

if TYPE_CHECKING:
    import torch

_LARGEST_LOGITS = 1 << 26  # float32 values in one batch's vocabulary logits: 256 MiB


@final
@dataclass(frozen=True, eq=False)
class Batch:
    """Some of the examples, as the keyword arguments of a module's call.

    Parameters
    ----------
    rows : ndarray of int, shape (n_rows,)
        Which examples these are.
    arguments : mapping of str to Tensor
        Inputs, each of shape (n_rows, length).
    targets : Tensor of int64, shape (n_rows,) or (n_rows, target_length)
        Aligned to the logits: for causal language modelling, moved one position to the left.
    """

    rows: NDArray[np.intp]
    arguments: Mapping[str, torch.Tensor]
    targets: torch.Tensor

    def to(self, device: str) -> Batch:
        """Return the batch with its tensors on a device."""
        arguments = {name: tensor.to(device) for name, tensor in self.arguments.items()}
        return Batch(self.rows, arguments, self.targets.to(device))


def prepare(examples: EncodedExamples, module: Any, token_budget: int) -> list[Batch]:
    """Cut examples into batches of similar length.

    Padding is cut off to the longest row of each batch and filled with the padding id that the
    module's configuration names. A module without one gets an id that no example uses: some find
    the end of a text by it.

    Parameters
    ----------
    examples : EncodedExamples
        The examples, padded on the right.
    module : torch.nn.Module
        A transformers model.
    token_budget : int
        Tokens per batch, padding included; fewer where a large vocabulary asks for it.

    Returns
    -------
    list of Batch
        Every example is in exactly one.

    Raises
    ------
    DataError
        If there are no examples, or one has no token to score.
    ValueError
        If padding stands before or between tokens.
    """
    if not len(examples):
        raise DataError("there are no examples", where=examples.name, remedy="Choose other data.")
    lengths = _lengths(examples)
    targets, target_lengths = _targets(examples)
    sequence = examples.objective is Objective.SEQ2SEQ
    cost = lengths + target_lengths if sequence else lengths
    if examples.objective is not Objective.CLASSIFICATION:
        vocabulary = int(module.config.get_text_config().vocab_size)
        token_budget = max(1, min(token_budget, _LARGEST_LOGITS // vocabulary))
    ids = _with_padding_of(module, examples, lengths)
    return [
        _batch(examples, module, rows, ids, lengths, targets, target_lengths)
        for rows in batches(cost, token_budget)
    ]


def input_names(module: Any) -> tuple[str, ...]:
    """Return which inputs of a text a module takes.

    Parameters
    ----------
    module : torch.nn.Module
        A transformers model.

    Returns
    -------
    tuple of str
        Among ``input_ids``, ``attention_mask`` and ``token_type_ids``. GPT-2 accepts types too, and
        would add word embeddings for them; a model that knows types has a table of several.
    """
    accepted = inspect.signature(module.forward).parameters
    knows_types = (getattr(module.config, "type_vocab_size", None) or 0) > 1
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if knows_types else [])]
    return tuple(name for name in names if name in accepted)


def _lengths(examples: EncodedExamples) -> NDArray[np.int64]:
    mask = examples.attention_mask != 0
    lengths: NDArray[np.int64] = mask.sum(axis=1)
    if (np.diff(examples.attention_mask, axis=1) > 0).any() or (lengths == 0).any():
        raise ValueError(f"{examples.name}: padding must stand to the right of every text.")
    return lengths


def _targets(examples: EncodedExamples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return targets aligned to the logits, and how many columns of each row are used."""
    targets = examples.targets
    if examples.objective is Objective.CLASSIFICATION:
        return targets, np.zeros(len(targets), np.int64)
    if examples.objective is Objective.CAUSAL_LM:
        # The logits at a position are about the next token.
        targets = np.pad(targets[:, 1:], ((0, 0), (0, 1)), constant_values=IGNORED)
    scored = targets != IGNORED
    if not scored.any(axis=1).all():
        row = int(np.argmin(scored.any(axis=1)))
        raise DataError(
            f"example {row} has no token to score", where=examples.name, remedy="Leave it out."
        )
    return targets, targets.shape[1] - np.argmax(scored[:, ::-1], axis=1)


def _with_padding_of(
    module: Any, examples: EncodedExamples, lengths: NDArray[np.int64]
) -> NDArray[np.int64]:
    ids = examples.input_ids.astype(np.int64)
    config = module.config.get_text_config()
    padding = np.arange(ids.shape[1]) >= lengths[:, None]
    if (fill := config.pad_token_id) is None:
        unused = np.setdiff1d(np.arange(config.vocab_size), ids[~padding])
        fill = config.pad_token_id = int(unused[0]) if len(unused) else None
    if fill is not None:
        ids[padding] = fill
    return ids


def _batch(
    examples: EncodedExamples,
    module: Any,
    rows: NDArray[np.intp],
    ids: NDArray[np.int64],
    lengths: NDArray[np.int64],
    targets: NDArray[np.int64],
    target_lengths: NDArray[np.int64],
) -> Batch:
    import torch

    def tensor(values: NDArray[Any], width: int) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values[rows][:, :width], np.int64))

    width = int(lengths[rows].max())
    columns: dict[str, NDArray[Any]] = {
        "input_ids": ids,
        "attention_mask": examples.attention_mask,
        "token_type_ids": examples.token_type_ids,
    }
    arguments = {name: tensor(columns[name], width) for name in input_names(module)}
    if examples.objective is Objective.CLASSIFICATION:
        return Batch(rows, arguments, torch.from_numpy(targets[rows]))
    if examples.objective is Objective.SEQ2SEQ:
        width = int(target_lengths[rows].max())
        labels = tensor(targets, width)
        arguments["decoder_input_ids"] = module.prepare_decoder_input_ids_from_labels(labels)
        return Batch(rows, arguments, labels)
    return Batch(rows, arguments, tensor(targets, width))
