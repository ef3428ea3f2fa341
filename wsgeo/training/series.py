"""A series: one pre-training run from random weights, kept at several steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np

from wsgeo.training.recipes import Optimization

_FIRST = 50  # the first checkpoint of a series lies at a fiftieth of its steps
_SHORTEST = 8


@final
@dataclass(frozen=True)
class SeriesRecipe:
    """One pre-training run; with its corpus it decides every weight.

    Parameters
    ----------
    corpus : Path
        Folder that `wsgeo.training.corpus_folders.make_corpus` made.
    optimization : Optimization
        How the weights are moved.
    save_at : tuple of int
        Numbers of updates at which a checkpoint is kept; 0 is the initialisation.
    architecture : str, default "bert"
        ``bert`` learns to restore masked tokens; ``gpt2`` and ``llama`` learn the next token.
    seed : int
        Seed of the weights, the order of the text, and the masks.
    width, layers, heads : int
        Shape of the model; its inner layers are four times as wide.
    max_length : int
        Tokens of a block, and number of positions.
    causal_share : float
        Share of the steps, at the start, in which an encoder learns the next token.
    masked_share : float
        Share of the tokens that a masked model is to restore.
    embeddings : str
        ``cooccurrence`` (word vectors of the corpus, rotated by the seed) or ``random``.
    dropout : float
        Rate of dropout.
    initializer_range : float, optional
        Standard deviation of the initial weights; default ``width ** -0.5``, see
        `wsgeo.training.recipes.PretrainRecipe`.
    n_validation : int
        Largest number of blocks of a validation.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    facts : mapping of str to str, int or float
        Declared differences, written down with each checkpoint.

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    corpus: Path
    optimization: Optimization
    save_at: tuple[int, ...]
    architecture: str = "bert"
    seed: int = 0
    width: int = 192
    layers: int = 4
    heads: int = 6
    max_length: int = 128
    causal_share: float = 0.0
    masked_share: float = 0.15
    embeddings: str = "random"
    dropout: float = 0.0
    initializer_range: float | None = None
    n_validation: int = 256
    device: str = "auto"
    facts: Mapping[str, str | int | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.width % self.heads:
            raise ValueError(f"a width of {self.width} is no multiple of {self.heads} heads")
        steps = self.optimization.steps
        if any(not 0 <= step <= steps for step in self.save_at) or steps not in self.save_at:
            raise ValueError(f"save_at lies between 0 and the last step, {steps}, which is in it")
        if self.max_length < _SHORTEST:
            raise ValueError(f"max_length is {self.max_length}; blocks have at least {_SHORTEST}")

    @property
    def is_decoder(self) -> bool:
        """Whether the model learns the next token throughout."""
        return self.architecture != "bert"

    @property
    def initial_size(self) -> float:
        """Standard deviation of the initial weights."""
        return self.width**-0.5 if self.initializer_range is None else self.initializer_range

    @property
    def causal_steps(self) -> int:
        """Number of updates, from the first, with the next token as the objective."""
        steps = self.optimization.steps
        return steps if self.is_decoder else round(self.causal_share * steps)


def log_steps(steps: int, n_checkpoints: int) -> tuple[int, ...]:
    """Return steps that lie evenly on a logarithmic scale: 0, a fiftieth of the run, ..., its end.

    Parameters
    ----------
    steps : int
        Updates of the run.
    n_checkpoints : int
        Number of checkpoints, the initialisation and the end among them; short runs have fewer.

    Returns
    -------
    tuple of int
        Increasing.

    Examples
    --------
    >>> log_steps(4000, 8)
    (0, 80, 154, 295, 566, 1086, 2084, 4000)
    >>> log_steps(3, 8)
    (0, 1, 2, 3)
    """
    if n_checkpoints <= 2:
        return (steps,) if n_checkpoints < 2 else (0, steps)
    spaced = np.geomspace(max(1, steps / _FIRST), steps, n_checkpoints - 1)
    return tuple(sorted({0, *np.rint(spaced).astype(int).tolist(), steps}))
