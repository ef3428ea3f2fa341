"""From words and positions to the states before the first layer, without doing any of them twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from wsgeo.evaluation.blueprints import Blueprint
from wsgeo.evaluation.chunks import Chunk, Texts
from wsgeo.evaluation.kernels import Linear
from wsgeo.weights.layout import Layout

if TYPE_CHECKING:
    from torch import Tensor, dtype

# Parts of embeddings per token: to add projected parts costs a fifth of projecting a token.
_WORTHWHILE = 0.8


@final
class Tensors:
    """A model's tensors as views of one vector, in float32 and in the format that layers compute in.

    Parameters
    ----------
    layout : Layout
        Of the vector.
    flat : Tensor of float32, shape (n_parameters,)
        The vector.
    rounded : Tensor, shape (n_parameters,)
        The same in the layers' number format.
    """

    def __init__(self, layout: Layout, flat: Tensor, rounded: Tensor) -> None:
        self.exact, self.format, self.device = flat.dtype, rounded.dtype, flat.device
        self._views = {
            vector.dtype: {
                name: vector[layout.span(name)].view(layout.shape(name)) for name in layout.names
            }
            for vector in (flat, rounded)
        }

    def of(self, format_: dtype) -> Mapping[str, Tensor]:
        """Return the tensors in a number format, by name."""
        return self._views[format_]

    def pair(self, name: str, format_: dtype) -> tuple[Tensor, Tensor | None]:
        """Return weight and bias of a module."""
        views = self._views[format_]
        return views[f"{name}.weight"], views.get(f"{name}.bias")


def normed(x: Tensor, weight: Tensor, bias: Tensor | None, blueprint: Blueprint) -> Tensor:
    """Return normalised states."""
    import torch

    if blueprint.rms:
        return torch.nn.functional.rms_norm(x, weight.shape, weight, blueprint.eps)
    return torch.nn.functional.layer_norm(x, weight.shape, weight, bias, blueprint.eps)


@final
@dataclass(frozen=True, eq=False)
class Start:
    """What the tokens of a set of examples begin with, at one point.

    Parameters
    ----------
    parts : Tensor, shape (n_parts, width)
        Embeddings of words and of spots; a token's is the sum of two of them.
    projected : Tensor, shape (n_parts, n_projected), or None
        What each adds to the queries, keys and values of the first layer, before they are scaled;
        None where that would take longer than to project every token.
    constant : Tensor, shape (n_projected,), or None
        What is added after they are scaled.
    """

    parts: Tensor
    projected: Tensor | None = None
    constant: Tensor | None = None


@final
class Embeddings:
    """The embeddings of a model, and what can be known of its first layer without a token's context.

    Parameters
    ----------
    blueprint : Blueprint
        How the model is built.
    tensors : Tensors
        Its weights.
    linear : Linear
        How matrices are multiplied.
    """

    def __init__(self, blueprint: Blueprint, tensors: Tensors, linear: Linear) -> None:
        self._blueprint, self._tensors, self._linear = blueprint, tensors, linear

    def start(self, texts: Texts) -> Start:
        """Return what the tokens of examples begin with.

        Parameters
        ----------
        texts : Texts
            The examples.

        Returns
        -------
        Start
            For `of`.
        """
        import torch

        plan, tables = self._blueprint, self._tensors.of(self._tensors.exact)
        words = tables[plan.words][texts.words]
        spots = words.new_zeros(len(texts.positions), words.shape[1])
        if plan.positions is not None:
            spots += tables[plan.positions][texts.positions]
        if plan.types is not None:
            table = tables[plan.types]
            # A table of one row is for models that know no types, whatever the tokenizer says.
            spots += table[texts.types] if len(table) > 1 else table[0]
        parts = torch.cat([words, spots])
        if self._first_norm is None or texts.n_parts >= _WORTHWHILE * texts.n_tokens:
            return Start(parts)
        return self._projected(parts, self._first_norm)

    def of(self, chunk: Chunk, start: Start) -> tuple[Tensor, Tensor | None]:
        """Return the states before the first layer, and its projections where parts have them.

        Parameters
        ----------
        chunk : Chunk
            Tokens.
        start : Start
            What they begin with.

        Returns
        -------
        states : Tensor, shape (n_tokens, width)
            In the layers' number format.
        projected : Tensor, shape (n_tokens, n_projected), or None
            Queries, keys and values side by side.
        """
        import torch

        plan, bag = self._blueprint, torch.nn.functional.embedding_bag
        x, projected = bag(chunk.parts, start.parts, mode="sum"), None
        if start.projected is not None and start.constant is not None:
            norm, shift = self._tensors.pair(self._first_norm or "", self._tensors.exact)
            standard, _, scale = torch.native_layer_norm(x, norm.shape, norm, shift, plan.eps)
            x = x if plan.norm_first else standard
            projected = bag(chunk.parts, start.projected, mode="sum")
            projected = projected.mul_(scale).add_(start.constant).to(self._tensors.format)
        elif plan.embedding_norm is not None:
            x = normed(x, *self._tensors.pair(plan.embedding_norm, x.dtype), plan)
        x = x.to(self._tensors.format)
        if plan.projection is not None:
            x = self._linear(x, *self._tensors.pair(plan.projection, x.dtype))
        return x, projected

    @property
    def _first_norm(self) -> str | None:
        """Name of the normalisation between sums of embeddings and the first layer's projections."""
        plan = self._blueprint
        if plan.rms or plan.projection is not None:
            return None
        if not plan.norm_first:
            return plan.embedding_norm
        return plan.layers[0].attention_norm if plan.embedding_norm is None else None

    def _projected(self, parts: Tensor, norm_name: str) -> Start:
        """Return parts with what they add to the first layer's projections."""
        # Normalisation centres, scales each token by one number, and scales coordinates. The first
        # and the last are linear, so they and the projection are done to each part instead of to
        # each token; the number is known when parts are added.
        tensors = self._tensors
        weight, bias = tensors.pair(self._blueprint.layers[0].qkv[0], tensors.exact)
        norm, shift = tensors.pair(norm_name, tensors.exact)
        scaled = weight * norm
        centred = scaled - scaled.mean(1, keepdim=True)
        projected = self._linear(parts.to(tensors.format), centred.to(tensors.format), None)
        constant = weight.new_zeros(len(weight)) if bias is None else bias
        return Start(
            parts, projected.float(), constant if shift is None else constant + weight @ shift
        )
