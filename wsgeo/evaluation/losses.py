"""Points of weight space to evaluate, and what an evaluation returns."""

from __future__ import annotations

import abc
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.tasks.task import EncodedExamples
from wsgeo.weights.layout import Layout, Vector, Weights
from wsgeo.zoo.checkpoints import Checkpoint

if TYPE_CHECKING:
    from torch import Tensor

Values: TypeAlias = "Vector | Tensor"
"""A flat weight vector: an array, or a tensor where it is on another device."""


@final
@dataclass(frozen=True, eq=False)
class Resident:
    """Weights on another device than the processor.

    Parameters
    ----------
    layout : Layout
        Names and shapes.
    vector : Tensor of float32, shape (n_parameters,)
        The values.
    """

    layout: Layout
    vector: Tensor


Loaded: TypeAlias = Weights | Resident
"""Weights as a backend takes them."""


@final
@dataclass(frozen=True)
class Point:
    """An affine mix of checkpoints: a checkpoint, a position on a line, a centroid.

    Parameters
    ----------
    members : tuple of str
        Content hashes of the checkpoints that are mixed.
    coefficients : tuple of float
        One per member, summing to 1. ``((a, b), (1 - t, t))`` is position ``t`` of the line.
    head : str or None
        Content hash of the checkpoint whose head replaces the mixed one (head policies ``own`` and
        ``source``); ``refit:SEED`` for a linear probe fitted on half of the examples, in which case
        the losses are those of the other half; None interpolates the head with the rest.

    Examples
    --------
    >>> Point.on_line("aa", "bb", 0.25).coefficients
    (0.75, 0.25)
    >>> Point.on_line("aa", "bb", 0.0)
    Point(members=('aa',), coefficients=(1.0,), head=None)
    """

    members: tuple[str, ...]
    coefficients: tuple[float, ...]
    head: str | None = None

    @classmethod
    def of(cls, member: str) -> Point:
        """Return the point of one checkpoint."""
        return cls((member,), (1.0,))

    @classmethod
    def on_line(cls, a: str, b: str, t: float, head: str | None = None) -> Point:
        """Return position ``t`` in [0, 1] of the line from ``a`` to ``b``; the ends are exact."""
        if t in (0.0, 1.0):
            return cls((b if t else a,), (1.0,), head)
        return cls((a, b), (1.0 - t, t), head)

    def key(self, examples: str, precision: str) -> str:
        """Return the ledger key of this point on an example set.

        Parameters
        ----------
        examples : str
            Key of the encoded examples.
        precision : str
            Precision and kernel choice, such as ``fp32``.

        Returns
        -------
        str
            SHA-256 (hex); neither the grid nor the batch size enters it.
        """
        version = PROBE_VERSION if self.head and self.head.startswith(REFIT) else VERSION
        parts = [version, self.members, self.coefficients, self.head, examples, precision]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


REFIT = "refit:"
"""Start of ``Point.head`` where the head is fitted anew; the seed of the split follows."""

VERSION = 1
"""Version of the evaluation algorithm; raised when the same key would mean other losses."""

PROBE_VERSION = 2
"""The same where the head is fitted anew: with the ridge that folds choose."""


@final
@dataclass(frozen=True, eq=False)
class Losses:
    """Per-example outcome at one point, in the order of the task's examples.

    Parameters
    ----------
    loss : ndarray of float32, shape (n_examples,)
        Cross-entropy in nats per example (mean over scored tokens for language models).
    hit : ndarray of float32, shape (n_examples,)
        1 where the prediction is right, 0 where wrong; fraction of right tokens for language
        models.
    logits : ndarray of float32, shape (n_examples, n_classes), or None
        Class logits (after the class map) of single checkpoints; None inside paths and for
        language models.
    """

    loss: NDArray[np.float32]
    hit: NDArray[np.float32]
    logits: NDArray[np.float32] | None = None

    @property
    def mean(self) -> float:
        """Mean loss in nats per example, summed in float64."""
        return float(self.loss.mean(dtype=np.float64))

    @property
    def metric(self) -> float:
        """Mean of ``hit``, a fraction in [0, 1]."""
        return float(self.hit.mean(dtype=np.float64))


@final
@dataclass(frozen=True)
class Failure:
    """An evaluation that could not be done.

    Parameters
    ----------
    status : str
        ``nonfinite`` or ``failed``.
    reason : str
        One line for the table.
    """

    status: str
    reason: str


Outcome = Losses | Failure


@final
@dataclass(frozen=True)
class Item:
    """Points to evaluate together because they share their members.

    Parameters
    ----------
    points : tuple of Point
        The points.
    examples : str
        Name of the example set.
    """

    points: tuple[Point, ...]
    examples: str


class Ledger(Protocol):
    """Finished work by content key; `wsgeo.store` keeps it on disk."""

    def get(self, key: str) -> Losses | None:
        """Return the stored losses, or None."""

    def put(self, key: str, losses: Losses) -> None:
        """Store losses; they are durable within 5 s."""

    def put_failure(self, key: str, failure: Failure) -> None:
        """Note why there are no losses; a note is never served as finished work."""


class AbstractBackend(abc.ABC):
    """Losses of a flat weight vector on encoded examples.

    A faster backend keeps this interface and is checked against ``hf`` at start.
    """

    @property
    @abc.abstractmethod
    def buffer(self) -> Values | None:
        """The model's own weights, to be filled in place before a call; None if it copies."""

    @abc.abstractmethod
    def losses(self, vector: Values, examples: EncodedExamples, *, logits: bool = False) -> Outcome:
        """Return per-example losses of the model with weights ``vector``, or why there are none."""

    @abc.abstractmethod
    def features(self, vector: Values, examples: EncodedExamples) -> NDArray[np.float32]:
        """Return the input of the head's last layer, shape (n_examples, width)."""


class AbstractBackends(abc.ABC):
    """Makes backends for checkpoints, and packs weights into what they take; can be pickled."""

    @abc.abstractmethod
    def precision_of(self, format_: str) -> str:
        """Return what the key of a loss in a number format says of how it was computed."""

    @abc.abstractmethod
    def packed(self, checkpoint: Checkpoint, weights: Weights) -> Loaded:
        """Return a checkpoint's weights as its backend takes them: a linear map of them."""

    def size_of(self, checkpoint: Checkpoint) -> int:
        """Return how many parameters a checkpoint has once it is packed."""
        return checkpoint.layout.n_parameters

    @abc.abstractmethod
    def make(self, checkpoint: Checkpoint, token_budget: int) -> AbstractBackend:
        """Build a backend for checkpoints like this one, with weights of zero."""


class AbstractEngine(abc.ABC):
    """Evaluates items, in this process or in workers, and remembers them in a ledger."""

    @abc.abstractmethod
    def evaluate(self, items: Sequence[Item]) -> Iterator[tuple[int, tuple[Outcome, ...]]]:
        """Yield ``(index of the item, outcome per point)`` as items finish, in any order."""

    def evaluate_all(self, items: Iterable[Item]) -> list[tuple[Outcome, ...]]:
        """Return the outcomes in the order of ``items``."""
        items = list(items)
        outcomes: dict[int, tuple[Outcome, ...]] = dict(self.evaluate(items))
        return [outcomes[i] for i in range(len(items))]
