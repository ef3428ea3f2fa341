"""How fast the scan of a run was, from which the cost of further work is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ENOUGH = 20
"""Evaluations of a scan from which its rate says something."""


def rate_of(summary: Mapping[str, Any], n_examples: int) -> float | None:
    """Return the seconds that an example took in the scan of a run.

    Parameters
    ----------
    summary : mapping
        What the scan said of itself.
    n_examples : int
        Examples of its evaluations.

    Returns
    -------
    float or None
        None where the scan found most things done, which tells nothing.
    """
    computed, seconds = summary.get("n_computed") or 0, summary.get("seconds") or 0.0
    if not n_examples or computed < max(_ENOUGH, summary.get("n_reused") or 0):
        return None
    return float(seconds) / (computed * n_examples)
