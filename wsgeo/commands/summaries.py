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
    for group in summary["groups"]:
        lines += _group(group, several=len(summary["groups"]) > 1)
    lines += [
        f"Task vectors of {name}: {region['verdict']}"
        for name, region in summary["regions"].items()
    ]
    lines += [f"Alert: {alert}" for alert in summary["alerts"]]
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


def _group(group: dict[str, Any], several: bool) -> list[str]:
    """Return the lines of one loss group, under its name where there are several."""
    lines = [f"{group['name']}: {group['verdict']}" if several else group["verdict"]]
    lines += [f"  {reason}" for reason in group["reasons"]]
    if said := group.get("associations"):  # runs of earlier versions say nothing of them
        lines.append(f"  {' '.join(said)}")
    for basin in group["basins"]:
        members = ", ".join(basin["members"])
        lines.append(
            f"  basin {basin['label']}: {counted(len(basin['members']), 'member')}: {members}"
        )
    return lines
