"""Options that mean the same in every verb."""

from __future__ import annotations

from pathlib import Path

import click

folder = click.Path(path_type=Path, file_okay=False)
existing_folder = click.Path(path_type=Path, file_okay=False, exists=True)

out = click.option("-o", "--out", type=folder, help="Folder to write; made when absent.")
seed = click.option("--seed", type=int, default=0, show_default=True, help="Seed of every draw.")
jobs = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(0),
    help="Single-threaded worker processes; 0 works in this process.  [default: all cores]",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
dry_run = click.option("--dry-run", is_flag=True, help="Print the cost and stop.")
base = click.option("--base", help="Folder or hub id of the pre-trained model.")
allow_pickle = click.option(
    "--allow-pickle",
    is_flag=True,
    help="Dangerous: read pickled weights, with torch's weights-only loader in a child process.",
)
