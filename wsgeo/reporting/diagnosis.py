"""Scores on diagnostic sets, slice by slice, with the mean of each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from wsgeo.probing.differences import SIGNIFICANT
from wsgeo.reporting.plain import plain

SHOWN: Final = 14
"""Most slices that a panel shows at first."""

MEASURES: Final = {
    "accuracy": "right examples",
    "preference": "pairs whose better text is preferred",
    "consistency": "pairs of which both texts are right",
    "invariance": "pairs that are answered alike",
}
"""What the score of a slice counts, by its measure."""

_SUBCASE: Final = 3  # of a name such as slice/label/subcase

Key = tuple[str, str]


def diagnosis(
    scores: pl.DataFrame,
    contrasts: pl.DataFrame,
    place: Mapping[str, int],
    labels: list[int],
    sets: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the diagnostic panels show.

    Parameters
    ----------
    scores : polars.DataFrame
        Columns ``id``, ``set``, ``slice``, ``measure``, ``metric``, ``outcome``, ``reason``.
    contrasts : polars.DataFrame
        Columns ``set``, ``slice`` and ``p_adjusted``, of one loss group.
    place : mapping of str to int
        Position of each member.
    labels : list of int
        Group of each member.
    sets : mapping of str to mapping
        What the run says of a set: ``title`` and ``chance`` (fraction in [0, 1]).

    Returns
    -------
    dict
        ``parts`` (one per slice: ``set``, ``slice``, ``name`` as shown, ``depth`` of the slice, ``counts`` in
        words, ``chance``, ``n_examples``, ``metric`` of each member, ``spread`` of the group means), ``means``
        (``part``, ``group``, ``mean``, ``n``), ``views`` (``title`` and the ``parts`` to show, those that tell
        most first), ``missing`` (``set``, ``outcome``, ``reason``, ``n``).
    """
    metric, facts = _by_slice(scores, place)
    several = len({name for name, _ in metric}) > 1
    means = [_means(values, labels) for values in metric.values()]
    parts = [
        {
            "set": key[0],
            "slice": key[1],
            "name": " · ".join(key) if several else key[1],
            "depth": key[1].count("/") + 1,
            **_counted(*facts[key], (sets.get(key[0]) or {}).get("chance")),
            "metric": plain(metric[key]),
            "spread": _spread(own),
        }
        for key, own in zip(metric, means, strict=True)
    ]
    p_value = {(name, part): p for name, part, p in contrasts.select(
        "set", "slice", "p_adjusted"
    ).iter_rows()}  # fmt: skip
    return {
        "parts": plain(parts),
        "means": [plain({"part": k, **row}) for k, own in enumerate(means) for row in own],
        "views": _views(parts, [p_value.get(key) for key in metric]),
        "missing": _missing(scores),
    }


def at_first(slices: Sequence[str]) -> list[int]:
    """Return which of some slices to show at first, and which wait until they are asked for.

    Parameters
    ----------
    slices : sequence of str
        Slices, those that tell most first.

    Returns
    -------
    list of int
        Positions of the first `SHOWN` that are no subcases, or of any if all are.

    Examples
    --------
    >>> at_first(["all", "yes/neutral/passive", "yes"])
    [0, 2]
    """
    broad = [k for k, name in enumerate(slices) if name.count("/") + 1 < _SUBCASE]
    return (broad or list(range(len(slices))))[:SHOWN]


def _by_slice(
    scores: pl.DataFrame, place: Mapping[str, int]
) -> tuple[dict[Key, list[float | None]], dict[Key, tuple[str | None, int | None]]]:
    """Return each slice's scores in the order of the members, and its measure and examples."""
    done = scores.filter(pl.col("metric").is_not_null(), pl.col("id").is_in(list(place)))
    metric: dict[Key, list[float | None]] = {}
    facts: dict[Key, tuple[str | None, int | None]] = {}
    for member, name, part, measure, n, value in done.select(
        "id", "set", "slice", "measure", "n_examples", "metric"
    ).iter_rows():
        metric.setdefault((name, part), [None] * len(place))[place[member]] = value
        facts.setdefault((name, part), (measure, n))
    return metric, facts


def _counted(measure: str | None, n: int | None, chance: float | None) -> dict[str, Any]:
    """Return what the score of a slice counts; whoever answers all alike is constant at no chance."""
    # A constant answer is invariant and inconsistent: chance is that of single judgements.
    single = measure in {None, "accuracy", "preference"}
    return {
        "counts": MEASURES.get(measure or "accuracy"),
        "n_examples": n,
        "chance": chance if single else None,
    }


def _means(values: Sequence[float | None], labels: list[int]) -> list[dict[str, Any]]:
    """Return the mean of each group, noise left out."""
    found: dict[int, list[float]] = {}
    for value, label in zip(values, labels, strict=True):
        if value is not None and label >= 0:
            found.setdefault(label, []).append(value)
    return [
        {"group": group, "mean": sum(own) / len(own), "n": len(own)}
        for group, own in sorted(found.items())
    ]


def _spread(means: list[dict[str, Any]]) -> float | None:
    levels = [row["mean"] for row in means]
    return max(levels) - min(levels) if len(levels) > 1 else None


def _views(parts: list[dict[str, Any]], p_values: Sequence[float | None]) -> list[dict[str, Any]]:
    """Return the choices of slices: those that tell most, and all of each set."""

    def evidence(k: int) -> tuple[bool, float]:
        p = p_values[k]
        return p is None or p >= SIGNIFICANT, -(parts[k]["spread"] or 0.0)

    order = sorted(range(len(parts)), key=evidence)
    shown = [order[k] for k in at_first([parts[k]["slice"] for k in order])]
    views = [{"title": "that tell most", "parts": shown}]
    for name in dict.fromkeys(part["set"] for part in parts):
        own = [k for k, part in enumerate(parts) if part["set"] == name]
        outer = [k for k in own if parts[k]["depth"] < _SUBCASE]
        views.append({"title": f"of {name}", "parts": outer or own})
        if outer and len(outer) < len(own):
            views.append({"title": f"of {name}, with subcases", "parts": own})
    return views


def _missing(scores: pl.DataFrame) -> list[dict[str, Any]]:
    """Return how many scores are absent, by set and reason: an absence is a finding too."""
    absent = scores.filter(pl.col("metric").is_null())
    counted = absent.group_by("set", "outcome", "reason", maintain_order=True).len("n")
    return counted.to_dicts()
