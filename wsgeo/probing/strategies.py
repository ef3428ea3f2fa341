"""What the members of a basin do that those of another do not.

A basin's strategy is its profile over diagnostic slices. Whether two basins differ on a slice is
asked of their members, not of the examples: the members are what was sampled. Basins come from
in-domain losses alone, so under the hypothesis of no difference every way of dealing the members
into two groups of these sizes is equally likely, and a permutation test is exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.counting import counted
from wsgeo.graph.significance import (
    PermutationTest,
    benjamini_hochberg,
    cliffs_delta,
    permutation_test,
)
from wsgeo.probing.tables import CONTRASTS, PROFILE

SIGNIFICANT = 0.05
"""Adjusted p-value below which a difference counts."""

LEAST_TOLD = 0.05
"""Difference of accuracies, a fraction, below which only the largest one is told."""

_NOISE = -1


@final
@dataclass(frozen=True)
class Strategies:
    """How basins differ over diagnostic slices.

    Parameters
    ----------
    profile : DataFrame
        Schema `PROFILE`: mean and spread per basin and slice.
    contrasts : DataFrame
        Schema `CONTRASTS`: the two largest basins against each other; empty with fewer than two.
    sentences : tuple of str
        What was found, in words, the largest difference first, and then how many slices are not
        told: those that are part of a told one or hold one, and small differences. At least one.
    better : int or None
        Which of the two is right more often over the slices told; None without a difference.
    """

    profile: pl.DataFrame
    contrasts: pl.DataFrame
    sentences: tuple[str, ...]
    better: int | None = None


def basin_profile(
    scores: pl.DataFrame, labels: Mapping[str, int], *, rng: np.random.Generator
) -> Strategies:
    """Describe each basin by its accuracy per slice, and compare the two largest.

    Parameters
    ----------
    scores : DataFrame
        Schema `SCORES`; only measured rows count.
    labels : mapping of str to int
        Basin of each member, -1 for noise; members that are not named are left out. Name only one
        of several identical checkpoints, so that copies do not count as evidence.
    rng : numpy.random.Generator
        Draws permutations where there are too many to count.

    Returns
    -------
    Strategies
        Profile, contrasts, and sentences. A difference is stated only where the p-value, corrected
        over all slices by Benjamini and Hochberg, is below 0.05.

    References
    ----------
    [juneja2022]_
    """
    measured = scores.filter(
        (pl.col("outcome") == "measured")
        & pl.col("id").is_in([i for i, basin in labels.items() if basin != _NOISE])
    )
    measured = measured.with_columns(
        pl.col("id").replace_strict(dict(labels), return_dtype=pl.Int64).alias("basin")
    )
    sizes = Counter(basin for basin in labels.values() if basin != _NOISE)
    largest = sorted(sizes, key=lambda basin: (-sizes[basin], basin))[:2]
    if len(largest) < 2:
        word = "one basin" if largest else "no basin"
        told: tuple[str, ...] = (f"There is {word}: no strategies to compare.",)
        return Strategies(_profile(measured), pl.DataFrame(schema=CONTRASTS), told)
    contrasts = _contrasts(measured, largest[0], largest[1], rng)
    found = findings(contrasts)
    if not found:
        none = f"No difference found between basins {largest[0]} and {largest[1]} on any slice."
        return Strategies(_profile(measured), contrasts, (none,))
    told = (*(row["sentence"] for row in found), *_rest(contrasts, len(found)))
    better = largest[0] if sum(row["difference"] for row in found) > 0 else largest[1]
    return Strategies(_profile(measured), contrasts, told, better)


def findings(contrasts: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the differences to tell: none is part of another, and all but the first are large.

    Parameters
    ----------
    contrasts : DataFrame
        Schema `CONTRASTS`.

    Returns
    -------
    list of dict
        Its rows that count, the largest difference first.
    """
    found: list[dict[str, Any]] = []
    differing = contrasts.filter(pl.col("p_adjusted") < SIGNIFICANT)
    largest_first = differing.sort(pl.col("difference").abs(), descending=True, maintain_order=True)
    for row in largest_first.rows(named=True):
        large = abs(row["difference"]) >= LEAST_TOLD
        if not found or (large and not any(_overlap(row, other) for other in found)):
            found.append(row)
    return found


def _overlap(row: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two slices of one set share examples by their names."""
    if row["set"] != other["set"]:
        return False
    one, two = sorted((row["slice"], other["slice"]), key=len)
    return "all" in {one, two} or two.startswith(f"{one}/")


def _rest(contrasts: pl.DataFrame, n_told: int) -> list[str]:
    """Return a sentence about the slices that are not told, if there are any."""
    alike = contrasts.filter(pl.col("p_adjusted") >= SIGNIFICANT).height
    less = contrasts.height - alike - n_told
    said = [f"No difference found on {counted(alike, 'further slice')}."] * bool(alike)
    if less:
        said.insert(0, f"{counted(less, 'further slice')}: smaller differences, or parts of these.")
    return [" ".join(said)] if said else []


def _profile(measured: pl.DataFrame) -> pl.DataFrame:
    """Summarise each basin on each slice."""
    value = pl.col("metric")
    rows = measured.group_by("set", "slice", "basin", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("n"),
        value.mean().alias("mean"),
        value.std(ddof=1).alias("spread"),
        value.min().alias("lowest"),
        value.max().alias("highest"),
    )
    return rows.sort("set", "slice", "basin").select(list(PROFILE)).cast(PROFILE)


def _contrasts(
    measured: pl.DataFrame, first: int, second: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Compare two basins on every slice on which both were measured."""
    rows: list[dict[str, Any]] = []
    sentences = []
    ordered = measured.sort("set", "slice", "id")
    for (name, part), own in ordered.group_by("set", "slice", maintain_order=True):
        a, b = (
            own.filter(pl.col("basin") == basin)["metric"].to_numpy() for basin in (first, second)
        )
        if not (len(a) and len(b)):
            continue
        test = permutation_test(a, b, rng=rng)
        sentences.append(_Found(f"{name}, {part}", (first, second), a, b, test))
        rows.append(
            {
                "set": name,
                "slice": part,
                "basin_a": first,
                "basin_b": second,
                "n_a": len(a),
                "n_b": len(b),
                "difference": float(a.mean() - b.mean()),
                "effect_size": cliffs_delta(a, b),
                "p_value": test.p_value,
                "exact": test.exact,
            }
        )
    adjusted = benjamini_hochberg([row["p_value"] for row in rows]).tolist()
    for row, p, found in zip(rows, adjusted, sentences, strict=True):
        row |= {"p_adjusted": p, "sentence": found.sentence(p)}
    return pl.DataFrame(rows, schema=CONTRASTS)


@final
@dataclass(frozen=True)
class _Found:
    """One comparison, to be put into words."""

    place: str
    basins: tuple[int, int]
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    test: PermutationTest

    def sentence(self, p: float) -> str:
        """Say what was found, at the corrected p-value."""
        if p < SIGNIFICANT:
            means = zip((float(self.a.mean()), float(self.b.mean())), self.basins, strict=True)
            (high, better), (low, worse) = sorted(means, reverse=True)
            return (
                f"On {self.place}: basin {better} is right on {high:.0%} of the examples, basin "
                f"{worse} on {low:.0%} (p = {p:.2g} after correction)."
            )
        if self.test.smallest >= SIGNIFICANT:
            return (
                f"On {self.place}: no difference found; {len(self.a)} and {len(self.b)} members "
                f"are too few to show one (smallest possible p = {self.test.smallest:.2g})."
            )
        return f"On {self.place}: no difference found (p = {p:.2g} after correction)."
