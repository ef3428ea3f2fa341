"""The fast backend: no padding, no module, nothing computed that is not read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.blueprints import Blueprint
from wsgeo.evaluation.chunks import Chunk, chunks_of
from wsgeo.evaluation.flat import FlatBackend
from wsgeo.evaluation.kernels import KERNELS
from wsgeo.evaluation.losses import Failure, Losses, Outcome
from wsgeo.evaluation.packing import Packing, Piece
from wsgeo.evaluation.scoring import class_scores, mapped_logits, token_scores
from wsgeo.evaluation.transformer import Transformer
from wsgeo.tasks.task import EncodedExamples, Objective
from wsgeo.weights.layout import Layout, Vector

if TYPE_CHECKING:
    import torch

_PREPARED_SETS = 8  # example sets whose chunks are kept
_SCORED_AT_ONCE = 1 << 24  # logits: 64 MiB

Ints = NDArray[np.int64]


def packing_of(blueprint: Blueprint, layout: Layout, known: Ints) -> Packing:
    """Return what an evaluation reads of a model.

    Parameters
    ----------
    blueprint : Blueprint
        How it is built.
    layout : Layout
        Its canonical names and shapes.
    known : ndarray of int64, shape (n_words,)
        Sorted token ids that examples use.

    Returns
    -------
    Packing
        Embeddings of these tokens, and all tensors of layers and head; projections that read the
        same input are one tensor.
    """
    there = set(layout.names)
    together = [names for layer in blueprint.layers for names in (layer.qkv, layer.up)]
    pieces = list(_joined(together, there, transposed=blueprint.transposed))
    joined = {name for piece in pieces for name in piece.sources}
    pieces.append(Piece((blueprint.words,), None if blueprint.is_tied(layout) else known))
    rest = there - joined - {blueprint.words}
    turned = {
        f"{name}.weight" for layer in blueprint.layers for name in (layer.attended, layer.down)
    }
    pieces += [
        Piece((name,), transposed=blueprint.transposed and name in turned) for name in sorted(rest)
    ]
    return Packing(layout, tuple(pieces))


def _joined(
    together: Iterable[tuple[str, ...]], there: Collection[str], *, transposed: bool
) -> Iterable[Piece]:
    for names in together:
        yield Piece(tuple(f"{name}.weight" for name in names), transposed=transposed)
        biases = tuple(f"{name}.bias" for name in names)
        if biases[0] in there:
            yield Piece(biases)


@final
class PackedBackend(FlatBackend):
    """Evaluates packed weight vectors of a model that has a blueprint.

    Parameters
    ----------
    blueprint : Blueprint
        How the model is built.
    packing : Packing
        Makes the vectors.
    known : ndarray of int64, shape (n_words,)
        Sorted token ids whose embeddings are packed.
    kernel : str
        A key of `wsgeo.evaluation.kernels.KERNELS`.
    token_budget : int, default 2048
        Tokens of a forward pass.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        packing: Packing,
        known: Ints,
        *,
        kernel: str = "plain",
        token_budget: int = 2048,
    ) -> None:
        super().__init__(packing.layout)
        self._blueprint = blueprint
        self._known = None if blueprint.is_tied(packing.source) else known
        self._token_budget = token_budget
        self._model = Transformer(blueprint, packing.layout, self._flat, KERNELS[kernel])
        self._prepared: dict[str, list[Chunk]] = {}

    def losses(self, vector: Vector, examples: EncodedExamples, *, logits: bool = False) -> Outcome:
        """Measure a weight vector.

        Parameters
        ----------
        vector : ndarray of float32, shape (n_parameters,)
            The weights, in the order of `layout`.
        examples : EncodedExamples
            What to measure on; their tokens are among the known ones.
        logits : bool, default False
            Whether to keep class logits.

        Returns
        -------
        Losses or Failure
            Per example, in the order of ``examples``; a failure ``nonfinite`` if a loss is not
            finite.

        Raises
        ------
        DataError
            If the examples are empty or one has nothing to score.
        """
        import torch

        self._take(vector)
        n, classify = len(examples), examples.objective is Objective.CLASSIFICATION
        loss, hit = np.empty(n, np.float32), np.empty(n, np.float32)
        classes = np.empty((n, len(examples.class_map)), np.float32)
        for chunk in self._chunks(examples):
            with torch.inference_mode():
                features = self._model.features(self._model.hidden(chunk))
                if classify:
                    mapped = mapped_logits(self._model.scores(features), examples.class_map)
                    classes[chunk.rows] = mapped.numpy()
                    outcome = class_scores(mapped, chunk.targets)
                else:
                    outcome = self._token_scores(features, chunk)
            loss[chunk.rows], hit[chunk.rows] = outcome[0].numpy(), outcome[1].numpy()
            if bad := int((~np.isfinite(loss[chunk.rows])).sum()):
                reason = f"the loss is not finite on {bad} of {len(chunk.rows)} examples"
                return Failure("nonfinite", reason)
        return Losses(loss, hit, classes if logits and classify else None)

    def features(self, vector: Vector, examples: EncodedExamples) -> NDArray[np.float32]:
        """Return what the last layer of the head sees.

        Parameters
        ----------
        vector : ndarray of float32, shape (n_parameters,)
            The weights, in the order of `layout`.
        examples : EncodedExamples
            Examples of a classification task.

        Returns
        -------
        ndarray of float32, shape (n_examples, width)
            One row per example.
        """
        import torch

        self._take(vector)
        chunks = self._chunks(examples)
        with torch.inference_mode():
            found = [self._model.features(self._model.hidden(chunk)).numpy() for chunk in chunks]
        features = np.empty((len(examples), found[0].shape[1]), np.float32)
        features[np.concatenate([chunk.rows for chunk in chunks])] = np.concatenate(found)
        return features

    def _token_scores(
        self, features: torch.Tensor, chunk: Chunk
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return loss and share of hits of each example, over a bounded number of logits at once."""
        import torch

        n_words = len(self._model.scores(features[:1])[0])
        at_once = max(1, _SCORED_AT_ONCE // n_words)
        parts = [
            token_scores(self._model.scores(some), targets)
            for some, targets in zip(
                torch.split(features, at_once), torch.split(chunk.targets, at_once), strict=True
            )
        ]
        each = torch.cat([torch.stack(part) for part in parts], dim=1)
        total = torch.zeros(2, len(chunk.rows), dtype=torch.float64)
        total.index_add_(1, chunk.owners, each)
        count = torch.bincount(chunk.owners, minlength=len(chunk.rows))
        return total[0] / count, total[1] / count

    def _chunks(self, examples: EncodedExamples) -> list[Chunk]:
        if examples.key not in self._prepared:
            if len(self._prepared) >= _PREPARED_SETS:
                del self._prepared[next(iter(self._prepared))]
            found = chunks_of(examples, self._blueprint, self._known, self._token_budget)
            self._prepared[examples.key] = found
        return self._prepared[examples.key]


def known_words(examples: Iterable[EncodedExamples]) -> Ints:
    """Return the token ids that examples use, sorted."""
    used = [np.unique(each.input_ids[each.attention_mask != 0]) for each in examples]
    return np.unique(np.concatenate(used)).astype(np.int64)
