"""All charts of a page, as specifications ready for its script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wsgeo.reporting.charts import (
    evidence,
    layers,
    likeness,
    lines,
    overview,
    pairwise,
    probes,
    region_curves,
    regions,
    scores,
    starts,
    trained,
)
from wsgeo.reporting.charts.parts import THEME


def charts(summary: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the specification of every panel that has something to show.

    Parameters
    ----------
    summary : mapping
        As `wsgeo.reporting.summary.summarize` returns.

    Returns
    -------
    dict of str to dict
        Vega-Lite specifications by panel, without data, width, theme or the parameters of its
        colours, which the page's script adds.
    """
    labels = [group["label"] for group in summary["groups"] if group["label"] >= 0]
    built = {
        **overview.build(summary, labels),
        **pairwise.build(summary),
        **layers.build(summary),
        **trained.build(summary),
        **scores.build(labels),
        **probes.build(labels),
        **likeness.build(summary),
        **lines.build(),
        **regions.build(summary),
        **region_curves.build(),
        **starts.build(),
        "nulls": evidence.nulls_chart(),
    }
    return {
        panel: _specification(chart)
        for panel, chart in built.items()
        if panel not in summary["notes"]
    }


def _specification(chart: Any) -> dict[str, Any]:
    """Return the chart as a dict, without the address of its schema and altair's own theme."""
    # To check a chart is a third of the work of building it, and the tests have checked it.
    found: dict[str, Any] = chart.to_dict(validate=False)
    own = [param for param in found["params"] if param["name"] not in THEME]
    return {key: value for key, value in found.items() if key not in {"$schema", "config"}} | {
        "params": own
    }
