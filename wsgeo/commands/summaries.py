"""A run's summary as lines for people."""

from __future__ import annotations

from typing import Any

from wsgeo.counting import counted


def page(summary: dict[str, Any]) -> list[str]:
    """Return the summary of a run as lines.

    Parameters
    ----------
    summary : dict
        Content of ``summary.json``.

    Returns
    -------
    list of str
        Verdict first, then numbers, alerts, and what to do next.
    """
    if summary.get("status") == "unfinished":
        return [f"The run in {summary['run']} is unfinished. Run the same scan again to go on."]
    lines = [f"{summary['zoo']}: {_counts(summary)}", ""]
    for verdict, group in zip(summary["verdict"], summary["groups"], strict=True):
        lines += [verdict, *_group(group)]
    lines += [
        f"Task vectors of {name}: {region['verdict']}"
        for name, region in summary["regions"].items()
    ]
    # A run of an earlier version holds them among the others.
    alerts = [*summary["alerts"], *summary.get("gate_alerts", [])]
    lines += [f"Alert: {alert}" for alert in alerts]
    lines += [
        f"{row['fate'].capitalize()}: {row['id']}: {row['cause']}. {row['remedy']}"
        for row in summary["exclusions"]
    ]
    lines += ["", f"Report  {summary['report']}"]
    return lines + [f"Next    {command}" for command in summary["next"]]


def _counts(summary: dict[str, Any]) -> str:
    return (
        f"{counted(summary['n_members'], 'member')}, {counted(summary['n_pairs'], 'pair')} "
        f"({summary['n_computed']} evaluations done now, {summary['n_reused']} found done)"
    )


def _group(group: dict[str, Any]) -> list[str]:
    """Return the reasons and basins of one loss group as lines."""
    lines = [f"  {reason}" for reason in group["reasons"]]
    if said := group.get("associations"):  # runs of earlier versions say nothing of them
        lines.append(f"  {' '.join(said)}")
    for basin in group["basins"]:
        members = ", ".join(basin["members"])
        lines.append(
            f"  basin {basin['label']}: {counted(len(basin['members']), 'member')}: {members}"
        )
    return lines
