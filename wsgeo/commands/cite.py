"""``wsgeo cite``."""

from __future__ import annotations

from pathlib import Path

import click

from wsgeo.commands import options


@click.command("cite")
@click.argument("run", type=options.existing_folder, required=False)
def command(run: Path | None) -> None:
    """Print BibTeX for what RUN used, or for everything that wsgeo implements."""
    from wsgeo.workflows.citing import cite

    click.echo(cite(run))
