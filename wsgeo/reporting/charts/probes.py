"""The chart of probes: one strip per measure, each on its own scale."""

from __future__ import annotations

from typing import Any

import altair as alt

from wsgeo.reporting.charts.parts import MEMBER_TIP, Layered, named, params, points, themed
from wsgeo.reporting.charts.scores import lane, mean_ticks, row_height, rows


def probes_chart(labels: list[int]) -> Layered:
    """Return the measures of one probe: a strip each, from the lowest to the highest member.

    Parameters
    ----------
    labels : list of int
        Labels of the groups, noise left out.

    Returns
    -------
    altair.LayerChart
        As high as one row. Data sets ``probe_values`` and ``probe_means`` with ``x`` (0 at the low end of the
        measure's scale, 1 at its high end), and ``probe_ends`` with ``low_words`` and ``high_words``.
    """
    scale = alt.Scale(domain=[0, 1], nice=False, padding=54)  # pixels, for the words at the ends
    x = alt.X("x:Q", scale=scale, axis=None)
    dots = points("probe_values", labels, 44).encode(
        x=x,
        y=rows(),
        yOffset=lane(labels),
        tooltip=[
            *MEMBER_TIP[:2],
            alt.Tooltip("part:N", title="measure"),
            alt.Tooltip("value:Q"),
            alt.Tooltip("unit:N"),
        ],
    )
    low = _ends("low", 0).mark_text(align="right", dx=-10, fontSize=11, tooltip=None)
    high = _ends("high", 1).mark_text(align="left", dx=10, fontSize=11, tooltip=None)
    ticks = mean_ticks("probe_means", "x", labels)
    return (
        alt.layer(low, high, dots, ticks)
        .add_params(*params())
        .properties(height=row_height(labels))
    )


def _ends(end: str, place: int) -> alt.Chart:
    """Return what is written at one end of each strip."""
    ends: alt.Chart = (
        alt.Chart(named("probe_ends"))
        .transform_calculate(at=str(place))
        .encode(x=alt.X("at:Q", axis=None), y=rows(), text=f"{end}_words:N", color=themed("muted"))
    )
    return ends


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
    return {"probes": probes_chart(labels)}
