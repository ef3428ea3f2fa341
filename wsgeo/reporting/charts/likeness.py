"""Charts of likeness: gaps against answers, and which distance tells how members generalise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import altair as alt

from wsgeo.reporting.charts.pairwise import KINDS
from wsgeo.reporting.charts.parts import HUES, LABELLED, Layered, dimmed, named, params, themed
from wsgeo.reporting.charts.scores import rows

_STEP: Final = 34  # pixels of a slice


def likeness_chart(n_members: int) -> alt.Chart:
    """Return how unlike two members answer against the gap between them.

    Parameters
    ----------
    n_members : int
        Number of members; pairs of a large zoo are drawn smaller and fainter.

    Returns
    -------
    altair.Chart
        Data set ``likeness``: the pairs with ``convexity_gap``, ``jensen_shannon`` and ``kind``.
    """
    size, full = (40, 0.7) if n_members <= LABELLED else (9, 0.35)
    kinds = alt.Scale(domain=list(KINDS), range=[alt.ExprRef(kind) for kind in KINDS])
    axis = alt.Axis(tickCount=5, labelFlush=False)
    found: alt.Chart = (
        alt.Chart(named("likeness"))
        .mark_point(filled=True, size=size, cursor="pointer")
        .encode(
            x=alt.X("convexity_gap:Q", title="convexity gap (nats per example)", axis=axis),
            y=alt.Y("jensen_shannon:Q", title="distance of the answers (0 to 1)", axis=axis),
            color=alt.Color("kind:N", scale=kinds, legend=alt.Legend(orient="top", title=None)),
            opacity=dimmed(0.05, full, "!chosen || (chosen[datum.a] && chosen[datum.b])"),
            tooltip=[
                alt.Tooltip("a_id:N", title="a"),
                alt.Tooltip("b_id:N", title="b"),
                alt.Tooltip("convexity_gap:Q", title="convexity gap (nats)"),
                alt.Tooltip("jensen_shannon:Q", title="distance of the answers"),
            ],
        )
        .add_params(*params())
        .properties(height=300)
    )
    return found


def predictors_chart(n_rows: int) -> Layered:
    """Return, slice by slice, how well each distance goes with the difference of two scores.

    Parameters
    ----------
    n_rows : int
        Number of slices.

    Returns
    -------
    altair.LayerChart
        Data sets ``predictors`` (``part``, ``matrix``, ``rho``, ``found``) and ``line``.
    """
    zero = (
        alt.Chart(named("line"))
        .transform_calculate(rho="0")
        .mark_rule()
        .encode(x=alt.X("rho:Q"), color=themed("muted"))
    )
    return (
        alt.layer(zero, _dots(found=True), _dots(found=False))
        .add_params(*params())
        .properties(height=_STEP * n_rows)
    )


def _dots(found: bool) -> alt.Chart:
    """Return the correlations for which the evidence stands, filled, or the others, hollow."""
    # On a phone two columns of names would not fit.
    legend = alt.Legend(orient="top", title=None, columns=1)
    hues = alt.Scale(range=[alt.ExprRef(name) for name in HUES])
    dots: alt.Chart = (
        alt.Chart(named("predictors"))
        .transform_filter("datum.found" if found else "!datum.found")
        .mark_point(size=80, strokeWidth=1.6, filled=found)
        .encode(
            x=alt.X(
                "rho:Q",
                title="rank correlation rho",
                scale=alt.Scale(zero=True, padding=10),
                axis=alt.Axis(tickCount=5, labelFlush=False),
            ),
            y=rows(None),
            color=alt.Color("matrix:N", scale=hues, legend=legend, sort=None),
            shape=alt.Shape("matrix:N", legend=legend, sort=None),
            tooltip=[
                alt.Tooltip("part:N", title="slice"),
                alt.Tooltip("matrix:N", title="distance"),
                alt.Tooltip("rho:Q", title="rho"),
                alt.Tooltip("p_adjusted:Q", title="p, corrected"),
                alt.Tooltip("n:Q", title="members"),
            ],
        )
    )
    return dots


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
    n_rows = len({row["part"] for row in summary["strategies"]["predictors"]})
    return {
        "likeness": likeness_chart(len(summary["members"]["id"])),
        "predictors": predictors_chart(n_rows),
    }
