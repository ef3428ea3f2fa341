"""Names that a recipe's facts may not have, as a member's record has them."""

from __future__ import annotations

import dataclasses
from typing import Final

from wsgeo.training.recipes import FineTuneRecipe, Optimization

RECORDED: Final = frozenset(
    {
        *(field.name for kind in (FineTuneRecipe, Optimization) for field in dataclasses.fields(kind)),
        # What a recipe reads, and where it comes from.
        "axes", "task", "data", "data_hash", "base_hash", "start_hash", "scratch_seed", "objective",
        "method_settings", "step", "trajectory", "parent", "algorithm",
        # What is known after training.
        "status", "reason", "train_loss", "validation_loss", "validation_metric", "n_truncated",
        "longest_input", "seconds", "examples_per_second", "versions",
    }
)  # fmt: skip
"""Names in ``wsgeo.json`` of a fine-tuned member: a fact of one would hide it, or be hidden."""


def refused(name: str) -> bool:
    """Tell whether a fact may not have a name; what stands before a point counts.

    Parameters
    ----------
    name : str
        As the recipe writes it.

    Returns
    -------
    bool
        True where a record has the name.

    Examples
    --------
    >>> refused("device"), refused("data.train"), refused("family")
    (True, True, False)
    """
    return name.partition(".")[0] in RECORDED
