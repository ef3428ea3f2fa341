"""What is trained: classifiers from a base, and masked language models from random weights.

One thread, no workers, no callbacks: with a recipe and its seeds the result is the same to the last
bit, interrupted or not. ``transformers.Trainer`` takes ten seconds to import.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import WsgeoError
from wsgeo.training.batches import Batches
from wsgeo.training.descent import Descended, Hooks, descend
from wsgeo.training.devices import alone, device_of
from wsgeo.training.evaluations import Evaluation, evaluate
from wsgeo.training.orders import batch_order
from wsgeo.training.recipes import FineTuneRecipe, PretrainRecipe
from wsgeo.training.states import StateKeeper

if TYPE_CHECKING:
    from torch import Tensor

_SHORT = 64  # tokens; below, plain attention is twice as fast on a CPU as the fused kernel
_PAIR_HEAD = "seq_relationship_logits"
_MASK_KEPT = 0.1

Rows = NDArray[np.int64]
Chances = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Trained:
    """A trained model and how it came out.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        In evaluation mode; with the modules that its method added.
    tokenizer : transformers.PreTrainedTokenizerBase
        Its tokenizer.
    descended : Descended
        Its final training loss and its time.
    evaluation : Evaluation or None
        How it does on the validation data; None for pre-training.
    """

    model: Any
    tokenizer: Any
    descended: Descended
    evaluation: Evaluation | None = None


def fine_tune(
    recipe: FineTuneRecipe,
    *,
    keeper: StateKeeper | None = None,
    tell: Callable[[int, float], None] | None = None,
    checkpoint: Callable[[int, Trained], None] | None = None,
) -> Trained:
    """Fine-tune a base on a labelled task, or go on where an interrupted call was.

    Parameters
    ----------
    recipe : FineTuneRecipe
        Base, data, method, settings, seeds.
    keeper : StateKeeper, optional
        Keeps the state of the run.
    tell : callable, optional
        Called with the number of updates made and the last loss.
    checkpoint : callable, optional
        Called with each step of ``recipe.save_at`` before the last, and the model as it is then.

    Returns
    -------
    Trained
        The model and its losses.

    Raises
    ------
    DivergedError
        If a loss is not finite.
    DataError
        If the data do not fit the labels.
    WsgeoError
        If the base cannot be loaded, its kind does not allow the method, or the disk is full.
    """
    from torch.nn.functional import cross_entropy

    from wsgeo.training.models import tokenizer_of, trainable_of
    from wsgeo.training.texts import encoded

    plan, device = recipe.optimization, device_of(recipe.device)
    tokenizer = tokenizer_of(recipe.base)
    examples = encoded(recipe, recipe.train, recipe.n_examples, tokenizer)
    validation = encoded(recipe, recipe.validation, recipe.n_validation, tokenizer)
    with alone(recipe.seed):
        with warnings.catch_warnings():
            # PEFT asks transformers by an old name: about a version to come, not about this model.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is dep", FutureWarning)
            longest = max(each.input_ids.shape[1] for each in (examples, validation))
            model = trainable_of(recipe, short=longest <= _SHORT).to(device)
        _check_length(recipe, model, longest)
        train = Batches(examples, model)

        def loss_of(rows: Rows) -> Tensor:
            inputs, targets = train.take(rows)
            return cross_entropy(model(**inputs).logits, targets)

        def standing(descended: Descended) -> Trained:
            return Trained(model, tokenizer, descended, evaluate(model, validation))

        def save(step: int, descended: Descended) -> None:
            if checkpoint is not None and step < plan.steps:
                checkpoint(step, standing(descended))

        order = np.random.default_rng([recipe.order_seed, 1])
        batches = batch_order(train.lengths, plan.batch_size, plan.steps, order)
        hooks = Hooks(keeper, tell, recipe.save_at, save)
        return standing(descend(model, plan, batches, loss_of, seed=recipe.seed, hooks=hooks))


def _check_length(recipe: FineTuneRecipe, model: Any, longest: int) -> None:
    positions = getattr(model.config, "max_position_embeddings", None)
    free = math.inf if positions is None else positions - recipe.method.n_positions
    if longest > free:
        raise WsgeoError(
            f"an input has {longest} tokens, and the model has {positions} positions, "
            f"{recipe.method.n_positions} of which the method {recipe.method.name} takes",
            where=str(recipe.base),
            remedy=f"Set max_length to {free} or less.",
        )


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
        text = Batches(encoded_text(recipe, tokenizer), model)
        loss_of = _masked_loss(model, recipe, text, tokenizer)
        order = np.random.default_rng([recipe.seed, 1])
        rows = batch_order(text.lengths, plan.batch_size, plan.steps, order)
        batches = _with_chances(rows, text.lengths, np.random.default_rng([recipe.seed, 2]))
        hooks = Hooks(keeper, tell)
        descended = descend(model, plan, batches, loss_of, seed=recipe.seed, hooks=hooks)
    return Trained(model, tokenizer, descended)


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
