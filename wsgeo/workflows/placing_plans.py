"""What placing models costs, before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from wsgeo.counting import counted
from wsgeo.progress import duration


@final
@dataclass(frozen=True)
class PlacingPlan:
    """Counts of a placement.

    Parameters
    ----------
    n_models : int
        Models that can be compared and are no members.
    n_lines : int
        Lines to members, if all models pass the end-point gate.
    n_evaluations : int
        Evaluations for the gate and the lines, without those that a peak between positions calls
        for.
    n_examples : int
        Most examples of an evaluation.
    n_texts : int
        Texts of diagnostic sets that models are asked.
    seconds_per_text : float or None
        Of one process in the scan of this run; None where that is not known.
    """

    n_models: int
    n_lines: int
    n_evaluations: int
    n_examples: int
    n_texts: int = 0
    seconds_per_text: float | None = None

    @property
    def seconds(self) -> float | None:
        """Time at the run's own rate; None where that is not known."""
        rate = self.seconds_per_text
        n = self.n_evaluations * self.n_examples + self.n_texts
        return None if rate is None else rate * n

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return {
            "n_models": self.n_models,
            "n_lines": self.n_lines,
            "n_evaluations": self.n_evaluations,
            "n_examples": self.n_examples,
            "n_texts": self.n_texts,
            "seconds": None if self.seconds is None else round(self.seconds, 1),
        }

    def __str__(self) -> str:
        """Return the plan in words."""
        if not self.n_models:
            return "No model is left to measure."
        asked = f", {counted(self.n_texts, 'text')} of diagnostic sets" if self.n_texts else ""
        time = (
            "" if self.seconds is None else f"; about {duration(self.seconds)} at the scan's rate"
        )
        return (
            f"{counted(self.n_models, 'model')}, {counted(self.n_lines, 'line')} to members: "
            f"{counted(self.n_evaluations, 'evaluation')} of {counted(self.n_examples, 'example')}"
            f"{asked}, less those found done, and further ones where a peak hides between points"
            f"{time}."
        )
