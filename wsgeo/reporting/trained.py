"""How the members were trained: their settings, against groups and gaps, and task vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from wsgeo.graph.setting_words import title
from wsgeo.reporting.figures import number
from wsgeo.reporting.plain import plain

DRAWN: Final = 40
"""Most values of a setting that are drawn as rows."""

_LENGTH: Final = 60  # characters of a value that are shown


def trained(
    frames: Mapping[str, pl.DataFrame], people: Mapping[str, list[Any]], run: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the panel of settings shows.

    Parameters
    ----------
    frames : mapping of str to polars.DataFrame
        Tables ``settings`` and ``associations``, completed.
    people : mapping of str to list
        The members' columns.
    run : mapping
        What the run says of its settings, in sentences: ``trained`` and ``angles``.

    Returns
    -------
    dict
        ``axes`` (per setting ``title``, ``values`` as shown, and ``codes``: the position of each
        member's value, -1 for none), ``rows`` (the table of associations, settings by ``title``,
        strongest first), ``undrawn`` (titles of settings with too many values), ``said``, and
        ``angles`` (``group``, ``rows`` and ``said`` of the task vectors).
    """
    found = frames["associations"].drop_nulls("axis")
    of_angles = (pl.col("matrix") == "task_vector").fill_null(value=False)  # version 1: gaps only
    rows, angles = _rows(found.filter(~of_angles)), found.filter(of_angles)
    place = {name: k for k, name in enumerate(people["id"])}
    mine = frames["settings"].filter(pl.col("id").is_in(list(place)))
    parts = mine.partition_by("axis", as_dict=True, maintain_order=True)
    varying = {str(axis): part for (axis,), part in parts.items() if part["value"].n_unique() > 1}
    strongest = {row["title"]: k for k, row in enumerate(rows)}
    names = sorted(varying, key=lambda name: strongest.get(title(name), len(rows)))
    drawn = [name for name in names if varying[name]["value"].n_unique() <= DRAWN]
    return {
        "axes": [_axis(name, varying[name], place) for name in drawn],
        "rows": plain(rows),
        "undrawn": [title(name) for name in names if name not in drawn],
        "said": _sentences(run, "trained"),
        "angles": _angles(angles, _sentences(run, "angles")),
    }


def _angles(found: pl.DataFrame, said: list[str]) -> dict[str, Any]:
    """Return the rows and sentences of the first geometry group."""
    group = found["group"].first()
    rows = _rows(found.filter(pl.col("group").eq_missing(group)))
    return {"group": group, "rows": plain(rows), "said": said}


def _sentences(run: Mapping[str, Any], key: str) -> list[str]:
    return [str(one) for one in run.get(key) or []]


def _axis(name: str, part: pl.DataFrame, place: Mapping[str, int]) -> dict[str, Any]:
    """Return one setting; numbers are in their order, other values in that of the members."""
    values = part.select("value", "number").unique("value", maintain_order=True)
    if not values["number"].null_count():
        values = values.sort("number")
    code = {value: k for k, value in enumerate(values["value"])}
    codes = [-1] * len(place)
    for member, value in part.select("id", "value").iter_rows():
        codes[place[member]] = code[value]
    return {"title": title(name), "values": _distinct(values), "codes": codes}


def _distinct(values: pl.DataFrame) -> list[str]:
    """Return the values as shown, those that look alike told apart by a count."""
    shown: list[str] = []
    for text, found in values.iter_rows():
        name = text if found is None else number(int(found) if found.is_integer() else found)
        name = name if len(name) <= _LENGTH else name[: _LENGTH - 1] + "…"
        shown.append(name if name not in shown else f"{name} ({len(shown)})")
    return shown


def _rows(found: pl.DataFrame) -> list[dict[str, Any]]:
    return sorted(map(_row, found.to_dicts()), key=_strength)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    same = row["same_as"]
    return {**row, "title": title(row["axis"]), "same_as": None if same is None else title(same)}


def _strength(row: Mapping[str, Any]) -> tuple[float, ...]:
    """Return what puts the setting with the most evidence first."""
    tests = (row["q_value"], row["mantel_q"])
    sizes = (-(row[name] or 0.0) for name in ("cramers_v", "difference"))
    return (*(1.0 if q is None else q for q in tests), *sizes)
