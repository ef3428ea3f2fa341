"""The fast backend: no padding, no module, nothing computed that is not read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.blueprints import Blueprint
from wsgeo.evaluation.chunks import Chunk, Texts, texts_of
from wsgeo.evaluation.flat import FlatBackend, outcome_of
from wsgeo.evaluation.kernels import KERNELS
from wsgeo.evaluation.losses import Outcome, Values
from wsgeo.evaluation.packing import Packing, Piece
from wsgeo.evaluation.scoring import class_scores, mapped_logits, means_by_owner, token_scores
from wsgeo.evaluation.transformer import Transformer
from wsgeo.tasks.task import EncodedExamples, Objective
from wsgeo.weights.layout import Layout

if TYPE_CHECKING:
    import torch

_PREPARED_SETS = 64  # example sets whose chunks are kept
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
    precision : str, default 'fp32'
        Number format of the layers, ``fp32`` or ``bf16``; sums of embeddings, the head of a
        classifier and losses are in float32 or better.
    device : str, default 'cpu'
        Where it computes.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        packing: Packing,
        known: Ints,
        *,
        kernel: str = "plain",
        token_budget: int = 2048,
        precision: str = "fp32",
        device: str = "cpu",
    ) -> None:
        import torch

        super().__init__(packing.layout, device)
        self._blueprint = blueprint
        self._known = None if blueprint.is_tied(packing.source) else known
        self._token_budget = token_budget
        rounded = precision == "bf16"
        self._rounded = torch.zeros_like(self._flat, dtype=torch.bfloat16) if rounded else None
        self._model = Transformer(
            blueprint, packing.layout, self._flat, KERNELS[kernel], self._rounded
        )
        self._prepared: dict[str, Texts] = {}

    def losses(self, vector: Values, examples: EncodedExamples, *, logits: bool = False) -> Outcome:
        """Measure a weight vector.

        Parameters
        ----------
        vector : ndarray or Tensor of float32, shape (n_parameters,)
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
        texts, device = self._texts(examples), self._flat.device
        scored = torch.empty(2, n, dtype=torch.float64, device=device)
        classes = torch.empty(n, len(examples.class_map), device=device)
        with torch.inference_mode():
            for chunk, features in self._features(texts, exact=classify):
                if classify:
                    mapped = mapped_logits(self._model.scores(features), examples.class_map)
                    classes[chunk.rows] = mapped
                    outcome = torch.stack(class_scores(mapped, chunk.targets))
                else:
                    outcome = self._token_scores(features, chunk)
                scored[:, chunk.rows] = outcome
        return outcome_of(scored, classes if logits and classify else None)

    def features(self, vector: Values, examples: EncodedExamples) -> NDArray[np.float32]:
        """Return what the last layer of the head sees.

        Parameters
        ----------
        vector : ndarray or Tensor of float32, shape (n_parameters,)
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
        texts = self._texts(examples)
        with torch.inference_mode():
            found = list(self._features(texts, exact=True))
            features = torch.cat([each for _, each in found])
            order = torch.cat([chunk.rows for chunk, _ in found]).argsort()
            rows: NDArray[np.float32] = features[order].cpu().numpy()
        return rows

    def _take(self, vector: Values) -> None:
        super()._take(vector)
        if self._rounded is not None:
            self._rounded.copy_(self._flat)

    def _features(self, texts: Texts, *, exact: bool) -> Iterator[tuple[Chunk, torch.Tensor]]:
        """Yield chunks and the input of the head's last layer, the head in float32 if asked."""
        start = self._model.start(texts)
        for chunk in texts.chunks:
            hidden = self._model.hidden(chunk, start)
            yield chunk, self._model.features(hidden.float() if exact else hidden)

    def _token_scores(self, features: torch.Tensor, chunk: Chunk) -> torch.Tensor:
        """Return loss and share of hits of each example, over a bounded number of logits at once."""
        import torch

        n_words = len(self._model.scores(features[:1])[0])
        at_once = max(1, _SCORED_AT_ONCE // n_words)
        each = [
            torch.stack(token_scores(self._model.scores(some).float(), targets))
            for some, targets in zip(
                torch.split(features, at_once), torch.split(chunk.targets, at_once), strict=True
            )
        ]
        return means_by_owner(torch.cat(each, dim=1), chunk.owners, len(chunk.rows))

    def _texts(self, examples: EncodedExamples) -> Texts:
        if examples.key not in self._prepared:
            if len(self._prepared) >= _PREPARED_SETS:
                del self._prepared[next(iter(self._prepared))]
            self._prepared[examples.key] = texts_of(
                examples, self._blueprint, self._known, self._token_budget, self._device
            )
        return self._prepared[examples.key]


def known_words(examples: Iterable[EncodedExamples]) -> Ints:
    """Return the token ids that examples use, sorted."""
    used = [np.unique(each.input_ids[each.attention_mask != 0]) for each in examples]
    return np.unique(np.concatenate(used)).astype(np.int64)
