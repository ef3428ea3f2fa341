"""Differences between basins in words: which are told, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import polars as pl

from wsgeo.probing.set_files import EVERYTHING
from wsgeo.probing.sets import PAIRS

SIGNIFICANT: Final = 0.05
"""Adjusted p-value below which a difference counts."""

LEAST_TOLD: Final = 0.05
"""Difference of means, a fraction, below which only the largest one is told."""


class _Words(NamedTuple):
    """What a basin does, and to which share of what."""

    does: str
    to: str
    things: str


_WORDS: Final = {
    "accuracy": _Words("is right", "on", "examples"),
    "preference": _Words("prefers the acceptable text", "in", "pairs"),
    "consistency": _Words("is right on both texts", "of", "pairs"),
    "invariance": _Words("answers alike", "on", "pairs"),
}


class Difference(NamedTuple):
    """Two basins that differ on a slice.

    Parameters
    ----------
    set, part : str
        The set and the slice.
    measure : str
        What the metric counts.
    better, worse : str
        Names of the basins of the highest and of the lowest mean.
    high, low : float
        Their means, fractions in [0, 1].
    p_adjusted : float
        Corrected p-value.
    n_basins : int
        Basins that were compared.
    """

    set: str
    part: str
    measure: str
    better: str
    worse: str
    high: float
    low: float
    p_adjusted: float
    n_basins: int


def difference_of(row: Mapping[str, Any], measure: str, names: Mapping[int, str]) -> Difference:
    """Return a row of the contrasts as a difference.

    Parameters
    ----------
    row : mapping
        Row of schema `wsgeo.probing.tables.CONTRASTS`.
    measure : str
        What the metric counts.
    names : mapping of int to str
        Names of basins.

    Returns
    -------
    Difference
        What is told of it.
    """
    a, b = names[row["basin_a"]], names[row["basin_b"]]
    means = row["mean_a"], row["mean_b"]
    return Difference(
        row["set"], row["slice"], measure, a, b, *means, row["p_adjusted"], row["n_basins"]
    )


def tell(differences: Sequence[Difference]) -> str:
    """Return one sentence for slices of one set on which the same basins differ alike.

    Parameters
    ----------
    differences : sequence of Difference
        Of one set, measure and pair of basins.

    Returns
    -------
    str
        The slices, the share of each basin or its range, and the largest p-value.

    Examples
    --------
    >>> one = Difference("h", "x", "accuracy", "basin 1", "basin 0", 0.61, 0.04, 0.001, 2)
    >>> tell([one])  # doctest: +NORMALIZE_WHITESPACE
    'On h, x: basin 1 is right on 61% of the examples, basin 0 on 4%
    (p = 0.001 after correction).'
    """
    first = differences[0]
    words = _WORDS[first.measure]
    high, low = span([one.high for one in differences]), span([one.low for one in differences])
    return (
        f"On {first.set}, {_slices([one.part for one in differences])}: {first.better} "
        f"{words.does} {words.to} {high} of the {words.things}, {first.worse} {words.to} {low} "
        f"({p_value([one.p_adjusted for one in differences], first.n_basins)})."
    )


def findings(contrasts: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the differences to tell: none is part of another, and all but the first are large.

    Subcases are part of their slice and label, and are told only where that does not differ.

    Parameters
    ----------
    contrasts : DataFrame
        Schema `wsgeo.probing.tables.CONTRASTS`.

    Returns
    -------
    list of dict
        Its rows that count, the largest difference first.
    """
    differing = contrasts.filter(pl.col("p_adjusted") < SIGNIFICANT)
    rows = differing.sort("difference", descending=True, maintain_order=True).to_dicts()
    found: list[dict[str, Any]] = []
    large = [row for row in rows if row["difference"] >= LEAST_TOLD]
    for row in sorted(large, key=lambda row: row["slice"].count("/") > 1):
        if not any(_overlap(row, other) for other in found):
            found.append(row)
    return sorted(found, key=lambda row: -row["difference"]) or rows[:1]


def span(shares: Sequence[float]) -> str:
    """Return fractions as a percentage, or as the range of percentages.

    Parameters
    ----------
    shares : sequence of float
        Fractions in [0, 1].

    Returns
    -------
    str
        Such as ``61%`` or ``61 to 70%``.

    Examples
    --------
    >>> span([0.7, 0.61]), span([0.04])
    ('61 to 70%', '4%')
    """
    low, high = f"{min(shares):.0%}", f"{max(shares):.0%}"
    return high if low == high else f"{low[:-1]} to {high}"


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence.

    Parameters
    ----------
    words : sequence of str
        One or more.

    Returns
    -------
    str
        Such as ``a, b and c``.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def p_value(adjusted: Sequence[float], n_basins: int) -> str:
    """Return corrected p-values in words, the largest of them.

    Parameters
    ----------
    adjusted : sequence of float
        Corrected p-values.
    n_basins : int
        Basins that were compared.

    Returns
    -------
    str
        Such as ``p = 0.001 after correction``.

    Examples
    --------
    >>> p_value([0.001, 0.002], 3)
    'p at most 0.002 over 3 basins, after correction'
    """
    bound = "=" if len({f"{p:.2g}" for p in adjusted}) == 1 else "at most"
    over = f" over {n_basins} basins," if n_basins > 2 else ""
    return f"p {bound} {max(adjusted):.2g}{over} after correction"


def _overlap(row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two slices of one set share examples by their names."""
    if row["set"] != other["set"] or PAIRS in {row["slice"], other["slice"]}:
        return False  # whole pairs are another question about the same examples
    one, two = sorted((row["slice"], other["slice"]), key=len)
    return EVERYTHING in {one, two} or two.startswith(f"{one}/")


def _slices(parts: Sequence[str]) -> str:
    """Return slices as a list; an ending that all share, such as the label, is said once."""
    heads, tails = zip(*(part.rpartition("/")[::2] for part in sorted(parts)), strict=True)
    if len(parts) == 1 or len(set(tails)) > 1 or not all(heads):
        return listed(sorted(parts))
    return f"{listed(heads)}/{tails[0]}"
