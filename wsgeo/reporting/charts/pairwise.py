"""Charts of pairs: the heat map, and the loss along the paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import altair as alt

from wsgeo.reporting.charts.parts import (
    LABEL_PIXELS,
    LABELLED,
    NAMED,
    Layered,
    dimmed,
    named,
    params,
    themed,
)

KINDS: Final = ("within", "between")

SINGLE_LIMIT: Final = 300
"""Most pairs whose paths are drawn one by one: the eye cannot follow more."""


def heatmap_chart(n_members: int) -> Layered:
    """Return the heat map: one cell per ordered pair, members in the order of the merge tree.

    Parameters
    ----------
    n_members : int
        Number of rows.

    Returns
    -------
    altair.LayerChart
        Data set ``cells`` with ``row``, ``column`` (ranks), ``member`` (of the row), ``pair`` and
        the quantities; parameter ``quantity`` names the one shown.
    """
    few = n_members <= LABELLED
    axis = alt.Axis(
        labels=few, labelExpr=NAMED, labelLimit=LABEL_PIXELS, title=None, ticks=False, domain=False
    )
    x = alt.X("column:O", axis=axis, scale=alt.Scale(padding=0))
    y = alt.Y("row:O", axis=axis, scale=alt.Scale(padding=0))
    base = alt.Chart(named("cells")).transform_calculate(shown="datum[quantity]").encode(x=x, y=y)
    cells = base.mark_rect(cursor="pointer", invalid="show").encode(
        color=_scale(),
        opacity=dimmed(0.15, 1),
        tooltip=[
            alt.Tooltip("a_id:N", title="a"),
            alt.Tooltip("b_id:N", title="b"),
            alt.Tooltip("shown:Q", title="value"),
            alt.Tooltip("status_words:N", title="status"),
            alt.Tooltip("reason:N", title="reason"),
        ],
    )
    ring = (
        base.transform_filter("datum.pair === picked")
        .mark_rect(fillOpacity=0, strokeWidth=2.5, cursor="pointer")
        .encode(stroke=themed("ink"))
    )
    layers = [cells, ring]
    if few:
        layers.append(_marks(base, "datum.status === 'undecided'", "?"))
        layers.append(_marks(base, "!isValid(datum.shown)", "×"))
    extra = (("quantity", "convexity_gap"), ("floor", 0), ("ceiling", 1))
    return alt.layer(*layers).add_params(*params(*extra, ("picked", -1), ("names", [])))


def _scale() -> alt.Color:
    """Return the colours of the cells; a square root spreads the low gaps inside a basin."""
    return alt.Color(
        "shown:Q",
        scale=alt.Scale(
            scheme="cividis",
            type="sqrt",
            zero=False,
            domainMin=alt.ExprRef("floor"),
            domainMax=alt.ExprRef("ceiling"),
        ),
        legend=alt.Legend(
            orient="bottom", title=None, gradientThickness=10, gradientLength=280, tickCount=5
        ),
        condition={"test": "!isValid(datum.shown)", "value": {"expr": "rule"}},
    )


def _marks(base: alt.Chart, test: str, sign: str) -> alt.Chart:
    """Return a sign in the cells for which ``test`` holds."""
    marks: alt.Chart = (
        base.transform_filter(test)
        .mark_text(text=sign, fontSize=10, tooltip=None, cursor="pointer")
        .encode(color=themed("muted"), opacity=dimmed(0.15, 1))
    )
    return marks


def paths_chart(single: bool) -> Layered:
    """Return the losses along the paths: bands within and between groups, and the picked pair.

    Parameters
    ----------
    single : bool
        Whether each pair is drawn too, as a thin line.

    Returns
    -------
    altair.LayerChart
        Data sets ``bands``, ``curves`` (one row per pair, lists unfolded here) and ``picked``.
    """
    kinds = alt.Scale(domain=list(KINDS), range=[alt.ExprRef(k) for k in KINDS])
    x = alt.X(
        "t:Q",
        title="position t on the path from a to b",
        axis=alt.Axis(tickCount=5, labelFlush=False),
    )
    y = alt.Y("loss:Q", title="loss (nats per example)", scale=alt.Scale(zero=False))
    legend = alt.Legend(
        orient="top", title=None, symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1
    )
    hue = alt.Color("kind:N", scale=kinds, legend=legend)
    bands = alt.Chart(named("bands"))
    area = bands.mark_area(opacity=0.2, interpolate="monotone").encode(
        x=x, y=alt.Y("low:Q", title="loss (nats per example)"), y2="high:Q", color=hue
    )
    middle = bands.mark_line(strokeWidth=2.5, interpolate="monotone").encode(
        x=x, y=alt.Y("middle:Q"), color=hue
    )
    thin = (
        alt.Chart(named("curves"))
        .transform_flatten(["t", "loss"])
        .mark_line(strokeWidth=0.8, tooltip=None)
        .encode(
            x=x,
            y=y,
            detail="pair:N",
            color=hue,
            opacity=dimmed(0.03, 0.35, "!chosen || (chosen[datum.a] && chosen[datum.b])"),
        )
    )
    lines = [thin] if single else []
    return alt.layer(area, *lines, middle, *_picked(x, y)).add_params(*params())


def _picked(x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Return the picked pair: its losses, the chord, and the interval of its height at the peak."""
    row = alt.Chart(named("picked"))
    ink = themed("ink")
    losses = row.transform_flatten(["t", "loss", "metric"])
    tips = [
        alt.Tooltip("t:Q"),
        alt.Tooltip("loss:Q", title="loss (nats)"),
        alt.Tooltip("metric:Q"),
    ]
    line = losses.mark_line(
        strokeWidth=2, point=alt.OverlayMarkDef(size=34, filled=True, color=alt.ExprRef("ink"))
    ).encode(x=x, y=y, color=ink, tooltip=tips)
    chord = row.mark_rule(strokeDash=[4, 4]).encode(
        x="start:Q", x2="end:Q", y=alt.Y("loss_start:Q"), y2="loss_end:Q", color=ink
    )
    interval = row.mark_rule(strokeWidth=4, opacity=0.55).encode(
        x="t_peak:Q", y=alt.Y("interval_low:Q"), y2="interval_high:Q", color=ink
    )
    return [chord, interval, line]


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
    return {
        "heatmap": heatmap_chart(len(summary["members"]["id"])).properties(height=460),
        "paths": paths_chart(len(summary["curves"]["pair"]) <= SINGLE_LIMIT).properties(height=340),
    }
