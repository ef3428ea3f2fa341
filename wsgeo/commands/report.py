"""``wsgeo report``."""

from __future__ import annotations

from pathlib import Path

import click

from wsgeo.commands import options


@click.command("report")
@click.argument("run", type=options.existing_folder)
def command(run: Path) -> None:
    """Write the HTML report of RUN again, from its tables."""
    from wsgeo.commands.console import answer
    from wsgeo.workflows.reports import report

    answer([str(report(run))])
