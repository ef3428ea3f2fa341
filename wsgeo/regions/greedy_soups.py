"""The greedy soup: members are added to a mean, the best first, while it does not get worse."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

from wsgeo.regions.affine_blends import affine_blend
from wsgeo.regions.merge_streams import MemberStream
from wsgeo.regions.merging import AbstractMerge, Blend


@final
@dataclass(frozen=True)
class SoupTrial:
    """A mean that was measured on the way to a soup.

    Parameters
    ----------
    members : tuple of int
        Positions of what was averaged; the last is the one on trial.
    loss : float
        Its loss, in nats per example; NaN where it failed.
    is_kept : bool
        Whether the loss was at most that of the soup before.
    """

    members: tuple[int, ...]
    loss: float
    is_kept: bool


@final
@dataclass(frozen=True)
class GreedySoup(AbstractMerge):
    """The plain mean of the members that a greedy search has chosen.

    Parameters
    ----------
    n : int
        Number of members that could be chosen.
    trials : tuple of SoupTrial
        In their order; see `greedy_soup`.

    References
    ----------
    [wortsman2022]_
    """

    name: ClassVar[str] = "greedy"
    n: int
    trials: tuple[SoupTrial, ...]

    def __post_init__(self) -> None:
        """Refuse a search that chose nobody, or members that are not there."""
        tried = {i for trial in self.trials for i in trial.members}
        if not any(trial.is_kept for trial in self.trials) or not tried <= set(range(self.n)):
            raise ValueError(f"The trials choose none of {self.n} members.")

    @property
    def chosen(self) -> tuple[int, ...]:
        """Positions of the members of the soup, in the order in which they were added."""
        return next(trial.members for trial in reversed(self.trials) if trial.is_kept)

    @property
    def coefficients(self) -> tuple[float, ...]:
        """Share of each member: equal ones of the chosen, 0 of the others."""
        return tuple((i in self.chosen) / len(self.chosen) for i in range(self.n))

    @property
    def parameters(self) -> dict[str, Any]:
        """The losses of all trials, and which were kept."""
        return {
            "trials": [
                {
                    "members": list(trial.members),
                    "loss": trial.loss if math.isfinite(trial.loss) else None,
                    "is_kept": trial.is_kept,
                }
                for trial in self.trials
            ]
        }

    def blend(self, stream: MemberStream) -> Blend:
        """Return how it makes a model of the members of a stream."""
        if len(stream) != self.n:
            raise ValueError(f"The soup was chosen from {self.n} members, not {len(stream)}.")
        return affine_blend(stream, self.coefficients)


def greedy_soup(
    losses: Sequence[float], evaluate: Callable[[tuple[int, ...]], float]
) -> GreedySoup:
    """Choose the members of a soup.

    Members are tried in the order of their losses; one stays where the loss of the plain mean with
    it is at most that without it. The search sees the examples that ``evaluate`` measures on, so that
    the loss of the result on them is too low a claim.

    Parameters
    ----------
    losses : sequence of float, shape (n,)
        Of the members, in nats per example, which give the order; equal ones keep theirs. A member
        whose loss is NaN is not tried.
    evaluate : callable (tuple of int) -> float
        Returns the loss of the plain mean of members, by position; NaN where it failed.

    Returns
    -------
    GreedySoup
        The method, with all trials.

    Raises
    ------
    ValueError
        If no single member could be measured.

    References
    ----------
    [wortsman2022]_

    Examples
    --------
    >>> def loss(members):
    ...     return abs(sum((1.0, -1.2, 3.0)[i] for i in members) / len(members))
    >>> greedy_soup([1.0, 1.2, 3.0], loss).chosen
    (0, 1)
    """
    order = sorted((i for i, loss in enumerate(losses) if loss == loss), key=losses.__getitem__)
    chosen: tuple[int, ...] = ()
    best, trials = math.inf, list[SoupTrial]()
    for i in order:
        loss = evaluate((*chosen, i))
        is_kept = loss <= best and math.isfinite(loss)
        trials.append(SoupTrial((*chosen, i), loss, is_kept))
        if is_kept:
            chosen, best = (*chosen, i), loss
    return GreedySoup(len(losses), tuple(trials))
