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
@click.option(
    "--mode",
    type=click.Choice(["exact", "edges", "auto"]),
    default="exact",
    show_default=True,
    help="How closely lines are looked at: every position on every example; only whether a gap is "
    "above the threshold, on as few examples as that takes; or that, and every example where it "
    "is close.",
)
@click.option(
    "--error-level",
    type=float,
    default=0.01,
    show_default=True,
    help="Probability that a race says wrongly on which side of the threshold a gap is; what no race "
    "decides is measured, and judged by 95 % intervals.",
)
@click.option(
    "--evidence",
    type=click.Choice(["normal", "betting"]),
    default="normal",
    show_default=True,
    help="What that probability rests on: sums of examples are about normal; or bets, which hold for "
    "any number of examples and need more of them.",
)
@click.option(
    "--skip-joined",
    is_flag=True,
    help="With edges or auto: infer pairs that connected pairs join, and verify some of them.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16"]),
    default="fp32",
    show_default=True,
    help="Number format of the forward passes; with bf16, pairs near the threshold are measured "
    "again in fp32.",
)
@click.option(
    "--budget",
    metavar="TIME",
    help="Begin no closer look after this time (90s, 30m, 2h); the coarse map is always made.",
)
@click.option(
    "--memory", metavar="SIZE", help="Memory for loaded weights: 8GB.  [default: 1 GiB a worker]"
)
@click.option(
    "--engine",
    type=click.Choice(["local", "dask"]),
    default="local",
    show_default=True,
    help="Workers on this machine, or on those of a Dask cluster.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Dask scheduler, tcp://host:8786.  [default: an own one on this machine]",
)
@options.device
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


_SETTINGS = (
    "n_examples", "n_points", "head_policy", "seed",
    "mode", "error_level", "evidence", "skip_joined", "precision",
)  # fmt: skip


def _request(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options as arguments of the Python function."""
    from wsgeo.errors import WsgeoError
    from wsgeo.workflows.resources import Resources, bytes_of, seconds_of
    from wsgeo.workflows.settings import ScanSettings

    tau = given.pop("tau")
    try:
        threshold = None if tau == "auto" else float(tau)
    except ValueError as error:
        raise WsgeoError(f"--tau is {tau!r}", remedy="Take a number or auto.") from error
    settings = ScanSettings(tau=threshold, **{name: given.pop(name) for name in _SETTINGS})
    budget, memory = given.pop("budget"), given.pop("memory")
    given["resources"] = Resources(
        budget=None if budget is None else seconds_of(budget),
        memory=None if memory is None else bytes_of(memory),
        **{name: given.pop(name) for name in ("engine", "scheduler", "device")},
    )
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
