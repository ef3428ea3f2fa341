"""Which model to start from: what each start gains over the base, and what told it beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from wsgeo.counting import counted
from wsgeo.regions.differences import BASE, FINISHED
from wsgeo.regions.gains import ALL
from wsgeo.regions.start_tables import RANKS
from wsgeo.reporting.plain import plain

SHOWN: Final = 14
"""Most rows of a table that are shown before they are asked for."""

LISTED: Final = 30
"""Most gains, and most candidates, that the page lists (0.3 kB each)."""

DRAWN: Final = 300
"""Most gains, and most candidates, that are drawn (0.05 kB each)."""

SCORES: Final = {
    "probe_loss": "loss of a linear probe (nats)",
    "probe_metric": "metric of a linear probe (fraction)",
    "logme": "LogME",
    "h_score": "H-score",
    "few_step_loss": "loss after a few updates (nats)",
}
"""Cheap scores in words."""

METHODS: Final = {"full": "full fine-tuning", "lora": "LoRA", "bitfit": "BitFit", "probe": "probe"}
"""Ways of fine-tuning in words."""


def starts(
    frames: Mapping[str, pl.DataFrame],
    said: Sequence[str],
    notes: Sequence[str] = (),
    ranked_by: str = "probe",
) -> dict[str, Any]:
    """Return what the panel of start models shows.

    Parameters
    ----------
    frames : mapping of str to polars.DataFrame
        Tables ``starts``, ``trials`` and ``gains``.
    said : sequence of str
        What the run says of the choice.
    notes : sequence of str, optional
        What must be known of it.
    ranked_by : str, default 'probe'
        Name of the cheap score that chose, one of `wsgeo.regions.start_tables.RANKS`.

    Returns
    -------
    dict
        ``said`` and ``notes``, ``gains`` (rows over all targets first, with ``few``, ``rest`` and ``left_out``), ``dots`` (gains that
        are drawn) and ``views`` (choices of them: ``title``, ``rows`` and whether they are named ``by`` start or target),
        ``stages`` (per target and recipe ``title``, ``agreement`` and ``points``: cheap scores against the metric), the
        ``scores`` that there are and the ``first_score`` to show, ``candidates`` with ``candidates_few``, ``candidates_rest`` and ``candidates_left_out``,
        ``missing`` (fine-tunings without a result, by reason), ``n_trials`` and ``seconds``.
    """
    rows = _gains(frames["gains"])
    tried = frames["starts"].drop_nulls(["target", "start"])
    every = _candidates(tried)
    listed = _nearest(every)[:LISTED]
    stages = _stages(rows, tried)
    scores, chose = _scores(stages), RANKS.get(ranked_by, ("", 0))[0]
    return plain(  # type: ignore[no-any-return]
        {
            "said": list(said),
            "notes": list(notes),
            "gains": rows[:LISTED],
            **_split("", min(len(rows), LISTED)),
            "left_out": len(rows[LISTED:]),
            "dots": [_dot(row) for row in rows[:DRAWN]],
            "views": _views(rows[:DRAWN]),
            "stages": stages,
            "scores": scores,
            "first_score": next((k for k, one in enumerate(scores) if one["field"] == chose), 0),
            "candidates": listed,
            **_split("candidates_", len(listed)),
            "candidates_left_out": len(every) - len(listed),
            **_cost(frames["trials"]),
        }
    )


def recipe(shots: int | None, method: str | None) -> str:
    """Return in words how starts were fine-tuned.

    Parameters
    ----------
    shots : int or None
        Training examples; None for all.
    method : str or None
        What was trained.

    Returns
    -------
    str
        Such as ``BitFit, 1,000 examples``.

    Examples
    --------
    >>> recipe(1000, "bitfit"), recipe(None, "full")
    ('BitFit, 1,000 examples', 'full fine-tuning, all examples')
    """
    size = "all examples" if shots is None else counted(shots, "example")
    return f"{METHODS.get(method or '', method)}, {size}"


def _split(name: str, n_rows: int) -> dict[str, list[int]]:
    """Return which rows are shown at once and which on demand."""
    places = list(range(n_rows))
    return {f"{name}few": places[:SHOWN], f"{name}rest": places[SHOWN:]}


def _gains(gains: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the gains, those over all targets first, and of each target the chosen and largest."""
    rows = gains.drop_nulls(["target", "start"]).to_dicts()
    order = {target: k for k, target in enumerate(dict.fromkeys(row["target"] for row in rows))}
    rows.sort(key=lambda row: (row["target"] != ALL, order[row["target"]], *_rank(row)))
    return [
        row
        | {
            "overall": row["target"] == ALL,
            "target": "all targets" if row["target"] == ALL else row["target"],
            "recipe": recipe(row["shots"], row["method"]),
        }
        for row in rows
    ]


def _rank(row: Mapping[str, Any]) -> tuple[Any, ...]:
    gain = row["gain"]
    return str(row["method"]), row["shots"] or 0, gain is None, -(gain or 0.0)


def _dot(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the chart of gains needs of a row."""
    outcome = "over targets" if row["overall"] else row["outcome"] or "no verdict"
    shown = (
        "target",
        "start",
        "gain",
        "gain_lo",
        "gain_hi",
        "metric",
        "base_metric",
        "n",
        "recipe",
    )
    return {"outcome": outcome, **{name: row[name] for name in shown}}


def _views(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the choices of gains: all targets together, each start across targets, each target."""
    found: dict[tuple[str, str], list[int]] = {}
    several = len({row["recipe"] for row in rows}) > 1
    n_targets = len({row["target"] for row in rows if not row["overall"]})
    for k, row in enumerate(rows):
        if row["gain"] is None or row["kind"] == BASE:
            continue
        end = f"; {row['recipe']}" if several else ""
        found.setdefault(("start", f"{row['target']}: every start{end}"), []).append(k)
        if n_targets > 1 and not row["overall"]:
            found.setdefault(("target", f"{row['start']}: every target{end}"), []).append(k)
    views: list[dict[str, Any]] = [
        {"by": by, "title": title, "rows": own} for (by, title), own in found.items()
    ]
    overall = [view for view in views if rows[view["rows"][0]]["overall"]]
    across = [view for view in views if view["by"] == "target" and len(view["rows"]) > 1]
    single = [view for view in views if view["by"] == "start" and view not in overall]
    return overall + across + single


def _stages(rows: Sequence[Mapping[str, Any]], tried: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the cheap scores of the starts that were fine-tuned, beside their metric."""
    cheap = {(row["target"], row["shots"], row["start"]): row for row in tried.to_dicts()}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows[:DRAWN]:
        score = cheap.get((row["target"], row["shots"], row["start"]))
        if score is None or row["overall"] or row["metric"] is None:
            continue
        title = f"{row['target']}; {row['recipe']}"
        view = found.setdefault(
            (row["target"], row["recipe"]),
            {"title": title, "agreement": row["stage_agreement"], "points": []},
        )
        told = {name: score[name] for name in SCORES}
        view["points"].append(
            {"start": row["start"], "kind": score["kind"], "metric": row["metric"], **told}
        )
    return [view for view in found.values() if len(view["points"]) > 1]


def _scores(stages: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the cheap scores that any start has."""
    points = [point for view in stages for point in view["points"]]
    return [
        {"field": name, "words": words}
        for name, words in SCORES.items()
        if any(point[name] is not None for point in points)
    ]


def _candidates(tried: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the candidates of each target, the best by rank first and the base last."""
    order = {name: k for k, name in enumerate(tried["target"].unique(maintain_order=True))}
    rows = tried.to_dicts()
    rows.sort(key=lambda row: (order[row["target"]], row["shots"] or 0, _place(row)))
    return [
        row
        | {
            "members": len(row["members"] or []),
            "left_out": row["left_out"] or [],
            "shots": "all" if row["shots"] is None else row["shots"],
        }
        for row in rows
    ]


def _place(row: Mapping[str, Any]) -> tuple[bool, int]:
    return row["rank"] is None, row["rank"] or 0


def _nearest(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the best of each target, as many as there is room for, and its base."""
    room = max(1, LISTED // max(len({(row["target"], row["shots"]) for row in listed}), 1) - 1)
    return [row for row in listed if row["rank"] is None or row["rank"] <= room]


def _cost(trials: pl.DataFrame) -> dict[str, Any]:
    """Return how many fine-tunings there were, what they took, and why some have no result."""
    lost = trials.filter(~pl.col("status").is_in(FINISHED))
    missing = lost.group_by("target", "status", "reason", maintain_order=True).len("n")
    return {
        "n_trials": trials.drop_nulls("status").height,
        "seconds": float(trials["seconds"].sum()),
        "missing": missing.rename({"status": "outcome"}).to_dicts(),
    }
