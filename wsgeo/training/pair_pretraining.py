"""Pre-training of a small BERT on pairs of texts: masked words, and whether two texts belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wsgeo.training.batches import Batches
from wsgeo.training.descent import Hooks, descend
from wsgeo.training.devices import alone
from wsgeo.training.fine_tuning import Trained
from wsgeo.training.orders import batch_order
from wsgeo.training.recipes import PretrainRecipe
from wsgeo.training.states import StateKeeper

if TYPE_CHECKING:
    from torch import Tensor

_PAIR_HEAD = "seq_relationship_logits"
_MASK_KEPT = 0.1

Rows = NDArray[np.int64]
Chances = NDArray[np.float64]


def pretrain_masked_lm(
    recipe: PretrainRecipe,
    *,
    keeper: StateKeeper | None = None,
    tell: Callable[[int, float], None] | None = None,
) -> Trained:
    """Train a BERT from random weights to restore masked words.

    With ``pair_weight`` it also learns whether two texts belong together, as BERT did; the pooled
    first token would otherwise stay random.

    Parameters
    ----------
    recipe : PretrainRecipe
        Text, tokenizer, shape, settings, seed.
    keeper : StateKeeper, optional
        Keeps the state of the run.
    tell : callable, optional
        Called with the number of updates made and the last loss.

    Returns
    -------
    Trained
        The model and its final training loss.

    Raises
    ------
    DivergedError
        If a loss is not finite.
    DataError
        If the text cannot be read.
    """
    from wsgeo.training.models import fresh_bert, tokenizer_of
    from wsgeo.training.texts import encoded_text

    plan = recipe.optimization
    tokenizer = tokenizer_of(recipe.tokenizer)
    with alone(recipe.seed):
        model = fresh_bert(recipe, tokenizer)
        examples = encoded_text(recipe, tokenizer)
        text = Batches(examples, model)
        loss_of = _masked_loss(model, recipe, text, tokenizer)
        order = np.random.default_rng([recipe.seed, 1])
        rows = batch_order(text.lengths, plan.batch_size, plan.steps, order)
        batches = _with_chances(rows, text.lengths, np.random.default_rng([recipe.seed, 2]))
        hooks = Hooks(keeper, tell)
        descended = descend(model, plan, batches, loss_of, seed=recipe.seed, hooks=hooks)
    cut, longest = {"train": examples.n_truncated}, examples.input_ids.shape[1]
    return Trained(model, tokenizer, descended, None, cut, longest)


def _with_chances(
    order: Iterable[Rows], lengths: Rows, rng: np.random.Generator
) -> Iterator[tuple[Rows, Chances, Chances]]:
    """Yield rows with two random numbers for each token; a run that goes on draws them all again."""
    for rows in order:
        shape = len(rows), int(lengths[rows].max())
        yield rows, rng.random(shape), rng.random(shape)


def _masked_loss(
    model: Any, recipe: PretrainRecipe, text: Batches, tokenizer: Any
) -> Callable[[tuple[Rows, Chances, Chances]], Tensor]:
    """Return the function from rows and chances to the loss on the tokens that they mask."""
    import torch

    special = torch.tensor(tokenizer.all_special_ids)

    def loss_of(batch: tuple[Rows, Chances, Chances]) -> Tensor:
        rows, asking, keeping = batch
        inputs, together = text.take(rows)
        ids = inputs["input_ids"]
        asked = ~torch.isin(ids, special) & (torch.from_numpy(asking) < recipe.masked_share)
        hidden = asked & (torch.from_numpy(keeping) >= _MASK_KEPT)
        inputs["input_ids"] = ids.masked_fill(hidden, tokenizer.mask_token_id)
        output = model(**inputs)
        scores = output.prediction_logits if _PAIR_HEAD in output else output.logits
        # The mean of no tokens is NaN: a short batch may have none to restore.
        total = torch.nn.functional.cross_entropy(scores[asked], ids[asked], reduction="sum")
        loss = total / max(1, int(asked.sum()))
        if recipe.pair_weight:
            pairs = torch.nn.functional.cross_entropy(output[_PAIR_HEAD], together)
            loss = loss + recipe.pair_weight * pairs
        return loss

    return loss_of
