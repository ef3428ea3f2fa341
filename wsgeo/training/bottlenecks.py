"""Parallel bottleneck adapters, which are extra units of the feed-forward layers.

A feed-forward layer is ``output(act(input(x)))``; a bottleneck beside it adds ``up(act(down(x)))``.
Stacked, ``down`` below ``input`` and ``up`` beside ``output``, both are one feed-forward layer that is
wider by the bottleneck's units. Gated layers have two inputs, and so have their bottlenecks.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import TYPE_CHECKING, Any

from wsgeo.errors import WsgeoError

if TYPE_CHECKING:
    from torch import Tensor

_SPREAD = 0.02  # standard deviation of the first weights, as of BERT's own


def add_bottlenecks(model: Any, width: int) -> None:
    """Put bottlenecks beside the feed-forward layers of a model; at first they add nothing.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Changed in place.
    width : int
        Units of each bottleneck.

    Raises
    ------
    WsgeoError
        If its feed-forward layers cannot be told from its other layers.
    """
    import torch

    inner = getattr(model.config, "intermediate_size", None)
    found = [] if inner is None else [
        (name, module, module.out_features == inner)
        for name, module in model.base_model.named_modules()
        if isinstance(module, torch.nn.Linear)
        and (module.out_features == inner) != (module.in_features == inner)
    ]  # fmt: skip
    if not found or inner == getattr(model.config, "hidden_size", None):
        raise WsgeoError(
            f"no feed-forward layers are found in a {model.config.model_type} model",
            remedy="Choose another method than adapter.",
        )
    for name, module, is_input in found:
        model.base_model.set_submodule(name, _beside()(module, width, is_input))


def widened(model: Any, width: int) -> Any:
    """Return the plain model that equals one with bottlenecks.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Changed by `add_bottlenecks`; left as it is.
    width : int
        Units of each bottleneck.

    Returns
    -------
    transformers.PreTrainedModel
        Of the same class, with a larger ``intermediate_size``.
    """
    import torch

    config = copy.deepcopy(model.config)
    config.intermediate_size += width
    # Made without drawing numbers: a checkpoint must not change the run.
    with torch.random.fork_rng(devices=[]):
        plain = type(model)(config)
    plain.load_state_dict(dict(_stacked(model)))
    return plain.eval()


def _stacked(model: Any) -> Any:
    """Yield the tensors of a model, those of each layer and its bottleneck as one."""
    layers = {
        name: module for name, module in model.named_modules() if isinstance(module, _beside())
    }
    for name, module in layers.items():
        weight, bias = module.joined()
        yield f"{name}.weight", weight.detach()
        if bias is not None:
            yield f"{name}.bias", bias.detach()
    for name, tensor in model.state_dict().items():
        if name.rpartition(".")[0].removesuffix(".layer") not in layers:
            yield name, tensor


@cache
def _beside() -> Any:
    """Return the class of a layer with its part of a bottleneck; torch is imported only here."""
    import torch

    class Beside(torch.nn.Module):
        """A linear layer, kept as it is, and more rows or columns that are trained."""

        def __init__(self, layer: Any, width: int, is_input: bool) -> None:
            super().__init__()
            self.layer, self.is_input = layer, is_input
            rows, columns = layer.weight.shape
            if is_input:
                self.extra = torch.nn.Parameter(_SPREAD * torch.randn(width, columns))
                if layer.bias is not None:
                    self.extra_bias = torch.nn.Parameter(torch.zeros(width))
            else:
                self.extra = torch.nn.Parameter(torch.zeros(rows, width))

        def joined(self) -> tuple[Tensor, Tensor | None]:
            bias = self.layer.bias
            if self.is_input and bias is not None:
                bias = torch.cat([bias, self.extra_bias])
            return torch.cat([self.layer.weight, self.extra], dim=0 if self.is_input else 1), bias

        def forward(self, x: Tensor) -> Tensor:
            return torch.nn.functional.linear(x, *self.joined())

    return Beside
