"""What the page says in sentences: the verdict, alerts, and why a panel is empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from wsgeo.counting import counted
from wsgeo.reporting.pairs import UNUSABLE
from wsgeo.reporting.region_notes import region_notes
from wsgeo.reporting.said import sentences

STATUS_WORDS: Final = {
    "connected": "connected",
    "undecided": "undecided",
    "separated": "separated",
    "inferred": "inferred",
    "measured": "measured",
    "endpoint_failed": "an end fails the gate",
    "nonfinite": "loss not finite",
    "failed": "failed",
    "pending": "not measured yet",
}
"""Each pair status in words."""


def verdict(run: Mapping[str, Any], groups: list[dict[str, Any]], noun: str, n: int) -> list[str]:
    """Return the run's own verdict, else one drawn from the counts.

    Parameters
    ----------
    run : mapping
        What the run says of itself; ``verdict`` may hold sentences.
    groups : list of dict
        Groups with ``label`` and ``size``.
    noun : str
        What a group is called.
    n : int
        Number of members.

    Returns
    -------
    list of str
        Sentences; the first is the headline.
    """
    if said := sentences(run.get("verdict")):
        return said
    real = [g for g in groups if g["label"] >= 0]
    if n == 0:
        return ["No checkpoint of this zoo could be compared."]
    if not real:
        return [f"{counted(n, 'checkpoint')}, not grouped."]
    held = sum(g["size"] for g in real)
    return [f"{counted(len(real), noun)} among {counted(n, 'checkpoint')}; {held} belong to one."]


def alerts(
    run: Mapping[str, Any], frames: Mapping[str, pl.DataFrame], status: list[str]
) -> list[str]:
    """Return the run's alerts after those that the tables alone show.

    Parameters
    ----------
    run : mapping
        What the run says of itself; ``alerts`` may hold sentences.
    frames : mapping of str to polars.DataFrame
        Tables, completed.
    status : list of str
        Status of each pair.

    Returns
    -------
    list of str
        Sentences.
    """
    found = []
    open_pairs = status.count("pending")
    if open_pairs:
        done = len(status) - open_pairs
        found.append(
            f"This run is not finished: {done:,} of {counted(len(status), 'pair')} are done."
        )
    broken = frames["models"].filter(~pl.col("gate").fill_null(True))["id"].to_list()
    if broken:
        found.append(
            f"Not better than a constant guess on the task itself: {_few(broken)}; the table of "
            "members says why. Pairs with such an end have no barrier and are not counted."
        )
    undecided = status.count("undecided")
    if undecided:
        found.append(
            f"{counted(undecided, 'pair')} undecided: the interval of the gap holds the threshold. "
            "More examples would settle them."
        )
    lost = status.count("failed") + status.count("nonfinite")
    if lost:
        found.append(f"{counted(lost, 'pair')} could not be measured; the heat map gives reasons.")
    # What the user left out needs no warning.
    left_out = frames["exclusions"].filter(pl.col("code").ne_missing("excluded")).height
    if left_out:
        entries = counted(left_out, "entry", "entries")
        found.append(f"{entries} of the zoo left out, with reason and remedy below.")
    return found + [str(sentence) for sentence in run.get("alerts") or []]


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def notes(summary: Mapping[str, Any]) -> dict[str, str]:
    """Return, for each panel that has nothing to show, the sentence that says why.

    Parameters
    ----------
    summary : mapping
        The summary, all parts but this one.

    Returns
    -------
    dict of str to str
        Sentence by panel; a panel that is not named has something to show.
    """
    n, gap = len(summary["members"]["id"]), "convexity_gap" in summary["pairs"]
    losses = _without_losses(n, summary["pairs"]["status"])
    reasons = {
        "map": not summary["maps"] and f"No map was drawn for {counted(n, 'member')}.",
        "graph": not gap and losses,
        "tree": not summary["tree"]["bars"] and ("No merge tree was made." if gap else losses),
        "heatmap": not summary["quantities"] and "No pair was measured.",
        "paths": not summary["curves"]["pair"] and losses,
        "layers": not summary["layers"] and _without_layers(n),
        "layer_angles": all(row["cosine"] is None for row in summary["layers"])
        and "Without a base there are no task vectors.",
        "settings": not summary["settings"]["axes"] and _without_axes(summary["settings"]),
        "contrasts": not any(row["difference"] for row in summary["settings"]["rows"])
        and "No gap within and between the values of a setting could be compared.",
        "angles": not any(row["difference"] for row in summary["settings"]["angles"]["rows"])
        and "No angle within and between the values of a setting could be compared.",
        "diagnostics": not summary["diagnosis"]["parts"]
        and "No diagnostic set was run. `wsgeo diagnose` adds one.",
        "transfer": not _both_scores(summary)
        and "Needs an in-domain and a diagnostic score of the same members.",
        **_unanswered(summary),
        "evidence": not summary["clusterings"]["method"]
        and "Nothing was clustered: four members or more with measured pairs are needed.",
        "nulls": not summary["nulls"]["statistic"] and "No null was drawn.",
        "centroids": not summary["centroids"] and "No centroid was made.",
        **region_notes(summary),
        "exclusions": not summary["exclusions"] and "Every entry of the zoo is a member.",
    }
    return {panel: reason for panel, reason in reasons.items() if reason}


def _without_losses(n: int, status: list[str]) -> str:
    """Return why no path has a loss."""
    if n < 2:
        return "Two members or more are needed."
    if not any(word in STATUS_WORDS for word in status):
        return "No loss was measured along a path. Scan with data (--data) to see barriers."
    commonest = max(STATUS_WORDS, key=status.count)
    return f"No pair has a barrier ({STATUS_WORDS[commonest]}); the table of members says why."


def _without_layers(n: int) -> str:
    """Return why no layer is drawn."""
    if n < 2:
        return "Two members or more are needed."
    return "The run has no distances by layer. Another scan measures them."


def _without_axes(settings: Mapping[str, Any]) -> str:
    """Return why no setting is drawn."""
    if settings["undrawn"]:
        return "Each setting has too many values to draw."
    if settings["said"]:
        return "No known setting varies among the members."
    return "Nothing is known of how the members were trained. Another scan reads it from the zoo."


def _both_scores(summary: Mapping[str, Any]) -> bool:
    return _beside(summary, summary["members"]["metric"])


def _beside(summary: Mapping[str, Any], figure: list[float | None]) -> bool:
    """Return whether any member has both this figure and a score."""
    return any(
        one is not None and score is not None
        for part in summary["diagnosis"]["parts"]
        for one, score in zip(figure, part["metric"], strict=True)
    )


def _unanswered(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return why there is nothing of what `diagnose` measures beside the scores."""
    strategies, ridges = summary["strategies"], summary["ridges"]
    pairs = summary["pairs"]
    alike = pairs.get("jensen_shannon") and pairs.get("convexity_gap")
    return {
        "along": not _beside(summary, strategies["coordinate"])
        and "Two basins and diagnostic scores are needed for a coordinate between them.",
        "probes": not any(view["measures"] for view in summary["probes"]["views"])
        and "No probe was measured. `wsgeo diagnose` runs them.",
        "likeness": not alike
        and "The answers of members were not compared. `wsgeo diagnose` does.",
        "predictors": not strategies["predictors"]
        and "Needs four members with scores that differ, and measured pairs.",
        "own_curves": ridges["own"] is None
        and "The task's own examples were not followed along these lines.",
        "slice_curves": not ridges["lines"] and "No set was followed along a line.",
        "attributions": not ridges["attributions"] and "No line between basins has a ridge.",
    }


def cards(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the figures at the top of the page.

    Parameters
    ----------
    summary : mapping
        The summary so far.

    Returns
    -------
    list of dict
        ``label``, ``value`` (a number or text) and ``note``.
    """
    status = summary["pairs"]["status"]
    done = sum(s not in UNUSABLE for s in status)
    real = [g["size"] for g in summary["groups"] if g["label"] >= 0]
    noise = sum(g["size"] for g in summary["groups"] if g["label"] < 0)
    default = summary["evidence"]
    return [
        {
            "label": "members",
            "value": len(summary["members"]["id"]),
            "note": f"{len(summary['exclusions'])} left out",
        },
        {"label": "pairs measured", "value": done, "note": f"of {len(status):,}"},
        {
            "label": summary["noun"] + ("" if len(real) == 1 else "s"),
            "value": len(real),
            "note": f"sizes {', '.join(map(str, real))}; {noise} outside" if real else "none found",
        },
        {
            "label": "connected pairs",
            "value": status.count("connected"),
            "note": f"{status.count('separated'):,} separated, "
            f"{status.count('undecided'):,} undecided",
        },
        {"label": "threshold tau", "value": summary["tau"]["value"], "note": "nats per example"},
        {"label": "p-value", "value": default["p_value"], "note": "of the grouping, against nulls"},
    ]
