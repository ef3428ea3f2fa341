"""``wsgeo compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wsgeo.commands import options
from wsgeo.counting import counted


@click.command("compare")
@click.argument("first", type=options.existing_folder)
@click.argument("second", type=options.existing_folder)
@options.as_json
def command(first: Path, second: Path, as_json: bool) -> None:
    """Show what differs between two runs: members, settings, gaps, basins."""
    from wsgeo.commands.console import answer, answer_json
    from wsgeo.workflows.comparing import compare

    found = compare(first, second)
    if as_json:
        answer_json(found)
    else:
        answer(_page(found))


def _page(found: dict[str, Any]) -> list[str]:
    """Return the differences as lines."""
    lines = [f"{kind}: {', '.join(ids)}" for kind, ids in found["members"].items() if ids]
    if not found["n_shared"]:
        lines.append("No member is in both runs.")
    if found["data"] is not None:
        old, new = map(_data, found["data"])
        lines.append(f"The data differ: {old} -> {new}")
    lines += [f"{name}: {old} -> {new}" for name, (old, new) in found["settings"].items()]
    pairs = found["pairs"]
    lines.append(f"{counted(pairs['n_common'], 'pair')} in both runs.")
    if pairs["largest_change"] is not None:
        lines.append(f"Largest change of a convexity gap: {pairs['largest_change']:.4g} nats.")
    lines += [
        f"{row['a']} - {row['b']}: {row['status']} -> {row['status_new']}"
        for row in pairs["status_changed"]
    ]
    n_outside = len(pairs["outside_intervals"])
    whose = "its interval" if n_outside == 1 else "their intervals"
    lines.append(f"{counted(n_outside, 'pair')} changed by more than {whose}.")
    if found["basins"] is not None:
        lines.append(f"Agreement of the basins (adjusted Rand index): {found['basins']:.2f}")
    return lines


def _data(sets: list[dict[str, Any]]) -> str:
    """Return what a run was measured on: source, number of examples, start of their hash."""
    said = (
        f"{one['source']} ({counted(one['n_examples'], 'example')}, hash {one['key'][:12]})"
        for one in sets
    )
    return " and ".join(said) or "none"
