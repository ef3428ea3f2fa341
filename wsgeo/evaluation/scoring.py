"""From logits to losses and hits, for classes and for tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

ClassMap = tuple[tuple[int, ...], ...]


def mapped_logits(logits: Tensor, class_map: ClassMap) -> Tensor:
    """Return one logit per label: the largest of the classes that count as it.

    Parameters
    ----------
    logits : Tensor, shape (n_examples, n_classes)
        Of the model's classes.
    class_map : tuple of tuple of int
        Classes by label.

    Returns
    -------
    Tensor, shape (n_examples, n_labels)
        The same tensor where the map is the identity.
    """
    import torch

    if class_map == tuple((i,) for i in range(logits.shape[1])):
        return logits
    return torch.stack([logits[:, list(classes)].amax(1) for classes in class_map], dim=1)


def class_scores(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return cross-entropy and hit of each example.

    Parameters
    ----------
    logits : Tensor, shape (n_examples, n_labels)
        One per label.
    targets : Tensor of int64, shape (n_examples,)
        Right labels.

    Returns
    -------
    tuple of Tensor of float64, shape (n_examples,)
        Nats, and 1 where the largest logit is the right one.
    """
    wide = logits.double()
    loss = wide.logsumexp(1) - wide.gather(1, targets[:, None]).squeeze(1)
    return loss, (logits.argmax(1) == targets).double()


def token_scores(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return cross-entropy and hit of each token.

    Parameters
    ----------
    logits : Tensor, shape (n_tokens, n_words)
        Over the vocabulary, in float32: in float64 they would take twice as long and as much room.
    targets : Tensor of int64, shape (n_tokens,)
        Right tokens.

    Returns
    -------
    tuple of Tensor of float64, shape (n_tokens,)
        Nats, and 1 where the largest logit is the right one.
    """
    chosen = logits.gather(1, targets[:, None]).squeeze(1)
    return (logits.logsumexp(1) - chosen).double(), (logits.argmax(1) == targets).double()


def means_by_owner(scores: Tensor, owners: Tensor, n_owners: int) -> Tensor:
    """Return the means of the tokens that belong to each example.

    Parameters
    ----------
    scores : Tensor of float64, shape (2, n_tokens)
        Losses and hits.
    owners : Tensor of int64, shape (n_tokens,)
        Example of each token; none is without.
    n_owners : int
        Number of examples.

    Returns
    -------
    Tensor of float64, shape (2, n_owners)
        Mean losses and hits.
    """
    total = scores.new_zeros(2, n_owners).index_add_(1, owners, scores)
    return total / owners.bincount(minlength=n_owners)
