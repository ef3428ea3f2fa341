"""The forward pass of encoders and decoders over running tokens without padding."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, final

from wsgeo.evaluation.blueprints import Blueprint, LayerNames
from wsgeo.evaluation.chunks import Chunk, Texts
from wsgeo.evaluation.embeddings import Embeddings, Start, Tensors, normed
from wsgeo.evaluation.kernels import Linear, activate
from wsgeo.weights.layout import Layout

if TYPE_CHECKING:
    from torch import Tensor


@final
class Transformer:
    """A model whose tensors are views of one flat vector.

    Parameters
    ----------
    blueprint : Blueprint
        How it is built.
    layout : Layout
        Of the packed vector.
    flat : Tensor of float32, shape (n_parameters,)
        The packed vector; to change it is to change the model.
    linear : Linear
        How matrices are multiplied.
    rounded : Tensor, shape (n_parameters,), optional
        The same in the number format that layers compute in; default float32.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        layout: Layout,
        flat: Tensor,
        linear: Linear,
        rounded: Tensor | None = None,
    ) -> None:
        self._blueprint, self._linear = blueprint, linear
        self._tensors = Tensors(layout, flat, flat if rounded is None else rounded)
        self._embeddings = Embeddings(blueprint, self._tensors, linear)

    def start(self, texts: Texts) -> Start:
        """Return what the tokens of examples begin with."""
        return self._embeddings.start(texts)

    def hidden(self, chunk: Chunk, start: Start) -> Tensor:
        """Return the last hidden states of the tokens that are read.

        Parameters
        ----------
        chunk : Chunk
            Tokens.
        start : Start
            What they begin with.

        Returns
        -------
        Tensor, shape (n_read, width)
            In the order of ``chunk.read``.
        """
        x, projected = self._embeddings.of(chunk, start)
        layers = self._blueprint.layers
        for layer in layers[:-1]:
            x = self._layer(x, chunk, layer, None, projected)
            projected = None
        x = self._layer(x, chunk, layers[-1], chunk.read, projected)
        final = self._blueprint.final_norm
        return x if final is None else self._norm(x, final)

    def features(self, hidden: Tensor) -> Tensor:
        """Return the input of the head's last layer."""
        head = self._blueprint.head
        if head.dense is None:
            return hidden
        x = self._affine(hidden, head.dense, activation=head.activation)
        return x if head.norm is None else self._norm(x, head.norm)

    def scores(self, features: Tensor) -> Tensor:
        """Return the logits of classes or tokens."""
        head, tensors = self._blueprint.head, self._tensors.of(features.dtype)
        weight = tensors.get(f"{head.out}.weight")
        if weight is None:
            weight = tensors[self._blueprint.words]
        bias = tensors.get(f"{head.out}.bias", tensors.get(head.bias or ""))
        return self._linear(features, weight, bias)

    def _layer(
        self,
        x: Tensor,
        chunk: Chunk,
        layer: LayerNames,
        read: Tensor | None,
        projected: Tensor | None,
    ) -> Tensor:
        """Return the states after a layer; only those that are read, if the rest never are."""
        first = self._blueprint.norm_first
        alone = read is not None and chunk.alone and self._turns is None
        if alone or projected is None:
            h = self._norm(x, layer.attention_norm) if first else x
        if alone:
            attended = self._attended_alone(h, chunk, layer)
        else:
            projected = self._affine(h, layer.qkv[0]) if projected is None else projected
            attended = self._attended(projected, chunk)
        if read is not None:
            x = x[read]
            attended = attended if alone else attended[read]
        x = self._affine(attended, layer.attended, add=x)
        if not first:
            x = self._norm(x, layer.attention_norm)
        h = self._norm(x, layer.feed_norm) if first else x
        x = self._affine(self._widened(h, layer), layer.down, add=x)
        return x if first else self._norm(x, layer.feed_norm)

    def _widened(self, x: Tensor, layer: LayerNames) -> Tensor:
        activation = self._blueprint.activation
        if len(layer.up) == 1:
            return self._affine(x, layer.up[0], activation=activation)
        gate, value = self._affine(x, layer.up[0]).chunk(2, dim=-1)
        return activate(activation, gate) * value

    def _attended(self, projected: Tensor, chunk: Chunk) -> Tensor:
        """Return what each token gathers, from queries, keys and values side by side."""
        import torch

        query, key, value = self._separated(projected, chunk)
        out = torch.empty_like(query)
        for start, n, length in chunk.groups:
            rows = slice(start, start + n * length)
            out[rows] = self._attend(query[rows], key[rows], value[rows], n)
        return out.flatten(1)

    def _attended_alone(self, x: Tensor, chunk: Chunk, layer: LayerNames) -> Tensor:
        """Return what the one token that is read of each example gathers."""
        # Its query goes through the keys' weights, and what it gathers of the inputs through the
        # values': no other token needs a key or a value. The keys' bias adds the same to all scores.
        import torch

        plan = self._blueprint
        weight, bias = self._tensors.pair(layer.qkv[0], x.dtype)
        to_query, to_key, to_value = torch.unflatten(weight, 0, (3, plan.n_heads, plan.head_width))
        query_bias, _, value_bias = (None,) * 3 if bias is None else bias.chunk(3)
        query = self._linear(x[chunk.read], to_query.flatten(0, 1), query_bias)
        asked = torch.einsum("nhd,hdw->nhw", torch.unflatten(query, 1, to_key.shape[:2]), to_key)
        found, done = torch.empty_like(asked), 0
        for start, n, length in chunk.groups:
            seen = torch.unflatten(x[start : start + n * length], 0, (n, 1, length))
            found[done : done + n] = torch.nn.functional.scaled_dot_product_attention(
                asked[done : done + n, None], seen, seen, scale=plan.head_width**-0.5
            )[:, 0]
            done += n
        gathered = torch.einsum("nhw,hdw->nhd", found, to_value).flatten(1)
        return gathered if value_bias is None else gathered + value_bias

    def _separated(self, projected: Tensor, chunk: Chunk) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, each of shape (n_tokens, n_heads, head_width)."""
        import torch

        plan = self._blueprint
        sizes = [n * plan.head_width for n in (plan.n_heads, plan.n_kv_heads, plan.n_kv_heads)]
        parts = torch.split(projected, sizes, dim=1)
        query, key, value = (torch.unflatten(part, 1, (-1, plan.head_width)) for part in parts)
        if self._turns is not None:
            query, key = (self._turned(part, chunk.positions) for part in (query, key))
        return query, key, value

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, n: int) -> Tensor:
        """Return the attention of ``n`` examples of equal length, one after another."""
        import torch

        q, k, v = (
            torch.unflatten(part, 0, (n, -1)).transpose(1, 2) for part in (query, key, value)
        )
        found = torch.nn.functional.scaled_dot_product_attention(
            q, k, v, is_causal=self._blueprint.causal, enable_gqa=q.shape[1] != k.shape[1]
        )
        return found.transpose(1, 2).flatten(0, 1)

    @cached_property
    def _turns(self) -> Tensor | None:
        """Angle by which each pair of coordinates turns from one position to the next."""
        import torch

        plan = self._blueprint
        if plan.rotary_base is None:
            return None
        places = torch.arange(
            0, plan.head_width, 2, dtype=torch.float32, device=self._tensors.device
        )
        return 1.0 / plan.rotary_base ** (places / plan.head_width)

    def _turned(self, x: Tensor, positions: Tensor) -> Tensor:
        """Return queries or keys turned by their positions (rotary positions)."""
        import torch

        assert self._turns is not None
        angles = torch.outer(positions.float(), self._turns)[:, None]
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        one, other = x.chunk(2, dim=-1)
        return torch.cat([one * cos - other * sin, other * cos + one * sin], dim=-1)

    def _affine(
        self,
        x: Tensor,
        name: str,
        *,
        activation: str | None = None,
        add: Tensor | None = None,
    ) -> Tensor:
        return self._linear(x, *self._tensors.pair(name, x.dtype), activation=activation, add=add)

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return normed(x, *self._tensors.pair(name, x.dtype), self._blueprint)
