"""What all charts share: parameters, colours of the groups, and dimming."""

from __future__ import annotations

from typing import Any, Final

import altair as alt

Layered = alt.LayerChart | alt.FacetChart
"""What altair says that it returns for layers."""

LABELLED: Final = 40
"""Most members whose names are written along an axis."""

LABEL_PIXELS: Final = 150
"""Room for a name along an axis: those of `wsgeo.reporting.tables.short_labels` end within it."""

NAMED: Final = "names[datum.value]"
"""Axis label of a rank: looked up among data values, so a name is never part of an expression."""

HUES: Final = ("g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7")
"""Colours that are well told apart, for groups and for curves of one kind."""

THEME: Final = ("ink", "muted", "paper", "rule", "within", "between", *HUES)
"""Colours that the style sheet defines, for light and dark, as custom properties."""

_KEPT: Final = "!chosen || chosen[datum.member]"


def params(*extra: tuple[str, Any]) -> list[alt.Parameter]:
    """Return the parameters that the page's script sets, with their first values.

    Parameters
    ----------
    *extra : tuple of (str, Any)
        Names and first values of the chart's own parameters.

    Returns
    -------
    list of altair.Parameter
        ``chosen``, the colours of `THEME`, and ``extra``.
    """
    first = [("chosen", None), *((name, "grey") for name in THEME), *extra]
    return [alt.param(name=name, value=value) for name, value in first]


def colour(labels: list[int]) -> alt.Color:
    """Return the colour of a row's ``group``, muted for noise.

    Parameters
    ----------
    labels : list of int
        Labels of the groups, noise left out; the theme gives each its colour.

    Returns
    -------
    altair.Color
        Without a legend: the page shows one legend for all charts.
    """
    return alt.Color("group:N", **_grouped(labels, {"expr": "muted"}))


def _grouped(labels: list[int], for_noise: Any) -> dict[str, Any]:
    """Return the arguments of a channel that tells groups apart, and what noise gets instead."""
    condition = {"test": "datum.group < 0", "value": for_noise}
    return {"scale": alt.Scale(domain=labels), "legend": None, "condition": condition}


def dimmed(faint: float = 0.12, full: float = 0.95, kept: str = _KEPT) -> alt.OpacityValue:
    """Return the opacity of a row: faint where members are chosen and its own is not.

    Parameters
    ----------
    faint, full : float
        Opacities in [0, 1].
    kept : str
        Expression that is true for rows to keep.

    Returns
    -------
    altair.OpacityValue
        The channel.
    """
    return alt.OpacityValue(faint, condition={"test": kept, "value": full})


def themed(name: str) -> Any:
    """Return a colour of the theme as a channel's value.

    Parameters
    ----------
    name : str
        One of `THEME`.

    Returns
    -------
    dict
        The value.
    """
    return alt.value(alt.ExprRef(name))


def legible() -> alt.Color:
    """Return the colour of a figure in a cell: that of the page on a cell of high ``strength``.

    Returns
    -------
    altair.Color
        The channel.
    """
    strong = {"test": "datum.strength > 0.5", "value": {"expr": "paper"}}
    return alt.ColorValue({"expr": "ink"}, condition=strong)  # type: ignore[return-value]


def named(name: str) -> alt.NamedData:
    """Return a data set that the page's script fills.

    Parameters
    ----------
    name : str
        Its name in ``page.js``.

    Returns
    -------
    altair.NamedData
        The reference.
    """
    return alt.NamedData(name=name)


def dot_size(n_members: int) -> int:
    """Return the area of a member's point, smaller where there are many.

    Parameters
    ----------
    n_members : int
        Number of points.

    Returns
    -------
    int
        Square pixels.
    """
    return 110 if n_members <= LABELLED else 60


def points(source: str, labels: list[int], size: int) -> alt.Chart:
    """Return members as points: colour and shape by group, hollow for noise, dimmed unless chosen.

    Parameters
    ----------
    source : str
        Data set with ``member``, ``group`` and the position fields.
    labels : list of int
        Labels of the groups, noise left out.
    size : int
        Area of a point in square pixels.

    Returns
    -------
    altair.Chart
        Without positions.
    """
    found: alt.Chart = (
        alt.Chart(named(source))
        .mark_point(size=size, strokeWidth=1.4, fillOpacity=0.72, cursor="pointer")
        .encode(
            stroke=alt.Stroke("group:N", **_grouped(labels, {"expr": "muted"})),
            fill=alt.Fill("group:N", **_grouped(labels, {"expr": "paper"})),
            shape=alt.Shape("group:N", **_grouped(labels, "circle")),
            opacity=dimmed(),
            tooltip=MEMBER_TIP,
        )
    )
    return found


MEMBER_TIP: Final = [
    alt.Tooltip("id:N", title="member"),
    alt.Tooltip("group_name:N", title="group"),
    alt.Tooltip("loss:Q", title="loss (nats)"),
    alt.Tooltip("metric:Q", title="metric"),
]
"""What a member's tooltip says."""
