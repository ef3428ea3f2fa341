"""Charts of losses in and around a region: by kind, by distance, in order, and along lines."""

from __future__ import annotations

from typing import Any, Final

import altair as alt

from wsgeo.reporting.charts.parts import Layered, legible, named, params, themed
from wsgeo.reporting.region_curves import CURVES
from wsgeo.reporting.region_losses import FAMILIES

_STEP: Final = 30  # pixels of a row; the page's script multiplies it by how many are shown
_HUES: Final = dict(zip(FAMILIES, ("g0", "g2", "ink", "g1", "g5", "muted"), strict=True))
_CURVE_HUES: Final = dict(zip(CURVES, ("g0", "g3", "g5", "g6", "g4"), strict=True))
_LOSS: Final = "loss (nats per example)"


def orders_chart() -> Layered:
    """Return how often a point of one kind does at least as well as one of another.

    Returns
    -------
    altair.LayerChart
        As high as one row. Data set ``orders`` with ``a``, ``b``, ``p``, ``lo``, ``hi``, ``n_a``, ``n_b``, ``mean_a``, ``mean_b``.
    """
    across = alt.Axis(orient="top", labelAngle=-90, labelLimit=150, ticks=False, domain=False)
    down = alt.Axis(labelLimit=160, ticks=False, domain=False)
    base = (
        alt.Chart(named("orders"))
        .transform_calculate(strength="0.05 + 0.85 * datum.p")
        .encode(
            x=alt.X("b:N", sort=None, axis=across, title="as one of", scale=_tight()),
            y=alt.Y("a:N", sort=None, axis=down, title="a point of", scale=_tight()),
            tooltip=[
                alt.Tooltip("a:N", title="a point of"),
                alt.Tooltip("b:N", title="does at least as well as one of"),
                alt.Tooltip("p:Q", title="probability"),
                alt.Tooltip("interval:N", title="95 %"),
                alt.Tooltip("n:N", title="points"),
                alt.Tooltip("means:N", title="mean losses (nats)"),
            ],
        )
    )
    cells = base.mark_rect(cornerRadius=4).encode(
        color=themed("within"), opacity=alt.Opacity("strength:Q", scale=None, legend=None)
    )
    numbers = base.mark_text(fontSize=11).encode(text="p_words:N", color=legible())
    return alt.layer(cells, numbers).add_params(*params()).properties(height=_STEP)


def _tight() -> alt.Scale:
    return alt.Scale(paddingInner=0.06)


def losses_chart() -> Layered:
    """Return the losses of points by kind: a dot each, spread within its row, a tick at the mean.

    Returns
    -------
    altair.LayerChart
        As high as one row. Data sets ``region_losses`` (``kind``, ``family``, ``loss``, ``lane`` in [0, 1]) and ``loss_means``.
    """
    axis = alt.Axis(labelLimit=150, ticks=False, domain=False, title=None, grid=True)
    row = alt.Y("kind:N", sort=None, axis=axis, scale=alt.Scale(paddingInner=0.2))
    x = alt.X("loss:Q", title=_LOSS, scale=alt.Scale(zero=False, padding=8), axis=_few())
    dots = (
        alt.Chart(named("region_losses"))
        .mark_point(size=28, strokeWidth=1.2)
        .encode(
            x=x,
            y=row,
            yOffset=alt.YOffset("lane:Q", scale=alt.Scale(domain=[-0.1, 1.1])),
            color=_by_family(),
            tooltip=_POINT_TIP,
        )
    )
    means = (
        alt.Chart(named("loss_means"))
        .mark_tick(thickness=2.5, size=_STEP - 8)
        .encode(
            x=x,
            y=row,
            color=themed("ink"),
            tooltip=[
                alt.Tooltip("kind:N"),
                alt.Tooltip("loss:Q", title="mean loss (nats)"),
                alt.Tooltip("n:Q", title="points"),
            ],
        )
    )
    return alt.layer(dots, means).add_params(*params()).properties(height=_STEP)


def radii_chart() -> Layered:
    """Return the loss of points against their distance from the centroid; members lie near 1.

    Returns
    -------
    altair.LayerChart
        Data set ``region_losses`` with ``radius``.
    """
    dots = (
        alt.Chart(named("region_losses"))
        .transform_filter("isValid(datum.radius)")
        .mark_point(size=34, strokeWidth=1.2)
        .encode(
            x=alt.X("radius:Q", title=_RADIUS, axis=_few(), scale=alt.Scale(padding=8)),
            y=alt.Y("loss:Q", title=_LOSS, axis=_few(), scale=alt.Scale(zero=False, padding=8)),
            color=_by_family(),
            tooltip=_POINT_TIP,
        )
    )
    return alt.layer(_at_one(), dots).add_params(*params()).properties(height=260)


def lines_chart(
    curves: tuple[str, ...], title: str, scale: alt.Scale, *, log: bool = False
) -> Layered:
    """Return the loss along lines: a thin one each, the mean of each kind in bold.

    Parameters
    ----------
    curves : tuple of str
        Kinds of curves that are drawn.
    title : str
        Title of the axis of positions.
    scale : altair.Scale
        Of that axis.
    log : bool, default False
        Whether losses have a logarithmic axis: far out they grow by orders of magnitude.

    Returns
    -------
    altair.LayerChart
        Data sets ``region_lines`` and ``region_medians`` with ``curve``, ``curve_words``, ``line``, ``x``, ``loss``.
    """
    any_of = " || ".join(f"datum.curve === '{name}'" for name in curves)
    kept = f"({any_of}) && datum.loss > 0" if log else any_of
    words = [CURVES[name] for name in curves]
    hues = alt.Scale(domain=words, range=[alt.ExprRef(_CURVE_HUES[name]) for name in curves])
    legend = alt.Legend(orient="top", title=None, symbolType="stroke", symbolStrokeWidth=3)
    hue = alt.Color("curve_words:N", scale=hues, legend=legend if len(curves) > 1 else None)
    x = alt.X("x:Q", title=title, scale=scale, axis=_few())
    height = alt.Scale(type="log", nice=False) if log else alt.Scale(zero=False)
    words_of_y = _LOSS + ", log" if log else _LOSS
    y = alt.Y("loss:Q", title=words_of_y, axis=_few(), scale=height)
    thin = (
        alt.Chart(named("region_lines"))
        .transform_filter(kept)
        .mark_line(strokeWidth=1, opacity=0.4, tooltip=None)
        .encode(x=x, y=y, color=hue, detail="line:N")
    )
    bold = (
        alt.Chart(named("region_medians"))
        .transform_filter(kept)
        .mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=30, filled=True))
        .encode(
            x=x,
            y=y,
            color=hue,
            tooltip=[
                alt.Tooltip("curve_words:N", title="lines"),
                alt.Tooltip("n:Q", title="how many"),
                alt.Tooltip("x:Q", title="position"),
                alt.Tooltip("loss:Q", title="median loss (nats)"),
            ],
        )
    )
    rule = [_at_one()] if "random" in curves else []
    return alt.layer(*rule, thin, bold).add_params(*params()).properties(height=250)


def _few() -> alt.Axis:
    return alt.Axis(tickCount=5, labelFlush=False)


def _by_family() -> alt.Color:
    """Return the colour of a point by its kind, all samples of the hull alike; rows name the kinds."""
    hues = [alt.ExprRef(_HUES[name]) for name in FAMILIES]
    return alt.Color("family:N", legend=None, scale=alt.Scale(domain=list(FAMILIES), range=hues))


def _at_one() -> alt.Chart:
    """Return an upright line at the radius of the members."""
    line: alt.Chart = (
        alt.Chart(named("unit"))
        .mark_rule(strokeDash=[5, 4], strokeWidth=1.5, tooltip=None)
        .encode(x=alt.X("x:Q"), color=themed("muted"))
    )
    return line


_RADIUS: Final = "distance from the centroid (1: that of the members)"

_POINT_TIP: Final = [
    alt.Tooltip("kind:N"),
    alt.Tooltip("id:N", title="member"),
    alt.Tooltip("loss:Q", title="loss (nats)"),
    alt.Tooltip("radius:Q", title="distance (1: members)"),
]


def build() -> dict[str, Any]:
    """Return the charts of this group.

    Returns
    -------
    dict of str to altair chart
        By panel.
    """
    plain, log = alt.Scale(nice=False), alt.Scale(type="log", base=2, nice=False)
    beyond = "distance from the far end (lengths of the line, log)"
    return {
        "orders": orders_chart(),
        "losses": losses_chart(),
        "radii": radii_chart(),
        "interpolation": lines_chart(("interpolation",), "position t between two members", plain),
        "extrapolation": lines_chart(("extrapolation",), beyond, log, log=True),
        "radial": lines_chart(("random", "origin", "base"), _RADIUS, alt.Scale()),
    }
