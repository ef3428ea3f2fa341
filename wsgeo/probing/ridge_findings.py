"""The ridges between basins in words: how high, on which examples, and what changes beyond."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from wsgeo.counting import counted
from wsgeo.probing.set_files import EVERYTHING
from wsgeo.probing.task_slices import LEAST_EXAMPLES

MOST_TOLD: Final = 3
"""Pairs of basins that are told, those with the highest ridges first."""

LEAST_SHARE: Final = 0.25
"""Share of a ridge below which a slice does not explain it, however small the slice."""

LEAST_CHANGE: Final = 0.1
"""Change of the loss from basin to basin, in nats, below which it is not told."""

_NOISE = -1


def ridge_sentences(
    attributions: pl.DataFrame,
    slice_profiles: pl.DataFrame,
    labels: Mapping[str, int],
    *,
    task: str | None = None,
) -> tuple[str, ...]:
    """Say how high the ridges between basins are, which slice makes them, and what else changes.

    A slice is named if it carries a quarter of the ridge or more and, on each line whose ridge
    stands out from the spread of the examples, more than its share of the examples by limits that
    hold for all slices together; of several the one that carries most for its size. A change on
    another set is told if it goes the same way on every line between the basins and is larger than
    on any line within a basin.

    Parameters
    ----------
    attributions, slice_profiles : DataFrame
        Tables of `wsgeo.probing.lines.measure_lines`.
    labels : mapping of str to int
        Basin of each member, -1 for none; lines with such an end are left out.
    task : str, optional
        Set of the task's own examples; default the first in the table.

    Returns
    -------
    tuple of str
        A sentence or two per pair of basins, the highest ridge first, and how many pairs are left
        out; empty without lines between basins.

    References
    ----------
    [juneja2022]_
    """
    lines = _with_basins(slice_profiles, labels)
    apart = lines.filter(pl.col("x") != pl.col("y"))
    if apart.is_empty():
        return ()
    task = task or str(slice_profiles["set"][0])
    whole = (pl.col("set") == task) & (pl.col("slice") == EVERYTHING)
    pairs = apart.filter(whole).group_by("x", "y").agg(pl.col("convexity_gap").mean())
    told = []
    for x, y, _ in pairs.sort(-pl.col("convexity_gap"), "x", "y").head(MOST_TOLD).iter_rows():
        between = apart.filter(pl.col("x") == x, pl.col("y") == y)
        inside = lines.filter(pl.col("x") == pl.col("y"), pl.col("x").is_in([x, y]))
        shares = attributions.filter(pl.col("set") == task).join(between, on=["a", "b"], how="semi")
        ridge = _ridge(between.filter(whole), inside.filter(whole), shares)
        elsewhere = _elsewhere(*(each.filter(pl.col("set") != task) for each in (between, inside)))
        told.append(f"Between basins {x} and {y} the loss on {task} {ridge}.{elsewhere}")
    rest = pairs.height - len(told)
    return (*told, *[f"{counted(rest, 'further pair')} of basins: lower ridges."] * bool(rest))


def _with_basins(profiles: pl.DataFrame, labels: Mapping[str, int]) -> pl.DataFrame:
    """Add the basins of both ends, the smaller as x, and the loss at x and at y."""
    basins = {name: basin for name, basin in labels.items() if basin != _NOISE}
    of = {
        end: pl.col(end).replace_strict(basins, default=None, return_dtype=pl.Int64)
        for end in ("a", "b")
    }
    first, last = pl.col("loss").list.first(), pl.col("loss").list.last()
    turned = of["a"] > of["b"]
    return profiles.with_columns(
        x=pl.min_horizontal(*of.values()),
        y=pl.max_horizontal(*of.values()),
        at_x=pl.when(turned).then(last).otherwise(first),
        at_y=pl.when(turned).then(first).otherwise(last),
    ).filter(of["a"].is_not_null() & of["b"].is_not_null())


def _ridge(between: pl.DataFrame, inside: pl.DataFrame, shares: pl.DataFrame) -> str:
    """Say how high the ridge is, and which slice makes it."""
    standing = shares.filter(pl.col("slice") == EVERYTHING, pl.col("share_lo").is_not_null())
    if standing.is_empty():
        return "has no ridge that stands out from the spread of the examples"
    height = between["convexity_gap"].to_numpy().mean()
    seen = f"mean of {between.height} lines" if between.height > 1 else "one line"
    if inside.height:
        seen += f"; within them {_nats(inside['convexity_gap'].to_numpy().mean())}"
    return f"rises by {_nats(height)} nats ({seen}); {_maker(shares.join(standing, on=['a', 'b'], how='semi'))}"


def _nats(height: float) -> str:
    return f"{height:.2g}" if height >= 0.001 else "less than 0.001"


def _maker(shares: pl.DataFrame) -> str:
    """Say which slice carries more of the ridge than its size."""
    summed = shares.group_by("slice", maintain_order=True).agg(
        pl.col("share_of_examples").mean().alias("size"),
        (pl.col("mean_excess") * pl.col("n_examples")).sum().alias("share"),
        (pl.col("share_lo") > pl.col("share_of_examples"))
        .fill_null(value=False)
        .all()
        .alias("more"),
    )
    total = summed.filter(pl.col("slice") == EVERYTHING)["share"].item()
    parts = summed.with_columns(pl.col("share") / total).filter(pl.col("slice") != EVERYTHING)
    makers = parts.filter(pl.col("more"), pl.col("share") >= LEAST_SHARE)
    if makers.is_empty():
        return "no slice of the examples stands out"
    name, size, share, _ = makers.sort(-pl.col("share") / pl.col("size"), "slice").row(0)
    # More than all, where the loss of the other examples sinks.
    part = "all" if share >= 1 else f"{share:.0%}"
    return f"the slice {name}, {size:.0%} of the examples, carries {part} of it"


def _elsewhere(between: pl.DataFrame, inside: pl.DataFrame) -> str:
    """Say on which slice of another set the loss changes most from basin to basin."""
    # The loss of a few examples is an anecdote, however far it moves.
    between = between.filter(pl.col("n_examples") >= LEAST_EXAMPLES)
    change = pl.col("at_y") - pl.col("at_x")
    usual = inside.group_by("set", "slice").agg(change.abs().max().alias("usual"))
    found = between.group_by("set", "slice").agg(
        pl.col("at_x").mean(),
        pl.col("at_y").mean(),
        change.abs().min().alias("least"),
        (change.sign().n_unique() == 1).alias("one_way"),
    )
    bound = pl.max_horizontal(pl.col("usual"), pl.lit(LEAST_CHANGE))
    told = found.join(usual, on=["set", "slice"], how="left").filter(
        "one_way", pl.col("least") > bound
    )
    if told.is_empty():
        return ""
    name, part, at_x, at_y, *_ = told.sort(-change.abs(), "set", "slice").row(0)
    way = "line" if between.n_unique(["a", "b"]) == 1 else "lines"
    return (
        f" Along the same {way} the loss on {name}, {part} goes from {at_x:.2f} to {at_y:.2f} nats."
    )
