"""``wsgeo centroid``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from wsgeo.commands import options


@click.command("centroid", cls=options.RiskyCommand)
@click.argument("run", type=options.existing_folder)
@click.option("--basin", type=int, help="Which basin.  [default: the largest]")
@click.option("--region", type=int, help="Which cluster of task vectors, instead of a basin.")
@click.option("--group", help="Which loss group.  [default: the largest]")
@options.out
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Number format of the file.",
)
@click.option("--force", is_flag=True, help="Average across a barrier.")
@options.jobs
@options.as_json
def command(as_json: bool, **given: Any) -> None:
    """Save the mean of a basin's members as a model folder, measured beside them.

    The folder holds the weights, the tokenizer, a model card with the evidence, and the same merge
    as a mergekit recipe.
    """
    from wsgeo.commands.console import answer, answer_json, progress
    from wsgeo.workflows.centring import centroid

    if given["basin"] is not None and given["region"] is not None:
        raise click.UsageError("--basin and --region exclude each other.")
    with progress() as shown:
        row = centroid(**given, progress=shown, command=["wsgeo", *sys.argv[1:]])
    if as_json:
        answer_json(row)
    else:
        answer(_page(row))


def _page(row: dict[str, Any]) -> str:
    """Return the evidence as lines."""
    members = f"{len(row['members'])} members"
    lines = [f"{row['name']}: the mean of {members}, saved in {Path(row['folder'])}", ""]
    lines.append(f"{'':16}{'loss (nats)':>12}{'metric':>9}")
    figures = (
        ("centroid", "loss", "metric"),
        ("mean member", "mean_member_loss", "mean_member_metric"),
        ("best member", "best_member_loss", "best_member_metric"),
        ("medoid", "medoid_loss", "medoid_metric"),
    )
    lines += [
        f"{label:16}{row[loss]:12.4f}{row[metric]:9.3f}"
        for label, loss, metric in figures
        if row[loss] is not None
    ]
    return "\n".join(lines)
