"""Charts of the lines between groups: the loss along them on the task and on a slice."""

from __future__ import annotations

from typing import Any

import altair as alt

from wsgeo.reporting.charts.pairwise import KINDS
from wsgeo.reporting.charts.parts import Layered, dimmed, named, params


def lines_chart(source: str) -> Layered:
    """Return the loss along the lines within and between groups on one set of examples.

    Parameters
    ----------
    source : str
        ``own`` or ``slice``: how the names of the data sets begin.

    Returns
    -------
    altair.LayerChart
        Data sets ``<source>_lines`` (one row per line, lists unfolded here) and
        ``<source>_bands`` (``kind``, ``basins``, ``t``, ``low``, ``middle``, ``high``, ``n``).
    """
    kinds = alt.Scale(domain=list(KINDS), range=[alt.ExprRef(kind) for kind in KINDS])
    legend = alt.Legend(
        orient="top", title=None, symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1
    )
    hue = alt.Color("kind:N", scale=kinds, legend=legend)
    x = alt.X("t:Q", title="position t on the line", axis=alt.Axis(tickCount=5, labelFlush=False))
    title = "loss (nats per example)"
    y = alt.Y("loss:Q", title=title, scale=alt.Scale(zero=False))
    bands = alt.Chart(named(f"{source}_bands"))
    area = (
        bands.transform_filter("isValid(datum.low)")
        .mark_area(opacity=0.15, tooltip=None)
        .encode(x=x, y=alt.Y("low:Q", title=title), y2="high:Q", color=hue, detail="basins:N")
    )
    thin = (
        alt.Chart(named(f"{source}_lines"))
        .transform_flatten(["t", "loss"])
        .mark_line(strokeWidth=1, tooltip=None, cursor="pointer")
        .encode(
            x=x,
            y=y,
            detail="line:N",
            color=hue,
            opacity=dimmed(0.06, 0.5, "!chosen || (chosen[datum.a] && chosen[datum.b])"),
        )
    )
    middle = bands.mark_line(
        strokeWidth=2.75, point=alt.OverlayMarkDef(size=30, filled=True)
    ).encode(
        x=x,
        y=alt.Y("middle:Q"),
        color=hue,
        detail="basins:N",
        tooltip=[
            alt.Tooltip("kind:N", title="lines"),
            alt.Tooltip("n:Q", title="how many"),
            alt.Tooltip("t:Q"),
            alt.Tooltip("middle:Q", title="mean loss (nats)"),
        ],
    )
    return alt.layer(area, thin, middle).add_params(*params()).properties(height=270)


def build() -> dict[str, Any]:
    """Return the charts of this group.

    Returns
    -------
    dict of str to altair chart
        By panel.
    """
    return {"own_curves": lines_chart("own"), "slice_curves": lines_chart("slice")}
