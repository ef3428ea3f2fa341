"""``wsgeo compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wsgeo.commands import options


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
    lines += [f"{name}: {old} -> {new}" for name, (old, new) in found["settings"].items()]
    pairs = found["pairs"]
    lines.append(f"{pairs['n_common']} pairs in both runs.")
    if pairs["largest_change"] is not None:
        lines.append(f"Largest change of a convexity gap: {pairs['largest_change']:.4g} nats.")
    lines += [
        f"{row['a']} - {row['b']}: {row['status']} -> {row['status_new']}"
        for row in pairs["status_changed"]
    ]
    lines.append(f"{len(pairs['outside_intervals'])} pairs changed by more than their intervals.")
    if found["basins"] is not None:
        lines.append(f"Agreement of the basins (adjusted Rand index): {found['basins']:.2f}")
    return lines
