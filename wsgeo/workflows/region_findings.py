"""What the points and curves of a region say, in words with their numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from wsgeo.counting import counted
from wsgeo.regions.lines import first_crossing
from wsgeo.sentences import capital
from wsgeo.workflows.region_choices import title_of
from wsgeo.workflows.region_curves import EXTRAPOLATION, INTERPOLATION

RISE: Final = 0.1
"""Nats per example above the worse end of a line at which a region is said to end."""

ALIKE: Final = 5e-4
"""Nats per example by which losses may differ that are printed as the same."""

_HEADS: Final = {"refit": "probe", "interpolate": "mean head", "own": "one head"}
_ASKED: Final = (
    ("hull", "members"), ("members", "outside"), ("hull", "outside"), ("members", "random"),
    ("members", "base"),
)  # fmt: skip
_NOUNS: Final = {
    "hull": "hull samples",
    "members": "members",
    "outside": "members outside",
    "random": "random points around the base",
    "base": "the base",
}
_WAYS: Final = {
    "random": "In random directions from the centroid",
    "origin": "From the centroid toward the origin",
    "base": "From the centroid toward the base",
}


def order_sentences(orders: pl.DataFrame) -> list[str]:
    """Say which kinds of points of a region have the lower losses.

    Parameters
    ----------
    orders : polars.DataFrame
        Rows of one region, of schema `REGION_ORDERS`.

    Returns
    -------
    list of str
        One sentence per head policy and comparison that was made.
    """
    known = {(row["head"], row["a"], row["b"]): row for row in orders.iter_rows(named=True)}
    heads = orders["head"].unique(maintain_order=True).to_list()
    return [
        _order_sentence(known[head, a, b])
        for head in heads
        for a, b in _ASKED
        if known.get((head, a, b), {}).get("probability") is not None
    ]


def _order_sentence(row: dict[str, Any]) -> str:
    low, high = row["probability_lo"], row["probability_hi"]
    a, b = _NOUNS[row["a"]], _NOUNS[row["b"]]
    if low is not None and low > 0.5:
        said = f"{a} do at least as well as {b}"
    elif high is not None and high < 0.5:
        said = f"{a} do worse than {b}"
    else:
        said = f"{a} and {b} are not told apart"
    between = "" if low is None else f" [{low:.2f}, {high:.2f}]"
    means = f"{row['mean_a']:.3f} against {row['mean_b']:.3f} nats"
    return (
        f"{capital(said)}: P_B {row['probability']:.2f}{between}, {means} ({_HEADS[row['head']]})."
    )


def line_sentences(curves: pl.DataFrame) -> list[str]:
    """Say how losses lie between members, and where they rise beyond them.

    Parameters
    ----------
    curves : polars.DataFrame
        Rows of one region, of schema `REGION_CURVES`.

    Returns
    -------
    list of str
        A sentence on interpolation and one on extrapolation per head policy, or none. Losses under
        two policies are not averaged; where there are two, each sentence names its own.
    """
    heads = curves["head"].unique(maintain_order=True)
    own = [(head, _line_sentences(curves.filter(head=head))) for head in heads]
    named = sum(bool(sentences) for _, sentences in own) > 1
    return [
        f"{said.removesuffix('.')} ({_HEADS[head]})." if named else said
        for head, sentences in own
        for said in sentences
    ]


def _line_sentences(curves: pl.DataFrame) -> list[str]:
    """Say of lines, measured under one head policy, what `line_sentences` does."""
    between = _profiles(curves.filter(curve=INTERPOLATION))
    beyond = _profiles(curves.filter(curve=EXTRAPOLATION))
    known = {line for line, (_, loss) in between.items() if np.isfinite(loss[[0, -1]]).all()}
    if not known:
        return []
    ends = {line: between[line][1][[0, -1]].max() for line in known}
    inside = [between[line][1] for line in sorted(known)]
    flat = sum(
        bool((loss <= ends[line]).all()) for line, loss in zip(sorted(known), inside, strict=True)
    )
    lower = sum(bool(loss[1:-1].min() < loss[[0, -1]].min()) for loss in inside)
    lines = counted(len(known), "line")
    told = (
        f"Between members the loss nowhere rises above that of the worse end on {flat} of {lines}; "
        f"on {lower} a point inside is better than both ends."
    )
    ways = [
        way
        for line in sorted(known & beyond.keys())
        for way in _ways_out(*beyond[line], ends[line] + RISE)
    ]
    return [told, *([_edge_sentence(ways, curves)] if ways else [])]


def _ways_out(
    t: np.ndarray[Any, Any], loss: np.ndarray[Any, Any], level: float
) -> Iterator[float | None]:
    """Yield where both ways out of a line pass a level, in lengths of the line from the other end."""
    before, after = t <= 0, t >= 1
    for lengths, losses in ((1 - t[before][::-1], loss[before][::-1]), (t[after], loss[after])):
        if lengths.size:
            yield first_crossing(lengths, losses, level)


def _edge_sentence(ways: Sequence[float | None], curves: pl.DataFrame) -> str:
    passed = sorted(way for way in ways if way is not None)
    positions = curves.filter(curve=EXTRAPOLATION)["position"].to_numpy()
    what, farthest = f"rises {RISE:g} nats above the worse end", f"{positions.max():g} line lengths"
    if not passed:
        return f"Beyond the members the loss nowhere {what}, up to {farthest}."
    span = f"{passed[0]:.1f} to {passed[-1]:.1f}"
    some = f"{len(passed)} of {counted(len(ways), 'way')} out"
    # A way on which it is never passed counts as longer than all others.
    middle = float(np.median([math.inf if way is None else way for way in ways]))
    if not math.isfinite(middle):
        return (
            f"Beyond the members the loss {what} on {some}, at {span} line lengths; on the others "
            f"nowhere up to {farthest}."
        )
    return f"Beyond the members the loss {what} at {middle:.1f} line lengths (median; {span} on {some})."


def radial_sentences(curves: pl.DataFrame, points: pl.DataFrame) -> list[str]:
    """Say how far from the centroid the loss stays at or below the members' mean.

    Parameters
    ----------
    curves : polars.DataFrame
        Rows of one region, of schema `REGION_CURVES`.
    points : polars.DataFrame
        Its points, of schema `REGION_POINTS`.

    Returns
    -------
    list of str
        A sentence per way out of the region that was followed.
    """
    told = []
    for way, words in _WAYS.items():
        rows = curves.filter(curve=way)
        for head in rows["head"].unique(maintain_order=True):
            members = points.filter(kind="member", head=head)
            level = members.group_by("task").agg(pl.col("loss").mean())["loss"].mean()
            if isinstance(level, float) and members["loss"].null_count() == 0:
                told.append(f"{words} {_radial(rows.filter(head=head), level, _HEADS[head])}")
    return told


def _radial(rows: pl.DataFrame, level: float, head: str) -> str:
    mean = rows.group_by("position").agg(_whole_mean()).sort("position")
    radii, losses = mean["position"].to_numpy(), mean["loss"].to_numpy()
    edges = (first_crossing(radii, losses, at) for at in (level + ALIKE, level + RISE))
    passed, far = (_at(edge, radii[-1]) for edge in edges)
    return (
        f"the loss ({head}) starts at {losses[0]:.3f} nats and exceeds the members' mean, "
        f"{level:.3f}, {passed}; by {RISE:g} nats {far}."
    )


def _at(radius: float | None, farthest: float) -> str:
    if radius is None:
        return f"nowhere up to {farthest:g} times the members' radius"
    return "from the start" if radius <= 0 else f"at {radius:.1f} times the members' radius"


def headlines(orders: pl.DataFrame) -> list[str]:
    """Say in how many regions of each level the hull holds, and how it compares with outside.

    Parameters
    ----------
    orders : polars.DataFrame
        Of schema `REGION_ORDERS`, of all regions of a group.

    Returns
    -------
    list of str
        One sentence per level, under the head policy that all kinds of points have.
    """
    told = []
    for level in orders["level"].unique(maintain_order=True):
        rows = orders.filter(level=level)
        head = "refit" if "refit" in rows["head"] else rows["head"][0]
        parts = [
            _headline(rows.filter(head=head, a=a, b=b), f"{_NOUNS[a]} over {_NOUNS[b]}")
            for a, b in (("hull", "members"), ("hull", "outside"), ("hull", "random"))
        ]
        if said := "; ".join(part for part in parts if part):
            n = rows["name"].n_unique()
            what = (
                title_of(level, "")
                if level == "general"
                else f"{counted(n, 'region')} of level {level}"
            )
            told.append(f"{capital(what)}: {said} ({_HEADS[head]}).")
    return told


def _headline(rows: pl.DataFrame, what: str) -> str:
    rows = rows.drop_nulls("probability")
    if rows.is_empty():
        return ""
    values = sorted(rows["probability"].to_list())
    sure = rows.filter(pl.col("probability_lo") > 0.5).height
    span = " to ".join(dict.fromkeys(f"{value:.2f}" for value in (values[0], values[-1])))
    return f"P_B of {what} {span}, with its 95 % interval above one half in {sure} of {rows.height}"


def _profiles(
    curves: pl.DataFrame,
) -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Return positions and losses of each line, the mean over tasks, NaN where one has none."""
    mean = curves.group_by("line", "position").agg(_whole_mean()).sort("line", "position")
    return {
        str(line): (part["position"].to_numpy(), part["loss"].to_numpy())
        for (line,), part in mean.group_by("line", maintain_order=True)
    }


def _whole_mean() -> pl.Expr:
    """Mean loss; not a number where a loss is missing, so that it never passes for a low one."""
    return pl.when(pl.col("loss").null_count() == 0).then(pl.col("loss").mean()).otherwise(math.nan)
