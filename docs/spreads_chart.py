"""Scores of many models on every slice of a file: one strip per slice."""

from __future__ import annotations

from typing import Final

import altair as alt

from wsgeo.reporting.charts.parts import named, params, themed

STRIP: Final = 17
"""Pixels of a slice."""

_WIDTH: Final = 470


def spreads_chart() -> alt.FacetChart:
    """Return strips of scores: a thin line per model, a thick one at the mean, the range beside.

    Returns
    -------
    altair.FacetChart
        Data set ``spreads``: a row per model and slice with ``part`` (its panel) and
        ``part_order``, ``name`` and ``order`` (within the panel), ``metric``, ``range`` (a text), and
        ``mean`` in the first row of each slice alone.
    """
    y = alt.Y(
        "name:N",
        sort=alt.EncodingSortField("order", op="min"),
        axis=alt.Axis(title=None, ticks=False, domain=False, labelLimit=210, labelPadding=6),
    )
    x = alt.X(
        "metric:Q",
        title="accuracy",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%", tickCount=5, gridOpacity=0.6),
    )
    models = (
        alt.Chart()
        .mark_tick(thickness=1, size=STRIP - 5, opacity=0.45)
        .encode(x=x, y=y, color=themed("g0"))
    )
    means = (
        alt.Chart()
        .transform_filter("isValid(datum.mean)")
        .mark_tick(thickness=2.5, size=STRIP - 3)
        .encode(x=alt.X("mean:Q"), y=y, color=themed("ink"))
    )
    ranges = (
        alt.Chart()
        .transform_filter("isValid(datum.mean)")
        .mark_text(align="left", dx=8, fontSize=10)
        .encode(x=alt.value(_WIDTH), y=y, text="range:N", color=themed("muted"))
    )
    header = alt.Header(
        title=None, orient="top", labelAnchor="start", labelFontWeight="bold", labelPadding=2
    )
    found: alt.FacetChart = (
        alt.layer(models, means, ranges)
        .properties(width=_WIDTH, height=alt.Step(STRIP))
        .facet(
            data=named("spreads"),
            row=alt.Row(
                "part:N", sort=alt.EncodingSortField("part_order", op="min"), header=header
            ),
            spacing=8,
        )
        .resolve_scale(y="independent")
        .add_params(*params())
    )
    return found
