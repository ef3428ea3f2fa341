"""``wsgeo diagnose``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wsgeo.commands import options


@click.command("diagnose")
@click.argument("run", type=options.existing_folder)
@click.option(
    "--suite",
    required=True,
    help="Diagnostic sets, joined by commas: names of shipped sets, or folders.",
)
@options.jobs
@options.as_json
def command(run: Path, suite: str, jobs: int | None, as_json: bool) -> None:
    """Score the members of RUN on diagnostic sets and compare its basins.

    Members that are alike on the task differ on sets that reveal how they solve it.
    """
    from wsgeo.commands.console import answer, answer_json, progress
    from wsgeo.workflows.diagnosing import diagnose

    names = [name.strip() for name in suite.split(",") if name.strip()]
    with progress() as shown:
        found = diagnose(run, names, jobs=jobs, progress=shown)
    if as_json:
        answer_json(found)
    else:
        answer(_page(found))


def _page(found: dict[str, Any]) -> list[str]:
    """Return what was found as lines."""
    return [*found["sentences"], "", f"Report  {found['report']}"]
