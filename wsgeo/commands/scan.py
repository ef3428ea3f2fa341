"""``wsgeo scan``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wsgeo.commands import options


@click.command("scan", cls=options.RiskyCommand)
@click.argument("zoo", type=options.existing_folder)
@click.option(
    "--id",
    "ids",
    multiple=True,
    help="One more entry: a path, a hub id org/name@revision, or base+adapter. Repeatable.",
)
@options.out
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True),
    help="Examples (Parquet, JSONL, CSV, TSV, text).  [default: what the zoo names]",
)
@click.option("--split", help="Split to read where --data is a folder.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=NAME",
    help="Column of text_a, text_b, label, label_name or id, where its name does not say it.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="DATA=MODEL",
    help="Label of the members that a label of the data is, where the names differ. Repeatable.",
)
@click.option(
    "--objective",
    type=click.Choice(["classification", "masked_lm", "causal_lm", "seq2seq"]),
    help="What the loss is.  [default: from the model class]",
)
@click.option(
    "--examples", "n_examples", type=int, default=512, show_default=True, help="Examples per loss."
)
@click.option(
    "--points", "n_points", type=int, default=11, show_default=True, help="Positions along a path."
)
@click.option("--tau", default="auto", show_default=True, help="Threshold in nats, or auto.")
@click.option(
    "--head-policy",
    type=click.Choice(["interpolate", "own", "source", "refit"]),
    default="interpolate",
    show_default=True,
    help="What becomes of the head along a path: it moves along, it is that of one end (own, source), "
    "or a linear probe is fitted at every point to half of the examples and measured on the rest.",
)
@options.base
@click.option("--all-steps", is_flag=True, help="Take every checkpoint-N of a trainer's series.")
@options.seed
@options.jobs
@options.dry_run
@options.as_json
@options.allow_pickle
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Measure ZOO: barriers, basins, map, report.

    ZOO is a folder of model folders, adapters or trainer outputs. The same command goes on where it
    was stopped and computes only what is missing.
    """
    from wsgeo.commands.console import answer, answer_json, progress, say
    from wsgeo.commands.summaries import page
    from wsgeo.workflows.scanning import plan_scan, scan

    as_json, dry_run = given.pop("as_json"), given.pop("dry_run")
    request = _request(given)
    with progress() as shown:
        if dry_run:
            plan = plan_scan(**request, progress=shown)
            summary: dict[str, Any] = plan.as_dict()
            lines = [str(plan)]
        else:
            summary = scan(**request, progress=shown, announce=say).read("summary")
            lines = page(summary)
    if as_json:
        answer_json(summary)
    else:
        answer(lines)
    ctx.exit(summary.get("exit_code", 0))


def _request(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options as arguments of the Python function."""
    from wsgeo.errors import WsgeoError
    from wsgeo.workflows.settings import ScanSettings

    tau = given.pop("tau")
    try:
        threshold = None if tau == "auto" else float(tau)
    except ValueError as error:
        raise WsgeoError(f"--tau is {tau!r}", remedy="Take a number or auto.") from error
    names = ("n_examples", "n_points", "head_policy", "seed")
    settings = ScanSettings(tau=threshold, **{name: given.pop(name) for name in names})
    columns = dict(_pair("--column", text, "text_a=premise") for text in given.pop("columns"))
    labels = dict(_pair("--label", text, "0=negative") for text in given.pop("labels"))
    return {**given, "columns": columns, "labels": labels, "settings": settings}


def _pair(option: str, text: str, such_as: str) -> tuple[str, str]:
    """Return both sides of one ``NAME=NAME``."""
    from wsgeo.errors import WsgeoError

    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise WsgeoError(f"{option} is {text!r}", remedy=f"Write it as {such_as}.")
    return name, value
