"""The diagonal of a model's Fisher information, from the gradient of one example at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from wsgeo.errors import WsgeoError
from wsgeo.evaluation.flat import tensor_of
from wsgeo.evaluation.inputs import Batch, prepare
from wsgeo.evaluation.scoring import class_scores, mapped_logits, token_scores
from wsgeo.tasks.ordering import stratified_order
from wsgeo.tasks.task import IGNORED, EncodedExamples, Objective
from wsgeo.weights.layout import Layout, Weights
from wsgeo.weights.tensors import write_safetensors
from wsgeo.zoo import build_model, load_weights
from wsgeo.zoo.checkpoints import Checkpoint

if TYPE_CHECKING:
    import torch

N_EXAMPLES: Final = 256
"""Examples that a Fisher information is measured on, where there are more."""


def diagonal_fisher(model: torch.nn.Module, weights: Weights, examples: EncodedExamples) -> Weights:
    r"""Return the mean squared gradient of the log-likelihood, parameter by parameter.

    .. math:: \hat F = \frac 1 n \sum_i [\nabla_\theta \log p_\theta(y_i \mid x_i)]^2

    The labels are those of the data: this is the empirical Fisher information. The square is taken
    of each example's gradient: that of a batch's mean would be another, smaller quantity.

    Parameters
    ----------
    model : torch.nn.Module
        An empty transformers model; it is filled, and belongs to this function from now on.
    weights : Weights
        The weights at which the gradients are taken.
    examples : EncodedExamples
        What they are taken on. Of a language model the log-likelihood of an example is the mean over
        its scored tokens.

    Returns
    -------
    Weights
        At least 0, in the layout of ``weights``; zero for tensors that the loss does not depend on.

    Raises
    ------
    WsgeoError
        If a gradient is not finite.

    References
    ----------
    [matena2022]_
    """
    import torch

    layout = weights.layout
    total = Weights(layout, np.zeros(layout.n_parameters, np.float32))
    leaves = _filled(model, weights)
    sums = {name: tensor_of(total.tensor(name)) for name in leaves}
    # A budget of one token makes each example a batch of its own.
    for batch in prepare(examples, model, 1):
        loss = _loss(model, batch, examples)
        grads = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        for name, grad in zip(leaves, grads, strict=True):
            if grad is not None:
                sums[name].addcmul_(grad, grad, value=1 / len(examples))
    _check_finite(total)
    return total


def write_fisher(
    checkpoint: Checkpoint,
    examples: EncodedExamples,
    path: Path,
    *,
    n_examples: int = N_EXAMPLES,
    seed: int = 0,
) -> int:
    """Measure the diagonal Fisher information of a member, and write it to a file.

    Parameters
    ----------
    checkpoint : Checkpoint
        A member of a zoo; an adapter is merged.
    examples : EncodedExamples
        Of its loss group.
    path : Path
        The safetensors file: float32, by canonical names, label rows in the group's order.
    n_examples : int, default 256
        How many of the examples are used, drawn with the labels in proportion.
    seed : int, default 0
        Seed of the draw.

    Returns
    -------
    int
        Number of examples that were used.

    Raises
    ------
    EntryError
        If the member changed since the zoo was read.
    WsgeoError
        If a gradient is not finite, or the file cannot be written.
    """
    some = examples.rows(stratified_order(examples, seed)[:n_examples])
    model, weights = build_model(checkpoint), load_weights(checkpoint)
    try:
        found = diagonal_fisher(model, weights, some)
    except WsgeoError as error:
        remedy = "Leave the member out, or take another --method."
        raise WsgeoError(error.what, where=checkpoint.id, remedy=remedy) from error
    write_safetensors(path, {name: found.tensor(name) for name in found.layout.names})
    return len(some)


def _filled(model: Any, weights: Weights) -> dict[str, torch.Tensor]:
    """Fill a model with weights; return its parameters by canonical name, ready for gradients."""
    import torch

    model.tie_weights()  # a model built without initial values need not be tied yet
    state = model.eval().state_dict(keep_vars=True)
    with torch.no_grad():
        for name in weights.layout.names:
            state[name].copy_(tensor_of(weights.tensor(name)))
    leaves = {name: state[name] for name in _parameters(weights.layout, state)}
    for leaf in leaves.values():
        leaf.requires_grad_(True)
    return leaves


def _parameters(layout: Layout, state: dict[str, Any]) -> list[str]:
    import torch

    return [name for name in layout.names if isinstance(state[name], torch.nn.Parameter)]


def _loss(model: Any, batch: Batch, examples: EncodedExamples) -> torch.Tensor:
    """Return the loss of a batch of one example, in nats."""
    cache = {"use_cache": False} if hasattr(model.config, "use_cache") else {}
    logits = model(**batch.arguments, **cache).logits.float()
    if examples.objective is Objective.CLASSIFICATION:
        mapped = mapped_logits(logits, examples.class_map)
        return class_scores(mapped, batch.targets)[0].sum()
    scored = batch.targets != IGNORED
    return token_scores(logits[scored], batch.targets[scored])[0].mean()


def _check_finite(found: Weights) -> None:
    names = found.layout.names
    bad = next((name for name in names if not np.isfinite(found.tensor(name)).all()), None)
    if bad is not None:
        raise WsgeoError(f"the gradient of tensor {bad} is not finite")
