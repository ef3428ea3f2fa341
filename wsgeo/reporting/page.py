"""One offline HTML file from the summary.

The page's content security policy lets nothing load and only these scripts run, by their hashes.
Text of the zoo reaches the page in two ways: through the template, which escapes it, and as JSON in
a block that no browser executes, in which every character that could end the block is written as
an escape.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from wsgeo.files import write_text
from wsgeo.reporting.charts import charts
from wsgeo.reporting.figures import centroid_command, number
from wsgeo.reporting.packing import coded, table
from wsgeo.reporting.region_curves import CURVES
from wsgeo.reporting.region_losses import KINDS, family

PANELS: Final = (
    "overview",
    "pairs",
    "layers",
    "settings",
    "diagnostics",
    "behaviour",
    "likeness",
    "ridges",
    "placements",
    "evidence",
    "regions",
    "centroids",
    "starts",
    "members",
    "provenance",
)
"""Sections of the page, from top to bottom."""

_HERE: Final = Path(__file__).resolve().parent
_SCRIPTS: Final = ("data", "answers", "regions", "views", "page", "tables", "start")
_NUMERIC: Final = (
    "membership",
    "outlier",
    "loss",
    "metric",
    "seed",
    "step",
    "learning_rate",
    "n_parameters",
    "certainty",
)
_READ: Final = (
    *("groups", "maps", "layers", "quantities", "probes", "placed_on", "settings"),
    *("order", "tree", "graph", "bridges", "bands", "nulls", "evidence", "tau", "labels"),
    "status_words",
)
_READ_OF: Final = {
    "diagnosis": ("means", "views"),
    "strategies": ("coordinate", "correlation", "predictors"),
    "ridges": ("t", "lines", "own", "first"),
    "members": ("id", "group", "loss", "metric", "duplicate_of", "gate"),
    "placements": ("models",),
    "regions": ("ids", "levels", "map", "centres", "counts"),
    "centroid_layers": ("views",),
}
_ORDERS: Final = ("mean", "p", "lo", "hi")
_ESCAPES: Final = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def write_page(summary: Mapping[str, Any], path: Path) -> None:
    """Write the report; an older one stays until the new one is whole.

    Parameters
    ----------
    summary : mapping
        As `wsgeo.reporting.summary.summarize` returns.
    path : Path
        File to write; its folder must exist.
    """
    write_text(path, render(summary))


def render(summary: Mapping[str, Any]) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    summary : mapping
        As `wsgeo.reporting.summary.summarize` returns.

    Returns
    -------
    str
        A whole document that needs no other file.
    """
    style, scripts = _asset("templates/style.css"), (_asset("vendored/vega.js"), _page_script())
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            s=summary,
            panels=PANELS,
            names={group["label"]: group["name"] for group in summary["groups"]},
            numeric=_NUMERIC,
            provenance=_facts(summary["provenance"]),
            policy=policy(style, scripts),
            style=Markup(style),  # noqa: S704 - the package's own file
            scripts=[Markup(script) for script in scripts],  # noqa: S704 - the package's own files
            summary_json=embedded(_compact(summary)),
            charts_json=embedded(charts(summary)),
        )
    )


def embedded(value: Any) -> Markup:
    r"""Return ``value`` as JSON that may stand inside a ``script`` element.

    Parameters
    ----------
    value : Any
        Text, finite numbers, None, lists and dicts.

    Returns
    -------
    Markup
        JSON without ``<``, ``>``, ``&``, U+2028 and U+2029.

    Raises
    ------
    ValueError
        If a number is not finite.

    Examples
    --------
    >>> print(embedded(["</script>"]))
    ["\u003c/script\u003e"]
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError as error:
        raise ValueError("The summary holds a number that is not finite.") from error
    return Markup(text.translate(_ESCAPES))  # noqa: S704 - escaped on this line


def policy(style: str, scripts: Iterable[str]) -> str:
    """Return the content security policy that allows exactly these inline parts.

    Parameters
    ----------
    style : str
        Text of the style element.
    scripts : iterable of str
        Text of each script element.

    Returns
    -------
    str
        Value of the ``Content-Security-Policy`` meta element.
    """
    allowed = " ".join(_digest(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_digest(style)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    found = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{found}'"


@cache
def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _page_script() -> str:
    parts = "\n".join(_asset(f"templates/{name}.js") for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


def _environment() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"number": number, "centroid_command": centroid_command}
    return found


def _compact(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part that the script reads, long columns packed."""
    # The tables are in the template, so the script needs no rows of them.
    kept: dict[str, Any] = {key: summary[key] for key in _READ} | {
        key: {name: summary[key][name] for name in names} for key, names in _READ_OF.items()
    }
    return kept | {
        **_of_regions(summary),
        "pairs": _packed(summary["pairs"], *summary["pairs"]),
        "tree": {"bars": table(summary["tree"]["bars"])},
        "curves": _packed(summary["curves"], "pair", "grid", "loss", "metric"),
        "diagnosis": kept["diagnosis"]
        | {"parts": [_packed(part, "metric") for part in summary["diagnosis"]["parts"]]},
        "ridges": kept["ridges"]
        | {"parts": [_packed(part, "loss") for part in summary["ridges"]["parts"]]},
    }


def _of_regions(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the script reads of losses in and around regions, and of start models."""
    around, lines, starts = summary["around"], summary["region_lines"], summary["starts"]
    stages = [{**view, "points": table(view["points"])} for view in starts["stages"]]
    return {
        "around": {
            "points": table(_of_views(around["views"], "points")),
            "means": table(_of_views(around["views"], "means")),
            "orders": [_packed(view["orders"], *_ORDERS) for view in around["views"]],
        },
        "kinds": {name: {"words": words, "family": family(name)} for name, words in KINDS.items()},
        "region_lines": {
            part: table(_of_views(lines["views"], part)) for part in ("points", "medians")
        },
        "first_line": lines["first"],
        "curve_words": CURVES,
        "starts": {"dots": table(starts["dots"]), "stages": stages}
        | {name: starts[name] for name in ("views", "scores", "first_score")},
    }


def _of_views(views: Sequence[Mapping[str, Any]], part: str) -> list[dict[str, Any]]:
    """Return the rows of all views, each with the number of its own."""
    return [{"view": k, **row} for k, view in enumerate(views) for row in view[part]]


def _packed(columns: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: coded(value) if key in names else value for key, value in columns.items()}


def _facts(provenance: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the blocks of the last panel: title, and name and value of each fact."""
    general = {"version": provenance["version"], "seed": provenance["seed"]}
    blocks = [("Run", {k: v for k, v in general.items() if v is not None})]
    blocks += [("Settings", _flat(provenance["settings"])), *_data(provenance["data"])]
    blocks.append(("Seconds", _flat(provenance["timings"])))
    return [
        (title, [(name, number(value)) for name, value in facts.items()])
        for title, facts in blocks
        if facts
    ]


def _data(value: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return one block per data set."""
    several = value if isinstance(value, list) else [value]
    return [
        (f"Data {k}" if len(several) > 1 else "Data", _flat(one))
        for k, one in enumerate(several, 1)
    ]


def _flat(value: Any, above: str = "") -> dict[str, Any]:
    """Return nested settings as one level, names joined by dots."""
    if not isinstance(value, Mapping):
        return {} if value is None else {above or "value": value}
    found: dict[str, Any] = {}
    for key, item in value.items():
        found |= _flat(item, f"{above}.{key}" if above else str(key))
    return found
