"""Charts of the whole zoo: the map, the graph of low barriers, and the merge tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from wsgeo.reporting.charts.parts import (
    LABEL_PIXELS,
    LABELLED,
    NAMED,
    Layered,
    colour,
    dimmed,
    dot_size,
    named,
    params,
    points,
    themed,
)

PAIR_TIP = [
    alt.Tooltip("a_id:N", title="a"),
    alt.Tooltip("b_id:N", title="b"),
    alt.Tooltip("convexity_gap:Q", title="convexity gap (nats)"),
    alt.Tooltip("status_words:N", title="status"),
]

PLACED_TIP = [
    alt.Tooltip("id:N", title="placed model"),
    alt.Tooltip("where:N", title="in"),
    alt.Tooltip("gap:Q", title="gap to it (nats)"),
]


def map_chart(labels: list[int], n_members: int) -> Layered:
    """Return the map: one point per member, near where the distance is small.

    Models that were placed are hollow diamonds with their names.

    Parameters
    ----------
    labels : list of int
        Labels of the groups, noise left out.
    n_members : int
        Number of members.

    Returns
    -------
    altair.LayerChart
        Data sets ``map`` and ``placed``; parameter ``map`` chooses among the embeddings; ``brush`` is the drag.
    """
    axis = alt.Axis(labels=False, ticks=False, domain=False, grid=False, title=None)
    scale = alt.Scale(zero=False, nice=False, padding=18)
    # A brush that zooms would take the wheel from the page.
    brush = alt.selection_interval(name="brush", zoom=False, mark=alt.BrushConfig(fillOpacity=0.08))
    x, y = alt.X("u:Q", axis=axis, scale=scale), alt.Y("v:Q", axis=axis, scale=scale)
    shown = "datum.map === map"
    members = points("map", labels, dot_size(n_members)).encode(x=x, y=y).transform_filter(shown)
    placed = alt.Chart(named("placed")).transform_filter(shown).encode(x=x, y=y)
    diamonds = placed.mark_point(shape="diamond", size=150, strokeWidth=1.8, aria=False).encode(
        stroke=themed("ink"), tooltip=PLACED_TIP
    )
    names = placed.mark_text(align="left", dx=9, fontSize=11, limit=150, tooltip=None).encode(
        text="id:N", color=themed("ink")
    )
    layers = [members.add_params(brush), diamonds, names]
    return alt.layer(*layers).add_params(*params(("map", 0)))


def graph_chart(labels: list[int], n_members: int) -> Layered:
    """Return the graph: an edge for each pair whose gap is at or below the threshold.

    Parameters
    ----------
    labels : list of int
        Labels of the groups, noise left out.
    n_members : int
        Number of members; edges of a large zoo are drawn fainter.

    Returns
    -------
    altair.LayerChart
        Data sets ``edges`` and ``nodes``; edges of the merge tree are bold.
    """
    axis = alt.Axis(labels=False, ticks=False, domain=False, grid=False, title=None)
    scale = alt.Scale(zero=False, nice=False, padding=18)
    x, y = alt.X("x:Q", axis=axis, scale=scale), alt.Y("y:Q", axis=axis, scale=scale)
    kept = "!chosen || (chosen[datum.a] && chosen[datum.b])"
    faint = 0.5 if n_members <= LABELLED else 0.18
    edges = (
        alt.Chart(named("edges"))
        .transform_filter("datum.convexity_gap <= threshold")
        .mark_rule(cursor="pointer")
        .encode(
            x=x,
            y=y,
            x2="x2:Q",
            y2="y2:Q",
            color=themed("muted"),
            size=alt.SizeValue(1.0, condition={"test": "datum.bridge", "value": 3}),
            opacity=dimmed(0.04, faint, kept),
            tooltip=PAIR_TIP,
        )
    )
    nodes = points("nodes", labels, dot_size(n_members)).encode(x=x, y=y)
    return alt.layer(edges, nodes).add_params(*params(("threshold", 0)))


def tree_chart(labels: list[int], n_leaves: int) -> Layered:
    """Return the merge tree: members join at the lowest pass between them.

    Parameters
    ----------
    labels : list of int
        Labels of the groups, noise left out.
    n_leaves : int
        Number of members in the tree.

    Returns
    -------
    altair.LayerChart
        Data sets ``bars`` and ``line``; the dashed line is the threshold.
    """
    few = n_leaves <= LABELLED
    axis = alt.Axis(
        labels=few,
        labelExpr=NAMED,
        labelAngle=-60,
        labelLimit=LABEL_PIXELS,
        values=list(range(n_leaves)) if few else [],
        grid=False,
        ticks=False,
        domain=False,
        title=None,
        labelOverlap=False,
    )
    scale = alt.Scale(domain=[-0.5, max(n_leaves - 0.5, 0.5)], nice=False)
    height = alt.Y("y:Q", title="bottleneck gap (nats per example)", axis=alt.Axis(tickCount=5))
    bars = (
        alt.Chart(named("bars"))
        .mark_rule(strokeWidth=2, strokeCap="round")
        .encode(
            x=alt.X("x:Q", axis=axis, scale=scale),
            y=height,
            x2="x2:Q",
            y2="y2:Q",
            color=colour(labels),
            tooltip=alt.Tooltip("y2:Q", title="joins at (nats)"),
        )
    )
    line = (
        alt.Chart(named("line"))
        .transform_calculate(y="threshold")
        .mark_rule(strokeDash=[5, 4], strokeWidth=1.5)
        .encode(y="y:Q", color=themed("ink"))
    )
    return alt.layer(bars, line).add_params(*params(("threshold", 0), ("names", [])))


def build(summary: Mapping[str, Any], labels: list[int]) -> dict[str, Any]:
    """Return the charts of this group that have something to show.

    Parameters
    ----------
    summary : mapping
        As `wsgeo.reporting.summary.summarize` returns.
    labels : list of int
        Labels of the groups, noise left out.

    Returns
    -------
    dict of str to altair chart
        By panel.
    """
    n_members = len(summary["members"]["id"])
    return {
        "map": map_chart(labels, n_members).properties(height=340),
        "graph": graph_chart(labels, n_members).properties(height=340),
        "tree": tree_chart(labels, len(summary["tree"]["leaves"])).properties(height=230),
    }
