"""Charts of regions: the map of task vectors, clusters by setting, and centroids by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import altair as alt

from wsgeo.reporting.charts.parts import (
    Layered,
    dimmed,
    dot_size,
    legible,
    named,
    params,
    themed,
)

_STEP: Final = 30  # pixels of a row; the page's script multiplies it by how many are shown

REGION_TIP: Final = [
    alt.Tooltip("id:N", title="member"),
    alt.Tooltip("region_name:N", title="region"),
    alt.Tooltip("task_name:N", title="task"),
]
"""What the tooltip of a member says on the map of regions."""


def region_map(n_regions: int, n_members: int) -> Layered:
    """Return the map of task vectors: colour by region, shape by task, a cross at each mean.

    Parameters
    ----------
    n_regions : int
        Most regions of a level.
    n_members : int
        Number of members.

    Returns
    -------
    altair.LayerChart
        Data sets ``region_members`` (``u``, ``v``, ``region``, ``task``, -1 for none) and ``region_centres``.
    """
    axis = alt.Axis(labels=False, ticks=False, domain=False, grid=False, title=None)
    scale = alt.Scale(zero=False, nice=False, padding=18)
    x, y = alt.X("u:Q", axis=axis, scale=scale), alt.Y("v:Q", axis=axis, scale=scale)
    hue: dict[str, Any] = {"scale": alt.Scale(domain=list(range(n_regions))), "legend": None}
    none = {"test": "datum.region < 0", "value": {"expr": "muted"}}
    members = (
        alt.Chart(named("region_members"))
        .mark_point(size=dot_size(n_members), strokeWidth=1.4, fillOpacity=0.6, cursor="pointer")
        .encode(
            x=x,
            y=y,
            stroke=alt.Stroke("region:N", condition=none, **hue),
            fill=alt.Fill("region:N", condition=none, **hue),
            shape=alt.Shape("task:N", legend=None, scale=alt.Scale(domain=list(range(7)))),
            opacity=dimmed(),
            tooltip=REGION_TIP,
        )
    )
    centres = (
        alt.Chart(named("region_centres"))
        .mark_point(shape="stroke", angle=45, size=260, strokeWidth=2.5, aria=False)
        .encode(
            x=x,
            y=y,
            color=alt.Color("region:N", **hue),
            tooltip=[
                alt.Tooltip("region_name:N", title="mean of"),
                alt.Tooltip("n:Q", title="members"),
            ],
        )
    )
    crossed = centres.mark_point(shape="stroke", angle=135, size=260, strokeWidth=2.5, aria=False)
    return alt.layer(members, centres, crossed).add_params(*params()).properties(height=340)


def counts_chart() -> Layered:
    """Return how many members of each value lie in each cluster.

    Returns
    -------
    altair.LayerChart
        As high as one row. Data set ``counts`` with ``value_name``, ``cluster``, ``n`` and ``share`` of the value's members.
    """
    across = alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False, title="cluster")
    down = alt.Axis(labelLimit=150, ticks=False, domain=False, title=None)
    base = (
        alt.Chart(named("counts"))
        .transform_calculate(strength="0.1 + 0.8 * datum.share")
        .encode(
            x=alt.X("cluster:O", sort=None, axis=across, scale=alt.Scale(paddingInner=0.06)),
            y=alt.Y("value_name:N", sort=None, axis=down, scale=alt.Scale(paddingInner=0.12)),
            tooltip=[
                alt.Tooltip("value_name:N", title="value"),
                alt.Tooltip("cluster:O"),
                alt.Tooltip("n:Q", title="members"),
                alt.Tooltip("share:Q", title="share of the value"),
            ],
        )
    )
    cells = base.mark_rect(cornerRadius=4).encode(
        color=themed("within"), opacity=alt.Opacity("strength:Q", scale=None, legend=None)
    )
    numbers = base.mark_text(fontSize=12).encode(text="n:Q", color=legible())
    return alt.layer(cells, numbers).add_params(*params()).properties(height=_STEP)


def layer_chart(field: str, words: str) -> Layered:
    """Return one quantity of a centroid's members, layer by layer.

    Parameters
    ----------
    field : str
        ``angle``, ``norm`` or ``share``.
    words : str
        Title of its axis.

    Returns
    -------
    altair.LayerChart
        Data set ``centroid_layers``; norms have whiskers of a standard deviation.
    """
    down = alt.Axis(labelAngle=-45, labelOverlap=True, labelLimit=110, title=None, ticks=False)
    x = alt.X("layer:N", sort=None, axis=down, scale=alt.Scale(padding=0.4))
    rows = alt.Chart(named("centroid_layers")).transform_filter(f"isValid(datum.{field})")
    base = rows.encode(
        x=x,
        y=alt.Y(f"{field}:Q", title=words, axis=alt.Axis(tickCount=5)),
        color=themed("within"),
        tooltip=[alt.Tooltip("layer:N"), alt.Tooltip(f"{field}:Q", title=words)],
    )
    layers = [base.mark_line(strokeWidth=1.75), base.mark_point(filled=True, size=60, opacity=1)]
    if field == "norm":
        spans = rows.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=1.5)
        y = alt.Y("low:Q", title=words)
        layers.insert(0, spans.encode(x=x, y=y, y2="high:Q", color=themed("muted")))
    return alt.layer(*layers).add_params(*params()).properties(height=200)


def build(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the charts of this group.

    Parameters
    ----------
    summary : mapping
        As `wsgeo.reporting.summary.summarize` returns.

    Returns
    -------
    dict of str to altair chart
        By panel.
    """
    found = summary["regions"]
    n_regions = max((len(level["names"]) for level in found["levels"]), default=1)
    return {
        "region_map": region_map(n_regions, len(found["ids"])),
        "counts": counts_chart(),
        "centroid_angles": layer_chart("angle", "angle of two task vectors (degrees)"),
        "centroid_norms": layer_chart("norm", "norm of the task vectors"),
        "centroid_shares": layer_chart("share", "share of the mean (fraction)"),
    }
