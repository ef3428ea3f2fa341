"""How the members behave on the task's own texts, one probe at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from wsgeo.reporting.plain import plain

_BINS: Final = re.compile(r"_\d+_\d+$")  # measures of neighbouring bins share a scale

Values = list[float | None]


def probes(
    frame: pl.DataFrame, place: Mapping[str, int], labels: list[int], meanings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the panel of probes shows.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns ``id``, ``probe``, ``measure``, ``value``, ``outcome``, ``reason``.
    place : mapping of str to int
        Position of each member.
    labels : list of int
        Group of each member.
    meanings : mapping of str to (str, str)
        Unit and meaning, by measure or by ``probe.measure``.

    Returns
    -------
    dict
        ``measures`` (``name``, ``unit``, ``meaning``, ``low`` and ``high`` of its scale, ``value`` of each member,
        ``means`` by group), ``views`` (``title`` of a probe, its ``measures``, and those that are the ``same``
        for all), ``first`` (the probe in which groups differ most) and ``missing`` (``probe``,
        ``outcome``, ``reason``, ``n``).
    """
    values: dict[tuple[str, str], Values] = {}
    for member, probe, measure, value in (
        frame.filter(pl.col("value").is_finite(), pl.col("id").is_in(list(place)))
        .select("id", "probe", "measure", "value")
        .iter_rows()
    ):
        values.setdefault((probe, measure), [None] * len(place))[place[member]] = value
    measures = [_measure(*key, own, labels, meanings) for key, own in values.items()]
    of_probe: dict[str, list[int]] = {}
    for k, (probe, _) in enumerate(values):
        of_probe.setdefault(probe, []).append(k)
    views = [_view(probe, own, measures) for probe, own in of_probe.items()]
    for view in views:
        _share_scales([measures[k] for k in view["measures"]])
    telling = [
        max((measures[k]["apart"] for k in view["measures"]), default=-1.0) for view in views
    ]
    return {
        "measures": plain(measures),
        "views": plain(views),
        "first": telling.index(max(telling)) if telling else 0,
        "missing": _missing(frame),
    }


def words(name: str) -> str:
    """Return a name of the tables in words.

    Parameters
    ----------
    name : str
        Such as ``bag_of_words``.

    Returns
    -------
    str
        Such as ``bag of words``.

    Examples
    --------
    >>> words("bag_of_words"), words("positive_10_20")
    ('bag of words', 'positive 10 to 20')
    """
    return re.sub(r"_(\d+)_(\d+)$", r" \1 to \2", name).replace("_", " ")


def _measure(
    probe: str, measure: str, value: Values, labels: list[int], meanings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return one measure over the members."""
    unit, meaning = meanings.get(f"{probe}.{measure}") or meanings.get(measure) or (None, None)
    known = [one for one in value if one is not None]
    return {
        "name": words(measure),
        "family": _BINS.sub("", measure),
        "unit": unit,
        "meaning": meaning,
        "low": min(known),
        "high": max(known),
        "value": value,
        **_by_group(value, labels),
    }


def _by_group(value: Values, labels: list[int]) -> dict[str, Any]:
    """Return the group means, and how far they lie apart for the spread of all members."""
    found: dict[int, list[float]] = {}
    for one, label in zip(value, labels, strict=True):
        if one is not None and label >= 0:
            found.setdefault(label, []).append(one)
    means = [
        {"group": group, "mean": sum(own) / len(own), "n": len(own)}
        for group, own in sorted(found.items())
    ]
    known = pl.Series([one for one in value if one is not None])
    wide = float(known.std() or 0.0) if len(known) > 1 else 0.0  # type: ignore[arg-type]
    apart = max((row["mean"] for row in means), default=0.0) - min(
        (row["mean"] for row in means), default=0.0
    )
    return {"means": means, "apart": apart / wide if wide > 0 else 0.0}


def _view(probe: str, own: Sequence[int], measures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a probe; what all members share is told in words and not drawn."""
    same = [
        k for k in own
        if measures[k]["low"] == measures[k]["high"] and measures[k]["value"].count(None) == 0
        and len(measures[k]["value"]) > 1
    ]  # fmt: skip
    return {"title": words(probe), "measures": [k for k in own if k not in same], "same": same}


def _share_scales(measures: Sequence[dict[str, Any]]) -> None:
    """Give the bins of one quantity the same scale."""
    for family in {measure["family"] for measure in measures}:
        bins = [measure for measure in measures if measure["family"] == family]
        low, high = min(one["low"] for one in bins), max(one["high"] for one in bins)
        for one in bins:
            one["low"], one["high"] = low, high


def _missing(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return what was not measured and why; measures of one probe and reason share a row."""
    absent = frame.filter(pl.col("value").is_null(), pl.col("probe").is_not_null())
    keys = ("probe", "outcome", "reason")
    found = absent.group_by(*keys, maintain_order=True).agg(n=pl.col("id").n_unique())
    return [row | {"probe": words(row["probe"])} for row in found.to_dicts()]
