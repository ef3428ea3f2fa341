"""The differences between basins in few words: slices of like figures share a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from wsgeo.probing.strategies import Strategies, findings


class _Told(NamedTuple):
    """A difference on one slice."""

    part: str
    high: float  # mean accuracies, fractions in [0, 1]
    low: float
    p_adjusted: float


def headlines(strategies: Strategies) -> tuple[str, ...]:
    """Return what was found, slices of one set on which basins are about equally right together.

    Parameters
    ----------
    strategies : Strategies
        Of the basins of a group.

    Returns
    -------
    tuple of str
        Its sentences, those joined whose figures agree to a tenth.
    """
    rows = findings(strategies.contrasts)
    profile = strategies.profile.select("set", "slice", "basin", "mean")
    mean = {(name, part, basin): value for name, part, basin, value in profile.iter_rows()}
    alike: dict[tuple[Any, ...], list[_Told]] = {}
    for row in rows:
        ends = (
            (mean[row["set"], row["slice"], row[end]], row[end]) for end in ("basin_a", "basin_b")
        )
        (high, better), (low, worse) = sorted(ends, reverse=True)
        key = (row["set"], better, worse, round(10 * high), round(10 * low))
        alike.setdefault(key, []).append(_Told(row["slice"], high, low, row["p_adjusted"]))
    joined = (_sentence(told, *key) for (*key, _, _), told in alike.items())
    return (*joined, *strategies.sentences[len(rows) :])


def _sentence(told: Sequence[_Told], name: str, better: int, worse: int) -> str:
    high, low = _span([one.high for one in told]), _span([one.low for one in told])
    p = max(one.p_adjusted for one in told)
    bound = "=" if len({f"{one.p_adjusted:.2g}" for one in told}) == 1 else "at most"
    return (
        f"On {name}, {_slices([one.part for one in told])}: basin {better} is right on {high} of "
        f"the examples, basin {worse} on {low} (p {bound} {p:.2g} after correction)."
    )


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):.0%}", f"{max(values):.0%}"
    return high if low == high else f"{low[:-1]} to {high}"


def _slices(parts: Sequence[str]) -> str:
    """Return slices as a list; an ending that all share, such as the label, is said once."""
    heads, tails = zip(*(part.rpartition("/")[::2] for part in sorted(parts)), strict=True)
    if len(parts) == 1 or len(set(tails)) > 1 or not all(heads):
        return _and(sorted(parts))
    return f"{_and(heads)}/{tails[0]}"


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
