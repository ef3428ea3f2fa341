"""What a training run is asked to do; a recipe with its seeds decides every weight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final, get_args

from wsgeo.training.methods import AbstractMethod, Full

Schedule = Literal["linear", "cosine", "constant"]
Precision = Literal["float32", "bfloat16"]


@final
@dataclass(frozen=True)
class Optimization:
    """AdamW with a linear rise of the learning rate, and a schedule by which it falls.

    Parameters
    ----------
    learning_rate : float
        Peak of the learning rate.
    steps : int
        Number of updates; unless it is constant, the rate reaches zero after the last.
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
    schedule : {"linear", "cosine", "constant"}, default "linear"
        How the rate falls.
    precision : {"float32", "bfloat16"}, default "float32"
        What forward and backward passes compute in (autocast); weights and moments are float32.

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
    schedule: Schedule = "linear"
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        """Refuse rates and counts that no run can have."""
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ValueError(f"The learning rate is {self.learning_rate}; it must be above 0.")
        if self.steps < 1 or self.batch_size < 1 or not 0 <= self.warmup <= 1:
            raise ValueError("Steps and batch size are at least 1, the warm-up is in [0, 1].")
        if self.schedule not in get_args(Schedule) or self.precision not in get_args(Precision):
            raise ValueError(f"Unknown schedule or precision: {self.schedule}, {self.precision}.")

    def rate(self, step: int) -> float:
        """Return the learning rate of update ``step``, counted from 0.

        It rises in a straight line over the warm-up, reaches its peak in the last update of it, and
        falls from there to 0 after the last update, in a straight line or half a cosine.

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
        >>> [round(plan.rate(step), 3) for step in (0, 1, 5, 9)]
        [0.5, 1.0, 0.556, 0.111]
        """
        warm = self.warmup * self.steps
        if step + 1 < warm:
            return self.learning_rate * (step + 1) / warm
        # The peak belongs to the warm-up, where there is one: the fall begins after it.
        first = max(0, math.ceil(warm) - 1)
        done = (step - first) / (self.steps - first)
        falls = {"linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2, "constant": 1.0}
        return self.learning_rate * falls[self.schedule]


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
    method : AbstractMethod, default Full()
        Which weights are trained, and which are added; from `wsgeo.training.methods.METHODS`.
    perturbation : float, default 0
        Standard deviation of a random shift of the weights to be trained, before the first update,
        in units of each tensor's root mean square; what a method freezes stays the base's.
    perturbation_seed : int, default 0
        Seed of that shift.
    save_at : tuple of int
        Numbers of updates after which the model is kept as a member of its own.
    device : str, default "auto"
        ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``. Bits agree only between like
        devices.
    facts : mapping of str to str, int or float
        Declared differences, written down with the member.

    Raises
    ------
    ValueError
        If a value is out of range, or adapters are to go on from a ``start``.
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
    method: AbstractMethod = field(default_factory=Full)
    perturbation: float = 0.0
    perturbation_seed: int = 0
    save_at: tuple[int, ...] = ()
    device: str = "auto"
    facts: Mapping[str, str | int | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if not (math.isfinite(self.perturbation) and self.perturbation >= 0):
            raise ValueError(f"The perturbation is {self.perturbation}; it must be 0 or more.")
        if any(not 1 <= step <= self.optimization.steps for step in self.save_at):
            raise ValueError(f"save_at lies between 1 and the {self.optimization.steps} steps.")
        if self.start is not None and self.method.stores_adapter:
            raise ValueError(f"{self.method.name} starts from a base; merge the start into one.")


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
