"""How a model that can be packed is built: its parts by name, and the sizes that no tensor shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from wsgeo.weights.layout import Layout


@final
@dataclass(frozen=True)
class LayerNames:
    """Names of a layer's tensors, without ``.weight`` and ``.bias``.

    Parameters
    ----------
    qkv : tuple of str
        Projections to queries, keys and values; one where the model keeps them together.
    attended : str
        Projection of what was attended to.
    attention_norm, feed_norm : str
        Normalisations.
    up : tuple of str
        Into the wide layer; gate and value where it is gated.
    down : str
        Out of it.
    """

    qkv: tuple[str, ...]
    attended: str
    attention_norm: str
    up: tuple[str, ...]
    down: str
    feed_norm: str


@final
@dataclass(frozen=True)
class HeadNames:
    """Names of a head's modules.

    Parameters
    ----------
    out : str
        Last layer; of a language model the name of the weight that a tied model lacks.
    dense : str, optional
        Layer before it.
    activation : str, optional
        Between them.
    norm : str, optional
        Between them, after the activation.
    bias : str, optional
        Name of the last layer's bias, where it is not ``<out>.bias``.
    """

    out: str
    dense: str | None = None
    activation: str | None = None
    norm: str | None = None
    bias: str | None = None


@final
@dataclass(frozen=True)
class Blueprint:
    """Everything that the forward pass of a packed model needs but weights and tokens.

    Parameters
    ----------
    words, positions, types : str or None
        Embedding tables; None where the model has none.
    layers : tuple of LayerNames
        From the first to the last.
    head : HeadNames
        The head.
    n_heads, n_kv_heads : int
        Heads of queries, and of keys and values.
    head_width : int
        Width of each.
    activation : str
        Kernel between ``up`` and ``down``.
    eps : float
        Of all normalisations.
    embedding_norm, projection, final_norm : str or None
        After the embeddings; from their width to the model's; after the last layer.
    norm_first : bool
        Whether normalisation stands before attention and feed-forward, or after their residuals.
    rms : bool
        Whether it divides by the root mean square and does not centre.
    causal : bool
        Whether a token sees those before it only.
    transposed : bool
        Whether linear weights are stored as (n_inputs, n_outputs).
    first_position : int
        Index of the first token's position.
    rotary_base : float or None
        Base of rotary positions.
    padding : int or None
        Padding id that the configuration names.
    """

    words: str
    layers: tuple[LayerNames, ...]
    head: HeadNames
    n_heads: int
    n_kv_heads: int
    head_width: int
    activation: str
    eps: float
    positions: str | None = None
    types: str | None = None
    embedding_norm: str | None = None
    projection: str | None = None
    final_norm: str | None = None
    norm_first: bool = False
    rms: bool = False
    causal: bool = False
    transposed: bool = False
    first_position: int = 0
    rotary_base: float | None = None
    padding: int | None = None

    def is_tied(self, layout: Layout) -> bool:
        """Return whether the embedding table is the last layer of the head too, and so read whole."""
        out = f"{self.head.out}.weight"
        return out == self.words or out not in layout.names
