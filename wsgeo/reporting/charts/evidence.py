"""The chart of significance: the nulls and where the zoo itself lies."""

from __future__ import annotations

import altair as alt

from wsgeo.reporting.charts.parts import HUES, Layered, named, params, themed


def nulls_chart() -> Layered:
    """Return how often each null takes values near each statistic, and the observed value.

    Returns
    -------
    altair.LayerChart
        Data sets ``nulls`` and ``observed``.
    """
    hues = alt.Scale(range=[alt.ExprRef(name) for name in HUES])
    legend = alt.Legend(orient="top", title=None, columns=3)
    curves = (
        alt.Chart(named("nulls"))
        .mark_line(strokeWidth=1.75, interpolate="monotone", point=alt.OverlayMarkDef(size=12))
        .encode(
            x=alt.X(
                "statistic:Q",
                title="silhouette of the best partition",
                axis=alt.Axis(tickCount=5, labelFlush=False),
            ),
            y=alt.Y("draws:Q", title="draws", axis=alt.Axis(tickCount=5)),
            color=alt.Color("null:N", scale=hues, legend=legend),
            tooltip=[alt.Tooltip("null:N"), alt.Tooltip("draws:Q")],
        )
    )
    seen = (
        alt.Chart(named("observed"))
        .mark_rule(strokeWidth=2.5)
        .encode(
            x=alt.X("silhouette:Q"),
            color=themed("ink"),
            tooltip=alt.Tooltip("silhouette:Q", title="this zoo"),
        )
    )
    return alt.layer(curves, seen).add_params(*params()).properties(height=240)
