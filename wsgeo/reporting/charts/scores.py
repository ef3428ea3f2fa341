"""Charts of diagnostic scores: by slice and group, and against the task itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from wsgeo.reporting.charts.parts import MEMBER_TIP, Layered, named, params, points, themed


def diagnostics_chart(labels: list[int], n_parts: int) -> Layered:
    """Return the scores: a row per slice, a dot per member, a tick at the mean of each group.

    Parameters
    ----------
    labels : list of int
        Labels of the groups, noise left out.
    n_parts : int
        Number of slices.

    Returns
    -------
    altair.LayerChart
        Data sets ``scores``, ``means`` and ``chance``.
    """
    lanes = max(len(labels), 1) + 1
    axis = alt.Axis(title=None, labelLimit=200, ticks=False, domain=False, grid=True)
    y = alt.Y("part:N", sort=None, axis=axis, scale=alt.Scale(paddingInner=0.25))
    lane = alt.YOffset("group:O", scale=alt.Scale(domain=[*labels, -1]))
    x = alt.X(
        "metric:Q",
        title="score on the slice (fraction)",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(tickCount=5, labelFlush=False),
    )
    dots = points("scores", labels, 44).encode(
        x=x,
        y=y,
        yOffset=lane,
        tooltip=[*MEMBER_TIP[:2], alt.Tooltip("part:N", title="slice"), alt.Tooltip("metric:Q")],
    )
    means = (
        alt.Chart(named("means"))
        .mark_tick(thickness=2.5, size=17)
        .encode(
            x=alt.X("mean:Q"),
            y=y,
            yOffset=lane,
            color=themed("ink"),
            tooltip=[
                alt.Tooltip("group_name:N", title="group"),
                alt.Tooltip("mean:Q", title="mean"),
                alt.Tooltip("n:Q", title="members"),
            ],
        )
    )
    chance = (
        alt.Chart(named("chance"))
        .mark_tick(thickness=1.5, size=lanes * 13, opacity=0.7)
        .encode(x=alt.X("chance:Q"), y=y, color=themed("muted"))
    )
    height = n_parts * max(lanes * 13 + 8, 30)
    return alt.layer(chance, dots, means).add_params(*params()).properties(height=height)


def transfer_chart(labels: list[int]) -> Layered:
    """Return the score on one slice against the metric on the task itself.

    Parameters
    ----------
    labels : list of int
        Labels of the groups, noise left out.

    Returns
    -------
    altair.LayerChart
        Data sets ``scores`` and ``chance``; parameter ``slice`` is the number of the slice.
    """
    picked = "datum.number === slice"
    scale, axis = alt.Scale(zero=False, padding=14), alt.Axis(tickCount=5, labelFlush=False)
    dots = (
        points("scores", labels, 80)
        .transform_filter(picked)
        .transform_filter("isValid(datum.in_domain)")
        .encode(
            x=alt.X("in_domain:Q", title="metric on the task (fraction)", scale=scale, axis=axis),
            y=alt.Y("metric:Q", title="score on the slice (fraction)", scale=scale, axis=axis),
            tooltip=[
                *MEMBER_TIP[:2],
                alt.Tooltip("in_domain:Q", title="on the task"),
                alt.Tooltip("metric:Q", title="on the slice"),
            ],
        )
    )
    chance = (
        alt.Chart(named("chance"))
        .transform_filter(picked)
        .mark_rule(strokeDash=[5, 4], opacity=0.8)
        .encode(y=alt.Y("chance:Q"), color=themed("muted"))
    )
    return alt.layer(chance, dots).add_params(*params(("slice", 0))).properties(height=320)


def build(summary: Mapping[str, Any], labels: list[int]) -> dict[str, Any]:
    """Return the charts of this group.

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
    n_parts = len(summary["diagnosis"]["parts"])
    return {
        "diagnostics": diagnostics_chart(labels, n_parts),
        "transfer": transfer_chart(labels),
    }
