"""``wsgeo centroid``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from wsgeo.commands import options
from wsgeo.counting import counted


@click.command("centroid", cls=options.RiskyCommand)
@click.argument("run", type=options.existing_folder)
@click.option("--basin", type=int, help="Which basin.  [default: the largest]")
@click.option("--region", type=int, help="Which cluster of task vectors, instead of a basin.")
@click.option(
    "--group",
    help="Loss group of the basin, or geometry or loss group of the region.  [default: the largest; "
    "a region is taken whole]",
)
@click.option(
    "--variant",
    type=click.Choice(["mean", "products", "factors"]),
    help="mean: of the weights, adapters merged. products: an adapter of the mean change of LoRA "
    "adapters. factors: an adapter of their mean factors, another point.  [default: products "
    "where all members are LoRA adapters, else mean]",
)
@click.option(
    "--rank",
    type=click.IntRange(1),
    help="Largest rank of products.  [default: the sum of the members' ranks, which is exact]",
)
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

    The folder holds the weights, the tokenizer, a model card with the evidence, and, for the mean of
    whole weights, the same merge as a mergekit recipe. LoRA adapters give an adapter that PEFT loads. A region of several tasks
    gives the encoder that its members share, without a task head. The loss is that of the folder,
    read back.
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


def _page(row: dict[str, Any]) -> list[str]:
    """Return what was saved, what to know of it, and the evidence as lines."""
    members = counted(len(row["members"]), "member")
    lines = [f"{row['name']}: the {row['variant']} of {members}, saved in {Path(row['folder'])}"]
    lines += [row["reason"]] if row["reason"] else []
    figures = (
        ("centroid", "loss", "metric"),
        ("mean member", "mean_member_loss", "mean_member_metric"),
        ("best member", "best_member_loss", "best_member_metric"),
        ("medoid", "medoid_loss", "medoid_metric"),
    )
    known = [
        f"{label:16}{row[loss]:12.4g}{row[metric]:9.3f}"
        for label, loss, metric in figures
        if row[loss] is not None
    ]
    if known:
        lines += ["", f"{'':16}{'loss (nats)':>12}{'metric':>9}", *known]
    return lines
