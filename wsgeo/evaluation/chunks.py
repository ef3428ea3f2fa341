"""Encoded examples as running tokens without padding: sorted by length, cut to a budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import DataError
from wsgeo.tasks.batches import batches
from wsgeo.tasks.task import IGNORED, EncodedExamples, Objective

if TYPE_CHECKING:
    import torch

    from wsgeo.evaluation.blueprints import Blueprint

Ints = NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class Chunk:
    """Some of the examples, one after another.

    Parameters
    ----------
    rows : ndarray of int64, shape (n_examples,)
        Which examples these are.
    words, positions, types : Tensor of int64, shape (n_tokens,)
        Rows of the packed embedding tables.
    groups : tuple of (int, int, int)
        Start, number of examples and their length, of each run of examples of equal length.
    read : Tensor of int64, shape (n_read,)
        Tokens whose last hidden state is read, in order.
    owners : Tensor of int64, shape (n_read,)
        Position in ``rows`` of the example that each belongs to.
    targets : Tensor of int64, shape (n_read,)
        Class, or token id.
    alone : bool
        Whether one token of each example is read, and it sees the whole example.
    """

    rows: Ints
    words: torch.Tensor
    positions: torch.Tensor
    types: torch.Tensor
    groups: tuple[tuple[int, int, int], ...]
    read: torch.Tensor
    owners: torch.Tensor
    targets: torch.Tensor
    alone: bool


def chunks_of(
    examples: EncodedExamples, blueprint: Blueprint, known: Ints | None, token_budget: int
) -> list[Chunk]:
    """Cut examples into chunks.

    Parameters
    ----------
    examples : EncodedExamples
        The examples, padded on the right.
    blueprint : Blueprint
        Of the model.
    known : ndarray of int64, shape (n_words,), or None
        Sorted token ids whose embeddings are packed; None where all are.
    token_budget : int
        Tokens per chunk.

    Returns
    -------
    list of Chunk
        Every example is in exactly one.

    Raises
    ------
    DataError
        If there are no examples, or one has no token to score.
    """
    if not len(examples):
        raise DataError("there are no examples", where=examples.name, remedy="Choose other data.")
    reader = _Reader(examples, blueprint)
    return [
        _chunk(examples, reader, known, rows) for rows in batches(examples.lengths, token_budget)
    ]


class _Reader:
    """Which tokens of an example are read, and where each token stands."""

    def __init__(self, examples: EncodedExamples, blueprint: Blueprint) -> None:
        self._examples, self._blueprint = examples, blueprint
        self._targets = examples.targets
        if examples.objective is Objective.CAUSAL_LM:
            # The logits at a position are about the next token.
            shifted = self._targets[:, 1:]
            self._targets = np.pad(shifted, ((0, 0), (0, 1)), constant_values=IGNORED)

    def read(self, row: int, length: int) -> tuple[Ints, Ints]:
        """Return the places that are read of an example, and their targets."""
        examples = self._examples
        if examples.objective is Objective.CLASSIFICATION:
            place = self._last(row, length) if self._blueprint.causal else 0
            return np.array([place]), examples.targets[row : row + 1]
        places = np.flatnonzero(self._targets[row, :length] != IGNORED)
        if not len(places):
            raise DataError(
                f"example {row} has no token to score", where=examples.name, remedy="Leave it out."
            )
        return places, self._targets[row, places]

    def positions(self, row: int, length: int) -> Ints:
        """Return the position of each token; RoBERTa gives none to a padding token in the text."""
        first, padding = self._blueprint.first_position, self._blueprint.padding
        if not first:
            return np.arange(length)
        real = self._examples.input_ids[row, :length] != padding
        return np.asarray(np.where(real, np.cumsum(real) + first - 1, first - 1))

    def alone(self, places: list[Ints], lengths: Ints) -> bool:
        """Return whether one token of each example is read, and it sees the whole example."""
        if any(len(each) != 1 for each in places):
            return False
        last = (int(each[0]) == n - 1 for each, n in zip(places, lengths, strict=True))
        return not self._blueprint.causal or all(last)

    def _last(self, row: int, length: int) -> int:
        """Return the last token that is no padding, which decoders classify by."""
        real = self._examples.input_ids[row, :length] != self._blueprint.padding
        return int(np.max(np.arange(length) * real))


def _chunk(examples: EncodedExamples, reader: _Reader, known: Ints | None, rows: Ints) -> Chunk:
    import torch

    lengths = examples.lengths[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    read = [reader.read(row, n) for row, n in zip(rows, lengths, strict=True)]
    places = [start + where for start, (where, _) in zip(starts, read, strict=False)]
    counts = [len(where) for where, _ in read]

    def running(table: NDArray[np.int32]) -> torch.Tensor:
        parts = [table[row, :n] for row, n in zip(rows, lengths, strict=True)]
        return torch.from_numpy(np.concatenate(parts).astype(np.int64))

    words = running(examples.input_ids)
    if known is not None:
        words = torch.from_numpy(np.searchsorted(known, words.numpy()))
    positions = [reader.positions(row, n) for row, n in zip(rows, lengths, strict=True)]
    return Chunk(
        rows=rows,
        words=words,
        positions=torch.from_numpy(np.concatenate(positions)),
        types=running(examples.token_type_ids),
        groups=_groups(lengths),
        read=torch.from_numpy(np.concatenate(places)),
        owners=torch.from_numpy(np.repeat(np.arange(len(rows)), counts)),
        targets=torch.from_numpy(np.concatenate([targets for _, targets in read])),
        alone=reader.alone([where for where, _ in read], lengths),
    )


def _groups(lengths: Ints) -> tuple[tuple[int, int, int], ...]:
    """Return the runs of equal length."""
    sizes, counts = np.unique(lengths, return_counts=True)
    starts = np.concatenate([[0], np.cumsum(sizes * counts)])
    return tuple(
        (int(start), int(n), int(size))
        for start, n, size in zip(starts, counts, sizes, strict=False)
    )
