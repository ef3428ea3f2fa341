"""The training loops: fine-tuning for classification, and masked-LM pre-training.

One thread, float32, no workers, no callbacks: with a recipe and its seeds the result is the same to
the last bit. ``transformers.Trainer`` takes ten seconds to import and three times as long per step
on models of this size.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from wsgeo.progress import Progress
from wsgeo.training.orders import batch_order
from wsgeo.training.recipes import FineTuneRecipe, Optimization, PretrainRecipe

if TYPE_CHECKING:
    from torch import Tensor

    from wsgeo.tasks.task import EncodedExamples

_SHORT = 64  # tokens; below, plain attention is twice as fast on a CPU as the fused kernel
_TAIL = 50  # last steps over which the final training loss is a mean
_MASK_KEPT = 0.1
_PAIR_HEAD = "seq_relationship_logits"


class DivergedError(ArithmeticError):
    """A loss that is not finite: the run is lost, the rest of the zoo is not."""


@final
@dataclass(frozen=True)
class Trained:
    """A trained model and how it came out.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        In evaluation mode.
    tokenizer : transformers.PreTrainedTokenizerBase
        Its tokenizer.
    train_loss : float
        Mean loss of the last 50 updates, in nats per example.
    validation_loss : float or None
        Mean loss on the validation data, in nats per example; None for pre-training.
    validation_metric : float or None
        Accuracy there, a fraction in [0, 1].
    seconds : float
        Wall time.
    """

    model: Any
    tokenizer: Any
    train_loss: float
    validation_loss: float | None
    validation_metric: float | None
    seconds: float


def fine_tune(recipe: FineTuneRecipe, progress: Progress | None = None) -> Trained:
    """Fine-tune all weights of a base on a labelled task.

    Parameters
    ----------
    recipe : FineTuneRecipe
        Base, data, settings, seeds.
    progress : Progress, optional
        Told of each update.

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
    """
    import torch

    from wsgeo.training.models import classifier_of, tokenizer_of
    from wsgeo.training.texts import encoded

    started = time.monotonic()
    tokenizer = tokenizer_of(recipe.base)
    train = encoded(recipe, recipe.train, recipe.n_examples, tokenizer)
    validation = encoded(recipe, recipe.validation, recipe.n_validation, tokenizer)
    with _alone(recipe.seed):
        model = classifier_of(recipe, short=train.input_ids.shape[1] <= _SHORT)
        arrays = _tensors(train)
        targets = torch.from_numpy(train.targets)

        def loss_of(rows: Any) -> Tensor:
            inputs = _cut(arrays, rows)
            return torch.nn.functional.cross_entropy(model(**inputs).logits, targets[rows])

        order = batch_order(
            train.attention_mask.sum(axis=1),
            recipe.optimization.batch_size,
            recipe.optimization.steps,
            np.random.default_rng([recipe.order_seed, 1]),
        )
        final = _descend(model, recipe.optimization, order, loss_of, progress)
        loss, metric = evaluate(model, validation)
    return Trained(model, tokenizer, final, loss, metric, time.monotonic() - started)


def pretrain_masked_lm(recipe: PretrainRecipe, progress: Progress | None = None) -> Trained:
    """Train a BERT from random weights to restore masked words.

    With ``pair_weight`` it also learns whether two texts belong together, as BERT did; the pooled
    first token would otherwise stay random.

    Parameters
    ----------
    recipe : PretrainRecipe
        Text, tokenizer, shape, settings, seed.
    progress : Progress, optional
        Told of each update.

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

    started = time.monotonic()
    tokenizer = tokenizer_of(recipe.tokenizer)
    text = encoded_text(recipe, tokenizer)
    rng = np.random.default_rng([recipe.seed, 2])
    with _alone(recipe.seed):
        model = fresh_bert(recipe, tokenizer)
        loss_of = _masked_loss(model, recipe, text, tokenizer, rng)
        order = batch_order(
            text.attention_mask.sum(axis=1),
            recipe.optimization.batch_size,
            recipe.optimization.steps,
            np.random.default_rng([recipe.seed, 1]),
        )
        final = _descend(model, recipe.optimization, order, loss_of, progress)
    return Trained(model, tokenizer, final, None, None, time.monotonic() - started)


def evaluate(model: Any, examples: EncodedExamples, batch_size: int = 256) -> tuple[float, float]:
    """Return the mean loss and the accuracy of a classifier.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A classifier.
    examples : EncodedExamples
        Its labels are the model's classes.
    batch_size : int, default 256
        Examples per forward pass.

    Returns
    -------
    loss : float
        Nats per example.
    accuracy : float
        Fraction in [0, 1].
    """
    import torch

    arrays, targets = _tensors(examples), torch.from_numpy(examples.targets)
    loss, hits = 0.0, 0
    with torch.inference_mode():
        for rows in torch.split(torch.arange(len(examples)), batch_size):
            logits = model(**_cut(arrays, rows)).logits
            losses = torch.nn.functional.cross_entropy(logits, targets[rows], reduction="none")
            loss += float(losses.double().sum())
            hits += int((logits.argmax(dim=1) == targets[rows]).sum())
    return loss / len(examples), hits / len(examples)


def _descend(
    model: Any,
    plan: Optimization,
    order: Iterator[Any],
    loss_of: Callable[[Any], Tensor],
    progress: Progress | None,
) -> float:
    """Make the updates of a plan and return the mean loss of the last ones."""
    import torch

    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(
        parameters, lr=plan.learning_rate, betas=(0.9, plan.beta2),
        weight_decay=plan.weight_decay, fused=True,
    )  # fmt: skip
    model.train()
    losses = []
    for step, rows in enumerate(order):
        for group in optimizer.param_groups:
            group["lr"] = plan.rate(step)
        loss = loss_of(torch.from_numpy(rows))
        losses.append(float(loss.detach()))
        if not np.isfinite(losses[-1]):
            raise DivergedError(f"the loss is {losses[-1]} at step {step + 1} of {plan.steps}")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, plan.clip)
        optimizer.step()
        if progress is not None:
            progress(step + 1, plan.steps, "updates")
    model.eval()
    return float(np.mean(losses[-_TAIL:]))


def _masked_loss(
    model: Any,
    recipe: PretrainRecipe,
    text: EncodedExamples,
    tokenizer: Any,
    rng: np.random.Generator,
) -> Callable[[Any], Tensor]:
    """Return the function from rows to the loss on freshly masked tokens."""
    import torch

    arrays, pairs = _tensors(text), torch.from_numpy(text.targets)
    special = torch.tensor(tokenizer.all_special_ids)

    def loss_of(rows: Any) -> Tensor:
        inputs = _cut(arrays, rows)
        ids = inputs["input_ids"]
        free = ~torch.isin(ids, special)
        asked = free & (torch.from_numpy(rng.random(ids.shape)) < recipe.masked_share)
        hidden = asked & (torch.from_numpy(rng.random(ids.shape)) >= _MASK_KEPT)
        inputs["input_ids"] = ids.masked_fill(hidden, tokenizer.mask_token_id)
        output = model(**inputs)
        scores = output.prediction_logits if _PAIR_HEAD in output else output.logits
        # The mean of no tokens is NaN: a short batch may have none to restore.
        total = torch.nn.functional.cross_entropy(scores[asked], ids[asked], reduction="sum")
        loss = total / max(1, int(asked.sum()))
        if recipe.pair_weight:
            together = torch.nn.functional.cross_entropy(output[_PAIR_HEAD], pairs[rows])
            loss = loss + recipe.pair_weight * together
        return loss

    return loss_of


def _tensors(examples: EncodedExamples) -> dict[str, Tensor]:
    import torch

    return {
        name: torch.from_numpy(getattr(examples, name).astype(np.int64))
        for name in ("input_ids", "attention_mask", "token_type_ids")
    }


def _cut(arrays: dict[str, Tensor], rows: Any) -> dict[str, Tensor]:
    """Take rows, without the columns that are padding in all of them."""
    mask = arrays["attention_mask"][rows]
    length = int(mask.sum(dim=1).max())
    return {name: array[rows, :length] for name, array in arrays.items()}


@contextlib.contextmanager
def _alone(seed: int) -> Iterator[None]:
    """Run on one thread from a seed, and leave the caller's thread count and generator as they were."""
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(n_threads)
