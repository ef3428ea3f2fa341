"""One descent: updates of AdamW along a plan, which may be interrupted and go on.

All that is random at a step comes from torch's generator, seeded there by the run's seed and the
step's number, and the order of the data is drawn again from its start. So weights, moments and the
number of steps are the whole state, and a run that goes on ends in the same bits as one that was
never interrupted, on the same machine.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, final

import numpy as np

from wsgeo.training.devices import autocast
from wsgeo.training.recipes import Optimization
from wsgeo.training.states import State, StateKeeper

if TYPE_CHECKING:
    from torch import Tensor

Batch = TypeVar("Batch")

_TAIL = 50  # last steps over which the final training loss is a mean
_LAG = 16  # losses that a GPU may owe: reading each one would make it wait


class DivergedError(ArithmeticError):
    """A loss that is not finite: the run is lost, the rest of the zoo is not."""


@final
@dataclass(frozen=True)
class Descended:
    """How a descent ended.

    Parameters
    ----------
    train_loss : float
        Mean loss of the last 50 updates, in nats.
    seconds : float
        Wall time of all updates, those before an interruption included.
    """

    train_loss: float
    seconds: float


@final
@dataclass(frozen=True)
class Hooks:
    """What a descent does beside its updates.

    Parameters
    ----------
    keeper : StateKeeper, optional
        Keeps its state; default none is kept.
    tell : callable, optional
        Called after each update with the number of updates made and the last loss known.
    save_at : tuple of int
        Numbers of updates after which ``save`` is called; that of the last update may be among them.
    save : callable, optional
        Called with the number of updates and the mean of the last losses; the model is in evaluation
        mode. It is called again after an interruption, so what it finds done it must leave.
    """

    keeper: StateKeeper | None = None
    tell: Callable[[int, float], None] | None = None
    save_at: tuple[int, ...] = ()
    save: Callable[[int, Descended], None] | None = None


def descend(
    model: Any,
    plan: Optimization,
    batches: Iterable[Batch],
    loss_of: Callable[[Batch], Tensor],
    *,
    seed: int,
    hooks: Hooks | None = None,
) -> Descended:
    """Make the updates of a plan, from the state that is kept if there is one.

    Parameters
    ----------
    model : torch.nn.Module
        Its parameters that require a gradient are trained; it is left in evaluation mode.
    plan : Optimization
        Rates, number of updates, precision.
    batches : iterable
        What ``loss_of`` takes, one per update; drawn again from the start by a run that goes on.
    loss_of : callable
        From a batch to a scalar loss. What it draws from torch's default generator is the same
        whenever the step is made again; it may draw from no other source.
    seed : int
        Decides what is random within a step.
    hooks : Hooks, optional
        State, progress, checkpoints.

    Returns
    -------
    Descended
        The final training loss and the time.

    Raises
    ------
    DivergedError
        If a loss is not finite.
    WsgeoError
        If the state cannot be written.
    """
    hooks = hooks or Hooks()
    run = _Run(model, plan, hooks.keeper)
    model.train()
    for batch in itertools.islice(batches, run.step, plan.steps):
        _seed_step(seed, run.step)
        run.update(loss_of, batch)
        if hooks.tell is not None:
            hooks.tell(run.step, run.losses[-1] if run.losses else math.nan)
        if run.step in hooks.save_at and hooks.save is not None:
            model.eval()
            hooks.save(run.step, run.outcome())
            model.train()
        if hooks.keeper is not None and (hooks.keeper.is_due or run.step in hooks.save_at):
            hooks.keeper.save(run.state())
    model.eval()
    return run.outcome()


@dataclass
class _Run:
    """A model, its optimizer, and what happened to them so far."""

    model: Any
    plan: Optimization
    keeper: StateKeeper | None
    step: int = 0
    losses: list[float] = field(default_factory=list)
    owed: list[Tensor] = field(default_factory=list)
    before: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Make the optimizer, and go back to the state that is kept."""
        import torch

        self.trained = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        self.parameters = list(self.trained.values())
        self.device = self.parameters[0].device
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=self.plan.learning_rate, betas=(0.9, self.plan.beta2),
            weight_decay=self.plan.weight_decay, fused=True,
        )  # fmt: skip
        state = None if self.keeper is None else self.keeper.load()
        if state is not None:
            self._go_back(state)

    def update(self, loss_of: Callable[[Batch], Tensor], batch: Batch) -> None:
        """Make one update."""
        import torch

        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate(self.step)
        with autocast(self.plan.precision, self.device):
            loss = loss_of(batch)
        self.step += 1
        self.owed.append(loss.detach())
        if self.device.type == "cpu" or len(self.owed) >= _LAG:
            self._read_losses()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters, self.plan.clip)
        self.optimizer.step()

    def outcome(self) -> Descended:
        """Return how it stands."""
        self._read_losses()
        return Descended(float(np.mean(self.losses[-_TAIL:])), self._seconds())

    def state(self) -> State:
        """Return all that the next update depends on."""
        self._read_losses()
        tensors = {f"weight:{name}": p.detach() for name, p in self.trained.items()}
        for name, parameter in self.trained.items():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                tensors[f"{key}:{name}"] = value
        return State(self.step, tensors, tuple(self.losses[-_TAIL:]), self._seconds())

    def _go_back(self, state: State) -> None:
        import torch

        with torch.no_grad():
            for key, tensor in state.tensors.items():
                kind, _, name = key.partition(":")
                parameter = self.trained[name]
                if kind == "weight":
                    parameter.copy_(tensor)
                else:
                    self.optimizer.state[parameter][kind] = tensor.to(self.device)
        self.step, self.losses, self.before = state.step, list(state.losses), state.seconds

    def _read_losses(self) -> None:
        """Take the losses that are owed; refuse one that is not finite, before anything is saved."""
        first = self.step - len(self.owed) + 1
        for step, loss in enumerate(map(float, self.owed), first):
            if not math.isfinite(loss):
                raise DivergedError(f"the loss is {loss} at step {step} of {self.plan.steps}")
            self.losses.append(loss)
        self.owed.clear()
        del self.losses[:-_TAIL]

    def _seconds(self) -> float:
        return self.before + time.monotonic() - self.started


def _seed_step(seed: int, step: int) -> None:
    import torch

    # Torch's generator on the CPU uses 32 bits of a seed.
    torch.manual_seed(int(np.random.SeedSequence([seed, step]).generate_state(1)[0]))
