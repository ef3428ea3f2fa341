"""What a training run is asked to do; a recipe with its seeds decides every weight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import final


@final
@dataclass(frozen=True)
class Optimization:
    """AdamW with a linear rise and a linear decay of the learning rate.

    Parameters
    ----------
    learning_rate : float
        Peak of the learning rate.
    steps : int
        Number of updates; the rate reaches zero after the last.
    batch_size : int, default 32
        Examples per update.
    warmup : float, default 0.1
        Share of the steps in which the rate rises.
    weight_decay : float, default 0.01
        Decay of every weight, as a share of the rate.
    beta2 : float, default 0.999
        Decay of the second moments.
    clip : float, default 1
        Largest norm of a gradient.

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    learning_rate: float
    steps: int
    batch_size: int = 32
    warmup: float = 0.1
    weight_decay: float = 0.01
    beta2: float = 0.999
    clip: float = 1.0

    def __post_init__(self) -> None:
        """Refuse rates and counts that no run can have."""
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ValueError(f"The learning rate is {self.learning_rate}; it must be above 0.")
        if self.steps < 1 or self.batch_size < 1 or not 0 <= self.warmup <= 1:
            raise ValueError("Steps and batch size are at least 1, the warm-up is in [0, 1].")

    def rate(self, step: int) -> float:
        """Return the learning rate of update ``step``, counted from 0.

        Parameters
        ----------
        step : int
            Number of updates made before.

        Returns
        -------
        float
            Learning rate.

        Examples
        --------
        >>> plan = Optimization(1.0, steps=10, warmup=0.2)
        >>> [plan.rate(step) for step in (0, 1, 5)]
        [0.5, 0.9, 0.5]
        """
        rise = min(1.0, (step + 1) / max(1.0, self.warmup * self.steps))
        return self.learning_rate * rise * (1 - step / self.steps)


@final
@dataclass(frozen=True)
class FineTuneRecipe:
    """One member of a zoo: a base, data, and two seeds.

    Parameters
    ----------
    base : Path
        Folder of the pre-trained model and its tokenizer.
    train, validation : Path
        Files with texts and labels, in a form that `wsgeo.tasks.read_task` reads.
    labels : tuple of str
        Label names, in the order of the head's classes.
    optimization : Optimization
        How the weights are moved.
    start : Path, optional
        Folder of an earlier fine-tuning of ``base`` from which this one goes on, its head included.
    seed : int
        Seed of the head (where there is no ``start``) and of dropout.
    order_seed : int
        Seed of the order of the examples; decides nothing else.
    n_examples : int, optional
        Size of the subset of the training data; default all.
    n_validation : int, optional
        Size of the subset of the validation data; default all.
    max_length : int, optional
        Longest input in tokens.
    dropout : float, optional
        Rate of dropout in place of the base's own.
    facts : mapping of str to str, int or float
        Declared differences, written down with the member.
    """

    base: Path
    train: Path
    validation: Path
    labels: tuple[str, ...]
    optimization: Optimization
    start: Path | None = None
    seed: int = 0
    order_seed: int = 0
    n_examples: int | None = None
    n_validation: int | None = None
    max_length: int | None = None
    dropout: float | None = None
    facts: Mapping[str, str | int | float] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class PretrainRecipe:
    """A BERT from random weights: masked words, and whether two texts belong together.

    Parameters
    ----------
    text : Path
        File with ``text_a`` and, for the pair objective, ``text_b`` and ``label``.
    tokenizer : Path
        Folder of the tokenizer.
    optimization : Optimization
        How the weights are moved.
    seed : int
        Seed of the weights, the order of the texts, and the masks.
    width, n_layers, n_heads : int
        Shape of the model; its inner layers are four times as wide.
    max_length : int, default 64
        Number of positions.
    masked_share : float, default 0.15
        Share of the tokens that are to be restored. A tenth of these stays as it is, so that the
        model does not rely on the mask token, which fine-tuning never shows.
    pair_weight : float, default 0
        Weight of the pair objective beside the masked-word loss; 0 leaves it out.
    pair_labels : tuple of str
        Names of the pair objective's labels in ``text``: apart, together.
    initializer_range : float, default 0.02
        Standard deviation of the initial weights. Narrow models need more than BERT's 0.02, about
        ``width ** -0.5``: else their attention starts uniform and stays so for hundreds of steps.
    """

    text: Path
    tokenizer: Path
    optimization: Optimization
    seed: int = 0
    width: int = 64
    n_layers: int = 2
    n_heads: int = 4
    max_length: int = 64
    masked_share: float = 0.15
    pair_weight: float = 0.0
    pair_labels: tuple[str, str] = ("apart", "together")
    initializer_range: float = 0.02
