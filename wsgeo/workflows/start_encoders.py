"""Start models in memory: encoders in the frame of their base, and what they make of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import WsgeoError
from wsgeo.regions.encoders import encoder_mean, in_frame
from wsgeo.tasks import batches
from wsgeo.tasks.task import EncodedExamples
from wsgeo.training.batches import Batches
from wsgeo.weights.layout import Weights
from wsgeo.zoo import Base, Checkpoint, WholeBase

_TOKENS: Final = 2048  # padded, in one batch: what the caches of a core hold of a small model


def start_weights(
    members: Sequence[Checkpoint], shares: Sequence[float], base: Base, frame: WholeBase
) -> Weights:
    """Return the weights of a start in the frame of the base.

    Parameters
    ----------
    members : sequence of Checkpoint
        Whose encoders are averaged; none for the base itself.
    shares : sequence of float
        Their shares.
    base : Base
        Their base.
    frame : WholeBase
        The same, read.

    Returns
    -------
    Weights
        By the names of the base's own class.
    """
    return in_frame(encoder_mean(members, base, shares), frame) if members else frame.weights


def empty_encoder(frame: WholeBase) -> Any:
    """Return a model of the base's class, to be filled: on the CPU, float32, all parameters NaN."""
    import torch

    from wsgeo.zoo.architectures import empty_model

    model = empty_model(frame.model_class, frame.config, len(frame.labels))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(float("nan"))
            parameter.requires_grad_(False)
    return model


def fill(model: Any, weights: Weights) -> None:
    """Put weights into a model of the frame's class; tied tensors follow the one that is given."""
    import torch

    names = weights.layout.names
    state = {name: torch.from_numpy(weights.tensor(name)) for name in names}
    model.load_state_dict(state, strict=False)
    model.tie_weights()


def features_of(encoder: Any, examples: EncodedExamples) -> NDArray[np.float32]:
    """Return the mean of the last hidden states over the real tokens of each example.

    Parameters
    ----------
    encoder : transformers.PreTrainedModel
        Without a head.
    examples : EncodedExamples
        Texts.

    Returns
    -------
    ndarray of float32, shape (n_examples, width)
        In the order of the examples.

    Raises
    ------
    WsgeoError
        If the model has no hidden states of its own for a text.
    """
    import torch

    if getattr(encoder.config, "is_encoder_decoder", False):
        kind = str(getattr(encoder.config, "model_type", type(encoder).__name__))
        raise WsgeoError(
            f"starts of encoder-decoders ({kind}) cannot be scored: a text has two outputs",
            remedy="Choose the start of another geometry group: --group NAME.",
        )
    texts, lengths = Batches(examples, encoder), examples.lengths
    parts, rows = [], batches(lengths, _TOKENS)
    with torch.inference_mode():
        for chosen in rows:
            inputs, _ = texts.take(chosen)
            hidden = encoder(**inputs).last_hidden_state
            mask = inputs["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            parts.append((hidden * mask).sum(1) / mask.sum(1))
    found = np.empty((len(examples), parts[0].shape[1]), np.float32)
    found[np.concatenate(rows)] = torch.cat(parts).numpy()
    return found
