"""Fine-tuning: a classifier from a base.

One thread, no workers, no callbacks: with a recipe and its seeds the result is the same to the last
bit, interrupted or not. ``transformers.Trainer`` takes ten seconds to import.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import WsgeoError
from wsgeo.training.batches import Batches
from wsgeo.training.descent import Descended, Hooks, descend
from wsgeo.training.devices import alone, attention_for, device_of
from wsgeo.training.evaluations import Evaluation, evaluate
from wsgeo.training.orders import batch_order
from wsgeo.training.recipes import FineTuneRecipe
from wsgeo.training.states import StateKeeper
from wsgeo.zoo.model_classes import positions_of

if TYPE_CHECKING:
    from torch import Tensor

Rows = NDArray[np.int64]


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
    n_truncated : mapping of str to int
        Texts that were cut, by ``train`` and ``validation``.
    longest_input : int
        Tokens of the longest text, as it was cut.
    """

    model: Any
    tokenizer: Any
    descended: Descended
    evaluation: Evaluation | None = None
    n_truncated: Mapping[str, int] = field(default_factory=dict)
    longest_input: int = 0


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
    longest = max(each.input_ids.shape[1] for each in (examples, validation))
    cut = {"train": examples.n_truncated, "validation": validation.n_truncated}
    with alone(recipe.seed):
        with warnings.catch_warnings():
            # PEFT asks transformers by an old name: about a version to come, not about this model.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is dep", FutureWarning)
            model = trainable_of(recipe, attention=attention_for(longest, device)).to(device)
        check_length(recipe, model, longest)
        train = Batches(examples, model)

        def loss_of(rows: Rows) -> Tensor:
            inputs, targets = train.take(rows)
            return cross_entropy(model(**inputs).logits, targets)

        def standing(descended: Descended) -> Trained:
            return Trained(model, tokenizer, descended, evaluate(model, validation), cut, longest)

        def save(step: int, descended: Descended) -> None:
            if checkpoint is not None and step < plan.steps:
                checkpoint(step, standing(descended))

        order = np.random.default_rng([recipe.order_seed, 1])
        batches = batch_order(train.lengths, plan.batch_size, plan.steps, order)
        hooks = Hooks(keeper, tell, recipe.save_at, save)
        return standing(descend(model, plan, batches, loss_of, seed=recipe.seed, hooks=hooks))


def check_length(recipe: FineTuneRecipe, model: Any, longest: int) -> None:
    """Refuse inputs for which a model has no positions.

    Parameters
    ----------
    recipe : FineTuneRecipe
        Its method may take positions of its own.
    model : transformers.PreTrainedModel
        With its config.
    longest : int
        Tokens of the longest input.

    Raises
    ------
    WsgeoError
        If that is too long.
    """
    positions = positions_of(model.config.to_dict())
    free = math.inf if positions is None else positions - recipe.method.n_positions
    if longest > free:
        raise WsgeoError(
            f"an input has {longest} tokens, and the model has positions for {positions}, "
            f"{recipe.method.n_positions} of which the method {recipe.method.name} takes",
            where=str(recipe.base),
            remedy=f"Set max_length to {free} or less.",
        )
