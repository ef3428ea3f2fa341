"""Options that mean the same in every verb."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class RiskyCommand(click.Command):
    """A command whose help lists what weakens a safeguard under a heading of its own."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, the dangerous ones last."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        for heading, dangerous in (("Options", False), ("Dangerous options", True)):
            chosen = [param for param in options if (param.name in DANGEROUS) is dangerous]
            rows = [record for param in chosen if (record := param.get_help_record(ctx))]
            with formatter.section(heading):
                formatter.write_dl(rows)


DANGEROUS = frozenset({"allow_pickle", "force"})
"""Options that weaken a safeguard."""

folder = click.Path(path_type=Path, file_okay=False)


class _ExistingFolder(click.Path):
    """A folder that is there; a missing one is one line with a remedy, as other errors are."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from wsgeo.errors import WsgeoError

        if Path(value).is_dir():
            return super().convert(value, param, ctx)
        what = "this is a file, not a folder" if Path(value).exists() else "there is no such folder"
        raise WsgeoError(what, where=str(value), remedy="Check its name, or where you are.")


existing_folder = _ExistingFolder(path_type=Path, file_okay=False)

out = click.option("-o", "--out", type=folder, help="Folder to write; made when absent.")
seed = click.option("--seed", type=int, default=0, show_default=True, help="Seed of every draw.")
jobs = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(0),
    help="Single-threaded worker processes; 0 works in this process.  [default: all cores]",
)
device = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where models run; auto takes a GPU where there is one.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
dry_run = click.option("--dry-run", is_flag=True, help="Print the cost and stop.")
base = click.option("--base", help="Folder or hub id of the pre-trained model.")
allow_pickle = click.option(
    "--allow-pickle",
    is_flag=True,
    help="Read pickled weights, by torch's weights-only loader in a child process.",
)
