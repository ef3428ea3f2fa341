"""``wsgeo place``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wsgeo.commands import options


@click.command("place")
@click.argument("run", type=options.existing_folder)
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option(
    "--per-basin",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Most members of each basin that a model is joined with by lines.",
)
@click.option(
    "--check", is_flag=True, help="Score the models on the run's sets too, beside the predictions."
)
@click.option(
    "--suite-path", type=options.existing_folder, help="With --check: a folder of your own sets."
)
@options.jobs
@options.dry_run
@options.as_json
@click.pass_context
def command(ctx: click.Context, /, as_json: bool, **given: Any) -> None:
    """Put each MODEL on the map of RUN and predict how it generalises.

    A MODEL is a folder of a model or adapter, a hub id org/name@revision, or base+adapter. It is
    joined with a few members of each basin by lines that are measured as in the scan, and the
    scores of its basin-mates on diagnostic sets predict its own, without evaluating it there.
    """
    from wsgeo.commands.console import answer, answer_json, progress, say
    from wsgeo.workflows.placing import place

    run: Path = given.pop("run")
    with progress() as shown:
        found = place(run, given.pop("models"), **given, progress=shown, announce=say)
    if as_json:
        answer_json(found)
    else:
        answer(_cost(found) if given["dry_run"] else _page(found))
    ctx.exit(found["exit_code"])


def _cost(found: dict[str, Any]) -> list[str]:
    """Return what it would cost, and which models would be refused."""
    refused = [f"{name} will not be placed: {why}." for name, why in found["refused"].items()]
    return [found["cost"], *refused, *found["notes"]]


def _page(found: dict[str, Any]) -> list[str]:
    """Return what was found as lines: each model, then how far such answers can be trusted."""
    several = len(found["held_out"]) > 1
    trust = [
        f"{name}: {said}" if several else said for name, said in found["held_out"].items() if said
    ]
    blank = [""] if trust or found["notes"] else []
    return [*found["sentences"], *blank, *found["notes"], *trust]
