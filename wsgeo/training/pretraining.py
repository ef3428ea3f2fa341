"""Pre-training of language models from raw text, masked tokens or the next one.

Masked language modelling alone stays long on the unigram plateau in small models. A series may
therefore begin with the next token as its objective, under a causal mask, and with word vectors from
co-occurrence; both are turned off by a setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from wsgeo.training.corpus_folders import CorpusFolder
from wsgeo.training.descent import Descended, Hooks, descend
from wsgeo.training.devices import alone, device_of
from wsgeo.training.language import LanguageTask, Masking
from wsgeo.training.language_models import initial_model
from wsgeo.training.orders import batch_order
from wsgeo.training.series import SeriesRecipe
from wsgeo.training.states import StateKeeper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

_ORDER = 1  # purpose of a seed


@final
@dataclass(frozen=True)
class Reading:
    """How a model of a series stands after some updates.

    Parameters
    ----------
    step : int
        Updates made.
    tokens : int
        Tokens seen.
    validation_loss : float
        Loss on the validation text by the objective of the last phase, nats per scored token.
    causal_validation_loss : float or None
        Loss of the next token there, in series that begin with it.
    unigram_loss : float
        What ``validation_loss`` is for a predictor that knows the token frequencies alone.
    train_loss : float or None
        Mean loss of the last updates; None before the first.
    seconds : float
        Wall time of the updates.
    """

    step: int
    tokens: int
    validation_loss: float
    causal_validation_loss: float | None
    unigram_loss: float
    train_loss: float | None
    seconds: float


def run_series(
    recipe: SeriesRecipe,
    save: Callable[[Any, Any, Reading], None],
    *,
    keeper: StateKeeper | None = None,
    tell: Callable[[int, float], None] | None = None,
) -> Descended:
    """Train a model from random weights, or go on where an interrupted call was.

    Parameters
    ----------
    recipe : SeriesRecipe
        All that decides the run.
    save : callable
        Called with model, tokenizer and `Reading` at each step of ``recipe.save_at``; again after an
        interruption.
    keeper : StateKeeper, optional
        Keeps the state of the run.
    tell : callable, optional
        Called with the number of updates made and the last loss.

    Returns
    -------
    Descended
        The final training loss and the time.

    Raises
    ------
    DivergedError
        If a loss is not finite.
    WsgeoError
        If the corpus cannot be read or the disk is full.
    """
    corpus, plan = CorpusFolder(recipe.corpus), recipe.optimization
    with alone(recipe.seed):
        tokenizer = corpus.tokenizer()
        model = initial_model(recipe, corpus, tokenizer).to(device_of(recipe.device)).eval()
        train, validation = (
            LanguageTask(
                model, tokenizer, corpus.text(split), recipe.max_length,
                Masking(recipe.masked_share),
            )
            for split in ("train", "validation")
        )  # fmt: skip
        read = _reader(recipe, train, validation)

        def keep(step: int, descended: Descended | None) -> None:
            save(model, tokenizer, read(step, descended))

        if 0 in recipe.save_at and (keeper is None or keeper.load() is None):
            keep(0, None)
        hooks = Hooks(keeper, tell, recipe.save_at, keep)
        return descend(
            model, plan, _batches(recipe, train.n_blocks), lambda batch: _loss(train, batch),
            seed=recipe.seed, hooks=hooks,
        )  # fmt: skip


def _reader(
    recipe: SeriesRecipe, train: LanguageTask, validation: LanguageTask
) -> Callable[[int, Descended | None], Reading]:
    """Return the function that measures the model as it is."""
    n, causal = recipe.n_validation, recipe.is_decoder
    frequencies = np.bincount(train.text.ids, minlength=len(train.tokenizer))
    unigram = validation.unigram_loss(n, frequencies, causal=causal)
    begins_causal = bool(recipe.causal_steps) and not causal

    def read(step: int, descended: Descended | None) -> Reading:
        return Reading(
            step=step,
            tokens=step * recipe.optimization.batch_size * recipe.max_length,
            validation_loss=validation.validate(n, causal=causal),
            causal_validation_loss=validation.validate(n, causal=True) if begins_causal else None,
            unigram_loss=unigram,
            train_loss=None if descended is None else descended.train_loss,
            seconds=0.0 if descended is None else descended.seconds,
        )

    return read


def _batches(recipe: SeriesRecipe, n_blocks: int) -> Iterator[tuple[NDArray[np.int64], bool]]:
    """Give the rows of each update, and whether the next token is its objective."""
    plan = recipe.optimization
    rng = np.random.default_rng([recipe.seed, _ORDER])
    rows = batch_order(np.ones(n_blocks), plan.batch_size, plan.steps, rng)
    for step, some in enumerate(rows):
        yield some, step < recipe.causal_steps


def _loss(task: LanguageTask, batch: tuple[NDArray[np.int64], bool]) -> Any:
    rows, causal = batch
    return task.causal_loss(rows) if causal else task.masked_loss(rows)
