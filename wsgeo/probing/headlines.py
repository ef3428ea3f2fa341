"""The differences between basins in few words: slices of like figures share a sentence."""

from __future__ import annotations

from typing import Any

from wsgeo.probing.differences import Difference, tell
from wsgeo.probing.strategies import Strategies


def headlines(strategies: Strategies) -> tuple[str, ...]:
    """Return what was found, slices of one set on which basins differ about equally together.

    Parameters
    ----------
    strategies : Strategies
        Of the basins of a group.

    Returns
    -------
    tuple of str
        Its sentences, those joined whose figures agree to a tenth.
    """
    alike: dict[tuple[Any, ...], list[Difference]] = {}
    for one in strategies.told:
        figures = round(10 * one.high), round(10 * one.low)
        key = (one.set, one.measure, one.n_basins, one.better, one.worse, *figures)
        alike.setdefault(key, []).append(one)
    leading = len(strategies.leans)
    rest = strategies.sentences[leading + len(strategies.told) :]
    return (*strategies.leans, *map(tell, alike.values()), *rest)
