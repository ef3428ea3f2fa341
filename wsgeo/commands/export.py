"""``wsgeo export``."""

from __future__ import annotations

from pathlib import Path

import click

from wsgeo.commands import options


@click.command("export")
@click.argument("run", type=options.existing_folder)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["graphml", "gexf", "json", "csv", "mergekit"]),
    required=True,
    help="Graph as GraphML, GEXF or JSON; tables as CSV; centroids as mergekit recipes.",
)
@click.option(
    "-o", "--out", type=options.folder, required=True, help="Folder to write; made when absent."
)
@options.as_json
def command(run: Path, kind: str, out: Path, as_json: bool) -> None:
    """Write the graph and tables of RUN in other formats."""
    from wsgeo.commands.console import answer, answer_json
    from wsgeo.workflows.exporting import export

    files = [str(path) for path in export(run, kind, out)]
    if as_json:
        answer_json({"files": files})
    else:
        answer(files)
