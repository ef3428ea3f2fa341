"""How starts are ranked and tried: one recipe for all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Self, final

from wsgeo.counting import counted
from wsgeo.errors import WsgeoError
from wsgeo.regions.start_tables import RANKS
from wsgeo.regions.stopping import FIRST_LOOK
from wsgeo.suggestions import suggestion
from wsgeo.training import Optimization
from wsgeo.workflows.sources import longest_input
from wsgeo.zoo import Checkpoint

TRIED: Final = ("full", "lora", "bitfit", "probe")
"""Methods by which starts may be tried."""

PASSES: Final = 3.0
"""Passes over the training examples where nobody says, within `FEWEST` and `MOST` updates."""

FEWEST: Final = 60
MOST: Final = 200

_SMALL = 20_000_000  # weights; smaller models need a larger rate to move
_COUNTS: Final = (
    "seeds", "examples", "held_out", "batch_size", "steps", "max_length",
)  # fmt: skip
_RATES: Final = {"bitfit": 1e-3, "lora": 1e-3, "probe": 1e-3}


@final
@dataclass(frozen=True)
class StartSettings:
    """What a choice of a start rests on.

    Parameters
    ----------
    method : str, default 'full'
        How starts are fine-tuned: one of `TRIED`.
    shots : tuple of (int or None), default (None,)
        Numbers of training examples; None for all.
    seeds : int, default 3
        Fine-tunings of each start, at most.
    top : int, default 3
        Starts that are tried beside the base and the centroid of all.
    rank_by : str, default 'logme'
        Cheap score by which they are found: one of `RANKS`.
    examples : int, default 1000
        Most training examples for the cheap scores.
    held_out : int, default 1000
        Most held-out examples on which trials are measured.
    few_steps : int, default 0
        Updates for the score of a few of them; 0 for none.
    steps : int, optional
        Updates of a fine-tuning.
    epochs : float, optional
        Passes over the training examples, in place of ``steps``.
    learning_rate : float, optional
        Default that of members that were tuned by the same method.
    batch_size : int, default 16
        Examples per update.
    max_length : int, optional
        Longest input in tokens; default that of the members.
    seed : int, default 0
        Of the samples for cheap scores, and of what is held out.
    device : str, default 'cpu'
        Where starts are fine-tuned.

    Raises
    ------
    WsgeoError
        If a value is none that can be used.
    """

    method: str = "full"
    shots: tuple[int | None, ...] = (None,)
    seeds: int = 3
    top: int = 3
    rank_by: str = "logme"
    examples: int = 1000
    held_out: int = 1000
    few_steps: int = 0
    steps: int | None = None
    epochs: float | None = None
    learning_rate: float | None = None
    batch_size: int = 16
    max_length: int | None = None
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        for what, value, known in (
            ("method", self.method, TRIED),
            ("ranking", self.rank_by, tuple(RANKS)),
        ):
            if value not in known:
                raise WsgeoError(f"no {what} is called {value}", remedy=suggestion(value, known))
        if self.rank_by == "few-step" and not self.few_steps:
            raise WsgeoError(
                "starts cannot be ranked by a few updates without any",
                remedy="Say how many: --few-steps 20.",
            )
        if self.steps is not None and self.epochs is not None:
            raise WsgeoError(
                f"{self.steps} updates and {self.epochs:g} passes exclude each other",
                remedy="Give one of them.",
            )
        self._check_numbers()

    def _check_numbers(self) -> None:
        """Refuse counts and rates that are too small, by the options that give them."""
        shots = [("--shots", n) for n in self.shots if n is not None]
        counts = [(f"--{name.replace('_', '-')}", getattr(self, name)) for name in _COUNTS]
        for option, value in [*counts, *shots]:
            if value is not None and value < 1:
                raise WsgeoError(f"{option} is {value}", remedy="Give 1 or more.")
        for option, value in (("--top", self.top), ("--few-steps", self.few_steps)):
            if value < 0:
                raise WsgeoError(f"{option} is {value}", remedy="Give 0 or more.")
        for option, rate in (("--epochs", self.epochs), ("--learning-rate", self.learning_rate)):
            if rate is not None and not 0 < rate < math.inf:
                raise WsgeoError(f"{option} is {rate}", remedy="Give a finite number above 0.")
        if not self.shots:
            raise WsgeoError(
                "no number of training examples is given",
                remedy="Give --shots N, or --shots all.",
            )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know beforehand: so few seeds prove little."""
        if self.seeds >= FIRST_LOOK:
            return ()
        few = "Hardly any" if self.seeds > 1 else "No"
        told = f"{few} gain is proved by {counted(self.seeds, 'seed')}"
        return (f"{told}: take --seeds {FIRST_LOOK} or more.",)

    def n_steps(self, n_examples: int) -> int:
        """Return the updates of a fine-tuning on so many examples.

        Parameters
        ----------
        n_examples : int
            Training examples.

        Returns
        -------
        int
            What was asked for, else three passes, and between 60 and 200 updates.

        Examples
        --------
        >>> StartSettings().n_steps(16), StartSettings().n_steps(640), StartSettings(steps=9).n_steps(8)
        (60, 120, 9)
        """
        if self.steps is not None:
            return self.steps
        one = n_examples / self.batch_size
        if self.epochs is not None:
            return max(1, math.ceil(self.epochs * one))
        return min(MOST, max(FEWEST, math.ceil(PASSES * one)))


@final
@dataclass(frozen=True)
class Tuning:
    """The settings of training that the members decide where nobody says.

    Parameters
    ----------
    learning_rate : float
        Peak of the rate.
    max_length : int or None
        Longest input in tokens.
    origin : str
        Where the rate comes from, in words.
    """

    learning_rate: float
    max_length: int | None
    origin: str

    @classmethod
    def of(cls, settings: StartSettings, members: Sequence[Checkpoint]) -> Self:
        """Return the settings of training for a zoo.

        Parameters
        ----------
        settings : StartSettings
            What was asked for.
        members : sequence of Checkpoint
            Of one geometry group.

        Returns
        -------
        Tuning
            With the origin of the rate.
        """
        rate, origin = settings.learning_rate, "as asked"
        if rate is None:
            rate, origin = _usual_rate(settings.method, members)
        length = settings.max_length or longest_input(members)
        return cls(rate, length, origin)

    def optimization(self, settings: StartSettings, steps: int) -> Optimization:
        """Return the plan of so many updates."""
        return Optimization(self.learning_rate, steps, batch_size=settings.batch_size)


def _usual_rate(method: str, members: Sequence[Checkpoint]) -> tuple[float, str]:
    """Return the middle rate of members of a method, else what suits method and size."""
    alike = [m for m in members if "method" in m.facts and m.facts["method"].value == method]
    facts = [m.facts["learning_rate"].value for m in alike if "learning_rate" in m.facts]
    rates = [float(value) for value in facts if isinstance(value, int | float) and value > 0]
    if rates:
        return median(rates), "that of the members"
    small = members[0].layout.n_parameters < _SMALL
    usual = _RATES.get(method, 3e-4 if small else 5e-5)
    return usual, f"usual for {method} fine-tuning of models of this size"
