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
        said = f"The run in {summary['run']} is unfinished. Run the same scan again to go on."
        return [said, *(f"What was known: {page}" for page in [summary.get("report")] if page)]
    lines = [f"{summary['zoo']}: {_counts(summary)}", ""]
    for verdict, group in zip(summary["verdict"], summary["groups"], strict=True):
        lines += [verdict, *_group(group)]
    for name, region in summary["regions"].items():
        lines += [f"Task vectors of {name}: {region['verdict']}", *_trained(region)]
    lines += summary.get("findings", [])
    several = len(summary["groups"]) > 1
    lines += [_centroid(row, several) for row in summary.get("centroids", [])]
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
        f"({counted(summary['n_computed'], 'evaluation')} computed by the last scan, "
        f"{summary['n_reused']:,} found done)"
    )


def _centroid(row: dict[str, Any], several: bool) -> str:
    """Return what is known of a saved centroid as a line, its group named where there are several."""
    name = row["name"] + (f" of {row['loss_group']}" if several and row["loss_group"] else "")
    known = row["loss"] is not None and row["best_member_loss"] is not None
    losses = (
        f"loss {row['loss']:.4g}, its best member {row['best_member']} {row['best_member_loss']:.4g}"
        if known
        else "not measured"
    )
    return f"Centroid {name}: {losses}; saved in {row['folder']}"


def _group(group: dict[str, Any]) -> list[str]:
    """Return the reasons and basins of one loss group as lines."""
    lines = [f"  {reason}" for reason in group["reasons"]]
    lines += _trained(group)
    return lines + [
        f"  {_heading(basin, group)}: {', '.join(basin['members'])}" for basin in group["basins"]
    ]


def _trained(part: dict[str, Any]) -> list[str]:
    """Return what goes with the settings of training; a run of an earlier version says nothing."""
    return [f"  {sentence}" for sentence in part.get("associations", [])]


def _heading(basin: dict[str, Any], group: dict[str, Any]) -> str:
    """Return what a group of members is, and how many; a basin only where basins were found."""
    members = counted(len(basin["members"]), "member")
    if group.get("basins_found", True):  # runs of earlier versions do not say
        return f"basin {basin['label']}: {members}"
    if len(group["basins"]) > 1 or group["p_value"] is None:
        return f"group {basin['label']}: {members}"
    return f"no basins were found: all {members} together"
