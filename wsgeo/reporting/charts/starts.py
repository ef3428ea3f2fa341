"""Charts of start models: gains over the base, and the cheap score against the result."""

from __future__ import annotations

from typing import Any, Final

import altair as alt

from wsgeo.reporting.charts.parts import HUES, Layered, named, params, themed

_STEP: Final = 26  # pixels of a row; the page's script multiplies it by how many are shown
_OUTCOMES: Final = {
    "win": "g2", "tie": "muted", "loss": "g5", "over targets": "ink", "no verdict": "muted",
}  # fmt: skip
KINDS: Final = ("base", "member", "medoid", "centroid", "soup")
"""Kinds of starts, in the order of their colours."""


def gains_chart() -> Layered:
    """Return the gain of each start over the base: a dot, and a whisker of 95 %.

    Returns
    -------
    altair.LayerChart
        As high as one row. Data sets ``gains`` (``label``, ``gain``, ``gain_lo``, ``gain_hi``, ``outcome``) and ``zero``.
    """
    axis = alt.Axis(labelLimit=190, ticks=False, domain=False, title=None, grid=True)
    row = alt.Y("label:N", sort=None, axis=axis)
    title = "gain over the base (difference of fractions)"
    hues = alt.Scale(domain=list(_OUTCOMES), range=[alt.ExprRef(hue) for hue in _OUTCOMES.values()])
    hue = alt.Color("outcome:N", scale=hues, legend=None)
    few = alt.Axis(tickCount=5, labelFlush=False)
    x = alt.X("gain:Q", title=title, axis=few)
    rows = alt.Chart(named("gains"))
    tip = [
        alt.Tooltip("target:N"),
        alt.Tooltip("start:N"),
        alt.Tooltip("recipe:N"),
        alt.Tooltip("gain:Q"),
        alt.Tooltip("interval:N", title="95 %"),
        alt.Tooltip("metric:Q"),
        alt.Tooltip("base_metric:Q", title="metric of the base"),
        alt.Tooltip("outcome:N"),
        alt.Tooltip("n:Q", title="seeds or targets"),
    ]
    whiskers = (
        rows.transform_filter("isValid(datum.gain_lo)")
        .mark_rule(strokeWidth=2.5)
        .encode(x=alt.X("gain_lo:Q", title=title, axis=few), x2="gain_hi:Q", y=row, color=hue)
    )
    dots = rows.mark_point(filled=True, size=90, opacity=1).encode(
        x=x, y=row, color=hue, tooltip=tip
    )
    zero = (
        alt.Chart(named("zero"))
        .mark_rule(strokeDash=[5, 4], strokeWidth=1.5, tooltip=None)
        .encode(x=alt.X("x:Q"), color=themed("muted"))
    )
    return alt.layer(zero, whiskers, dots).add_params(*params()).properties(height=_STEP)


def stages_chart() -> Layered:
    """Return the metric after fine-tuning against a cheap score: a rise if the score told it.

    Returns
    -------
    altair.LayerChart
        Data set ``stages`` with ``score``, ``metric``, ``start`` and ``kind``.
    """
    scale, axis = alt.Scale(zero=False, padding=14), alt.Axis(tickCount=5, labelFlush=False)
    hues = alt.Scale(domain=list(KINDS), range=[alt.ExprRef(name) for name in HUES[: len(KINDS)]])
    legend = alt.Legend(orient="top", title=None, columns=3)
    dots = (
        alt.Chart(named("stages"))
        .mark_point(filled=True, size=90, opacity=0.85)
        .encode(
            x=alt.X("score:Q", title="the cheap score", scale=scale, axis=axis),
            y=alt.Y("metric:Q", title="metric, fine-tuned (fraction)", scale=scale, axis=axis),
            color=alt.Color("kind:N", scale=hues, legend=legend),
            shape=alt.Shape("kind:N", scale=alt.Scale(domain=list(KINDS)), legend=legend),
            tooltip=[
                alt.Tooltip("start:N"),
                alt.Tooltip("score:Q", title="cheap score"),
                alt.Tooltip("metric:Q"),
            ],
        )
    )
    return alt.layer(dots).add_params(*params()).properties(height=260)


def build() -> dict[str, Any]:
    """Return the charts of this group.

    Returns
    -------
    dict of str to altair chart
        By panel.
    """
    return {"gains": gains_chart(), "stages": stages_chart()}
