"""Charts of diagnostic scores: by slice and group, against the task itself, and between groups."""

from __future__ import annotations

from typing import Any, Final

import altair as alt

from wsgeo.reporting.charts.parts import MEMBER_TIP, Layered, named, params, points, themed

LANE: Final = 13
"""Pixels of a group within a row, while there are few groups."""

MANY: Final = 4
"""Groups from which on their lanes are narrower."""


def diagnostics_chart(labels: list[int]) -> Layered:
    """Return the scores: a row per slice, a dot per member, a tick at the mean of each group.

    Parameters
    ----------
    labels : list of int
        Labels of the groups, noise left out.

    Returns
    -------
    altair.LayerChart
        As high as one row: the page's script knows how many are shown. Data sets ``scores``,
        ``means`` and ``chance``.
    """
    x = alt.X(
        "metric:Q",
        title="score on the slice (fraction)",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(tickCount=5, labelFlush=False),
    )
    tips = [
        alt.Tooltip("part:N", title="slice"),
        alt.Tooltip("metric:Q", title="score"),
        alt.Tooltip("counts:N", title="counts"),
        alt.Tooltip("n_examples:Q", title="of"),
    ]
    chance = (
        alt.Chart(named("chance"))
        .mark_tick(thickness=1.5, size=row_height(labels) - 8, opacity=0.7)
        .encode(x=alt.X("chance:Q"), y=rows(), color=themed("muted"))
    )
    dots = points("scores", labels, 44).encode(
        x=x, y=rows(), yOffset=lane(labels), tooltip=[*MEMBER_TIP[:2], *tips]
    )
    return (
        alt.layer(chance, dots, mean_ticks("means", "mean", labels))
        .add_params(*params())
        .properties(height=row_height(labels))
    )


def rows(inner: float | None = 0.25) -> alt.Y:
    """Return the rows of a chart of slices or measures; a name of two parts takes two lines.

    Parameters
    ----------
    inner : float, optional
        Room between rows that hold lanes, as a share of a row; None without lanes.

    Returns
    -------
    altair.Y
        Of the field ``part``.
    """
    axis = alt.Axis(
        title=None, labelExpr="split(datum.label, ' · ')", labelLimit=190, ticks=False,
        domain=False, grid=True, labelOverlap=False,
    )  # fmt: skip
    scale = alt.Scale() if inner is None else alt.Scale(paddingInner=inner)
    return alt.Y("part:N", sort=None, axis=axis, scale=scale)


def lane(labels: list[int]) -> alt.YOffset:
    """Return where a group lies within a row.

    Parameters
    ----------
    labels : list of int
        Labels of the groups, noise left out.

    Returns
    -------
    altair.YOffset
        Noise comes last.
    """
    return alt.YOffset("group:O", scale=alt.Scale(domain=[*labels, -1]))


def row_height(labels: list[int]) -> int:
    """Return the height of a row of so many groups.

    Parameters
    ----------
    labels : list of int
        Labels of the groups, noise left out.

    Returns
    -------
    int
        Pixels.
    """
    lanes = max(len(labels), 1) + 1
    return max(lanes * (LANE if lanes <= MANY else LANE // 2) + 8, 34)


def mean_ticks(source: str, field: str, labels: list[int]) -> alt.Chart:
    """Return a tick at the mean of each group.

    Parameters
    ----------
    source, field : str
        Data set, and its column for the place from left to right; ``mean`` is what it says.
    labels : list of int
        Labels of the groups, noise left out.

    Returns
    -------
    altair.Chart
        In the rows of `rows`.
    """
    found: alt.Chart = (
        alt.Chart(named(source))
        .mark_tick(thickness=2.5, size=17)
        .encode(
            x=alt.X(f"{field}:Q"),
            y=rows(),
            yOffset=lane(labels),
            color=themed("ink"),
            tooltip=[
                alt.Tooltip("group_name:N", title="group"),
                alt.Tooltip("mean:Q", title="mean"),
                alt.Tooltip("n:Q", title="members"),
            ],
        )
    )
    return found


def beside_chart(labels: list[int], field: str, words: str, height: int) -> Layered:
    """Return the score on one slice against another figure of the members.

    Parameters
    ----------
    labels : list of int
        Labels of the groups, noise left out.
    field, words : str
        Column of that figure, and the title of its axis.
    height : int
        Pixels.

    Returns
    -------
    altair.LayerChart
        Data sets ``slice_scores`` and ``slice_chance``, of the slice that is picked.
    """
    scale, axis = alt.Scale(zero=False, padding=14), alt.Axis(tickCount=5, labelFlush=False)
    dots = (
        points("slice_scores", labels, 80)
        .transform_filter(f"isValid(datum.{field})")
        .encode(
            x=alt.X(f"{field}:Q", title=words, scale=scale, axis=axis),
            y=alt.Y("metric:Q", title="score on the slice (fraction)", scale=scale, axis=axis),
            tooltip=[
                *MEMBER_TIP[:2],
                alt.Tooltip(f"{field}:Q", title=words),
                alt.Tooltip("metric:Q", title="on the slice"),
            ],
        )
    )
    chance = (
        alt.Chart(named("slice_chance"))
        .mark_rule(strokeDash=[5, 4], opacity=0.8)
        .encode(y=alt.Y("chance:Q"), color=themed("muted"))
    )
    return alt.layer(chance, dots).add_params(*params()).properties(height=height)


def build(labels: list[int]) -> dict[str, Any]:
    """Return the charts of this group.

    Parameters
    ----------
    labels : list of int
        Labels of the groups, noise left out.

    Returns
    -------
    dict of str to altair chart
        By panel.
    """
    return {
        "diagnostics": diagnostics_chart(labels),
        "transfer": beside_chart(labels, "in_domain", "metric on the task (fraction)", 260),
        "along": beside_chart(labels, "coordinate", "place between the two largest basins", 220),
    }
