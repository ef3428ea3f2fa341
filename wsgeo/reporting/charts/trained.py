"""Charts of training settings: members by value and group, and gaps within and between values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from wsgeo.reporting.charts.pairwise import KINDS
from wsgeo.reporting.charts.parts import Layered, legible, named, params, themed

_STEP = 30  # pixels of a row; so it is in views.js


def settings_chart(noun: str) -> Layered:
    """Return how many members of each value lie in each group.

    Parameters
    ----------
    noun : str
        What a group is called.

    Returns
    -------
    altair.LayerChart
        Without a height, which depends on the setting shown. Data set ``contingency`` with ``axis``, ``value``, ``column``, ``n``, ``share`` (of the
        value's members), ``kept``; parameter ``axis`` is the number of the setting shown.
    """
    strength = "datum.n ? (0.1 + 0.8 * datum.share) * (datum.kept ? 1 : 0.2) : 0"
    across = alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False, title=noun)
    down = alt.Axis(labelLimit=150, ticks=False, domain=False, title=None)
    base = (
        alt.Chart(named("contingency"))
        .transform_filter("datum.axis === axis")
        .transform_calculate(strength=strength)
        .encode(
            x=alt.X("column:N", sort=None, axis=across, scale=alt.Scale(paddingInner=0.06)),
            y=alt.Y("value:N", sort=None, axis=down, scale=alt.Scale(paddingInner=0.12)),
            tooltip=[
                alt.Tooltip("value:N"),
                alt.Tooltip("group_name:N", title="group"),
                alt.Tooltip("n:Q", title="members"),
            ],
        )
    )
    cells = base.mark_rect(cursor="pointer", cornerRadius=4).encode(
        color=themed("within"), opacity=alt.Opacity("strength:Q", scale=None, legend=None)
    )
    counts = (
        base.transform_filter("datum.n > 0")
        .mark_text(cursor="pointer", fontSize=12)
        .encode(text="n:Q", color=legible())
    )
    return alt.layer(cells, counts).add_params(*params(("axis", 0)))


def contrasts_chart(n_rows: int, entry: str, words: str) -> Layered:
    """Return the mean distance of members within and between the values of each setting.

    Parameters
    ----------
    n_rows : int
        Number of settings.
    entry : str
        ``gap`` or ``angle``: how the names of the data sets begin.
    words : str
        Title of the axis, with the unit.

    Returns
    -------
    altair.LayerChart
        Data sets ``<entry>_spans`` (``title``, ``within``, ``between``) and ``<entry>_means``
        (``title``, ``kind``, ``mean``).
    """
    down = alt.Axis(labelLimit=150, ticks=False, domain=False, title=None)
    y = alt.Y("title:N", sort=None, axis=down)
    scale = alt.Scale(zero=True)
    kinds = alt.Scale(domain=list(KINDS), range=[alt.ExprRef(k) for k in KINDS])
    spans = (
        alt.Chart(named(f"{entry}_spans"))
        .mark_rule(strokeWidth=2)
        .encode(x=alt.X("within:Q"), x2="between:Q", y=y, color=themed("rule"))
    )
    dots = (
        alt.Chart(named(f"{entry}_means"))
        .mark_point(filled=True, size=110, opacity=1)
        .encode(
            x=alt.X("mean:Q", title=words, scale=scale, axis=alt.Axis(tickCount=5)),
            y=y,
            color=alt.Color("kind:N", scale=kinds, legend=alt.Legend(orient="top", title=None)),
            tooltip=[
                alt.Tooltip("title:N", title="setting"),
                alt.Tooltip("kind:N", title="pairs"),
                alt.Tooltip("mean:Q", title=words),
            ],
        )
    )
    return alt.layer(spans, dots).add_params(*params()).properties(height=_STEP * n_rows)


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
    of_gaps, of_angles = summary["settings"]["rows"], summary["settings"]["angles"]["rows"]
    gap, angle = "mean convexity gap (nats per example)", "mean distance (1 - cosine)"
    return {
        "settings": settings_chart(summary["noun"]),
        "contrasts": contrasts_chart(len(of_gaps), "gap", gap),
        "angles": contrasts_chart(len(of_angles), "angle", angle),
    }
