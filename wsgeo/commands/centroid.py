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
@click.option(
    "--region",
    metavar="NUMBER|NAME",
    help="Which cluster of task vectors, instead of a basin; or a region by its name, once `wsgeo "
    "region` was run.",
)
@click.option(
    "--level",
    type=click.Choice(["dataset", "task", "general", "basin"]),
    help="Level of the region that is named, where several have the name.",
)
@click.option(
    "--group",
    help="Loss group of the basin, or geometry or loss group of the region.  [default: the largest; "
    "a region is taken whole]",
)
@click.option(
    "--method",
    type=click.Choice(
        [
            "mean",
            "weighted",
            "medoid",
            "greedy",
            "stock",
            "median",
            "arithmetic",
            "ties",
            "dare",
            "fisher",
        ]
    ),
    default="mean",
    show_default=True,
    help="How members are merged. weighted: by --weights. medoid: the member in the middle. greedy: "
    "members are added, the best first, while the loss on half of the examples does not rise. "
    "stock: the mean, drawn toward the base where members disagree. median: the point of least "
    "summed distance. arithmetic: --scale times the mean change of the base. ties, dare: of changes "
    "that are thinned out. fisher: by what each weight means to its member.",
)
@click.option(
    "--weights",
    metavar="W,W,...",
    help="One per member, in the order of their ids, or as ID=W,ID=W (weighted, arithmetic, ties, dare).",
)
@click.option(
    "--scale",
    type=float,
    help="Multiple of the change that is added to the base (arithmetic, ties, dare).  [default: 1]",
)
@click.option(
    "--density",
    type=click.FloatRange(0, 1, min_open=True),
    help="Share of the changes that is kept.  [default: 0.2 (ties), 0.5 (dare)]",
)
@click.option(
    "--seed",
    type=int,
    help="Seed of every draw. With dare, greedy and fisher.  [default: 0]",
)
@click.option(
    "--per",
    type=click.Choice(["layer", "tensor"]),
    help="What has a share of its own (stock).  [default: layer]",
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
@click.option("--force", is_flag=True, help="Merge across a barrier.")
@options.jobs
@options.as_json
def command(as_json: bool, **given: Any) -> None:
    """Save a merge of a basin's members, by default their mean, as a model folder, measured beside them.

    The folder holds the weights, the tokenizer, a model card with the evidence, and, where mergekit
    can make the same merge, a recipe for it. LoRA adapters give an adapter that PEFT loads, where the
    method is one linear combination throughout. A region of several tasks gives the encoder that its
    members share, without a task head. The loss is that of the folder, read back.
    """
    from wsgeo.commands.console import answer, answer_json, progress
    from wsgeo.workflows.centring import centroid

    if given["basin"] is not None and given["region"] is not None:
        raise click.UsageError("--basin and --region exclude each other.")
    if given["basin"] is not None and given["level"] is not None:
        raise click.UsageError("--level is that of a region, not of a basin.")
    given["region"] = _number_or_name(given["region"])
    with progress() as shown:
        row = centroid(**given, progress=shown, command=["wsgeo", *sys.argv[1:]])
    if as_json:
        answer_json(row)
    else:
        answer(_page(row))


def _number_or_name(region: str | None) -> int | str | None:
    """Return the number of a cluster as such; all else is the name of a region."""
    return int(region) if region is not None and region.isdecimal() else region


def _page(row: dict[str, Any]) -> list[str]:
    """Return what was saved, what to know of it, and the evidence as lines."""
    members = counted(len(row["members"]), "member")
    from wsgeo.regions.tables import TITLES

    what = TITLES[row["method"]] + row["variant"].removeprefix("mean")
    lines = [f"{row['name']}: the {what} of {members}, saved in {Path(row['folder'])}"]
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
