"""The forward pass of encoders and decoders over running tokens without padding."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, final

from wsgeo.evaluation.blueprints import Blueprint, LayerNames
from wsgeo.evaluation.chunks import Chunk
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
    flat : Tensor, shape (n_parameters,)
        The packed vector; to change it is to change the model.
    linear : Linear
        How matrices are multiplied.
    """

    def __init__(self, blueprint: Blueprint, layout: Layout, flat: Tensor, linear: Linear) -> None:
        self._blueprint, self._linear, self._device = blueprint, linear, flat.device
        self._tensors = {
            name: flat[layout.span(name)].view(layout.shape(name)) for name in layout.names
        }

    def hidden(self, chunk: Chunk) -> Tensor:
        """Return the last hidden states of the tokens that are read.

        Parameters
        ----------
        chunk : Chunk
            Tokens.

        Returns
        -------
        Tensor, shape (n_read, width)
            In the order of ``chunk.read``.
        """
        x = self._embedded(chunk)
        layers = self._blueprint.layers
        for layer in layers[:-1]:
            x = self._layer(x, chunk, layer, None)
        x = self._layer(x, chunk, layers[-1], chunk.read)
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
        head = self._blueprint.head
        weight = self._tensors.get(f"{head.out}.weight")
        if weight is None:
            weight = self._tensors[self._blueprint.words]
        bias = self._tensors.get(f"{head.out}.bias", self._tensors.get(head.bias or ""))
        return self._linear(features, weight, bias)

    def _embedded(self, chunk: Chunk) -> Tensor:
        plan, tables = self._blueprint, self._tensors
        x = tables[plan.words][chunk.words]
        if plan.positions is not None:
            x += tables[plan.positions][chunk.positions]
        if plan.types is not None:
            table = tables[plan.types]
            # A table of one row is for models that know no types, whatever the tokenizer says.
            x += table[chunk.types] if len(table) > 1 else table[0]
        if plan.embedding_norm is not None:
            x = self._norm(x, plan.embedding_norm)
        return x if plan.projection is None else self._affine(x, plan.projection)

    def _layer(self, x: Tensor, chunk: Chunk, layer: LayerNames, read: Tensor | None) -> Tensor:
        """Return the states after a layer; only those that are read, if the rest never are."""
        first = self._blueprint.norm_first
        h = self._norm(x, layer.attention_norm) if first else x
        alone = read is not None and chunk.alone
        attended = self._attended(h, chunk, layer, read if alone else None)
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

    def _attended(self, x: Tensor, chunk: Chunk, layer: LayerNames, read: Tensor | None) -> Tensor:
        """Return what each token gathers, or only the one token of each example that is read."""
        import torch

        query, key, value = self._projected(x, chunk, layer, read)
        out, done = torch.empty_like(query), 0
        for start, n, length in chunk.groups:
            rows = slice(start, start + n * length)
            asking = rows if read is None else slice(done, done + n)
            out[asking] = self._attend(query[asking], key[rows], value[rows], n)
            done += n
        return out.flatten(1)

    def _projected(
        self, x: Tensor, chunk: Chunk, layer: LayerNames, read: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, each of shape (n_tokens, n_heads, head_width)."""
        import torch

        plan = self._blueprint
        sizes = [n * plan.head_width for n in (plan.n_heads, plan.n_kv_heads, plan.n_kv_heads)]
        weight, bias = self._pair(layer.qkv[0])
        if read is None:
            query, key, value = torch.split(self._linear(x, weight, bias), sizes, dim=1)
        else:
            both = [sizes[0], sizes[1] + sizes[2]]
            weights = torch.split(weight, both)
            biases = (None, None) if bias is None else torch.split(bias, both)
            query = self._linear(x[read], weights[0], biases[0])
            key, value = self._linear(x, weights[1], biases[1]).chunk(2, dim=1)
        parts = [torch.unflatten(part, 1, (-1, plan.head_width)) for part in (query, key, value)]
        if self._turns is not None:
            places = chunk.positions
            parts[0] = self._turned(parts[0], places if read is None else places[read])
            parts[1] = self._turned(parts[1], places)
        return parts[0], parts[1], parts[2]

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, n: int) -> Tensor:
        """Return the attention of ``n`` examples of equal length, one after another."""
        import torch

        q, k, v = (
            torch.unflatten(part, 0, (n, -1)).transpose(1, 2) for part in (query, key, value)
        )
        # A single query stands last: it sees all there is.
        found = torch.nn.functional.scaled_dot_product_attention(
            q, k, v,
            is_causal=self._blueprint.causal and q.shape[2] > 1,
            enable_gqa=q.shape[1] != k.shape[1],
        )  # fmt: skip
        return found.transpose(1, 2).flatten(0, 1)

    @cached_property
    def _turns(self) -> Tensor | None:
        """Angle by which each pair of coordinates turns from one position to the next."""
        import torch

        plan = self._blueprint
        if plan.rotary_base is None:
            return None
        places = torch.arange(0, plan.head_width, 2, dtype=torch.float32, device=self._device)
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
        return self._linear(x, *self._pair(name), activation=activation, add=add)

    def _pair(self, name: str) -> tuple[Tensor, Tensor | None]:
        return self._tensors[f"{name}.weight"], self._tensors.get(f"{name}.bias")

    def _norm(self, x: Tensor, name: str) -> Tensor:
        import torch

        weight, bias = self._pair(name)
        if self._blueprint.rms:
            return torch.nn.functional.rms_norm(x, weight.shape, weight, self._blueprint.eps)
        return torch.nn.functional.layer_norm(x, weight.shape, weight, bias, self._blueprint.eps)
