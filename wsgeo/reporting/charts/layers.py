"""Charts of layers: median distance and cosine along the depth of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt

from wsgeo.reporting.charts.parts import Layered, named, params
from wsgeo.reporting.layers import KINDS

_COLOURS: Final = dict(zip(KINDS, ("within", "between", "ink"), strict=True))


def layers_chart(field: str, words: str, kinds: Sequence[str]) -> Layered:
    """Return one quantity layer by layer, one line for each kind of pairs.

    Parameters
    ----------
    field : str
        ``l2`` or ``cosine``.
    words : str
        Title of its axis.
    kinds : sequence of str
        The kinds of pairs that there are.

    Returns
    -------
    altair.LayerChart
        Data set ``layers`` with ``layer``, ``kind``, ``n``, ``l2``, ``cosine``.
    """
    scale = alt.Scale(domain=list(kinds), range=[alt.ExprRef(_COLOURS[kind]) for kind in kinds])
    down = alt.Axis(labelAngle=-45, labelOverlap=True, labelLimit=110, title=None, ticks=False)
    base = (
        alt.Chart(named("layers"))
        .transform_filter(f"isValid(datum.{field})")
        .encode(
            x=alt.X("layer:N", sort=None, axis=down, scale=alt.Scale(padding=0.4)),
            y=alt.Y(f"{field}:Q", title=words, axis=alt.Axis(tickCount=5)),
            color=alt.Color("kind:N", scale=scale, legend=alt.Legend(orient="top", title=None)),
            tooltip=[
                alt.Tooltip("layer:N"),
                alt.Tooltip("kind:N", title="pairs"),
                alt.Tooltip(f"{field}:Q", title=words),
                alt.Tooltip("n:Q", title="number of pairs"),
            ],
        )
    )
    dots = base.mark_point(filled=True, size=60, opacity=1)
    return (
        alt.layer(base.mark_line(strokeWidth=1.75), dots)
        .add_params(*params())
        .properties(height=220)
    )


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
    kinds = [kind for kind in KINDS if any(row["kind"] == kind for row in summary["layers"])]
    return {
        "layers": layers_chart("l2", "median distance", kinds),
        "layer_angles": layers_chart("cosine", "median cosine of the task vectors", kinds),
    }
