"""Encoded examples as running tokens without padding: sorted by length, cut to a budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

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
    rows : Tensor of int64, shape (n_examples,)
        Which examples these are.
    parts : Tensor of int64, shape (n_tokens, 2)
        Which of the texts' words, and of its spots behind them, make each token's embedding.
    positions : Tensor of int64, shape (n_tokens,)
        Where each token stands.
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

    rows: torch.Tensor
    parts: torch.Tensor
    positions: torch.Tensor
    groups: tuple[tuple[int, int, int], ...]
    read: torch.Tensor
    owners: torch.Tensor
    targets: torch.Tensor
    alone: bool


@final
@dataclass(frozen=True, eq=False)
class Texts:
    """Examples in chunks, and what the embeddings of their tokens are made of.

    Parameters
    ----------
    words : Tensor of int64, shape (n_words,)
        Rows of the packed table of words that occur.
    positions, types : Tensor of int64, shape (n_spots,)
        Pairs of a position and a type that occur.
    chunks : tuple of Chunk
        Every example is in exactly one.
    n_tokens : int
        Tokens of all chunks.
    """

    words: torch.Tensor
    positions: torch.Tensor
    types: torch.Tensor
    chunks: tuple[Chunk, ...]
    n_tokens: int

    @property
    def n_parts(self) -> int:
        """Number of words and spots."""
        return len(self.words) + len(self.positions)


def texts_of(
    examples: EncodedExamples,
    blueprint: Blueprint,
    known: Ints | None,
    token_budget: int,
    device: str = "cpu",
) -> Texts:
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
    device : str, default 'cpu'
        Where the tensors are.

    Returns
    -------
    Texts
        Every example once.

    Raises
    ------
    DataError
        If there are no examples, or one has no token to score.
    """
    import torch

    if not len(examples):
        raise DataError("there are no examples", where=examples.name, remedy="Choose other data.")
    reader = _Reader(examples, blueprint)
    cut = batches(examples.lengths, token_budget)
    tokens = [_tokens(examples, reader, rows) for rows in cut]
    everything = np.concatenate(tokens, axis=1)
    words, word = np.unique(everything[0], return_inverse=True)
    spots, spot = np.unique(everything[1:], axis=1, return_inverse=True)
    parts = np.stack([word, spot.ravel() + len(words)], axis=1)
    ends = np.cumsum([each.shape[1] for each in tokens])[:-1]

    def there(array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.int64)).to(device)

    chunks = tuple(
        _chunk(examples, reader, rows, part, each[1], there)
        for rows, part, each in zip(cut, np.split(parts, ends), tokens, strict=True)
    )
    table_rows = words if known is None else np.searchsorted(known, words)
    return Texts(there(table_rows), there(spots[0]), there(spots[1]), chunks, len(parts))


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


def _tokens(examples: EncodedExamples, reader: _Reader, rows: Ints) -> Ints:
    """Return word, position and type of each token of some examples, shape (3, n_tokens)."""
    found = [
        np.stack([examples.input_ids[row, :n], reader.positions(row, n),
                  examples.token_type_ids[row, :n]])
        for row, n in zip(rows, examples.lengths[rows], strict=True)
    ]  # fmt: skip
    return np.concatenate(found, axis=1).astype(np.int64)


def _chunk(
    examples: EncodedExamples,
    reader: _Reader,
    rows: Ints,
    parts: Ints,
    positions: Ints,
    there: Callable[[NDArray[Any]], torch.Tensor],
) -> Chunk:
    lengths = examples.lengths[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    read = [reader.read(row, n) for row, n in zip(rows, lengths, strict=True)]
    places = [start + where for start, (where, _) in zip(starts, read, strict=False)]
    return Chunk(
        rows=there(rows),
        parts=there(parts),
        positions=there(positions),
        groups=_groups(lengths),
        read=there(np.concatenate(places)),
        owners=there(np.repeat(np.arange(len(rows)), [len(where) for where, _ in read])),
        targets=there(np.concatenate([targets for _, targets in read])),
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
