"""The chart of significance: the nulls and where the zoo itself lies."""

from __future__ import annotations

import altair as alt

from wsgeo.reporting.charts.parts import Layered, named, params, themed


def nulls_chart() -> Layered:
    """Return the histogram of the statistic under each null, with the observed value.

    Returns
    -------
    altair.LayerChart
        Data sets ``nulls`` and ``observed``.
    """
    hues = alt.Scale(range=[alt.ExprRef(name) for name in ("within", "between", "muted")])
    bars = (
        alt.Chart(named("nulls"))
        .mark_bar(opacity=0.55, binSpacing=0)
        .encode(
            x=alt.X(
                "statistic:Q",
                bin=alt.Bin(maxbins=40),
                title="silhouette of the best partition",
            ),
            y=alt.Y("count():Q", stack=None, title="draws"),
            color=alt.Color("null:N", scale=hues, legend=alt.Legend(orient="top", title=None)),
            tooltip=[alt.Tooltip("null:N"), alt.Tooltip("count():Q", title="draws")],
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
    return alt.layer(bars, seen).add_params(*params()).properties(height=240)
