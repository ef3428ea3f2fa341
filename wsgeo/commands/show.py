"""``wsgeo show``."""

from __future__ import annotations

from pathlib import Path

import click

from wsgeo.commands import options


@click.command("show")
@click.argument("run", type=options.existing_folder)
@options.as_json
def command(run: Path, as_json: bool) -> None:
    """Print the summary of RUN."""
    from wsgeo.commands.console import answer, answer_json
    from wsgeo.commands.summaries import page
    from wsgeo.workflows.showing import show

    summary = show(run)
    if as_json:
        answer_json(summary)
    else:
        answer(page(summary))
