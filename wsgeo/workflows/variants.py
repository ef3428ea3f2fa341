"""The kinds of mean that a centroid may be, and which suits some members."""

from __future__ import annotations

from typing import Final

from wsgeo.errors import WsgeoError
from wsgeo.regions.tables import Variant
from wsgeo.workflows.merge_requests import MergeRequest
from wsgeo.workflows.selections import Selection

WORDS: Final = tuple(v.word for v in Variant if v is not Variant.ENCODERS)
"""What the command line calls the variants that may be asked for."""


def variant_of(
    selection: Selection,
    asked: str | None,
    rank: int | None,
    request: MergeRequest | None = None,
) -> Variant:
    """Return which mean is made of some members.

    Parameters
    ----------
    selection : Selection
        The members.
    asked : str or None
        One of `WORDS`; None for what suits the members.
    rank : int or None
        Bound of the rank.
    request : MergeRequest, optional
        How members are merged; the mean by default. Adapters stay adapters under methods that are
        one linear combination of members and base throughout.

    Returns
    -------
    Variant
        What is averaged.

    Raises
    ------
    WsgeoError
        If what is asked for does not apply to the members.
    """
    if asked is not None and asked not in WORDS:
        raise WsgeoError(
            f"no variant is called {asked}", remedy=f"Choose among {', '.join(WORDS)}."
        )
    wanted = next((variant for variant in Variant if variant.word == asked), None)
    variant = _fitting(selection, wanted, request or MergeRequest())
    if rank is not None and variant is not Variant.PRODUCTS:
        raise WsgeoError(
            f"a rank bounds the mean of products, not the {variant}", remedy="Leave out --rank."
        )
    return variant


def _fitting(selection: Selection, wanted: Variant | None, request: MergeRequest) -> Variant:
    """Return what is wanted, or what suits the members; refuse what does not apply to them."""
    n_full = sum(not member.lora for member in selection.members)
    of_adapters = wanted in {Variant.PRODUCTS, Variant.FACTORS}
    if selection.spans_tasks:
        if wanted is not None and of_adapters:
            raise WsgeoError(
                f"the members are of several tasks, which share an encoder but no {wanted.word}",
                remedy="Leave out --variant, or choose the members of one task with --group.",
            )
        return Variant.ENCODERS
    if wanted is not None and of_adapters and n_full:
        raise WsgeoError(
            f"{wanted.word} are those of LoRA adapters, and {n_full} of "
            f"{len(selection.members)} members are full models or IA3",
            remedy="Leave out --variant, or pass --variant mean.",
        )
    if wanted is not None and of_adapters and not request.is_linear:
        raise WsgeoError(
            f"--method {request.method} gives a whole model, and {wanted.word} are those of adapters",
            remedy="Leave out --variant, or pass --variant mean.",
        )
    return wanted or (Variant.MEAN if n_full or not request.is_linear else Variant.PRODUCTS)
